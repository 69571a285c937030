#include "sim/study/gains.h"

#include "sim/study/evaluate.h"
#include "sim/study/parallel.h"

namespace podium {
namespace {

std::vector<Resource> resources_of(const Machine& machine) {
  using Kind = Resource::Kind;
  std::vector<Resource> result{{Kind::compute}, {Kind::memory}, {Kind::launches}, {Kind::host}};
  for (const Plane& plane : machine.network().planes) {
    result.push_back({Kind::bandwidth, plane.name});
    result.push_back({Kind::latency, plane.name});
  }
  return result;
}

std::vector<ResourceGain> gains_of(const Study& study, const PlannedStep& step) {
  constexpr double better = 1.1;
  const SystemSpec system = load_system(study, step.system);
  const Machine machine = make_machine(study, system, load_chip(study, system.chip), step.allocation);
  const auto time_on = [&](const Machine& on) {
    return Simulator(on, simulator_options(study)).run(graph_of(step, on.chip())).time;
  };
  const Seconds time = time_on(machine);
  std::vector<ResourceGain> gains;
  for (const Resource& resource : resources_of(machine)) {
    gains.push_back({to_string(resource), time_on(machine.improved(resource, better)) / time});
  }
  return gains;
}

}  // namespace

void add_gains(const Study& study, ComparisonResult& result, const RunOptions& options) {
  const std::vector<std::size_t> first = first_alike(study);
  std::vector<PhaseResult*> phases;
  for (std::size_t i = 0; i < result.cases.size(); ++i) {
    for (PhaseResult& phase : result.cases[i].phases) {
      if (first[i] == i) {
        phases.push_back(&phase);
      }
    }
  }
  RunOptions silent;
  silent.threads = options.threads;
  parallel_for(phases.size(), silent, [&](std::size_t i) { phases[i]->gains = gains_of(study, phases[i]->step); });
  for (std::size_t i = 0; i < result.cases.size(); ++i) {
    for (std::size_t p = 0; p < result.cases[i].phases.size(); ++p) {
      result.cases[i].phases[p].gains = result.cases[first[i]].phases[p].gains;
    }
  }
}

}  // namespace podium
