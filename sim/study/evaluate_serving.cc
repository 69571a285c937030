#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <map>
#include <set>
#include <tuple>

#include "sim/core/quantile.h"
#include "sim/serving/serve.h"
#include "sim/study/evaluate.h"
#include "sim/study/serving_split.h"

namespace podium {
namespace {

/// Where a pool is a split's prefill or decode instances.
Pool pool_of(const ServingCandidate& c, std::uint32_t instances) {
  Pool pool;
  pool.plan = c.plan;
  pool.step_time = [&c](const StepShape& shape) { return c.steps->time(shape); };
  pool.instances = instances;
  pool.chunk_tokens = c.chunk;
  pool.max_sequences = c.sequences;
  pool.cache_tokens = c.cache_tokens;
  return pool;
}

CacheTransfer cache_transfer(const ModelSpec& model, const ServingCandidate& from, const std::string& plane_name) {
  const Topology& network = from.machine->network();
  const std::uint32_t plane = network.plane_index(plane_name);
  CacheTransfer transfer;
  transfer.per_token = cache_bytes_per_token(model, from.plan);
  for (const Link& link : network.links) {
    if (link.plane == plane && link.from == network.accelerator(0)) {
      transfer.bandwidth += link.bandwidth * network.planes[plane].payload_efficiency_far;
    }
  }
  transfer.latency = from.machine->protocol(plane).send_launch;
  return transfer;
}

/// What the requests saw that arrived while a run was measured.
struct Measured {
  std::vector<double> ttft, tpot;
  std::vector<double> arrival, stay;  ///< of each request, in order of arrival
  double tokens = 0;
  std::size_t refused = 0;
  Seconds time;
};

Percentiles percentiles(std::vector<double>& sample) {
  return {Seconds(quantile(sample, 0.5)), Seconds(quantile(sample, 0.95)), Seconds(quantile(sample, 0.99))};
}

/// Whether queues keep their length. At a load of r > 1 each request stays longer than the one before: by r - 1 for
/// each second between their arrivals. A line through all (least squares) may rise by a hundredth, and by what chance
/// may do (two standard errors).
bool is_steady(const Measured& m) {
  const auto count = static_cast<double>(m.stay.size());
  if (count < 3) {
    return true;
  }
  const double mean_arrival = mean(m.arrival), mean_stay = mean(m.stay);
  double spread = 0, covered = 0;
  for (std::size_t i = 0; i < m.stay.size(); ++i) {
    spread += (m.arrival[i] - mean_arrival) * (m.arrival[i] - mean_arrival);
    covered += (m.arrival[i] - mean_arrival) * (m.stay[i] - mean_stay);
  }
  const double slope = spread > 0 ? covered / spread : 0;
  double left = 0;
  for (std::size_t i = 0; i < m.stay.size(); ++i) {
    const double error = m.stay[i] - mean_stay - slope * (m.arrival[i] - mean_arrival);
    left += error * error;
  }
  const double standard_error = spread > 0 ? std::sqrt(left / (count - 2) / spread) : 0;
  return slope <= 0.01 + 2 * standard_error;
}

/// What is offered at all rates: the first of these.
struct Offer {
  UnitRequests requests;
  std::vector<std::uint32_t> iterations;
};

/// How long a run lasts, at least.
struct Run {
  Seconds warm_up, measured, drain;
  Seconds length() const { return warm_up + measured + drain; }
};

/// A deployment at the highest rate that was found to keep the objective.
struct Sustained {
  double rate = 0, tokens = 0;  ///< requests and output tokens a second, of all copies
  Split part;                   ///< that was simulated
  double copies = 1;
  Served served;
  Measured measured;
};

/// One system under one workload, on whatever number of chips.
class ServingCase {
 public:
  ServingCase(const Study& study, const ServingWorkload& workload, const ServingRegime& regime,
              const ServingOptions& options)
      : study_(study),
        workload_(workload),
        regime_(regime),
        options_(options),
        recorded_(workload.arrivals.trace.empty() ? std::vector<Request>() : load_requests(workload.arrivals.trace)),
        mean_(mean_request(workload, recorded_)),
        candidates_(study, mean_, load_model(workload.model), load_system(options.system), options) {}

  CaseResult on(std::uint32_t chips);

 private:
  void simulate_best(const std::vector<Split>&, const std::vector<std::uint32_t>& domains, CaseResult&);
  bool simulate(const Split&, CaseResult&);
  std::vector<std::uint32_t> free_ranks(std::uint32_t ranks) const;
  std::vector<const ServingCandidate*> fitting(const std::vector<std::uint32_t>& domains, CaseResult&);
  Deployment deploy(const Split&) const;
  std::size_t requests_at(double rate, const Run&) const;
  const Offer& offer(std::size_t count, const InferencePlan&);
  Watch watch(const Request& last, double rate, const Run&) const;
  Measured measure(const Served&, const Watch&) const;
  bool keeps_objective(Measured) const;
  std::optional<Sustained> sustain(const Split&);
  void keep(const Split&, Sustained, CaseResult&) const;
  PhaseResult phase(const std::string& name, const ServingCandidate&, const MeanStep&) const;

