#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <memory>

#include "sim/study/evaluate.h"
#include "sim/study/training_plans.h"
#include "sim/workload/idle_settings.h"

namespace podium {
namespace {

PhaseResult phase(const TrainingPlan& plan, const Execution& execution, const MemoryUse& memory, const ChipSpec& chip) {
  PhaseResult result;
  result.name = "training step";
  result.plan = plan.name;
  result.time = execution.time;
  result.breakdown = execution.account.parts();
  result.memory = memory;
  result.memory_size = chip.memory_size;
  result.batch = plan.global_batch;
  set_use(result, plan.ranks(), execution, plan.ranks(), chip, plan.matrix_type);
  return result;
}

/// Some ranks of the system, ready to run steps on.
struct Bench {
  Bench(Machine on, const SimulatorOptions& options) : machine(std::move(on)), simulator(machine, options) {}
  Machine machine;
  Simulator simulator;
};

/// The need with as many decimals as it takes to differ from what there is: "needs 199.3 GB of 199.2 GB a rank".
std::string too_large(Bytes need, Bytes size) {
  const auto text = [](Bytes bytes, int decimals) { return fmt::format("{:.{}f} GB", bytes.value() / 1e9, decimals); };
  int decimals = 0;
  while (text(need, decimals) == text(size, decimals) && decimals < 9) {
    ++decimals;
  }
  return "needs " + text(need, decimals) + " of " + text(size, decimals) + " a rank";
}

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

/// What came of one plan.
struct Trial {
  Alternative alternative;
  std::uint32_t ranks = 0, domains = 0;
  PhaseResult step;
  double model_flops_utilisation = 0;
  DataType matrix_type = DataType::bf16;
  std::uint64_t signature = 0;
};

/// One system under one workload, on whatever number of chips.
class TrainingCase {
 public:
  TrainingCase(const Study& study, const TrainingWorkload& workload, const TrainingRegime& regime,
               const TrainingOptions& options)
      : study_(study),
        workload_(workload),
        regime_(regime),
        options_(options),
        model_(load_model(workload.model)),
        system_(load_system(study, options.system)),
        chip_(load_chip(study, system_.chip)) {}

  CaseResult on(std::uint32_t chips);
  std::optional<double> pinned(const KeptSteps&, Depth);

 private:
  const Trial& trial(const TrainingPlan&, std::uint32_t ranks_per_domain);
  void run(const TrainingPlan&, std::uint32_t ranks_per_domain, Trial&);
  void keep(const Trial&, CaseResult&) const;
  Bench& bench(const Allocation&);
  Seconds predict(const KeptStep&);

