#include "sim/topology/fabric.h"

namespace podium {

std::vector<NodeId> Site::accelerators() const {
  std::vector<NodeId> all;
  for (const Tray& tray : trays) {
    all.insert(all.end(), tray.accelerators.begin(), tray.accelerators.end());
  }
  return all;
}

NodeId Site::add_node(NodeKind kind, const std::string& tier) {
  NetworkNode node;
  node.kind = kind;
  node.tier = tier;
  node.domain = domain;
  node.bundle = static_cast<std::uint32_t>(topology.nodes.size());
  return topology.nodes.push_back(node);
}

std::vector<NodeId> Site::add_bundle(std::size_t count, const std::string& tier) {
  std::vector<NodeId> switches;
  for (std::size_t i = 0; i < count; ++i) {
    switches.push_back(add_node(NodeKind::network_switch, tier));
    topology.nodes[switches.back()].bundle = switches.front().index();
  }
  return switches;
}

void Site::connect(NodeId a, NodeId b, BytesPerSecond each_way, const LinkLabel& label) {
  connect_one_way(a, b, each_way, label);
  connect_one_way(b, a, each_way, label);
}

void Site::connect_cables(NodeId a, NodeId b, std::size_t cables, BytesPerSecond of_one) {
  connect(a, b, static_cast<double>(cables) * of_one, {0, false, static_cast<std::uint32_t>(cables)});
}

void Site::connect_one_way(NodeId from, NodeId to, BytesPerSecond bandwidth, const LinkLabel& label) {
  PODIUM_CHECK(from != to, "a link joins two nodes");
  topology.links.push_back({from, to, bandwidth, plane, label.dimension, label.dateline, label.cables, label.latency});
}

void Site::name_halves(const std::vector<std::uint8_t>& halves) {
  const std::vector<NodeId> all = accelerators();
  PODIUM_CHECK(halves.empty() || halves.size() == all.size(), "one half for each accelerator");
  for (std::size_t i = 0; i < all.size(); ++i) {
    topology.planes[plane].halves[all[i].index()] = halves.empty() ? 0 : halves[i];
  }
}

NodeId find_node(const std::map<std::string, NodeId>& names, const Node& name) {
  const auto found = names.find(name.text());
  if (found == names.end()) {
    std::vector<std::string> known;
    for (const auto& [key, node] : names) {
      known.push_back(key);
    }
    name.fail(unknown_name("node", name.text(), known));
  }
  return found->second;
}

}  // namespace podium
