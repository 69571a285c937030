#pragma once

#include <array>
#include <memory>
#include <optional>
#include <span>
#include <unordered_map>
#include <vector>

#include "sim/topology/topology.h"
#include "sim/topology/ways.h"

namespace podium {

class Symmetry;

/// What one unit of a transfer's rate puts on a link: the share of the bytes that goes over it, divided by the payload
/// efficiency. Of a bundle so many members put as much on the link, each.
struct LinkLoad {
  LinkId link;
  double load = 0;            ///< of one
  std::uint64_t members = 1;  ///< of a bundle, that cross the link

  double total() const { return load * static_cast<double>(members); }
};

/// A way for a transfer inside one plane, as the plane's routing says: sprayed over all shortest ways, at each hop by
/// capacity, or a single path. Links come in ascending order, each once.
struct Route {
  std::vector<LinkLoad> links;
  Seconds latency;   ///< one way: end points, every switch and every long link, on the longest path of each
  int switches = 0;  ///< on that path; a chip or NIC that passes traffic on counts as one
  std::uint32_t plane = 0;
};

/// Finds routes on one topology, which must outlive it. Hosts (CPUs) are end points only, all other nodes pass traffic
/// on. Holds a cache of distances, so it is not shared between threads. A sprayed route on a merged topology takes well
/// under a microsecond once its destination (or one with the same neighbours) has been asked for.
class Router {
 public:
  explicit Router(const Topology& topology);
  ~Router();
  Router(Router&&) noexcept;

  /// On the first plane that joins the two, or on `plane`, by the plane's own routing. To itself: an empty route.
  /// Nothing where they are not joined. Hashed transfers between the same two tell their `flow`s apart.
  std::optional<Route> route(NodeId from, NodeId to, std::optional<std::uint32_t> plane = {}, std::uint64_t flow = 0);
  /// By another routing. One that tells switches apart (hashed, fixed, adaptive, detours) asks for a topology that is
  /// not merged.
  std::optional<Route> route(NodeId from, NodeId to, std::uint32_t plane, const Routing&, std::uint64_t flow = 0);
  /// One sender, its bytes copied in the switches to all of `to`: each link of the tree carries them once. On a plane
  /// whose switches can; nothing where there is none. Where the sender is among `to`, a copy comes back to it. Branches
  /// are sprayed.
  std::optional<Route> multicast(NodeId from, std::span<const NodeId> to, std::optional<std::uint32_t> plane = {});
  /// All of `from` send as many bytes, the receiver too where it is among them, added up in the switches: each link of
  /// the tree carries them once.
  std::optional<Route> reduce(std::span<const NodeId> from, NodeId to, std::optional<std::uint32_t> plane = {});

  /// A link fails (0), is degraded or comes back: routes asked for from now on go by what is left, and adaptive ones by
  /// none of those before. What links share has no say in where they go.
  void set_capacity(LinkId, BytesPerSecond);

  /// Adaptive routes asked for from now on go by none of those before.
  void forget_use() { used_ = {}; }

  /// What leaves the first so many planes, and so routes on them, as they are. Nothing once a capacity was set.
  Symmetry* symmetry(std::uint32_t planes);
  /// So many planes are looked through at most for a tree.
  std::uint32_t planes_of_trees() const;
  /// So many planes are looked through at most until a route between any two of a group is found.
  std::uint32_t planes_joining(std::span<const NodeId> group);

 private:
  /// What single paths are chosen by.
  struct Choice {
    Spread spread = Spread::sprayed;
    std::uint64_t hash = 0;  ///< of both ends, the flow and the seed
    std::uint32_t rest = 0;  ///< of the destination's number: what a fixed path has not used up yet
  };
  enum class Tree { out_of, into };

  Ways& ways(std::uint32_t plane, WayOrder);
  std::optional<Route> find(NodeId from, NodeId to, std::uint32_t plane, const Routing&, std::uint64_t flow = 0);
  static bool are_near(const Ways&, NodeId from, NodeId to);
  std::optional<std::uint32_t> hops(Ways&, NodeId from, NodeId to);
  void follow(Ways&, NodeId from, NodeId to, Choice&, std::vector<LinkLoad>& links);
  void spray(Ways&, NodeId from, NodeId to, std::vector<LinkLoad>& links);
  void spray(const Ways::Lattice&, NodeId from, std::vector<LinkLoad>& links);
  void pick(Ways&, NodeId from, NodeId to, Choice&, std::vector<LinkLoad>& links);
  LinkId pick_one(std::span<const LinkId> candidates, NodeId at, Choice&);
  LinkId pick_least_used(std::span<const LinkId> candidates, std::uint64_t hash);
  std::optional<std::uint32_t> detour(Ways&, NodeId from, NodeId to, Choice&, Route&);
  Seconds propagation(std::span<const LinkLoad> links, NodeId from, NodeId to) const;
  void add_shared(Route&) const;
  std::optional<Route> tree(NodeId root, std::span<const NodeId> leaves, Tree direction,
                            std::optional<std::uint32_t> plane);
  std::optional<Route> tree_on(std::uint32_t plane, NodeId root, std::span<const NodeId> leaves, Tree direction);

  const Topology& topology_;
  bool has_long_links_ = false;
  bool is_changed_ = false;                            ///< from the topology
  std::vector<std::unique_ptr<Symmetry>> symmetries_;  ///< by planes, where they were asked for
  Table<LinkId, BytesPerSecond> capacity_;
  Table<LinkId, double> used_;                           ///< adaptive routes on each link; empty while there are none
  Table<LinkId, std::vector<LinkId>> shared_;            ///< by link; empty where the topology has none
  std::unordered_map<std::uint64_t, Route> remembered_;  ///< from lattices, by both ends and plane
  std::vector<std::array<std::unique_ptr<Ways>, 4>> ways_;  ///< by plane and order, where they were asked for
  /// States of ways, as node times phases plus phase; the shares are zero between calls.
  std::vector<double> share_;
  std::vector<std::uint32_t> front_;
  std::vector<std::uint32_t> behind_;
};

}  // namespace podium
