#include "sim/system/traffic_run.h"

namespace podium {

Execution run_on_wires(const TaskGraph& graph, std::string_view system, Allocation allocation,
                       const std::string& network) {
  SystemSpec spec = load_system(system);
  for (auto& [plane, protocol] : spec.protocols) {
    protocol.send_launch = Seconds();
    protocol.bulk_efficiency = 1;
  }
  allocation.bundles = Bundles::apart;
  ChipSpec chip = load_chip(spec.chip, {}, spec.chip_where);
  const Machine machine(std::move(spec), std::move(chip), allocation);
  Execution execution =
      Simulator(machine, {.network = network, .folding = Folding::off, .keep_links = true}).run(graph);
  for (const LinkId link : execution.links.ports.ids()) {
    PortStatistics& port = execution.links.ports[link];
    if (port.busy == Seconds() && port.bytes > Bytes()) {
      port.busy = port.bytes / machine.network().links[link].bandwidth;
    }
  }
  return execution;
}

}  // namespace podium
