#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "sim/config/config.h"
#include "sim/core/id.h"
#include "sim/core/units.h"
#include "sim/topology/routing.h"

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
  /// Switches of one bundle have equal neighbours (up to bundles) and share sprayed traffic in proportion to their
  /// capacities, so that they may be merged into one. It is the index of the bundle's first node; a node's own index
  /// where it stands alone.
  std::uint32_t bundle = 0;
  std::string name = {};  ///< of its own, of switches whose file names them one by one
};

/// One direction of a link: a cable, or several that join the same two nodes.
struct Link {
  NodeId from;
  NodeId to;
  BytesPerSecond bandwidth;  ///< raw, one direction, all cables together
  std::uint32_t plane = 0;
  std::uint8_t dimension = 0;  ///< the coordinate that it changes, in a network whose nodes have such
  bool dateline = false;       ///< traffic that has crossed it uses the next virtual channel: where a ring is closed
  std::uint32_t cables = 1;    ///< that it is; 0 for a way that is none, as one through a host
  Seconds latency{};           ///< of propagation, beyond the fibre that the plane's `switch_latency` counts
};

/// A capacity that several links of a plane share: the two directions of a half-duplex cable, or what comes into a
/// switch chip that passes on less than its ports could bring. Routes name it by a LinkId past those of the links.
struct SharedCapacity {
  BytesPerSecond capacity;
  std::vector<LinkId> links;  ///< ascending
  std::uint32_t plane = 0;
};

/// A network that spans some of the nodes: one fabric of one kind. Routes stay inside one plane.
struct Plane {
  std::string name;                    ///< "ub", "nvlink", "roce" …
  std::string fabric;                  ///< the builder's name
  std::string packets;                 ///< the entry of configs/packets.yaml; none: the one of the plane's name, if any
  bool spans_domains = false;          ///< a scale-out plane joins the domains
  std::uint32_t group_size = 0;        ///< accelerators that one network of it joins where it is whole
  std::uint32_t group_stride = 1;      ///< ranks from one of them to the next
  double payload_efficiency_near = 1;  ///< payload over raw bandwidth, within a node (at most one switch)
  double payload_efficiency_far = 1;   ///< across nodes
  Seconds endpoint_latency;            ///< both end points of a one-way message together
  Seconds switch_latency;              ///< one switch with its fibre
  bool multicast = false;              ///< switches can multicast and reduce
  Routing routing;
  /// By rank, its side (0 or 1) of the natural bisection of the network it is in; all 0 where none is known.
  std::vector<std::uint8_t> halves;
};

/// Nodes, one-way links and planes. Immutable once built, shared by threads. Accelerators come first: rank r of the
/// machine is node r (die in package fastest, then package, node, domain). Hosts follow, those of one node together.
struct Topology {
  std::string name;
  std::string description;
  Table<NodeId, NetworkNode> nodes;
  Table<LinkId, Link> links;
  std::vector<SharedCapacity> shared;  ///< what links share beyond themselves
  std::vector<Plane> planes;           ///< in the order in which a route prefers them
  std::uint32_t accelerators = 0;
  std::uint32_t accelerators_per_package = 1;
  std::uint32_t accelerators_per_node = 1;
  std::uint32_t accelerators_per_domain = 1;
  std::uint32_t hosts_per_node = 0;
  std::uint32_t domains = 1;
  std::vector<Figure> figures;

  NodeId accelerator(std::uint32_t rank) const { return NodeId(rank); }
  /// Links, and what they share: all that a route may name.
  std::size_t capacities() const { return links.size() + shared.size(); }
  LinkId shared_id(std::size_t number) const { return LinkId(links.size() + number); }
  bool is_shared(LinkId id) const { return id.index() >= links.size(); }
  BytesPerSecond capacity(LinkId id) const {
    return is_shared(id) ? shared.at(id.index() - links.size()).capacity : links[id].bandwidth;
  }
  std::uint32_t plane(LinkId id) const {
    return is_shared(id) ? shared.at(id.index() - links.size()).plane : links[id].plane;
  }
  /// The host that serves an accelerator: a node's accelerators are dealt to its hosts in blocks of equal size.
  NodeId host_of(std::uint32_t rank) const;
  std::uint32_t plane_index(std::string_view plane) const;  ///< InputError where there is none
};

/// What each node is called where it is shown, and `LinkFinder` knows it by: tier and number ("L1[800]"), or a name of
/// its own.
Table<NodeId, std::string> shown_names(const Topology&);

/// Builds topologies/NAME.yaml with `domains` scale-up networks. `accelerators` fewer than they hold leave the last
/// domain partial; 0 means whole domains. A number that does not need just so many domains is an InputError.
Topology load_topology(std::string_view name, std::uint32_t domains = 1, std::uint32_t accelerators = 0,
                       const std::map<std::string, std::string>& overrides = {}, const Location& where = {});

/// The same from a document, which load_topology closes: tests and generated networks.
Topology build_topology(const Document& document, std::string_view name, std::uint32_t domains = 1,
                        std::uint32_t accelerators = 0);

/// The same network with the switches of each bundle merged and parallel links added up: what sprayed traffic sees.
/// The order of nodes and links is kept; accelerators and hosts keep their ids.
Topology merge_bundles(const Topology&);

}  // namespace podium
