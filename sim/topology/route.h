#pragma once

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
  int switches = 0;  ///< on a path
  std::uint32_t plane = 0;
};

/// Finds routes on one topology. Holds a cache of distances, so it is not shared between threads.
class Router {
 public:
  explicit Router(const Topology& topology);

  /// On the first plane that joins the two, or on `plane`. To itself: an empty route. Nothing where they are not
  /// joined.
  std::optional<Route> route(NodeId from, NodeId to, std::optional<std::uint32_t> plane = {});
  /// One sender, its bytes copied in the switches to all of `to`: each link of the tree carries them once.
  std::optional<Route> multicast(NodeId from, std::span<const NodeId> to, std::optional<std::uint32_t> plane = {});
  /// All of `from` send as many bytes, added up in the switches: each link of the tree carries them once.
  std::optional<Route> reduce(std::span<const NodeId> from, NodeId to, std::optional<std::uint32_t> plane = {});

 private:
  const std::vector<std::uint32_t>& distances(NodeId to, std::uint32_t plane);

  const Topology& topology_;
  std::vector<std::vector<LinkId>> out_;               ///< by node
  std::vector<std::vector<LinkId>> in_;                ///< by node
  std::vector<std::vector<std::uint32_t>> distances_;  ///< by plane x node, empty until asked for
};

}  // namespace podium
