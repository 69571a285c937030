#include <algorithm>

#include "sim/study/evaluate.h"
#include "sim/study/training_plans.h"

namespace podium {
namespace {

PhaseResult phase(const TrainingPlan& plan, const Execution& execution, const MemoryUse& memory, const ChipSpec& chip) {
  PhaseResult result;
  result.name = "training step";
  result.plan = plan.name;
  result.time = execution.time;
  for (const auto& part : execution.account.parts()) {
    result.breakdown.push_back(part);
  }
  result.memory = memory;
  result.memory_size = chip.memory_size;
  result.batch = plan.global_batch;
  return result;
}

/// One plan on one machine: what came of it, kept in `best` where it is the fastest so far.
class Trial {
 public:
  Trial(const Study& study, const TrainingWorkload& workload, const ModelSpec& model, CaseResult& best)
      : study_(study), workload_(workload), model_(model), best_(best) {}

  Alternative operator()(const TrainingPlan& plan, std::uint32_t ranks_per_domain, const SystemSpec& system,
                         const ChipSpec& chip) {
    Alternative alternative{plan.name, 0, ""};
    if (ranks_per_domain > 0) {
      alternative.plan += ", " + std::to_string(ranks_per_domain) + " ranks a domain";
    }
    try {
      if (plan.dp == 0) {
        throw InputError("no data-parallel width: " + std::to_string(plan.tp * plan.cp * plan.pp) +
                         " ranks a replica, and the batch must divide evenly");
      }
      check_plan(model_, chip, plan);
      const MemoryUse memory = training_memory(model_, chip, plan);
      if (memory.total() > chip.memory_size) {
        throw InputError("needs " + to_text(memory.total()) + " of " + to_text(chip.memory_size) + " a rank");
      }
      const Machine machine(system, chip, {plan.ranks(), ranks_per_domain});
      const Execution execution = Simulator(machine, simulator_options(study_)).run(training_step(model_, chip, plan));
      alternative.throughput = workload_.global_batch * workload_.sequence / execution.time.value();
      if (alternative.throughput > best_.throughput.per_system) {
        keep(alternative, plan, machine, memory, execution);
      }
    } catch (const InputError& error) {
      alternative.refused = error.what();
    }
    return alternative;
  }

 private:
  void keep(const Alternative& alternative, const TrainingPlan& plan, const Machine& machine, const MemoryUse& memory,
            const Execution& execution) {
    const SystemSpec& system = machine.system();
    best_.plan = alternative.plan;
    best_.ranks = plan.ranks();
    best_.domains = machine.domains();
    best_.throughput = make_throughput("tokens/s", alternative.throughput, best_.chips, system);
    best_.power = power_of(system, best_.chips);
    best_.phases = {phase(plan, execution, memory, machine.chip())};
    const FlopsPerSecond peak = machine.chip().peak(DataType::bf16) * plan.ranks();
    best_.model_flops_utilisation = training_flops(model_, plan) / execution.time / peak;
    best_.signature = execution.signature;
  }

  const Study& study_;
  const TrainingWorkload& workload_;
  const ModelSpec& model_;
  CaseResult& best_;
};

}  // namespace

CaseResult evaluate_training(const Study& study, const TrainingWorkload& workload, const TrainingRegime& regime,
                             const TrainingOptions& options, const Allowance& allowance) {
  const ModelSpec model = load_model(workload.model);
  const SystemSpec system = load_system(options.system);
  const ChipSpec chip = load_chip(system.chip);
  CaseResult result;
  result.workload = workload.name;
  result.system = options.system;
  result.regime = regime.name;
  result.chips = allowance.chips;
  result.throughput.unit = "tokens/s";
  Trial trial(study, workload, model, result);
  const auto whole = static_cast<std::uint32_t>(system.ranks_per_domain());
  const std::uint32_t all = allowance.chips * static_cast<std::uint32_t>(system.ranks_per_package);
  for (const std::uint32_t per_domain : options.ranks_per_domain) {
    std::uint32_t ranks = all;
    if (per_domain > 0) {
      ranks = all / whole * per_domain + std::min(all % whole, per_domain);
    }
    for (TrainingPlan& plan : training_plans(options)) {
      plan.dp = widest_dp(plan, ranks);
      plan.name = describe(plan);
      result.alternatives.push_back(trial(plan, per_domain, system, chip));
    }
  }
  return result;
}

SimulatorOptions simulator_options(const Study& study) {
  SimulatorOptions options;
  options.network = study.network;
  return options;
}

}  // namespace podium
