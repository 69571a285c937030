#include <algorithm>
#include <iterator>
#include <memory>

#include "sim/study/evaluate.h"
#include "sim/study/training_plans.h"
#include "sim/study/training_trials.h"
#include "sim/workload/idle_settings.h"

namespace podium {
namespace {

/// Why so many ranks hold no replica of the plan that the batch divides by.
std::string why_no_width(const TrainingPlan& plan, std::uint32_t ranks) {
  const std::uint32_t replica = plan.tp * plan.cp * plan.pp;
  const std::string needs = "a replica takes " + std::to_string(replica) + " ranks";
  return replica > ranks
             ? needs + ", and there are " + std::to_string(ranks)
             : needs + ", and no number of replicas on " + std::to_string(ranks) + " divides the batch evenly";
}

/// One plan as it was tried, and the ranks of a domain that it came to the same with.
struct Tried {
  Alternative alternative;
  std::vector<std::uint32_t> ranks_per_domain;
};

std::string name_of(const std::string& plan, const std::vector<std::uint32_t>& ranks_per_domain) {
  std::string counts;
  for (const std::uint32_t ranks : ranks_per_domain) {
    counts += ranks == 0 ? "" : (counts.empty() ? ", " : " or ") + std::to_string(ranks);
  }
  return plan + counts + (counts.empty() ? "" : " ranks a domain");
}

void add(std::vector<Tried>& all, const Alternative& one, std::uint32_t ranks_per_domain) {
  for (Tried& tried : all) {
    if (tried.alternative == one) {
      tried.ranks_per_domain.push_back(ranks_per_domain);
      return;
    }
  }
  all.push_back({one, {ranks_per_domain}});
}

/// A step that ran, and its throughput.
struct Ran {
  double throughput = 0;
  KeptStep step;
};

KeptSteps fastest_first(std::vector<Ran> all) {
  std::stable_sort(all.begin(), all.end(), [](const Ran& a, const Ran& b) { return a.throughput > b.throughput; });
  KeptSteps steps;
  for (Ran& one : all) {
    steps.push_back(std::move(one.step));
  }
  return steps;
}

/// As wide as so many ranks allow.
KeptStep widened(TrainingPlan plan, std::uint32_t ranks, std::uint32_t ranks_per_domain) {
  plan.dp = widest_dp(plan, ranks);
  plan.name = describe(plan);
  return {std::move(plan), ranks_per_domain};
}

/// One system under one workload, on whatever number of chips.
class TrainingCase : public Evaluator {
 public:
  TrainingCase(const Study& study, const TrainingWorkload& workload, const TrainingRegime& regime,
               const TrainingOptions& options)
      : workload_(workload), regime_(regime), options_(options), trials_(study, workload, options) {}

  CaseResult on(std::uint32_t chips) override;
  CaseResult best_on(std::uint32_t chips, double enough) override;
  std::optional<double> pinned(const KeptSteps&, Depth);

 private:
  std::uint32_t ranks_of(std::uint32_t chips, std::uint32_t ranks_per_domain) const;
  KeptSteps widest_steps(std::uint32_t chips) const;
  KeptSteps narrower_steps(const KeptSteps& widest, double most);
  void add_better(double enough, KeptSteps&);
  CaseResult result_of(std::uint32_t chips, const KeptSteps&);
  void keep(const TrainingTrial&, CaseResult&) const;

