#pragma once

#include <map>
#include <optional>
#include <span>
#include <vector>

#include "sim/topology/topology.h"

namespace podium {

/// What one unit of a transfer's rate puts on a link: the share of the bytes that goes over it, divided by the payload
/// efficiency. A bundle of m equal transfers puts m times as much.
struct LinkLoad {
  LinkId link;
  double load = 0;
};

/// A way for a transfer: all shortest paths inside one plane, sprayed evenly over the next hops of equal distance (by
/// capacity). Links come in ascending order, each once.
struct Route {
  std::vector<LinkLoad> links;
  Seconds latency;   ///< one way: end points and every switch on the path
  int switches = 0;  ///< on a path; a chip or NIC that passes traffic on counts as one
  std::uint32_t plane = 0;
};

/// Finds routes on one topology, which must outlive it. Hosts (CPUs) are end points only, all other nodes pass traffic
/// on. Holds a cache of distances, so it is not shared between threads. A route on a merged topology takes well under a
/// microsecond once its destination (or one with the same neighbours) has been asked for.
class Router {
 public:
  explicit Router(const Topology& topology);

  /// On the first plane that joins the two, or on `plane`. To itself: an empty route. Nothing where they are not
  /// joined.
  std::optional<Route> route(NodeId from, NodeId to, std::optional<std::uint32_t> plane = {});
  /// One sender, its bytes copied in the switches to all of `to`: each link of the tree carries them once. On a plane
  /// whose switches can; nothing where there is none. Where the sender is among `to`, a copy comes back to it.
  std::optional<Route> multicast(NodeId from, std::span<const NodeId> to, std::optional<std::uint32_t> plane = {});
  /// All of `from` send as many bytes, the receiver too where it is among them, added up in the switches: each link of
  /// the tree carries them once.
  std::optional<Route> reduce(std::span<const NodeId> from, NodeId to, std::optional<std::uint32_t> plane = {});

 private:
  /// The shortest ways to a set of access nodes: the neighbours of a destination, which it mostly shares with others.
  struct Field {
    std::vector<std::uint32_t> distance;  ///< in hops, by place in the component
    std::vector<std::uint32_t> first;     ///< of a node's next hops in `next`, and one past the end
    std::vector<LinkId> next;
  };
  /// One plane's links and parts, and the fields found so far.
  struct PlaneIndex {
    std::vector<std::uint32_t> component;  ///< by node: the connected part it lies in
    std::vector<std::uint32_t> place;      ///< by node: its number in that part
    std::vector<std::uint32_t> size;       ///< by component
    std::vector<std::uint32_t> first_in;   ///< by node, and one past the end: of the links that enter it, in `in`
    std::vector<LinkId> in;
    std::vector<std::uint32_t> field_of;                         ///< by destination
    std::map<std::vector<NodeId>, std::uint32_t> field_towards;  ///< by access nodes
    std::vector<Field> fields;

    std::span<const LinkId> entering(NodeId node) const {
      return std::span(in).subspan(first_in[node.index()], first_in[node.index() + 1] - first_in[node.index()]);
    }
  };
  enum class Tree { out_of, into };

  PlaneIndex index_plane(std::uint32_t plane) const;
  const Field& field_towards(PlaneIndex& index, NodeId to) const;
  Field find_field(const PlaneIndex& index, const std::vector<NodeId>& access) const;
  std::optional<Route> route_on(std::uint32_t plane, NodeId from, NodeId to);
  void spray(const PlaneIndex& index, const Field& field, NodeId from, NodeId to, std::vector<LinkLoad>& links);
  std::optional<Route> tree(NodeId root, std::span<const NodeId> leaves, Tree direction,
                            std::optional<std::uint32_t> plane);
  std::optional<Route> tree_on(std::uint32_t plane, NodeId root, std::span<const NodeId> leaves, Tree direction);

  const Topology& topology_;
  std::vector<PlaneIndex> planes_;
  std::vector<double> share_;  ///< by node; zero between calls
  std::vector<NodeId> front_;
  std::vector<NodeId> behind_;
};

}  // namespace podium
