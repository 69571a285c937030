#include "sim/report/topology_layers.h"

#include <algorithm>
#include <limits>
#include <set>

namespace podium {
namespace {

constexpr std::uint32_t none = std::numeric_limits<std::uint32_t>::max();

/// By node.
using Neighbours = Table<NodeId, std::vector<NodeId>>;

/// Who is linked to whom in a plane, as far as it is drawn.
Neighbours neighbours_in(const Topology& topology, std::uint32_t plane) {
  Neighbours neighbours(topology.nodes.size());
  for (const Link& link : topology.links) {
    if (link.plane == plane && (topology.planes[plane].spans_domains || topology.nodes[link.from].domain == 0)) {
      neighbours[link.from].push_back(link.to);
    }
  }
  return neighbours;
}

/// Hops from the nearest accelerator to each switch, 0 for accelerators, `none` for what is not in the plane.
Table<NodeId, std::uint32_t> find_levels(const Topology& topology, const Neighbours& neighbours) {
  Table<NodeId, std::uint32_t> level(topology.nodes.size(), none);
  std::vector<NodeId> order;
  for (std::uint32_t rank = 0; rank < topology.accelerators; ++rank) {
    if (!neighbours[topology.accelerator(rank)].empty()) {
      level[topology.accelerator(rank)] = 0;
      order.push_back(topology.accelerator(rank));
    }
  }
  for (std::size_t next = 0; next < order.size(); ++next) {
    for (const NodeId other : neighbours[order[next]]) {
      if (is_switch(topology, other) && level[other] == none) {
        level[other] = level[order[next]] + 1;
        order.push_back(other);
      }
    }
  }
  return level;
}

/// Numbers the parts into which a plane's switches fall without the accelerators.
void find_sub_planes(const Topology& topology, const Neighbours& neighbours, std::vector<std::uint32_t>& sub_plane) {
  std::uint32_t parts = 0;
  for (const NodeId start : neighbours.ids()) {
    if (!is_switch(topology, start) || neighbours[start].empty() || sub_plane[start.index()] != 0) {
      continue;
    }
    sub_plane[start.index()] = ++parts;
    std::vector<NodeId> order{start};
    for (std::size_t next = 0; next < order.size(); ++next) {
      for (const NodeId other : neighbours[order[next]]) {
        if (is_switch(topology, other) && sub_plane[other.index()] == 0) {
          sub_plane[other.index()] = parts;
          order.push_back(other);
        }
      }
    }
  }
}

/// The nodes (servers) whose accelerators are linked to a switch.
std::set<std::uint32_t> served(const Topology& topology, const std::vector<NodeId>& neighbours) {
  std::set<std::uint32_t> servers;
  for (const NodeId other : neighbours) {
    if (topology.nodes[other].kind == NodeKind::accelerator) {
      servers.insert(other.index() / topology.accelerators_per_node);
    }
  }
  return servers;
}

void sort_plane(const Topology& topology, std::uint32_t plane, Layers& layers) {
  const bool spans = topology.planes[plane].spans_domains;
  const Neighbours neighbours = neighbours_in(topology, plane);
  if (!spans) {
    find_sub_planes(topology, neighbours, layers.sub_plane);
  }
  std::map<std::uint32_t, SwitchRow> rows;
  const Table<NodeId, std::uint32_t> levels = find_levels(topology, neighbours);
  for (const NodeId node : levels.ids()) {
    if (levels[node] == 0 || levels[node] == none) {
      continue;
    }
    const std::set<std::uint32_t> servers = served(topology, neighbours[node]);
    const bool may_be_inside = !spans || topology.nodes[node].kind == NodeKind::nic;
    if (may_be_inside && servers.size() == 1) {
      layers.inside[*servers.begin()].push_back(node);
    } else {
      rows[levels[node]].plane = plane;
      rows[levels[node]].switches.push_back(node);
    }
  }
  for (auto& [level, row] : rows) {
    (spans ? layers.below : layers.above).push_back(std::move(row));
  }
}

}  // namespace

bool is_switch(const Topology& topology, NodeId id) {
  return topology.nodes[id].kind == NodeKind::network_switch || topology.nodes[id].kind == NodeKind::nic;
}

Layers find_layers(const Topology& topology) {
  Layers layers;
  layers.sub_plane.assign(topology.nodes.size(), 0);
  for (std::uint32_t plane = 0; plane < topology.planes.size(); ++plane) {
    sort_plane(topology, plane, layers);
  }
  std::reverse(layers.above.begin(), layers.above.end());
  return layers;
}

}  // namespace podium
