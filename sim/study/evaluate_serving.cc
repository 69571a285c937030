#include <algorithm>
#include <cmath>
#include <memory>

#include "sim/core/quantile.h"
#include "sim/serving/serve.h"
#include "sim/serving/step_times.h"
#include "sim/study/evaluate.h"

namespace podium {
namespace {

enum class Stage { prefill, decode, mixed };

/// One template on its machine with one chunk size: an instance that could be deployed.
struct Candidate {
  Stage stage = Stage::mixed;
  const InstanceTemplate* made_from = nullptr;
  double chunk = 0;
  std::unique_ptr<Machine> machine;
  std::unique_ptr<Simulator> simulator;
  std::unique_ptr<StepTimes> steps;
  double cache_tokens = 0;
  MemoryUse memory;  ///< without cache
  double rate = 0;   ///< requests/s that one instance is predicted to take
};

/// Some instances of one candidate, or of two.
struct Split {
  const Candidate* prefill = nullptr;  ///< null: mixed
  const Candidate* decode = nullptr;
  std::uint32_t prefill_instances = 0, decode_instances = 0;
  double rate = 0;  ///< predicted

  std::string describe() const {
    const auto part = [](std::uint32_t count, const Candidate& c) {
      return std::to_string(count) + " x " + c.made_from->plan.name;
    };
    return prefill == nullptr
               ? "mixed " + part(decode_instances, *decode)
               : "prefill " + part(prefill_instances, *prefill) + ", decode " + part(decode_instances, *decode);
  }
};

/// The search for one case.
class ServingSearch {
 public:
  ServingSearch(const Study& study, const ServingWorkload& workload, const ServingOptions& options,
                const Allowance& allowance, CaseResult& result)
      : study_(study),
        workload_(workload),
        options_(options),
        result_(result),
        model_(load_model(workload.model)),
        system_(load_system(options.system)),
        chip_(load_chip(system_.chip)) {
    const auto whole = static_cast<std::uint32_t>(system_.ranks_per_domain());
    const std::uint32_t used = options.ranks_per_domain > 0 ? options.ranks_per_domain : whole;
    const std::uint32_t all = allowance.chips * static_cast<std::uint32_t>(system_.ranks_per_package);
    domains_ranks_.assign(all / whole, used);
    if (all % whole > 0) {
      domains_ranks_.push_back(std::min(all % whole, used));
    }
    result.domains = static_cast<std::uint32_t>(domains_ranks_.size());
    result.ranks = all;
    if (workload.arrivals.trace.empty()) {
      input_ = workload.arrivals.input;
      output_ = workload.arrivals.output;
    } else {
      recorded_ = load_requests(workload.arrivals.trace);
      for (const Request& request : recorded_) {
        input_ += request.input / static_cast<double>(recorded_.size());
        output_ += request.output / static_cast<double>(recorded_.size());
      }
    }
  }

  void run() {
    add_candidates(Stage::prefill, options_.prefill);
    add_candidates(Stage::decode, options_.decode);
    add_candidates(Stage::mixed, options_.mixed);
    std::vector<Split> splits = all_splits();
    std::stable_sort(splits.begin(), splits.end(), [](const Split& a, const Split& b) { return a.rate > b.rate; });
    // the prediction leaves queueing out: simulate as many as it may be wrong about
    constexpr std::size_t simulated = 3;
    for (std::size_t i = 0; i < std::min(simulated, splits.size()); ++i) {
      try_split(splits[i]);
    }
  }

 private:
  void add_candidates(Stage stage, const std::vector<InstanceTemplate>& templates) {
    for (const InstanceTemplate& made_from : templates) {
      for (const double chunk : made_from.chunk_tokens) {
        try {
          candidates_.push_back(make_candidate(stage, made_from, chunk));
        } catch (const InputError& error) {
          result_.alternatives.push_back({made_from.plan.name, 0, error.what()});
          break;  // whatever the chunk
        }
      }
    }
  }

