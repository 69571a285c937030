#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <tuple>

#include "sim/core/quantile.h"
#include "sim/study/evaluate.h"
#include "sim/study/serving_rate.h"
#include "sim/workload/idle_settings.h"

namespace podium {
namespace {

Percentiles percentiles(std::vector<double>& sample) {
  return {Seconds(quantile(sample, 0.5)), Seconds(quantile(sample, 0.95)), Seconds(quantile(sample, 0.99))};
}

Objective::Seen seen_by(const Measured& measured, double of) {
  const std::optional<double> tpot = measured.tpot_at(of);
  return {Seconds(measured.ttft_at(of)), tpot ? std::optional(Seconds(*tpot)) : std::nullopt};
}

/// What a split could sustain if its instances were never idle, by mean steps, and half as much again.
double bound_of(const Split& split) {
  constexpr double margin = 1.5;
  const double decoded = split.decode_instances * split.decode->most;
  const bool is_mixed = split.prefill == nullptr;
  return margin * (is_mixed ? decoded : std::min(split.prefill_instances * split.prefill->most, decoded));
}

/// One system under one workload, on whatever number of chips.
class ServingCase : public Evaluator {
 public:
  ServingCase(const Study& study, const ServingWorkload& workload, const ServingRegime& regime,
              const ServingOptions& options)
      : workload_(workload),
        regime_(regime),
        options_(options),
        recorded_(workload.arrivals.recorded ? *workload.arrivals.recorded : std::vector<Request>()),
        mean_(mean_request(workload, recorded_)),
        candidates_(study, workload_, recorded_, load_model(workload.model), load_system(study, options.system),
                    options),
        rates_(workload, candidates_.model(), mean_, recorded_, options.transfer_plane, study.seed) {}

  CaseResult on(std::uint32_t chips) override;
  CaseResult best_on(std::uint32_t chips, double) override { return on(chips); }  // which simulates the best few alone
  std::optional<double> pinned(const KeptDeployment&, Depth);
  ServingLog log(const KeptDeployment&, double rate);

 private:
  std::optional<Split> split_of(const KeptDeployment&);
  KeptDeployment places_of(const Split&);
  void simulate_best(const std::vector<Split>&, const std::vector<std::uint32_t>& domains, CaseResult&);
  std::optional<Split> copies_of_part(std::uint32_t chips);
  /// The best so far, the lowest rate that it does not sustain, and what it is the best by.
  struct Best {
    std::optional<Split> split;
    double above = 0;
    std::tuple<double, double, double> merits;  ///< rate, mean tokens of a request, mean stay, negative
  };
  void simulate(const Split&, Best&, CaseResult&);
  void note_full_chunks(const Split&, CaseResult&) const;
  std::vector<std::uint32_t> free_ranks(std::uint32_t ranks) const;
  std::vector<const ServingCandidate*> fitting(const std::vector<std::uint32_t>& domains, CaseResult&);
  void keep(const Split&, Sustained, CaseResult&) const;
  PhaseResult phase(const std::string& name, const ServingCandidate&, std::uint32_t instances, const MeanStep&) const;