  Run plan_run(const Split&) const;

  const Study& study_;
  const ServingWorkload& workload_;
  const ServingRegime& regime_;
  const ServingOptions& options_;
  std::vector<Request> recorded_;
  MeanRequest mean_;
  Candidates candidates_;
  /// By their number, draft tokens and acceptance: equal for all splits and numbers of chips.
  std::map<std::tuple<std::size_t, std::int32_t, double>, Offer> offers_;
};

CaseResult ServingCase::on(std::uint32_t chips) {
  CaseResult result;
  result.workload = workload_.name;
  result.system = options_.system;
  result.regime = regime_.name;
  result.objective = Objective{mean_.slo.quantile, mean_.slo.ttft, mean_.slo.tpot};
  result.chips = chips;
  result.ranks = chips * static_cast<std::uint32_t>(candidates_.system().ranks_per_package);
  result.throughput.unit = "output tokens/s";
  if (const std::string reason = why_too_many(candidates_.system(), chips); !reason.empty()) {
    result.alternatives.push_back({"", 0, reason});
    return result;
  }
  const std::vector<std::uint32_t> domains = free_ranks(result.ranks);
  result.domains = static_cast<std::uint32_t>(domains.size());
  const std::vector<Split> splits = make_splits(fitting(domains, result), domains);
  if (splits.empty() && result.alternatives.empty()) {
    result.alternatives.push_back({"", 0, "no instances of prefill and decode fit side by side"});
  }
  simulate_best(splits, domains, result);
  return result;
}

/// The prediction leaves queueing out: from the best on, as many are simulated as it may be wrong about, not counting
/// those that cannot keep the objective. It may also put the balance of prefill and decode a little to one side: from
/// the best, instances change sides for as long as that helps, unless a tenth less is predicted of it.
void ServingCase::simulate_best(const std::vector<Split>& splits, const std::vector<std::uint32_t>& domains,
                                CaseResult& result) {
  constexpr int enough = 3;
  constexpr double promising = 0.9;
  std::vector<Split> tried;
  std::optional<Split> best;
  const auto sustains = [&](const Split& split) {
    tried.push_back(split);
    const double most = result.throughput.per_system;
    const bool kept = simulate(split, result);
    best = result.throughput.per_system > most ? split : best;
    return kept;
  };
  std::size_t next = 0;
  for (int found = 0; next < splits.size() && found < enough; ++next) {
    found += sustains(splits[next]) ? 1 : 0;
  }
  for (std::optional<Split> from; best != from;) {
    from = best;
    for (const Split& other : neighbours(*from, domains)) {
      if (other.rate >= promising * from->rate && std::find(tried.begin(), tried.end(), other) == tried.end()) {
        sustains(other);
      }
    }
  }
  if (next < splits.size()) {
    result.notes.push_back(with_commas(static_cast<long long>(splits.size() - next)) +
                           " other deployments were predicted to sustain less and were not simulated");
  }
}

/// Whether there is a rate at which a split keeps the objective; it becomes the result where it is the best so far.
bool ServingCase::simulate(const Split& split, CaseResult& result) {
  std::optional<Sustained> sustained = sustain(split);
  result.alternatives.push_back(
      {describe(split), sustained ? sustained->tokens : 0, sustained ? "" : "keeps the objective at no rate"});
  if (sustained && sustained->tokens > result.throughput.per_system) {
    keep(split, std::move(*sustained), result);
  }
  return sustained.has_value();
}

/// The ranks of each domain that may be used; the last domain may be partial.
std::vector<std::uint32_t> ServingCase::free_ranks(std::uint32_t ranks) const {
  const auto whole = static_cast<std::uint32_t>(candidates_.system().ranks_per_domain());
  const std::uint32_t used = options_.ranks_per_domain > 0 ? options_.ranks_per_domain : whole;
  std::vector<std::uint32_t> domains(ranks / whole, used);
  if (ranks % whole > 0) {
    domains.push_back(std::min(ranks % whole, used));
  }
  return domains;
}

/// The candidates that fit into a domain; those that do not, or are refused whatever the chips, become alternatives.
std::vector<const ServingCandidate*> ServingCase::fitting(const std::vector<std::uint32_t>& domains,
                                                          CaseResult& result) {
  std::vector<const ServingCandidate*> found;
  std::set<std::pair<std::string, std::string>> told;
  for (Candidates::Entry& entry : candidates_.entries()) {
    const InferencePlan& plan = entry.made_from->plan;
    std::string refused;
    if (plan.ranks() > domains.front()) {
      refused = "needs " + std::to_string(plan.ranks()) + " ranks in one domain, which has " +
                std::to_string(domains.front());
    } else if (const ServingCandidate* candidate = candidates_.get(entry)) {
      found.push_back(candidate);
    } else {
      refused = entry.refused;
    }
    if (!refused.empty() && told.emplace(plan.name, refused).second) {
      result.alternatives.push_back({plan.name, 0, refused});
    }
  }
  return found;
}

Deployment ServingCase::deploy(const Split& split) const {
  Deployment deployment;
  deployment.decode = pool_of(*split.decode, split.decode_instances);
  if (split.prefill != nullptr) {
    deployment.prefill = pool_of(*split.prefill, split.prefill_instances);
    deployment.transfer = cache_transfer(candidates_.model(), *split.prefill, options_.transfer_plane);
  }
  return deployment;
}

/// As long as the workload says, or longer where requests stay long: a machine has to fill up before it is measured,
/// and queues need time to show that they grow. The end is not measured: the last requests have the machine to
/// themselves.
Run ServingCase::plan_run(const Split& split) const {
  const Seconds stay = split.decode->stay + (split.prefill != nullptr ? split.prefill->stay : Seconds());
  const Seconds latest = mean_.slo.ttft + mean_.slo.tpot * mean_.output;
  return {std::max(workload_.warm_up, 2 * stay), std::max(workload_.measured, 4 * stay), std::min(latest, 2 * stay)};
}

/// How many requests arrive at this rate while a run lasts.
std::size_t ServingCase::requests_at(double rate, const Run& run) const {
  constexpr double fewest = 400;
  return static_cast<std::size_t>(std::ceil(std::max(fewest, rate * run.length().value())));
}

/// At least so many requests: a power of two, so that few numbers have to be drawn.
const Offer& ServingCase::offer(std::size_t count, const InferencePlan& plan) {
  const std::size_t drawn = std::bit_ceil(count);
  const auto [place, is_new] = offers_.try_emplace({drawn, plan.draft_tokens, plan.acceptance});
  Offer& offer = place->second;
  if (is_new) {
    offer.requests = recorded_.empty()
                         ? poisson_requests(drawn, workload_.arrivals.input, workload_.arrivals.output, study_.seed)
                         : scale_to_unit_rate(recorded_, drawn);
    offer.iterations = draw_iterations(offer.requests, plan, study_.seed);
  }
  return offer;
}

/// The requests that are measured. A run of few requests is longer than asked for: its middle is measured all the same.
Watch ServingCase::watch(const Request& last, double rate, const Run& run) const {
  const Seconds whole = last.arrival / rate;
  const Slo& slo = mean_.slo;
  return {Time() + whole * (run.warm_up / run.length()), Time() + whole * ((run.warm_up + run.measured) / run.length()),
          slo.quantile, slo.ttft, slo.tpot};
}

Measured ServingCase::measure(const Served& served, const Watch& watch) const {
  Measured m;
  for (const Outcome& outcome : served.outcomes) {
    if (!watch.covers(outcome.arrival)) {
      continue;
    }
    if (outcome.refused) {
      ++m.refused;
      continue;
    }
    m.ttft.push_back(outcome.ttft().value());
    m.arrival.push_back(since_start(outcome.arrival).value());
    m.stay.push_back((outcome.finish - outcome.arrival).value());
    if (outcome.output > 1) {
      m.tpot.push_back(outcome.tpot().value());
    }
    m.tokens += outcome.output;
  }
  m.time = watch.until - watch.from;
  return m;
}

/// A request that is turned away does not see the times that it should. Where queues grow, the objective is kept only
/// for as long as the run lasts.
bool ServingCase::keeps_objective(Measured m) const {
  const Slo& slo = mean_.slo;
  const auto seen = static_cast<double>(m.ttft.size()), refused = static_cast<double>(m.refused);
  return seen > 0 && refused <= (1 - slo.quantile) * (seen + refused) &&
         quantile(m.ttft, slo.quantile) <= slo.ttft.value() &&
         (m.tpot.empty() || quantile(m.tpot, slo.quantile) <= slo.tpot.value()) && is_steady(m);
}

/// Bisection for the highest rate that keeps the objective, to 1 %; nothing where there is none.
std::optional<Sustained> ServingCase::sustain(const Split& split) {
  // quantiles of so many requests are sure enough, however many instances there are
  constexpr double enough = 20'000;
  const Run run = plan_run(split);
  const Cell cell = make_cell(split, enough / run.measured.value());
  const Deployment deployment = deploy(cell.split);
  std::optional<Sustained> best;
  const auto holds_at = [&](double rate) {
    const std::size_t count = requests_at(rate, run);
    const Offer& offered = offer(count, split.decode->plan);
    const Watch watched = watch(offered.requests[count - 1], rate, run);
    std::optional<Served> served = serve(deployment, std::span(offered.requests).first(count),
                                         std::span(offered.iterations).first(count), rate, watched);
    if (!served) {
      return false;
    }
    Measured measured = measure(*served, watched);
    const bool holds = keeps_objective(measured);
    if (holds) {
      const double tokens = cell.copies * measured.tokens / measured.time.value();
      best = Sustained{cell.copies * rate, tokens, cell.split, cell.copies, std::move(*served), std::move(measured)};
    }
    return holds;
  };
  // the prediction is mostly within some 10 %: step away from it, ever further, until the limit is bracketed; then
  // bisect
  double low = 0, high = cell.split.rate;
  while (holds_at(high)) {
    low = high;
    high *= 1.1;
  }
  for (double step = 0.9; low == 0 && high > 1e-3 * cell.split.rate; step *= step) {
    const double lower = step * high;
    (holds_at(lower) ? low : high) = lower;
  }
  while (low > 0 && high - low > 0.01 * high) {
    const double middle = (low + high) / 2;
    (holds_at(middle) ? low : high) = middle;
  }
  return best;
}

void ServingCase::keep(const Split& split, Sustained sustained, CaseResult& result) const {
  const SystemSpec& system = candidates_.system();
  Served& served = sustained.served;
  result.plan = describe(split);
  result.request_rate = sustained.rate;
  result.requests = sustained.measured.ttft.size();
  result.throughput = make_throughput("output tokens/s", sustained.tokens, result.chips, system);
  result.power = power_of(system, result.chips);
  result.ttft = percentiles(sustained.measured.ttft);
  if (!sustained.measured.tpot.empty()) {
    result.tpot = percentiles(sustained.measured.tpot);
  }
  const bool mixed = split.prefill == nullptr;
  result.phases.clear();
  if (!mixed) {
    result.phases.push_back(phase("prefill step", *split.prefill, served.prefill));
  }
  result.phases.push_back(phase(mixed ? "mixed step" : "decode step", *split.decode, served.decode));
  result.notes.clear();
  const auto note = [&](std::uint64_t count, const char* what) {
    if (count > 0) {
      result.notes.push_back(with_commas(static_cast<long long>(count)) + what);
    }
  };
  if (sustained.copies > 1) {
    result.notes.push_back(
        fmt::format("simulated as a part of {} that stands for the whole, which has room for {:.2f} of it",
                    describe(sustained.part), sustained.copies));
  }
  note(served.refused, " requests were longer than a replica's cache and were turned away");
  note(served.preemptions, " times a sequence was sent back because a cache was full");
  result.signature = served.signature;
}

/// Sequences are whole: 1.99 prompts a step are nearly always two, which micro-batches can share, and never 1.99, which
/// they cannot. A mean below one stands for those steps that have none.
double whole_sequences(double mean) { return mean < 1 ? mean : std::round(mean); }

/// The mean iteration, executed once more for its account.
PhaseResult ServingCase::phase(const std::string& name, const ServingCandidate& c, const MeanStep& mean) const {
  StepShape shape = mean.shape;
  shape.decode_sequences = whole_sequences(shape.decode_sequences);
  shape.prefill_sequences = whole_sequences(shape.prefill_sequences);
  const Execution execution = c.steps->execute(shape);
  const double context = mean_.context();
  PhaseResult result;
  result.name = name;
  result.plan = c.plan.name;
  result.time = execution.time;
  result.breakdown = execution.account.parts();
  result.memory = c.memory;
  const double tokens = mean.shape.decode_sequences * mean.shape.decode_context +
                        mean.shape.prefill_sequences * (mean.shape.prefill_tokens + mean.shape.prefill_context);
  result.memory.cache = cache_bytes_per_sequence(candidates_.model(), c.plan, context) * (tokens / context);
  result.memory_size = candidates_.chip().memory_size;
  result.batch = (mean.shape.decode_sequences + mean.shape.prefill_sequences) * c.plan.dp;
  return result;
}

}  // namespace

Evaluator serving_evaluator(const Study& study, const ServingWorkload& workload, const ServingRegime& regime,
                            const ServingOptions& options) {
  auto one = std::make_shared<ServingCase>(study, workload, regime, options);
  return [one](std::uint32_t chips) { return one->on(chips); };
}

}  // namespace podium