  Candidate make_candidate(Stage stage, const InstanceTemplate& made_from, double chunk) {
    const InferencePlan& plan = made_from.plan;
    const std::uint32_t most = domains_ranks_.empty() ? 0 : domains_ranks_.front();
    if (plan.ranks() > most) {
      throw InputError("needs " + std::to_string(plan.ranks()) + " ranks in one domain, which has " +
                       std::to_string(most));
    }
    check_plan(model_, chip_, plan);
    Candidate c;
    c.stage = stage;
    c.made_from = &made_from;
    c.chunk = chunk;
    const StepShape largest = stage == Stage::decode ? StepShape{256, context(), 0, 0, 0}
                                                     : StepShape{0, 0, std::max(1.0, chunk / input_), input_, 0};
    c.memory = inference_memory(model_, chip_, plan, largest);
    c.cache_tokens = cache_capacity(model_, chip_, plan, largest, context());
    if (c.cache_tokens < input_ + output_) {
      throw InputError("weights and activations take " + to_text(c.memory.total()) + " of " +
                       to_text(chip_.memory_size) + " a rank: no room for the cache of one request");
    }
    c.machine = std::make_unique<Machine>(system_, chip_, Allocation{plan.ranks(), 0});
    c.simulator = std::make_unique<Simulator>(*c.machine, simulator_options(study_));
    c.steps = std::make_unique<StepTimes>(*c.simulator, model_, plan);
    c.rate = predict_rate(c);
    return c;
  }

  double context() const { return input_ + output_ / 2; }
  double iterations_per_request(const InferencePlan& plan) const {
    return std::max(1.0, (output_ - 1) / plan.tokens_per_iteration());
  }

  /// Requests a second of one instance that is always busy, within the SLO as far as a step alone tells.
  double predict_rate(const Candidate& c) const {
    const InferencePlan& plan = c.steps->plan();
    const double dp = plan.dp;
    const double sequences = std::max(1.0, std::floor(c.chunk / input_));
    const double tokens = std::min(c.chunk, input_);
    const double steps_per_prompt = std::ceil(input_ / c.chunk);
    if (c.stage == Stage::prefill) {
      const Seconds step = c.steps->time({0, 0, sequences, tokens, 0});
      // a prompt waits for the step under way and then takes its own: beyond that the load must stay below one
      const double slack = (workload_.slo.ttft / (step * steps_per_prompt)) - 1;
      const double load = std::clamp(slack, 0.0, 1.0);
      return load * dp * sequences / steps_per_prompt / step.value();
    }
    const auto tpot = [&](double batch) {
      const StepShape decode{batch, context(), 0, 0, 0};
      if (c.stage == Stage::decode) {
        return c.steps->time(decode) / plan.tokens_per_iteration();
      }
      StepShape mixed{batch, context(), 1, tokens, 0};
      // the share of iterations that carry a chunk, so that prompts keep up with the sequences that end
      const double chunks = std::min(1.0, batch / iterations_per_request(plan) * steps_per_prompt);
      return (c.steps->time(mixed) * chunks + c.steps->time(decode) * (1 - chunks)) / plan.tokens_per_iteration();
    };
    const double most = std::floor(c.cache_tokens / context());
    double low = 0, high = std::min(most, 1024.0);
    while (high - low > 1) {
      const double middle = std::floor((low + high) / 2);
      (tpot(middle) <= workload_.slo.tpot ? low : high) = middle;
    }
    if (low < 1) {
      return 0;
    }
    return dp * low / (tpot(low).value() * std::max(1.0, output_ - 1));
  }

  /// How many instances of `ranks` fit, each within one domain, beside those that are there.
  std::uint32_t most_instances(std::uint32_t ranks, std::uint32_t other_ranks, std::uint32_t others) const {
    std::uint32_t count = 0;
    for (std::uint32_t free : domains_ranks_) {
      while (others > 0 && free >= other_ranks) {
        free -= other_ranks;
        --others;
      }
      count += free / ranks;
    }
    return others > 0 ? 0 : count;
  }

  std::vector<Split> all_splits() const {
    std::vector<Split> splits;
    for (const Candidate& decode : candidates_) {
      const std::uint32_t ranks = decode.made_from->plan.ranks();
      if (decode.stage == Stage::mixed) {
        const std::uint32_t count = most_instances(ranks, 1, 0);
        splits.push_back({nullptr, &decode, 0, count, count * decode.rate});
      }
      if (decode.stage != Stage::decode) {
        continue;
      }
      for (const Candidate& prefill : candidates_) {
        if (prefill.stage != Stage::prefill) {
          continue;
        }
        Split best;
        for (std::uint32_t d = 1; d <= most_instances(ranks, 1, 0); ++d) {
          const std::uint32_t p = most_instances(prefill.made_from->plan.ranks(), ranks, d);
          const double rate = std::min(p * prefill.rate, d * decode.rate);
          if (rate > best.rate) {
            best = {&prefill, &decode, p, d, rate};
          }
        }
        splits.push_back(best);
      }
    }
    std::erase_if(splits, [](const Split& split) { return !(split.rate > 0); });
    return splits;
  }

