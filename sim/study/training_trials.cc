#include "sim/study/training_trials.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>

#include "sim/study/evaluate.h"
#include "sim/study/parallel.h"

namespace podium {
namespace {

/// The need with as many decimals as it takes to differ from what there is: "needs 199.3 GB of 199.2 GB a rank".
std::string too_large(Bytes need, Bytes size) {
  const auto text = [](Bytes bytes, int decimals) { return fmt::format("{:.{}f} GB", bytes.value() / 1e9, decimals); };
  int decimals = 0;
  while (text(need, decimals) == text(size, decimals) && decimals < 9) {
    ++decimals;
  }
  return "needs " + text(need, decimals) + " of " + text(size, decimals) + " a rank";
}

/// The same plan with so many micro-batches a replica.
TrainingPlan shortened(TrainingPlan plan, double micro_batches) {
  plan.global_batch = micro_batches * plan.micro_batch * plan.dp;
  return plan;
}

void raise(std::atomic<double>& highest, double value) {
  for (double before = highest; before < value && !highest.compare_exchange_weak(before, value);) {
  }
}

}  // namespace

/// Some ranks of the system, ready to run steps on.
struct TrainingTrials::Bench {
  Bench(Machine on, const SimulatorOptions& options) : machine(std::move(on)), simulator(machine, options) {}
  Machine machine;
  Simulator simulator;
};

TrainingTrials::TrainingTrials(const Study& study, const TrainingWorkload& workload, const TrainingOptions& options)
    : study_(study),
      workload_(workload),
      options_(options),
      model_(load_model(workload.model)),
      system_(load_system(study, options.system)),
      chip_(load_chip(study, system_.chip)) {}
TrainingTrials::~TrainingTrials() = default;

TrainingTrials::Trials TrainingTrials::of(const KeptSteps& steps) {
  const auto whole = static_cast<std::uint32_t>(system_.ranks_per_domain());
  Trials trials;
  for (const KeptStep& step : steps) {
    trials.push_back(nullptr);
    if (step.plan.dp > 0) {
      const std::uint32_t in_domain = step.ranks_per_domain > 0 ? step.ranks_per_domain : whole;
      const auto [place, is_new] = trials_.try_emplace({step.plan.name, std::min(step.plan.ranks(), in_domain)});
      if (is_new) {
        place->second = begin(step);
      }
      trials.back() = &place->second;
    }
  }
  return trials;
}

TrainingTrial TrainingTrials::begin(const KeptStep& step) const {
  TrainingTrial trial;
  trial.step = step;
  trial.alternative.plan = step.plan.name;
  attempt(trial, [&] {
    check_plan(model_, chip_, step.plan);
    const Bytes need = memory(step).total();
    trial.alternative.excess = need / chip_.memory_size;
    if (need > chip_.memory_size) {
      trial.alternative.lack = Lack::memory;
      throw InputError(too_large(need, chip_.memory_size));
    }
    const FlopsPerSecond peak = chip_.peak(step.plan.matrix_type) * step.plan.ranks();
    trial.most = tokens_a_second(training_flops(model_, step.plan) / peak);
  });
  return trial;
}

/// Refuses what cannot be: too large, uneven, on no machine.
template <class Work>
void TrainingTrials::attempt(TrainingTrial& trial, Work work) {
  try {
    work();
  } catch (const InputError& error) {
    trial.alternative.refused = error.what();
  }
}

/// Those that can be and are not done, each once.
TrainingTrials::Trials TrainingTrials::open(const Trials& trials, bool TrainingTrial::*done) {
  Trials result;
  for (TrainingTrial* trial : trials) {
    const bool is_open = trial != nullptr && !trial->refused() && !(trial->*done);
    if (is_open && std::find(result.begin(), result.end(), trial) == result.end()) {
      result.push_back(trial);
    }
  }
  return result;
}

void TrainingTrials::run_all(const Trials& trials) {
  const Trials missing = open(trials, &TrainingTrial::ran);
  parallel_parts(missing.size(), [&](std::size_t i) { run(*missing[i]); });
}

void TrainingTrials::bound_all(const Trials& trials) {
  const Trials missing = open(trials, &TrainingTrial::bounded);
  parallel_parts(missing.size(), [&](std::size_t i) { bound(*missing[i]); });
}

/// Leaves out what is known to be slower, then finds tighter bounds, then runs the most promising first.
void TrainingTrials::run_best(const Trials& trials, double enough) {
  constexpr double rounding = 1e-6;  // a bound adds up seconds, an engine whole picoseconds
  std::atomic<double> highest = enough;
  for (const TrainingTrial* trial : trials) {
    raise(highest, trial != nullptr ? trial->alternative.throughput : 0);
  }
  const auto may_be_best = [&](const TrainingTrial* trial) { return trial->most * (1 + rounding) >= highest; };
  const auto keep_promising = [&](Trials some) {
    std::erase_if(some, [&](const TrainingTrial* trial) { return !may_be_best(trial); });
    return some;
  };
  Trials missing = keep_promising(open(trials, &TrainingTrial::ran));
  bound_all(missing);
  missing = keep_promising(open(missing, &TrainingTrial::ran));
  std::stable_sort(missing.begin(), missing.end(), [](const auto* a, const auto* b) { return a->most > b->most; });
  parallel_parts(missing.size(), [&](std::size_t i) {
    if (may_be_best(missing[i])) {
      run(*missing[i]);
      raise(highest, missing[i]->alternative.throughput);
    }
  });
}

/// Every micro-batch has the same blocks: the bound of a few of them tells that of all.
void TrainingTrials::bound(TrainingTrial& trial) {
  const TrainingPlan& plan = trial.step.plan;
  attempt(trial, [&] {
    const TaskGraph few = training_step(model_, chip_, shortened(plan, plan.pp));
    on_bench(trial.step, [&](Bench& on) {
      trial.most = tokens_a_second(on.simulator.least_time(few) * (plan.micro_batches() / plan.pp));
      trial.bounded = true;
    });
  });
}

void TrainingTrials::run(TrainingTrial& trial) {
  const TrainingPlan& plan = trial.step.plan;
  attempt(trial, [&] {
    on_bench(trial.step, [&](Bench& on) {
      const Execution execution = on.simulator.run(training_step(model_, chip_, plan));
      trial.alternative.throughput = tokens_a_second(execution.time);
      trial.phase = phase(execution, trial.step, on.machine.allocation());
      const FlopsPerSecond peak = chip_.peak(plan.matrix_type) * plan.ranks();
      trial.model_flops_utilisation = training_flops(model_, plan) / execution.time / peak;
      trial.signature = execution.signature;
      trial.ran = true;
    });
  });
}

PhaseResult TrainingTrials::phase(const Execution& execution, const KeptStep& step, const Allocation& on) const {
  PhaseResult result;
  result.name = "training step";
  result.plan = step.plan.name;
  result.time = execution.time;
  result.breakdown = execution.account.parts();
  result.memory = memory(step);
  result.memory_size = chip_.memory_size;
  result.batch = step.plan.global_batch;
  set_use(result, step.plan.ranks(), execution, step.plan.ranks(), chip_, step.plan.matrix_type);
  result.step = {options_.system, workload_.model, on, step.plan};
  return result;
}

/// Uses the step's ranks, as no other thread does at the same time.
template <class Use>
void TrainingTrials::on_bench(const KeptStep& step, Use use) {
  const Allocation allocation = allocate(study_, options_.system, step.plan.ranks(), step.ranks_per_domain);
  const BenchKey key{allocation.ranks, allocation.ranks_per_domain};
  std::unique_ptr<Bench> bench = take_bench(key);
  if (!bench) {
    bench = std::make_unique<Bench>(make_machine(study_, system_, chip_, allocation), simulator_options(study_));
  }
  use(*bench);
  const std::scoped_lock lock(mutex_);
  idle_[key].push_back(std::move(bench));
}

/// Nothing where none waits.
std::unique_ptr<TrainingTrials::Bench> TrainingTrials::take_bench(BenchKey key) {
  const std::scoped_lock lock(mutex_);
  std::vector<std::unique_ptr<Bench>>& idle = idle_[key];
  if (idle.empty()) {
    return nullptr;
  }
  std::unique_ptr<Bench> bench = std::move(idle.back());
  idle.pop_back();
  return bench;
}

MemoryUse TrainingTrials::memory(const KeptStep& step) const { return training_memory(model_, chip_, step.plan); }

double TrainingTrials::throughput(const KeptStep& step) {
  TrainingTrial trial = begin(step);
  if (!trial.refused()) {
    run(trial);
  }
  return trial.alternative.throughput;
}

/// Once all stages work, a step takes equally longer for each further micro-batch: a line through two short steps.
double TrainingTrials::predicted_throughput(const KeptStep& step) {
  const auto time = [&](double micro_batches) {
    const TaskGraph graph = training_step(model_, chip_, shortened(step.plan, micro_batches));
    Seconds time;
    on_bench(step, [&](Bench& on) { time = on.simulator.run(graph).time; });
    return time;
  };
  const double all = step.plan.micro_batches();
  const double few = 2.0 * step.plan.pp, more = 3.0 * step.plan.pp;
  if (all <= more) {
    return tokens_a_second(time(all));
  }
  const Seconds at_few = time(few);
  return tokens_a_second(at_few + (time(more) - at_few) * ((all - few) / (more - few)));
}

}  // namespace podium
