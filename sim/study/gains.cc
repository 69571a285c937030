#include "sim/study/gains.h"

#include <algorithm>
#include <set>

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

/// One more than the last plane that anything of the run takes, in the topology's order: those from there on stay idle.
std::uint32_t planes_taken(const Execution& execution) {
  std::uint32_t taken = 0;
  for (const std::uint32_t last : execution.planes) {
    taken = std::max(taken, last + 1);
  }
  for (const Execution& block : execution.blocks) {
    taken = std::max(taken, planes_taken(block));
  }
  return taken;
}

std::vector<ResourceGain> gains_of(const Study& study, const PlannedStep& step) {
  constexpr double better = 1.1;
  const SystemSpec system = load_system(study, step.system);
  const Machine machine = make_machine(study, system, load_chip(study, system.chip), step.allocation);
  const auto run_on = [&](const Machine& on, bool keep_spans) {
    SimulatorOptions options = simulator_options(study);
    options.keep_spans = keep_spans;
    return Simulator(on, options).run(graph_of(step, on.chip()));
  };
  const Execution whole = run_on(machine, true);
  const std::vector<Plane>& planes = machine.network().planes;
  std::set<std::string> idle;
  for (std::size_t plane = planes_taken(whole); plane < planes.size(); ++plane) {
    idle.insert(planes[plane].name);
  }
  std::vector<ResourceGain> gains;
  for (const Resource& resource : resources_of(machine)) {
    const bool counts = !idle.contains(resource.plane);
    const Seconds time = counts ? run_on(machine.improved(resource, better), false).time : whole.time;
    gains.push_back({to_string(resource), time / whole.time});
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
