#include "sim/study/evaluate.h"

#include <algorithm>
#include <map>

namespace podium {
namespace {

/// Calls with a case's workload, regime and options.
template <class Call>
auto with_case(const Study& study, const CaseId& id, Call call) {
  return std::visit(
      [&](const auto& workload) {
        const auto& regime = workload.regimes.at(id.regime);
        return call(workload, regime, regime.systems.at(id.options));
      },
      study.workloads.at(id.workload));
}

std::vector<SlowChip> slow_chips(const StudySystem& system) {
  std::vector<SlowChip> all;
  for (const std::string& text : system.slow) {
    const std::vector<SlowChip> some = parse_slow_chips(text);
    all.insert(all.end(), some.begin(), some.end());
  }
  return all;
}

}  // namespace

std::unique_ptr<Evaluator> evaluator_of(const Study& study, const CaseId& id) {
  return with_case(study, id, [&](const auto& workload, const auto& regime, const auto& options) {
    if constexpr (std::is_same_v<decltype(options), const ServingOptions&>) {
      return serving_evaluator(study, workload, regime, options);
    } else {
      return training_evaluator(study, workload, regime, options);
    }
  });
}

std::optional<double> pinned_throughput(const Study& study, const CaseId& id, const KeptPlan& kept, Depth depth) {
  return with_case(study, id, [&](const auto& workload, const auto& regime, const auto& options) {
    if constexpr (std::is_same_v<decltype(options), const ServingOptions&>) {
      const auto* plan = std::get_if<KeptDeployment>(&kept);
      return plan != nullptr ? pinned_throughput(study, workload, regime, options, *plan, depth) : std::nullopt;
    } else {
      const auto* plan = std::get_if<KeptSteps>(&kept);
      return plan != nullptr ? pinned_throughput(study, workload, regime, options, *plan, depth) : std::nullopt;
    }
  });
}

Allocation allocate(const Study& study, const std::string& system, std::uint32_t ranks,
                    std::uint32_t ranks_per_domain) {
  Allocation result{.ranks = ranks, .ranks_per_domain = ranks_per_domain};
  for (const StudySystem& entry : study.systems) {
    if (entry.name == system) {
      for (const std::string& fault : entry.faults) {
        result.faults.push_back(parse_fault(fault));
      }
      result.slow = slow_chips(entry);
    }
  }
  std::erase_if(result.slow, [&](const SlowChip& slow) { return slow.rank >= ranks; });
  return result;
}

Allocation allocate_instance(const Study& study, const std::string& system, std::uint32_t ranks) {
  Allocation result = allocate(study, system, ranks);
  std::map<std::uint32_t, SlowChip> slowest;  // by place
  for (const StudySystem& entry : study.systems) {
    for (SlowChip slow : entry.name == system ? slow_chips(entry) : std::vector<SlowChip>()) {
      slow.rank %= ranks;
      SlowChip& there = slowest.try_emplace(slow.rank, slow).first->second;
      there.slowdown = std::max(there.slowdown, slow.slowdown);
    }
  }
  result.slow.clear();
  for (const auto& [rank, slow] : slowest) {
    result.slow.push_back(slow);
  }
  return result;
}

SimulatorOptions simulator_options(const Study& study) {
  SimulatorOptions options;
  options.network = study.network;
  options.use_library = study.use_library;
  return options;
}

void set_peaks(CaseResult& result, const ChipSpec& chip, DataType type) {
  result.peak_type = to_string(type);
  result.peak = chip.peak(type) * result.ranks;
  result.memory_bandwidth = chip.memory_bandwidth * result.ranks;
}

void set_use(PhaseResult& phase, std::uint32_t ranks, const Execution& step, std::uint32_t ranks_of_step,
             const ChipSpec& chip, DataType type) {
  phase.ranks = ranks;
  phase.peak_type = to_string(type);
  phase.peak_share = step.flops / step.time / (chip.peak(type) * ranks_of_step);
  phase.folding = step.folding;
  phase.bandwidth_share = step.memory_traffic / step.time / (chip.memory_bandwidth * ranks_of_step);
}

std::string why_too_many(const SystemSpec& system, std::uint32_t chips) {
  const auto most = std::int64_t{system.packages_per_node} * system.nodes_per_domain * system.max_domains;
  return chips <= most ? ""
                       : std::to_string(chips) + " chips asked for, but the scale-out plane of " + system.name +
                             " is built for " + std::to_string(most);
}

}  // namespace podium
