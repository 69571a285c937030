#include "sim/topology/fabric.h"

namespace podium {
namespace {

/// Two tiers of switches in several sub-planes: each node has one L1 chip in every sub-plane, to which all its
/// accelerators (and hosts) are linked, and each L1 chip is linked to all L2 chips of its sub-plane and to no others.
/// Zuo et al., "Serving Large Language Models on Huawei CloudMatrix384", arXiv 2506.12708, section 3.3.3 and figure 5.
void ub_clos(Site& site, const Node& parameters) {
  const auto sub_planes = static_cast<std::size_t>(parameters.at("sub_planes").figure_count());
  const auto spines = static_cast<std::size_t>(parameters.at("l2_per_sub_plane").figure_count());
  const auto down = static_cast<std::size_t>(parameters.at("links_per_accelerator_and_l1").figure_count());
  const auto up = static_cast<std::size_t>(parameters.at("links_per_l1_and_l2").figure_count());
  const auto bandwidth = positive_figure<BytesPerSecond>(parameters.at("link_bandwidth"));
  if (sub_planes == 0 || spines == 0 || down == 0 || up == 0) {
    parameters.fail("a Clos needs at least one sub-plane, L2 chip and link of each kind");
  }
  const bool has_hosts = !site.trays.empty() && !site.trays.front().hosts.empty();
  const auto host_bandwidth =
      has_hosts ? positive_figure<BytesPerSecond>(parameters.at("host_bandwidth")) : BytesPerSecond(0);
  const std::string l1_tier = parameters.at("l1_tier").text();
  const std::string l2_tier = parameters.at("l2_tier").text();

  // the sub-planes are alike, so the L1 chips of a node are one bundle, and so are all L2 chips
  std::vector<std::vector<NodeId>> l1;
  for (const Tray& tray : site.trays) {
    l1.push_back(site.add_bundle(sub_planes, l1_tier));
    for (const NodeId chip : l1.back()) {
      for (const NodeId accelerator : tray.accelerators) {
        site.connect_cables(accelerator, chip, down, bandwidth);
      }
      for (const NodeId host : tray.hosts) {
        site.connect(host, chip, host_bandwidth / static_cast<double>(sub_planes));
      }
    }
  }
  const std::vector<NodeId> l2 = site.add_bundle(sub_planes * spines, l2_tier);
  for (const std::vector<NodeId>& chips : l1) {
    for (std::size_t i = 0; i < l2.size(); ++i) {
      site.connect_cables(chips[i / spines], l2[i], up, bandwidth);
    }
  }
}

const Fabrics::Entry ub_clos_entry{"ub_clos", "two-tier Clos in sub-planes, one L1 chip a node and sub-plane (UB)",
                                   ub_clos};

}  // namespace
}  // namespace podium
