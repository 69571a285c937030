#include "sim/topology/fabric.h"

namespace podium {
namespace {

/// One switch that never limits: every accelerator has one link to it.
void single_switch(Site& site, const Node& parameters) {
  const auto bandwidth = positive_figure<BytesPerSecond>(parameters.at("link_bandwidth"));
  const NodeId hub = site.add_node(NodeKind::network_switch, parameters.at("tier").text());
  for (const NodeId accelerator : site.accelerators()) {
    site.connect(accelerator, hub, bandwidth);
  }
}

const Fabrics::Entry switch_entry{"switch", "a single switch", single_switch};

}  // namespace
}  // namespace podium
