#include <algorithm>
#include <cmath>

#include "sim/study/evaluate.h"

namespace podium {
namespace {

/// The largest number of data-parallel replicas that the ranks hold and the batch divides by; 0 where there is none.
std::uint32_t widest_dp(const TrainingPlan& plan, std::uint32_t ranks) {
  const std::uint32_t one = plan.tp * plan.cp * plan.pp;
  for (std::uint32_t dp = ranks / one; dp > 0; --dp) {
    const double micro_batches = plan.global_batch / (plan.micro_batch * dp);
    const bool experts_fit = (plan.tp * plan.cp * dp) % plan.ep == 0;
    if (micro_batches == std::floor(micro_batches) && experts_fit) {
      return dp;
    }
  }
  return 0;
}

std::string describe(const TrainingPlan& plan) {
  std::string text = "TP" + std::to_string(plan.tp) + " PP" + std::to_string(plan.pp) + " DP" + std::to_string(plan.dp);
  const auto add = [&](const char* name, std::uint32_t value) {
    if (value > 1) {
      text += " " + std::string(name) + std::to_string(value);
    }
  };
  add("CP", plan.cp);
  add("EP", plan.ep);
  add("VP", plan.virtual_stages);
  add("MBS", static_cast<std::uint32_t>(plan.micro_batch));
  text += ", " + std::string(to_string(plan.matrix_type));
  if (plan.recompute == Recompute::full) {
    text += ", full recompute";
  } else if (plan.recompute == Recompute::selective) {
    text += ", selective recompute";
  }
  return text;
}

/// All combinations of the options, dp chosen by the ranks at hand.
std::vector<TrainingPlan> candidates(const TrainingOptions& options, std::uint32_t ranks) {
  std::vector<TrainingPlan> plans{options.base};
  const auto vary = [&plans](const auto& values, auto set) {
    std::vector<TrainingPlan> more;
    for (const TrainingPlan& plan : plans) {
      for (const auto& value : values) {
        more.push_back(plan);
        set(more.back(), value);
      }
    }
    plans = std::move(more);
  };
  const auto field = [](std::uint32_t TrainingPlan::*member) {
    return [member](TrainingPlan& plan, std::int64_t value) { plan.*member = static_cast<std::uint32_t>(value); };
  };
  vary(options.tp, field(&TrainingPlan::tp));
  vary(options.cp, field(&TrainingPlan::cp));
  vary(options.pp, field(&TrainingPlan::pp));
  vary(options.ep, field(&TrainingPlan::ep));
  vary(options.virtual_stages, field(&TrainingPlan::virtual_stages));
  vary(options.micro_batch, [](TrainingPlan& plan, std::int64_t v) { plan.micro_batch = static_cast<double>(v); });
  vary(options.recompute, [](TrainingPlan& plan, Recompute r) { plan.recompute = r; });
  for (TrainingPlan& plan : plans) {
    plan.dp = widest_dp(plan, ranks);
    plan.name = describe(plan);
  }
  return plans;
}

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
    for (const TrainingPlan& plan : candidates(options, ranks)) {
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
