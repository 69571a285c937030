#include "sim/topology/fabric.h"

namespace podium {
namespace {

/// A link from each accelerator to its host: NVLink-C2C, PCI Express.
void host_link(Site& site, const Node& parameters) {
  const auto bandwidth = positive_figure<BytesPerSecond>(parameters.at("link_bandwidth"));
  if (site.topology.hosts_per_node == 0) {
    parameters.fail("there are no hosts to link the accelerators to");
  }
  for (const NodeId accelerator : site.accelerators()) {
    site.connect(accelerator, site.topology.host_of(accelerator.index()), bandwidth);
  }
}

const Fabrics::Entry host_link_entry{"host_link", "a link from each accelerator to a host of its node (C2C, PCIe)",
                                     host_link};

}  // namespace
}  // namespace podium