  const ServingWorkload& workload_;
  const ServingRegime& regime_;
  const ServingOptions& options_;
  std::vector<Request> recorded_;
  MeanRequest mean_;
  Candidates candidates_;
  RateSearch rates_;
  std::map<std::uint32_t, KeptPlan> kept_;  ///< by chips
};

/// Nothing where one of its plans cannot be, or nothing joins the two.
std::optional<Split> ServingCase::split_of(const KeptDeployment& kept) {
  const auto candidate = [&](std::size_t place) { return candidates_.get(candidates_.entries().at(place)); };
  const ServingCandidate* decode = candidate(kept.decode);
  const ServingCandidate* prefill = kept.prefill ? candidate(*kept.prefill) : nullptr;
  if (decode == nullptr || (kept.prefill && prefill == nullptr)) {
    return std::nullopt;
  }
  const Split split = make_split(prefill, *decode, kept.prefill_instances, kept.decode_instances);
  return rates_.can_transfer(split) ? std::optional(split) : std::nullopt;
}

ServingLog ServingCase::log(const KeptDeployment& kept, double rate) {
  constexpr std::size_t most_iterations = 20'000, most_requests = 1'000;  // some 10 MB of text
  const std::optional<Split> split = split_of(kept);
  PODIUM_CHECK(split, "a deployment that was kept can be");
  return rates_.log(*split, rate, most_iterations, most_requests);
}

std::optional<double> ServingCase::pinned(const KeptDeployment& kept, Depth depth) {
  const std::optional<Split> split = split_of(kept);
  if (!split) {
    return std::nullopt;
  }
  if (depth == Depth::predicted) {
    return split->rate * mean_.output;
  }
  const std::optional<Sustained> sustained = rates_.sustain(*split);
  return sustained ? std::optional(sustained->tokens) : std::nullopt;
}

/// Where the split's candidates are made from.
KeptDeployment ServingCase::places_of(const Split& split) {
  KeptDeployment kept{{}, 0, split.prefill_instances, split.decode_instances};
  const std::deque<Candidates::Entry>& entries = candidates_.entries();
  for (std::size_t place = 0; place < entries.size(); ++place) {
    const ServingCandidate* candidate = entries[place].candidate ? &*entries[place].candidate : nullptr;
    if (candidate != nullptr && candidate == split.decode) {
      kept.decode = place;
    }
    if (candidate != nullptr && candidate == split.prefill) {
      kept.prefill = place;
    }
  }
  return kept;
}

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
  std::vector<Split> splits = make_splits(fitting(domains, result), domains);
  std::erase_if(splits, [&](const Split& split) {
    const bool is_cut = !rates_.can_transfer(split);
    if (is_cut) {
      result.alternatives.push_back(
          {describe(split), 0, "plane '" + options_.transfer_plane + "' carries nothing from prefill to decode"});
    }
    return is_cut;
  });
  if (splits.empty() && result.alternatives.empty()) {
    result.alternatives.push_back({"", 0, "no instances of prefill and decode fit side by side"});
  }
  simulate_best(splits, domains, result);
  kept_[chips] = result.kept;
  return result;
}

/// What some of the domains do best by themselves, as often as they are there: of whole domains, the largest number
/// that divides theirs. A search among many instances may miss it.
std::optional<Split> ServingCase::copies_of_part(std::uint32_t chips) {
  const SystemSpec& system = candidates_.system();
  const auto domain = static_cast<std::uint32_t>(system.packages_per_node * system.nodes_per_domain);
  const std::uint32_t domains = chips / domain;
  if (domains < 2) {
    return std::nullopt;
  }
  std::uint32_t times = 2;
  while (domains % times != 0) {
    ++times;
  }
  const std::uint32_t part = domains / times * domain;
  if (!kept_.contains(part)) {
    on(part);
  }
  const auto* kept = std::get_if<KeptDeployment>(&kept_.at(part));
  if (kept == nullptr) {
    return std::nullopt;
  }
  KeptDeployment copies = *kept;
  copies.prefill_instances *= times;
  copies.decode_instances *= times;
  return split_of(copies);
}

/// The prediction knows neither queues nor tails, so it only says what to try first: all splits are simulated that
/// could be better than the best so far, and those that have one instance more or fewer for decode beside it, as means
/// may put the balance to one side. One run tells whether one sustains less. From the best, instances change sides for
/// as long as that helps. Copies of what fewer domains do best are tried, too.
void ServingCase::simulate_best(const std::vector<Split>& splits, const std::vector<std::uint32_t>& domains,
                                CaseResult& result) {
  std::vector<Split> tried;
  Best best;
  const auto attempt = [&](const Split& split) {
    if (std::find(tried.begin(), tried.end(), split) != tried.end() || bound_of(split) < result.request_rate) {
      return;
    }
    tried.push_back(split);
    simulate(split, best, result);
  };
  const auto attempt_neighbours = [&](const Split& split) {
    for (const Split& other : neighbours(split, domains)) {
      attempt(other);
    }
  };
  for (const Split& split : splits) {
    attempt(split);
    attempt_neighbours(split);
  }
  if (const std::optional<Split> copies = copies_of_part(result.chips)) {
    attempt(*copies);
  }
  for (std::optional<Split> from; best.split != from;) {
    from = best.split;
    attempt_neighbours(*from);
  }
  const auto left = std::ranges::count_if(
      splits, [&](const Split& split) { return std::find(tried.begin(), tried.end(), split) == tried.end(); });
  if (left > 0) {
    result.notes.push_back(with_commas(left) + (left == 1 ? " more split was" : " more splits were") +
                           " not simulated: predicted to sustain less even if their instances were "
                           "never idle and half as fast again");
  }
  if (best.split) {
    result.objective->above = seen_by(rates_.look(*best.split, best.above), mean_.slo.quantile);
    note_full_chunks(*best.split, result);
  }
}

/// In a burst all iterations carry full chunks, and tokens come at their pace: prompts may wait instead, where the time
/// to the first token has room for that.
void ServingCase::note_full_chunks(const Split& split, CaseResult& result) const {
  const Objective::Seen& above = result.objective->above;
  if (split.prefill != nullptr || !above.tpot || *above.tpot <= mean_.slo.tpot || above.ttft > mean_.slo.ttft) {
    return;
  }
  const ServingCandidate& c = *split.decode;
  const Seconds step = c.steps->times.time(Candidates::full_step(c, result.phases.front().batch / c.plan.dp)) /
                       c.plan.tokens_per_iteration();
  if (step > mean_.slo.tpot) {
    result.notes.push_back(fmt::format(
        "time per output token holds the rate, and iterations that carry a full chunk of {} take {} a token: a smaller "
        "chunk_tokens, or max_sequences, may sustain more",
        with_commas(std::llround(c.chunk)), to_text(step)));
  }
}

/// Where a split sustains more than the best so far it takes its place; of equal rates, which are steps of a ladder,
/// that of which fewer tokens are turned away, and then the one with which requests are through sooner.
void ServingCase::simulate(const Split& split, Best& best, CaseResult& result) {
  std::optional<Sustained> sustained = rates_.sustain(split, result.request_rate);
  Alternative& told = result.alternatives.emplace_back(Alternative{describe(split), 0, "", 0});
  if (!sustained) {
    told.refused = result.request_rate > 0 ? "sustains less" : "keeps the objective at no rate";
    told.lack = Lack::rate;
    return;
  }
  told.throughput = sustained->tokens;
  const Measured& measured = sustained->measured;
  const std::tuple merits(sustained->rate, measured.tokens_of_each(), -mean(measured.stay));
  if (merits > best.merits) {
    best = {split, sustained->above, merits};
    keep(split, std::move(*sustained), result);
    result.kept = places_of(split);
  }
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
    double excess = 0;
    Lack lack = Lack::other;
    if (plan.ranks() > domains.front()) {
      refused = "needs " + std::to_string(plan.ranks()) + " ranks in one domain, which has " +
                std::to_string(domains.front());
    } else if (const ServingCandidate* candidate = candidates_.get(entry)) {
      found.push_back(candidate);
    } else {
      refused = entry.refused;
      excess = entry.excess;
      lack = entry.lack;
    }
    if (!refused.empty() && told.emplace(plan.name, refused).second) {
      result.alternatives.push_back({plan.name, 0, refused, excess, lack});
    }
  }
  return found;
}

