#include "sim/study/step_run.h"

#include "sim/network/network.h"
#include "sim/system/packet_work.h"

namespace podium {
namespace {

/// Slow chips that are not among the ranks have no effect: notes on them.
std::vector<std::string> add_defects(const StepOptions& options, Allocation& allocation) {
  std::vector<std::string> notes;
  for (const std::string& fault : options.faults) {
    allocation.faults.push_back(parse_fault(fault, {"--fail"}));
  }
  for (const std::string& text : options.slow) {
    std::vector<SlowChip> slow = parse_slow_chips(text, {"--slow"});
    const std::size_t here = std::erase_if(slow, [&](const SlowChip& one) { return one.rank >= allocation.ranks; });
    if (here > 0) {
      notes.push_back("slow chips " + text + ": the step runs on ranks 0 to " + std::to_string(allocation.ranks - 1) +
                      ", and knows nothing of others");
    }
    allocation.slow.insert(allocation.slow.end(), slow.begin(), slow.end());
  }
  return notes;
}

}  // namespace

bool has_packets(const StepOptions& options) { return Networks::find(options.network).has_packets(); }

bool folds(const StepOptions& options) {
  return options.folding == Folding::exact && !Networks::find(options.network).needs_wires();
}

bool is_worse(const StepOptions& options) { return !options.faults.empty() || !options.slow.empty(); }

StepRun execute(const PlannedStep& step, const StepOptions& options,
                const std::function<void(std::uint64_t)>& progress) {
  Allocation allocation = step.allocation;
  allocation.bundles = Bundles::apart;
  std::vector<std::string> notes = add_defects(options, allocation);
  const Machine machine = load_machine(step.system, allocation);
  SimulatorOptions simulator;
  simulator.network = options.network;
  simulator.use_library = options.use_library;
  simulator.folding = options.folding;
  simulator.check_folding = options.check_folding;
  simulator.keep_links = true;
  simulator.keep_spans = true;
  simulator.link_samples = options.timeline_slices > 0 ? 256 : 0;
  simulator.packet_scale = options.packet_scale.value_or(1);
  simulator.progress = progress;
  const TaskGraph graph = graph_of(step, machine.chip());
  const Execution execution = Simulator(machine, simulator).run(graph);
  StepRun run;
  run.time = execution.time;
  run.breakdown = execution.account.parts();
  const CriticalPath path = critical_path(machine, graph, execution);
  run.critical_path = path.account.parts();
  run.critical_path_loss = path.beside;
  run.elasticities = elasticities(machine, path);
  run.tiers = port_tiers(machine.network(), execution.links, execution.time);
  run.folding = execution.folding;
  run.packet_hops = execution.links.packet_hops;
  run.real_packet_hops = real_packet_hops(machine.network(), execution.links);
  run.signature = execution.signature;
  notes.insert(notes.end(), execution.notes.begin(), execution.notes.end());
  run.notes = std::move(notes);
  if (options.timeline_slices > 0) {
    run.timeline = make_timeline(machine, graph, execution, path, options.timeline_slices);
  }
  return run;
}

}  // namespace podium
