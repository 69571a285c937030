#include "sim/topology/fabric.h"

namespace podium {
namespace {

constexpr LinkLabel through_a_host{0, false, 0};

/// A network through one NIC (DPU) in each node, which its hosts share; the NICs hang on one switch that never limits.
/// Accelerators have no port there: what they send goes through a host, a way of the bandwidth of a host's link.
/// CloudMatrix384's VPC plane: 400 Gb/s a node by a card on one of its CPUs (arXiv 2506.12708, 3.2).
void host_nic(Site& site, const Node& parameters) {
  const auto nic_bandwidth = positive_figure<BytesPerSecond>(parameters.at("nic_bandwidth"));
  const auto host_bandwidth = positive_figure<BytesPerSecond>(parameters.at("host_bandwidth"));
  const std::string tier = parameters.at("nic_tier").text();
  std::vector<NodeId> nics;
  for (const Tray& tray : site.trays) {
    nics.push_back(site.add_node(NodeKind::nic, tier));
    for (const NodeId accelerator : tray.accelerators) {
      site.connect(accelerator, nics.back(), host_bandwidth, through_a_host);
    }
    for (const NodeId host : tray.hosts) {
      site.connect(host, nics.back(), host_bandwidth);
    }
  }
  const NodeId core = site.add_node(NodeKind::network_switch, parameters.at("tier").text());
  for (const NodeId nic : nics) {
    site.connect(nic, core, nic_bandwidth);
  }
}

const Fabrics::Entry host_nic_entry{"host_nic", "one network card a node, shared by its hosts and accelerators (VPC)",
                                    host_nic};

}  // namespace
}  // namespace podium
