#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "sim/config/config.h"
#include "sim/core/id.h"
#include "sim/core/registry.h"
#include "sim/core/units.h"

namespace podium {

struct NodeTag;
struct LinkTag;
using NodeId = Id<NodeTag>;
using LinkId = Id<LinkTag>;

enum class NodeKind : std::uint8_t { accelerator, cpu, nic, network_switch };

/// One vertex of the network.
struct NetworkNode {
  NodeKind kind = NodeKind::network_switch;
  std::string tier;          ///< "die", "L1", "L2", "leaf" …: for counts and drawings
  std::uint32_t domain = 0;  ///< the scale-up network it belongs to; of no meaning for scale-out switches
  std::uint32_t half = 0;    ///< for an accelerator, the side of the builder's natural bisection: 0 or 1
  /// Switches of one bundle have equal neighbours and share sprayed traffic evenly, so that they may be merged into one
  /// of their summed capacity. Unique where a switch stands alone.
  std::uint32_t bundle = 0;
};

/// One direction of a link.
struct Link {
  NodeId from;
  NodeId to;
  BytesPerSecond bandwidth;  ///< raw, one direction
  std::uint32_t plane = 0;
};

/// A network that spans some of the nodes: one fabric of one kind. Routes stay inside one plane.
struct Plane {
  std::string name;                    ///< "ub", "nvlink", "roce" …
  std::string fabric;                  ///< the builder's name
  bool spans_domains = false;          ///< a scale-out plane joins the domains
  double payload_efficiency_near = 1;  ///< payload over raw bandwidth, within a node (one switch)
  double payload_efficiency_far = 1;   ///< across nodes
  Seconds endpoint_latency;            ///< both end points of a one-way message together
  Seconds switch_latency;              ///< one switch with its fibre
  bool multicast = false;              ///< switches can multicast and reduce
};

/// Nodes, one-way links and planes. Immutable once built, shared by threads. Accelerators come first: rank r of the
/// machine is node r.
struct Topology {
  std::string name;
  Table<NodeId, NetworkNode> nodes;
  Table<LinkId, Link> links;
  std::vector<Plane> planes;  ///< in the order in which a route prefers them
  std::uint32_t accelerators = 0;
  std::uint32_t accelerators_per_node = 1;
  std::uint32_t accelerators_per_domain = 1;
  std::vector<Figure> figures;

  NodeId accelerator(std::uint32_t rank) const { return NodeId(rank); }
  std::uint32_t plane_index(std::string_view name) const;  ///< InputError where there is none
};

/// A kind of fabric: adds switches and links for one plane among the accelerators (and hosts) that are there already.
/// `parameters` is the plane's mapping in the YAML file. One fabric a file; see sim/topology/README.md.
struct FabricKind {
  static constexpr const char* what = "fabric";
  using Value = void (*)(Topology&, std::uint32_t plane, const Node& parameters);
};
using Fabrics = Registry<FabricKind>;

/// Builds topologies/NAME.yaml with `domains` scale-up networks (a partial last one where `accelerators` is given and
/// is not a multiple; 0 means whole domains).
Topology load_topology(std::string_view name, std::uint32_t domains = 1, std::uint32_t accelerators = 0,
                       const std::map<std::string, std::string>& overrides = {}, const Location& where = {});

/// The same network with the switches of each bundle merged and parallel links added up: what sprayed traffic sees.
Topology merge_bundles(const Topology&);

}  // namespace podium
