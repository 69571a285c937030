#pragma once

#include <random>
#include <vector>

#include "sim/collective/player.h"
#include "sim/topology/topology.h"

namespace podium::test {

inline NodeId add_node(Topology& topology, NodeKind kind) {
  NetworkNode node;
  node.kind = kind;
  node.bundle = static_cast<std::uint32_t>(topology.nodes.size());
  return topology.nodes.push_back(node);
}

inline void connect(Topology& topology, NodeId a, NodeId b, BytesPerSecond bandwidth, std::uint32_t plane = 0) {
  topology.links.push_back({a, b, bandwidth, plane});
  topology.links.push_back({b, a, bandwidth, plane});
}

/// `leaves` switches with `per_leaf` accelerators each under one top switch; the uplinks have their own bandwidth. One
/// plane, "net": no headers, 1 us at the end points and 0.5 us a switch.
inline Topology tree(std::uint32_t leaves, std::uint32_t per_leaf, BytesPerSecond port, BytesPerSecond uplink) {
  using namespace literals;
  Topology topology;
  topology.name = "tree";
  Plane plane;
  plane.name = "net";
  plane.endpoint_latency = 1_us;
  plane.switch_latency = 0.5_us;
  plane.multicast = true;
  topology.planes = {plane};
  topology.accelerators = leaves * per_leaf;
  topology.accelerators_per_node = per_leaf;
  topology.accelerators_per_domain = topology.accelerators;
  for (std::uint32_t i = 0; i < topology.accelerators; ++i) {
    add_node(topology, NodeKind::accelerator);
  }
  const NodeId top = add_node(topology, NodeKind::network_switch);
  for (std::uint32_t leaf = 0; leaf < leaves; ++leaf) {
    const NodeId node = add_node(topology, NodeKind::network_switch);
    connect(topology, node, top, uplink);
    for (std::uint32_t i = 0; i < per_leaf; ++i) {
      connect(topology, NodeId(leaf * per_leaf + i), node, port);
    }
  }
  return topology;
}

/// Accelerators behind one switch.
inline Topology star(std::uint32_t accelerators, BytesPerSecond port) { return tree(1, accelerators, port, port); }

inline std::vector<NodeId> consecutive(std::uint32_t first, std::uint32_t count, std::uint32_t stride = 1) {
  std::vector<NodeId> nodes;
  for (std::uint32_t i = 0; i < count; ++i) {
    nodes.emplace_back(first + i * stride);
  }
  return nodes;
}

inline Operation operation(std::string_view algorithm, CollectiveKind kind, std::vector<std::vector<NodeId>> groups,
                           bool in_switch = false) {
  const auto ranks = static_cast<std::uint32_t>(groups.front().size());
  return {make_schedule(algorithm, kind, {.ranks = ranks, .in_switch_reduction = in_switch}), {std::move(groups)}, {}};
}

/// The same protocol on all planes, and memory that is too fast to matter.
inline CommunicationCosts costs(const Topology& topology, const Protocol& protocol = {}) {
  CommunicationCosts result;
  result.protocols.assign(topology.planes.size(), protocol);
  result.planes = packet_planes(topology);
  result.memory_bandwidth = BytesPerSecond(1e30);
  return result;
}

}  // namespace podium::test