void ServingCase::keep(const Split& split, Sustained sustained, CaseResult& result) const {
  const SystemSpec& system = candidates_.system();
  Served& served = sustained.served;
  result.plan = describe(split);
  result.request_rate = sustained.rate;
  result.requests = sustained.measured.ttft.size();
  result.refused_requests = sustained.measured.refused;
  result.throughput = make_throughput("output tokens/s", sustained.tokens, result.chips, system);
  result.power = power_of(system, result.chips);
  set_peaks(result, candidates_.chip(), product_type(candidates_.model(), split.decode->plan));
  Objective& objective = result.objective.value();
  result.ttft = percentiles(sustained.measured.ttft);
  objective.seen = seen_by(sustained.measured, objective.quantile);
  if (!sustained.measured.tpot.empty()) {
    result.tpot = percentiles(sustained.measured.tpot);
  }
  if (workload_.prefix_reuse != PrefixReuse::off && served.prompt_tokens > 0) {
    result.reused_prompt_share = served.reused_tokens / served.prompt_tokens;
  }
  const bool mixed = split.prefill == nullptr;
  result.phases.clear();
  if (!mixed) {
    result.phases.push_back(phase("prefill step", *split.prefill, split.prefill_instances, served.prefill));
  }
  // iterations with prompts and without are unlike: no mean of them is one of either kind. Where prefill is elsewhere,
  // only sequences that were sent back are prompts, and answers of one token have no decoding
  const double few = mixed ? 0 : 0.01 * served.decode.iterations;
  double busy = 0;
  for (const auto& [name, mean] :
       {std::pair("mixed step", served.with_prompts), {"decode step", served.without_prompts}}) {
    if (mean.iterations > few) {
      result.phases.push_back(phase(name, *split.decode, split.decode_instances, mean));
      result.phases.back().time_share = mean.busy;
      busy += mean.busy;
    }
  }
  for (PhaseResult& one : result.phases) {
    one.time_share = one.name == "prefill step" ? 1 : one.time_share / busy;
  }
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
  for (const ServingCandidate* candidate : {split.prefill, split.decode}) {
    if (candidate == nullptr) {
      continue;
    }
    for (const std::string& idle : idle_settings(candidates_.model(), candidate->plan)) {
      result.notes.push_back(candidate->plan.name + ": " + idle);
    }
    if (candidate->plan.once_per_node && candidate->plan.ep > 1 && candidate->stage == Stage::decode) {
      result.notes.push_back(candidate->plan.name + ": once_per_node has no effect: it is of prompts");
    }
  }
  note(sustained.measured.refused,
       " of the requests measured were longer than a replica's cache and were turned away: "
       "they count as late, and their tokens do not count");
  note(served.preemptions, " times a sequence was sent back because a cache was full");
  result.signature = served.signature;
}