  Deployment deploy(const Split& split) const {
    const auto pool = [](const Candidate& c, std::uint32_t instances) {
      Pool result;
      result.plan = c.made_from->plan;
      result.step_time = [&c](const StepShape& shape) { return c.steps->time(shape); };
      result.instances = instances;
      result.chunk_tokens = c.chunk;
      result.max_sequences = 1024;
      result.cache_tokens = c.cache_tokens;
      return result;
    };
    Deployment deployment;
    deployment.decode = pool(*split.decode, split.decode_instances);
    if (split.prefill != nullptr) {
      deployment.prefill = pool(*split.prefill, split.prefill_instances);
      deployment.transfer = cache_transfer(*split.prefill);
    }
    return deployment;
  }

  CacheTransfer cache_transfer(const Candidate& from) const {
    const Topology& network = from.machine->network();
    const std::uint32_t plane = network.plane_index(options_.transfer_plane);
    CacheTransfer transfer;
    transfer.per_token = cache_bytes_per_token(model_, from.steps->plan());
    for (const Link& link : network.links) {
      if (link.plane == plane && link.from == network.accelerator(0)) {
        transfer.bandwidth += link.bandwidth * network.planes[plane].payload_efficiency_far;
      }
    }
    transfer.latency = from.machine->protocol(plane).send_launch;
    return transfer;
  }

  UnitRequests requests(double rate) const {
    const Seconds length = workload_.warm_up + workload_.measured + drain();
    const auto count = static_cast<std::size_t>(std::ceil(std::max(400.0, rate * length.value())));
    return recorded_.empty() ? poisson_requests(count, workload_.arrivals.input, workload_.arrivals.output, study_.seed)
                             : scale_to_unit_rate(recorded_, count);
  }

  /// The end of a run is not measured: the last requests have the machine to themselves.
  Seconds drain() const { return workload_.slo.ttft + workload_.slo.tpot * output_; }

  struct Measured {
    std::vector<double> ttft, tpot;
    double tokens = 0;
    Seconds time;
  };
  Measured measure(const Served& served) const {
    Measured m;
    const Seconds last = since_start(served.outcomes.back().arrival);
    // a run of few requests is longer than asked for: its middle is measured all the same
    const double whole = (workload_.warm_up + workload_.measured + drain()).value();
    const Time from = Time() + last * (workload_.warm_up.value() / whole);
    const Time until = Time() + last * ((workload_.warm_up + workload_.measured).value() / whole);
    for (const Outcome& outcome : served.outcomes) {
      if (outcome.arrival >= from && outcome.arrival < until && !outcome.refused) {
        m.ttft.push_back(outcome.ttft().value());
        if (outcome.output > 1) {
          m.tpot.push_back(outcome.tpot().value());
        }
        m.tokens += outcome.output;
      }
    }
    m.time = until - from;
    return m;
  }

  bool keeps_slo(const Served& served) const {
    Measured m = measure(served);
    return !m.ttft.empty() && quantile(m.ttft, workload_.slo.quantile) <= workload_.slo.ttft.value() &&
           (m.tpot.empty() || quantile(m.tpot, workload_.slo.quantile) <= workload_.slo.tpot.value());
  }