  const Study& study_;
  const TrainingWorkload& workload_;
  const TrainingRegime& regime_;
  const TrainingOptions& options_;
  ModelSpec model_;
  SystemSpec system_;
  ChipSpec chip_;
  std::map<std::pair<std::string, std::uint32_t>, Trial> trials_;                      ///< by plan, ranks a domain
  std::map<std::pair<std::uint32_t, std::uint32_t>, std::unique_ptr<Bench>> benches_;  ///< by ranks, ranks a domain
};

CaseResult TrainingCase::on(std::uint32_t chips) {
  CaseResult result;
  result.workload = workload_.name;
  result.system = options_.system;
  result.regime = regime_.name;
  result.chips = chips;
  result.throughput.unit = "tokens/s";
  if (const std::string reason = why_too_many(system_, chips); !reason.empty()) {
    result.alternatives.push_back({"", 0, reason});
    return result;
  }
  const auto whole = static_cast<std::uint32_t>(system_.ranks_per_domain());
  const std::uint32_t all = chips * static_cast<std::uint32_t>(system_.ranks_per_package);
  std::vector<Tried> all_tried;
  std::vector<Ran> ran;
  Alternative best;
  for (const std::uint32_t per_domain : options_.ranks_per_domain) {
    const std::uint32_t ranks = per_domain > 0 ? all / whole * per_domain + std::min(all % whole, per_domain) : all;
    for (TrainingPlan& plan : training_plans(options_)) {
      plan.dp = widest_dp(plan, ranks);
      plan.name = describe(plan);
      if (plan.dp == 0) {
        add(all_tried, {plan.name, 0, why_no_width(plan, ranks), {}}, per_domain);
        continue;
      }
      const Trial& tried = trial(plan, per_domain);
      add(all_tried, tried.alternative, per_domain);
      if (tried.alternative.refused.empty()) {
        ran.push_back({tried.alternative.throughput, {plan, per_domain}});
      }
      if (tried.alternative.throughput > result.throughput.per_system) {
        keep(tried, result);
        best = tried.alternative;
      }
    }
  }
  for (const Tried& tried : all_tried) {
    result.alternatives.push_back(tried.alternative);
    result.alternatives.back().plan = name_of(tried.alternative.plan, tried.ranks_per_domain);
    if (tried.alternative == best) {
      result.plan = result.alternatives.back().plan;
    }
  }
  result.kept = fastest_first(std::move(ran));
  return result;
}

/// What came of the plan, run now or before.
const Trial& TrainingCase::trial(const TrainingPlan& plan, std::uint32_t ranks_per_domain) {
  const auto [place, is_new] = trials_.try_emplace({plan.name, ranks_per_domain});
  Trial& trial = place->second;
  if (is_new) {
    trial.alternative.plan = plan.name;
    try {
      run(plan, ranks_per_domain, trial);
    } catch (const InputError& error) {
      trial.alternative.refused = error.what();
    }
  }
  return trial;
}

void TrainingCase::run(const TrainingPlan& plan, std::uint32_t ranks_per_domain, Trial& trial) {
  check_plan(model_, chip_, plan);
  const MemoryUse memory = training_memory(model_, chip_, plan);
  trial.alternative.excess = memory.total() / chip_.memory_size;
  if (memory.total() > chip_.memory_size) {
    throw InputError(too_large(memory.total(), chip_.memory_size));
  }
  Bench& on = bench(allocate(study_, options_.system, plan.ranks(), ranks_per_domain));
  const Execution execution = on.simulator.run(training_step(model_, chip_, plan));
  trial.alternative.throughput = workload_.global_batch * workload_.sequence / execution.time.value();
  trial.ranks = plan.ranks();
  trial.domains = on.machine.domains();
  trial.step = phase(plan, execution, memory, chip_);
  trial.step.step = {options_.system, workload_.model, on.machine.allocation(), plan};
  trial.matrix_type = plan.matrix_type;
  const FlopsPerSecond peak = chip_.peak(plan.matrix_type) * plan.ranks();
  trial.model_flops_utilisation = training_flops(model_, plan) / execution.time / peak;
  trial.signature = execution.signature;
}

Bench& TrainingCase::bench(const Allocation& allocation) {
  std::unique_ptr<Bench>& known = benches_[{allocation.ranks, allocation.ranks_per_domain}];
  if (!known) {
    known = std::make_unique<Bench>(make_machine(study_, system_, chip_, allocation), simulator_options(study_));
  }
  return *known;
}

std::optional<double> TrainingCase::pinned(const KeptSteps& kept, Depth depth) {
  const auto fitting = std::find_if(kept.begin(), kept.end(), [this](const KeptStep& step) {
    return training_memory(model_, chip_, step.plan).total() <= chip_.memory_size;
  });
  if (fitting == kept.end()) {
    return std::nullopt;
  }
  return depth == Depth::simulated ? trial(fitting->plan, fitting->ranks_per_domain).alternative.throughput
                                   : workload_.global_batch * workload_.sequence / predict(*fitting).value();
}

/// Once all stages work, a step takes equally longer for each further micro-batch: a line through two short steps.
Seconds TrainingCase::predict(const KeptStep& kept) {
  const auto time = [&](double micro_batches) {
    TrainingPlan plan = kept.plan;
    plan.global_batch = micro_batches * plan.micro_batch * plan.dp;
    return bench(allocate(study_, options_.system, plan.ranks(), kept.ranks_per_domain))
        .simulator.run(training_step(model_, chip_, plan))
        .time;
  };
  const double all = kept.plan.global_batch / (kept.plan.micro_batch * kept.plan.dp);
  const double few = 2.0 * kept.plan.pp, more = 3.0 * kept.plan.pp;
  if (all <= more) {
    return time(all);
  }
  const Seconds at_few = time(few);
  return at_few + (time(more) - at_few) * ((all - few) / (more - few));
}

void TrainingCase::keep(const Trial& trial, CaseResult& result) const {
  result.ranks = trial.ranks;
  result.domains = trial.domains;
  result.throughput = make_throughput("tokens/s", trial.alternative.throughput, result.chips, system_);
  result.power = power_of(system_, result.chips);
  result.phases = {trial.step};
  result.notes = idle_settings(model_, std::get<TrainingPlan>(trial.step.step.work));
  result.model_flops_utilisation = trial.model_flops_utilisation;
  set_peaks(result, chip_, trial.matrix_type);
  result.signature = trial.signature;
}

}  // namespace

Evaluator training_evaluator(const Study& study, const TrainingWorkload& workload, const TrainingRegime& regime,
                             const TrainingOptions& options) {
  auto one = std::make_shared<TrainingCase>(study, workload, regime, options);
  return [one](std::uint32_t chips) { return one->on(chips); };
}

std::optional<double> pinned_throughput(const Study& study, const TrainingWorkload& workload,
                                        const TrainingRegime& regime, const TrainingOptions& options,
                                        const KeptSteps& kept, Depth depth) {
  return TrainingCase(study, workload, regime, options).pinned(kept, depth);
}

}  // namespace podium