  const TrainingWorkload& workload_;
  const TrainingRegime& regime_;
  const TrainingOptions& options_;
  TrainingTrials trials_;
};

CaseResult TrainingCase::on(std::uint32_t chips) {
  KeptSteps steps = widest_steps(chips);
  trials_.run_all(trials_.of(steps));
  add_better(0, steps);
  return result_of(chips, steps);
}

CaseResult TrainingCase::best_on(std::uint32_t chips, double enough) {
  KeptSteps steps = widest_steps(chips);
  trials_.run_best(trials_.of(steps), enough);
  add_better(enough, steps);
  return result_of(chips, steps);
}

/// The best of the narrower ones, where it is better than all that ran.
void TrainingCase::add_better(double enough, KeptSteps& steps) {
  double most = enough;
  for (const TrainingTrial* trial : trials_.of(steps)) {
    most = std::max(most, trial != nullptr ? trial->alternative.throughput : 0);
  }
  const TrainingTrials::Trials trials = trials_.of(narrower_steps(steps, most));
  trials_.run_best(trials, most);
  const TrainingTrial* better = nullptr;
  for (const TrainingTrial* trial : trials) {
    if (trial->alternative.throughput > most) {
      most = trial->alternative.throughput;
      better = trial;
    }
  }
  if (better != nullptr) {
    steps.push_back(better->step);
  }
}

/// Of so many chips, the ranks that work where a domain has a number of them.
std::uint32_t TrainingCase::ranks_of(std::uint32_t chips, std::uint32_t ranks_per_domain) const {
  const auto whole = static_cast<std::uint32_t>(trials_.system().ranks_per_domain());
  const std::uint32_t all = chips * static_cast<std::uint32_t>(trials_.system().ranks_per_package);
  return ranks_per_domain > 0 ? all / whole * ranks_per_domain + std::min(all % whole, ranks_per_domain) : all;
}

/// Every plan as wide as so many ranks allow, on each number of ranks a domain; its dp is 0 where there is no such
/// width. None where there are not so many chips.
KeptSteps TrainingCase::widest_steps(std::uint32_t chips) const {
  KeptSteps steps;
  if (!why_too_many(trials_.system(), chips).empty()) {
    return steps;
  }
  for (const std::uint32_t ranks_per_domain : options_.ranks_per_domain) {
    for (const TrainingPlan& plan : training_plans(options_)) {
      steps.push_back(widened(plan, ranks_of(chips, ranks_per_domain), ranks_per_domain));
    }
  }
  return steps;
}

/// Of plans that cross domains, narrower ones that may reach `most`: what is next to a domain may be worth less than
/// the slower plane to it costs. A plan whose blocks stay within its replicas does no more for each than where it is
/// widest.
KeptSteps TrainingCase::narrower_steps(const KeptSteps& widest, double most) {
  constexpr double rounding = 1.01;  // of what the blocks of many replicas cost each other
  constexpr std::uint32_t few = 8;   // domains, of which each number is tried
  const auto whole = static_cast<std::uint32_t>(trials_.system().ranks_per_domain());
  const auto in_domain = [=](const KeptStep& step) {
    return step.ranks_per_domain > 0 ? step.ranks_per_domain : whole;
  };
  KeptSteps crossing;
  std::copy_if(widest.begin(), widest.end(), std::back_inserter(crossing),
               [&](const KeptStep& step) { return step.plan.ranks() > in_domain(step); });
  const TrainingTrials::Trials trials = trials_.of(crossing);
  trials_.bound_all(trials);
  KeptSteps steps;
  for (std::size_t i = 0; i < crossing.size(); ++i) {
    const TrainingPlan& plan = crossing[i].plan;
    const std::uint32_t replica = plan.ranks() / plan.dp;
    const bool by_itself = trials[i]->bounded && !plan.shard_weights && plan.ep <= plan.tp * plan.cp;
    for (std::uint32_t ranks = plan.ranks() - 1; ranks >= replica;) {
      KeptStep step = widened(plan, ranks, crossing[i].ranks_per_domain);
      const double share = step.plan.dp / double(plan.dp);
      if (step.plan.dp == 0 || (by_itself && trials[i]->most * share * rounding < most)) {
        break;
      }
      // of others, those within fewer domains: of many domains half
      const std::uint32_t domains = (step.plan.ranks() - 1) / in_domain(step);
      const std::uint32_t fewer = (domains > few ? domains / 2 : domains) * in_domain(step);
      ranks = by_itself ? step.plan.ranks() - 1 : std::min(fewer, step.plan.ranks() - 1);
      steps.push_back(std::move(step));
    }
  }
  return steps;
}

CaseResult TrainingCase::result_of(std::uint32_t chips, const KeptSteps& steps) {
  CaseResult result;
  result.workload = workload_.name;
  result.system = options_.system;
  result.regime = regime_.name;
  result.chips = chips;
  result.ranks = ranks_of(chips, 0);
  const auto whole = static_cast<std::uint32_t>(trials_.system().ranks_per_domain());
  result.domains = (result.ranks + whole - 1) / whole;
  result.throughput.unit = "tokens/s";
  if (const std::string reason = why_too_many(trials_.system(), chips); !reason.empty()) {
    result.alternatives.push_back({"", 0, reason});
    return result;
  }
  const TrainingTrials::Trials trials = trials_.of(steps);
  std::vector<Tried> all_tried;
  std::vector<Ran> ran;
  const TrainingTrial* best = nullptr;
  for (std::size_t i = 0; i < steps.size(); ++i) {
    const KeptStep& step = steps[i];
    const TrainingTrial* trial = trials[i];
    if (trial == nullptr) {
      const std::string reason = why_no_width(step.plan, ranks_of(chips, step.ranks_per_domain));
      add(all_tried, {step.plan.name, 0, reason, {}}, step.ranks_per_domain);
    } else if (trial->ran || trial->refused()) {
      add(all_tried, trial->alternative, step.ranks_per_domain);
    }
    if (trial != nullptr && trial->ran) {
      ran.push_back({trial->alternative.throughput, step});
      best = best == nullptr || trial->alternative.throughput > best->alternative.throughput ? trial : best;
    }
  }
  if (best != nullptr) {
    keep(*best, result);
  }
  for (const Tried& tried : all_tried) {
    result.alternatives.push_back(tried.alternative);
    result.alternatives.back().plan = name_of(tried.alternative.plan, tried.ranks_per_domain);
    if (best != nullptr && tried.alternative == best->alternative) {
      result.plan = result.alternatives.back().plan;
    }
  }
  result.kept = fastest_first(std::move(ran));
  return result;
}

std::optional<double> TrainingCase::pinned(const KeptSteps& kept, Depth depth) {
  const auto fitting = std::find_if(kept.begin(), kept.end(), [this](const KeptStep& step) {
    return trials_.memory(step).total() <= trials_.chip().memory_size;
  });
  if (fitting == kept.end()) {
    return std::nullopt;
  }
  return depth == Depth::simulated ? trials_.throughput(*fitting) : trials_.predicted_throughput(*fitting);
}

void TrainingCase::keep(const TrainingTrial& trial, CaseResult& result) const {
  const TrainingPlan& plan = trial.step.plan;
  result.throughput = make_throughput("tokens/s", trial.alternative.throughput, result.chips, trials_.system());
  result.power = power_of(trials_.system(), result.chips);
  result.phases = {trial.phase};
  result.notes = idle_settings(trials_.model(), plan);
  result.model_flops_utilisation = trial.model_flops_utilisation * (plan.ranks() / double(result.ranks));
  set_peaks(result, trials_.chip(), plan.matrix_type);
  result.signature = trial.signature;
}

}  // namespace

std::unique_ptr<Evaluator> training_evaluator(const Study& study, const TrainingWorkload& workload,
                                              const TrainingRegime& regime, const TrainingOptions& options) {
  return std::make_unique<TrainingCase>(study, workload, regime, options);
}

std::optional<double> pinned_throughput(const Study& study, const TrainingWorkload& workload,
                                        const TrainingRegime& regime, const TrainingOptions& options,
                                        const KeptSteps& kept, Depth depth) {
  return TrainingCase(study, workload, regime, options).pinned(kept, depth);
}

}  // namespace podium