  void try_split(const Split& split) {
    const Deployment deployment = deploy(split);
    const UnitRequests offered = requests(split.rate);
    const GiveUp give_up{workload_.slo.ttft * 4,
                         static_cast<std::size_t>((1 - workload_.slo.quantile) * static_cast<double>(offered.size()))};
    std::optional<Served> best;
    const auto holds_at = [&](double rate) {
      std::optional<Served> served = serve(deployment, offered, rate, study_.seed, give_up);
      const bool holds = served && keeps_slo(*served);
      if (holds) {
        best = std::move(served);
      }
      return holds;
    };
    // the prediction is mostly within some 10 %: step away from it until the limit is bracketed, then bisect
    double low = 0, high = split.rate;
    while (holds_at(high)) {
      low = high;
      high *= 1.1;
    }
    while (low == 0 && high > 0.02 * split.rate) {
      const double lower = 0.9 * high;
      (holds_at(lower) ? low : high) = lower;
    }
    while (low > 0 && high - low > 0.01 * high) {
      const double middle = (low + high) / 2;
      (holds_at(middle) ? low : high) = middle;
    }
    Alternative alternative{split.describe(), 0, ""};
    if (best) {
      Measured m = measure(*best);
      alternative.throughput = m.tokens / m.time.value();
      if (alternative.throughput > result_.throughput.per_system) {
        keep(split, low, alternative.throughput, *best, m);
      }
    } else {
      alternative.refused = "keeps the SLO at no rate";
    }
    result_.alternatives.push_back(alternative);
  }

  void keep(const Split& split, double rate, double tokens, const Served& served, Measured& m) {
    result_.plan = split.describe();
    result_.request_rate = rate;
    result_.requests = m.ttft.size();
    result_.throughput = make_throughput("output tokens/s", tokens, result_.chips, system_);
    result_.power = power_of(system_, result_.chips);
    const auto percentiles = [](std::vector<double>& sample) {
      return Percentiles{Seconds(quantile(sample, 0.5)), Seconds(quantile(sample, 0.95)),
                         Seconds(quantile(sample, 0.99))};
    };
    result_.ttft = percentiles(m.ttft);
    if (!m.tpot.empty()) {
      result_.tpot = percentiles(m.tpot);
    }
    result_.phases.clear();
    result_.notes.clear();
    if (split.prefill != nullptr) {
      result_.phases.push_back(phase("prefill step", *split.prefill, served.prefill));
    }
    result_.phases.push_back(
        phase(split.prefill != nullptr ? "decode step" : "mixed step", *split.decode, served.decode));
    if (served.refused > 0) {
      result_.notes.push_back(with_commas(static_cast<long long>(served.refused)) +
                              " requests were longer than a replica's cache and were turned away");
    }
    if (served.preemptions > 0) {
      result_.notes.push_back(with_commas(static_cast<long long>(served.preemptions)) +
                              " times a sequence was sent back because a cache was full");
    }
    result_.signature = served.signature;
  }

  /// The mean iteration, executed once more for its account.
  PhaseResult phase(const std::string& name, const Candidate& c, const MeanStep& mean) const {
    const Execution execution = c.steps->execute(mean.shape);
    PhaseResult result;
    result.name = name;
    result.plan = c.made_from->plan.name;
    result.time = execution.time;
    for (const auto& part : execution.account.parts()) {
      result.breakdown.push_back(part);
    }
    result.memory = c.memory;
    const double tokens = mean.shape.decode_sequences * mean.shape.decode_context +
                          mean.shape.prefill_sequences * (mean.shape.prefill_tokens + mean.shape.prefill_context);
    result.memory.cache = cache_bytes_per_sequence(model_, c.steps->plan(), context()) * (tokens / context());
    result.memory_size = chip_.memory_size;
    result.batch = (mean.shape.decode_sequences + mean.shape.prefill_sequences) * c.steps->plan().dp;
    return result;
  }

  const Study& study_;
  const ServingWorkload& workload_;
  const ServingOptions& options_;
  CaseResult& result_;
  ModelSpec model_;
  SystemSpec system_;
  ChipSpec chip_;
  std::vector<std::uint32_t> domains_ranks_;
  std::vector<Request> recorded_;
  double input_ = 0, output_ = 0;
  std::vector<Candidate> candidates_;
};

}  // namespace

CaseResult evaluate_serving(const Study& study, const ServingWorkload& workload, const ServingRegime& regime,
                            const ServingOptions& options, const Allowance& allowance) {
  CaseResult result;
  result.workload = workload.name;
  result.system = options.system;
  result.regime = regime.name;
  result.objective = Objective{workload.slo.quantile, workload.slo.ttft, workload.slo.tpot};
  result.chips = allowance.chips;
  result.throughput.unit = "output tokens/s";
  ServingSearch(study, workload, options, allowance, result).run();
  return result;
}

}  // namespace podium
