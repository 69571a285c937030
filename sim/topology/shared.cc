#include "sim/topology/shared.h"

#include <algorithm>

namespace podium {
namespace {

void check_found(const Node& entry, std::size_t before, const Topology& topology, const std::string& what) {
  if (topology.shared.size() == before) {
    entry.fail("the plane has no " + what);
  }
}

BytesPerSecond read_capacity(const Node& entry) {
  return entry.at("bandwidth").figure<BytesPerSecond>([](BytesPerSecond capacity) {
    if (!(capacity > BytesPerSecond(0))) {
      throw InputError("what is shared is more than nothing");
    }
  });
}

/// What comes in is what it passes on.
void share_switches(Topology& topology, std::uint32_t plane, const Node& entry) {
  const std::string tier = entry.at("switch").text();
  const BytesPerSecond capacity = read_capacity(entry);
  std::map<NodeId, std::vector<LinkId>> entering;
  for (const LinkId id : topology.links.ids()) {
    const Link& link = topology.links[id];
    const NetworkNode& to = topology.nodes[link.to];
    if (link.plane == plane && to.tier == tier && to.kind == NodeKind::network_switch) {
      entering[link.to].push_back(id);
    }
  }
  const std::size_t before = topology.shared.size();
  for (const auto& [node, links] : entering) {
    topology.shared.push_back({capacity, links, plane});
  }
  check_found(entry, before, topology, "switches of tier '" + tier + "'");
}

void share_cables(Topology& topology, std::uint32_t plane, const Node& entry) {
  const std::vector<Node> ends = entry.at("between").items();
  if (ends.size() != 2) {
    entry.at("between").fail("a link is between two tiers");
  }
  const std::string lower = ends[0].text();
  const std::string upper = ends[1].text();
  const BytesPerSecond capacity = read_capacity(entry);
  std::map<std::pair<NodeId, NodeId>, std::vector<LinkId>> cables;
  for (const LinkId id : topology.links.ids()) {
    const Link& link = topology.links[id];
    const std::string& from = topology.nodes[link.from].tier;
    const std::string& to = topology.nodes[link.to].tier;
    if (link.plane == plane && ((from == lower && to == upper) || (from == upper && to == lower))) {
      cables[std::minmax({link.from, link.to})].push_back(id);
    }
  }
  const std::size_t before = topology.shared.size();
  for (const auto& [pair, links] : cables) {
    topology.shared.push_back({capacity, links, plane});
  }
  check_found(entry, before, topology, "links between tiers '" + lower + "' and '" + upper + "'");
}

}  // namespace

void read_shared(Topology& topology, std::uint32_t plane, const Node& list) {
  for (const Node& entry : list.items()) {
    entry.has("switch") ? share_switches(topology, plane, entry) : share_cables(topology, plane, entry);
  }
}

}  // namespace podium
