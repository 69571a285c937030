#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <memory>
#include <mutex>

#include "sim/study/evaluate.h"
#include "sim/study/parallel.h"
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

/// Those that wait for a thread to use them.
class IdleBenches {
 public:
  /// By ranks and ranks a domain.
  using Key = std::pair<std::uint32_t, std::uint32_t>;

  std::unique_ptr<Bench> take(Key key) {
    const std::scoped_lock lock(mutex_);
    std::vector<std::unique_ptr<Bench>>& idle = idle_[key];
    if (idle.empty()) {
      return nullptr;
    }
    std::unique_ptr<Bench> bench = std::move(idle.back());
    idle.pop_back();
    return bench;
  }
  void give(Key key, std::unique_ptr<Bench> bench) {
    const std::scoped_lock lock(mutex_);
    idle_[key].push_back(std::move(bench));
  }

 private:
  std::mutex mutex_;
  std::map<Key, std::vector<std::unique_ptr<Bench>>> idle_;
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
  std::uint32_t ranks_of(std::uint32_t chips, std::uint32_t ranks_per_domain) const;
  KeptSteps all_steps(std::uint32_t chips) const;
  void try_all(const KeptSteps&);
  Trial trial(const KeptStep&);
  void run(const KeptStep&, Trial&);
  void keep(const Trial&, CaseResult&) const;
  template <class Use>
  void on_bench(const KeptStep&, Use);
  Seconds predict(const KeptStep&);

  const Study& study_;
  const TrainingWorkload& workload_;
  const TrainingRegime& regime_;
  const TrainingOptions& options_;
  ModelSpec model_;
  SystemSpec system_;
  ChipSpec chip_;
  std::map<std::pair<std::string, std::uint32_t>, Trial> trials_;  ///< by plan, ranks a domain
  IdleBenches benches_;
};

/// Of so many chips, the ranks that work where a domain has a number of them.
std::uint32_t TrainingCase::ranks_of(std::uint32_t chips, std::uint32_t ranks_per_domain) const {
  const auto whole = static_cast<std::uint32_t>(system_.ranks_per_domain());
  const std::uint32_t all = chips * static_cast<std::uint32_t>(system_.ranks_per_package);
  return ranks_per_domain > 0 ? all / whole * ranks_per_domain + std::min(all % whole, ranks_per_domain) : all;
}

/// Every plan as wide as the ranks allow, on each number of ranks a domain; its dp is 0 where there is no such width.
KeptSteps TrainingCase::all_steps(std::uint32_t chips) const {
  KeptSteps steps;
  for (const std::uint32_t ranks_per_domain : options_.ranks_per_domain) {
    for (TrainingPlan& plan : training_plans(options_)) {
      plan.dp = widest_dp(plan, ranks_of(chips, ranks_per_domain));
      plan.name = describe(plan);
      steps.push_back({std::move(plan), ranks_per_domain});
    }
  }
  return steps;
}

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
  const KeptSteps steps = all_steps(chips);
  try_all(steps);
  std::vector<Tried> all_tried;
  std::vector<Ran> ran;
  Alternative best;
  for (const KeptStep& step : steps) {
    if (step.plan.dp == 0) {
      const std::string reason = why_no_width(step.plan, ranks_of(chips, step.ranks_per_domain));
      add(all_tried, {step.plan.name, 0, reason, {}}, step.ranks_per_domain);
      continue;
    }
    const Trial& tried = trials_.at({step.plan.name, step.ranks_per_domain});
    add(all_tried, tried.alternative, step.ranks_per_domain);
    if (tried.alternative.refused.empty()) {
      ran.push_back({tried.alternative.throughput, step});
    }
    if (tried.alternative.throughput > result.throughput.per_system) {
      keep(tried, result);
      best = tried.alternative;
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

/// Runs those that have a width and did not run before, side by side.
void TrainingCase::try_all(const KeptSteps& steps) {
  std::vector<std::pair<const KeptStep*, Trial*>> missing;
  for (const KeptStep& step : steps) {
    if (step.plan.dp == 0) {
      continue;
    }
    const auto [place, is_new] = trials_.try_emplace({step.plan.name, step.ranks_per_domain});
    if (is_new) {
      missing.emplace_back(&step, &place->second);
    }
  }
  parallel_parts(missing.size(), [&](std::size_t i) { *missing[i].second = trial(*missing[i].first); });
}

/// What comes of the plan.
Trial TrainingCase::trial(const KeptStep& step) {
  Trial trial;
  trial.alternative.plan = step.plan.name;
  try {
    run(step, trial);
  } catch (const InputError& error) {
    trial.alternative.refused = error.what();
  }
  return trial;
}

void TrainingCase::run(const KeptStep& step, Trial& trial) {
  const TrainingPlan& plan = step.plan;
  check_plan(model_, chip_, plan);
  const MemoryUse memory = training_memory(model_, chip_, plan);
  trial.alternative.excess = memory.total() / chip_.memory_size;
  if (memory.total() > chip_.memory_size) {
    throw InputError(too_large(memory.total(), chip_.memory_size));
  }
  on_bench(step, [&](Bench& on) {
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
  });
}

/// Uses the step's ranks, as no other thread does at the same time.
template <class Use>
void TrainingCase::on_bench(const KeptStep& step, Use use) {
  const Allocation allocation = allocate(study_, options_.system, step.plan.ranks(), step.ranks_per_domain);
  const IdleBenches::Key key{allocation.ranks, allocation.ranks_per_domain};
  std::unique_ptr<Bench> bench = benches_.take(key);
  if (!bench) {
    bench = std::make_unique<Bench>(make_machine(study_, system_, chip_, allocation), simulator_options(study_));
  }
  use(*bench);
  benches_.give(key, std::move(bench));
}

std::optional<double> TrainingCase::pinned(const KeptSteps& kept, Depth depth) {
  const auto fitting = std::find_if(kept.begin(), kept.end(), [this](const KeptStep& step) {
    return training_memory(model_, chip_, step.plan).total() <= chip_.memory_size;
  });
  if (fitting == kept.end()) {
    return std::nullopt;
  }
  return depth == Depth::simulated ? trial(*fitting).alternative.throughput
                                   : workload_.global_batch * workload_.sequence / predict(*fitting).value();
}

/// Once all stages work, a step takes equally longer for each further micro-batch: a line through two short steps.
Seconds TrainingCase::predict(const KeptStep& kept) {
  const auto time = [&](double micro_batches) {
    TrainingPlan plan = kept.plan;
    plan.global_batch = micro_batches * plan.micro_batch * plan.dp;
    Seconds time;
    on_bench(kept, [&](Bench& on) { time = on.simulator.run(training_step(model_, chip_, plan)).time; });
    return time;
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