/// Sequences are whole: 1.99 prompts a step are nearly always two, which micro-batches can share, and never 1.99, which
/// they cannot. A mean below one stands for those steps that have none. By how much tokens of each have to grow, so
/// that there are as many in all.
double make_whole(double& sequences) {
  const double mean = sequences;
  sequences = mean < 1 ? mean : std::round(mean);
  return mean > 0 ? mean / sequences : 1;
}

/// The mean iteration, executed once more for its account.
PhaseResult ServingCase::phase(const std::string& name, const ServingCandidate& c, std::uint32_t instances,
                               const MeanStep& mean) const {
  StepShape shape = mean.shape;
  shape.decode_context *= make_whole(shape.decode_sequences);
  const double attended = shape.prefill_context + shape.prefill_tokens / 2;
  shape.prefill_tokens *= make_whole(shape.prefill_sequences);
  shape.prefill_context = std::max(0.0, attended - shape.prefill_tokens / 2);
  const Execution execution = c.steps->times.execute(shape);
  const double context = mean_.context;
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
  result.batch = mean.sequences;
  set_use(result, instances * c.plan.ranks(), execution, c.plan.ranks(), candidates_.chip(),
          product_type(candidates_.model(), c.plan));
  result.step = {options_.system, workload_.model, c.steps->machine.allocation(), Iteration{c.plan, shape}};
  return result;
}

}  // namespace

std::optional<double> pinned_throughput(const Study& study, const ServingWorkload& workload,
                                        const ServingRegime& regime, const ServingOptions& options,
                                        const KeptDeployment& kept, Depth depth) {
  return ServingCase(study, workload, regime, options).pinned(kept, depth);
}

ServingLog serving_log(const Study& study, const ServingWorkload& workload, const ServingRegime& regime,
                       const ServingOptions& options, const KeptDeployment& kept, double rate) {
  return ServingCase(study, workload, regime, options).log(kept, rate);
}

std::unique_ptr<Evaluator> serving_evaluator(const Study& study, const ServingWorkload& workload,
                                             const ServingRegime& regime, const ServingOptions& options) {
  return std::make_unique<ServingCase>(study, workload, regime, options);
}

}  // namespace podium
