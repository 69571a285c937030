#include <algorithm>
#include <map>
#include <tuple>

#include "sim/topology/topology.h"

namespace podium {
namespace {

/// A link between merged nodes: what parallel links have in common.
struct MergedLink {
  NodeId from;
  NodeId to;
  std::uint32_t plane;
  LinkId link;  ///< one of those that it stands for
};

/// Pools of the same merged links become one of their summed capacity.
void merge_shared(const Topology& topology, const Table<LinkId, LinkId>& first_of,
                  const Table<LinkId, LinkId>& merged_link, Topology& merged) {
  std::map<std::vector<LinkId>, std::size_t> place_of;
  merged.shared.clear();
  for (const SharedCapacity& pool : topology.shared) {
    std::vector<LinkId> links;
    for (const LinkId link : pool.links) {
      links.push_back(merged_link[first_of[link]]);
    }
    std::sort(links.begin(), links.end());
    links.erase(std::unique(links.begin(), links.end()), links.end());
    const auto [place, is_new] = place_of.try_emplace(links, merged.shared.size());
    if (is_new) {
      merged.shared.push_back({BytesPerSecond(0), links, pool.plane});
    }
    merged.shared[place->second].capacity += pool.capacity;
  }
}

}  // namespace

Topology merge_bundles(const Topology& topology) {
  // nodes and links are many, and made anew
  Topology merged{topology.name,
                  topology.description,
                  {},
                  {},
                  topology.shared,
                  topology.planes,
                  topology.accelerators,
                  topology.accelerators_per_package,
                  topology.accelerators_per_node,
                  topology.accelerators_per_domain,
                  topology.hosts_per_node,
                  topology.domains,
                  topology.figures};
  Table<NodeId, NodeId> of_node(topology.nodes.size());
  for (const NodeId id : topology.nodes.ids()) {
    const std::uint32_t bundle = topology.nodes[id].bundle;
    PODIUM_CHECK(bundle <= id.index(), "a bundle is named by its first node");
    if (bundle == id.index()) {
      NetworkNode node = topology.nodes[id];
      node.bundle = static_cast<std::uint32_t>(merged.nodes.size());
      of_node[id] = merged.nodes.push_back(node);
    } else {
      of_node[id] = of_node[NodeId(bundle)];
    }
  }
  // parallel links become neighbours, and the first of them gives the merged link its place
  std::vector<MergedLink> order;
  order.reserve(topology.links.size());
  for (const LinkId id : topology.links.ids()) {
    const Link& link = topology.links[id];
    PODIUM_CHECK(of_node[link.from] != of_node[link.to], "switches of one bundle are not linked to each other");
    order.push_back({of_node[link.from], of_node[link.to], link.plane, id});
  }
  std::sort(order.begin(), order.end(), [](const MergedLink& a, const MergedLink& b) {
    return std::tie(a.from, a.to, a.plane, a.link) < std::tie(b.from, b.to, b.plane, b.link);
  });
  Table<LinkId, BytesPerSecond> sum(topology.links.size());
  Table<LinkId, std::uint32_t> cables(topology.links.size());
  Table<LinkId, Seconds> latency(topology.links.size());
  Table<LinkId, LinkId> first_of(topology.links.size());
  LinkId first;
  for (std::size_t i = 0; i < order.size(); ++i) {
    const MergedLink& link = order[i];
    const bool opens = i == 0 || std::tie(order[i - 1].from, order[i - 1].to, order[i - 1].plane) !=
                                     std::tie(link.from, link.to, link.plane);
    first = opens ? link.link : first;
    first_of[link.link] = first;
    sum[first] += topology.links[link.link].bandwidth;
    cables[first] += topology.links[link.link].cables;
    latency[first] = std::max(latency[first], topology.links[link.link].latency);
  }
  Table<LinkId, LinkId> merged_link(topology.links.size());  // of the first of those that it stands for
  for (const LinkId id : topology.links.ids()) {
    if (first_of[id] == id) {
      Link link = topology.links[id];
      link.latency = latency[id];
      link.from = of_node[link.from];
      link.to = of_node[link.to];
      link.bandwidth = sum[id];
      link.cables = cables[id];
      merged_link[id] = merged.links.push_back(link);
    }
  }
  merge_shared(topology, first_of, merged_link, merged);
  return merged;
}

}  // namespace podium
