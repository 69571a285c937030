#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "sim/core/registry.h"
#include "sim/topology/topology.h"

namespace podium {

/// Accelerators and hosts of one node (a tray, a server), in rank order.
struct Tray {
  std::vector<NodeId> accelerators;
  std::vector<NodeId> hosts;
};

/// What a link is beyond its ends and bandwidth: see Link.
struct LinkLabel {
  std::uint8_t dimension = 0;
  bool dateline = false;
  std::uint32_t cables = 1;
  Seconds latency{};
};

/// What a fabric is built on: the accelerators and hosts of one domain for a scale-up plane, all of them for a plane
/// that spans the domains. New switches and links belong to the plane.
struct Site {
  Topology& topology;
  std::uint32_t plane = 0;
  std::uint32_t domain = 0;
  std::vector<Tray> trays;  ///< the last one may be partial

  std::vector<NodeId> accelerators() const;
  /// A switch (or NIC) that stands alone.
  NodeId add_node(NodeKind kind, const std::string& tier);
  /// Switches of one bundle: see NetworkNode::bundle.
  std::vector<NodeId> add_bundle(std::size_t count, const std::string& tier);
  /// A link each way.
  void connect(NodeId a, NodeId b, BytesPerSecond each_way, const LinkLabel& label = {});
  /// The same of several equal cables.
  void connect_cables(NodeId a, NodeId b, std::size_t cables, BytesPerSecond of_one);
  void connect_one_way(NodeId from, NodeId to, BytesPerSecond bandwidth, const LinkLabel& label = {});
  /// The natural halves, 0 or 1 for each of `accelerators()`; empty where there are none, so that measures search for
  /// the least. A fabric that names none is halved in the order of ranks.
  void name_halves(const std::vector<std::uint8_t>& halves);
};

/// The node that a YAML scalar names; InputError with the nearest name where there is none.
NodeId find_node(const std::map<std::string, NodeId>& names, const Node& name);

/// A kind of fabric: adds switches and links for one plane at one site. `parameters` is the plane's mapping in the YAML
/// file; it reads the keys that are its own. One fabric a file; see sim/topology/README.md.
struct FabricKind {
  static constexpr const char* what = "fabric";
  using Value = void (*)(Site& site, const Node& parameters);
};
using Fabrics = Registry<FabricKind>;

}  // namespace podium
