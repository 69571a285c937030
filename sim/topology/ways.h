#pragma once

#include <algorithm>
#include <limits>
#include <map>
#include <span>
#include <utility>
#include <vector>

#include "sim/topology/topology.h"

namespace podium {

/// The shortest allowed ways through one plane. A way goes through phases, which never fall: a link may be taken up to
/// some phase, and leads to one. So it is with one phase for shortest ways, with the dimensions for dimension order,
/// with up and down for up-down, and with before and behind the global link for at most one of these. Hosts (CPUs) are
/// end points only, all other nodes pass traffic on. Links without capacity are not there. Holds a cache, so it is not
/// shared between threads.
class Ways {
 public:
  static constexpr std::uint32_t none = std::numeric_limits<std::uint32_t>::max();

  /// The neighbours of a destination, with the last phase in which the link from there may be taken.
  using Access = std::vector<std::pair<NodeId, std::uint32_t>>;
  /// The shortest ways to an access, which a destination mostly shares with others. By place and phase; see `slot`.
  struct Field {
    std::vector<std::uint32_t> distance;  ///< in hops, or none
    std::vector<std::uint32_t> first;     ///< of the next hops in `next`, and one past the end
    std::vector<LinkId> next;

    std::span<const LinkId> leaving(std::uint32_t slot) const {
      return std::span(next).subspan(first[slot], first[slot + 1] - first[slot]);
    }
  };

  /// The shortest ways from one node to another: by hop the links that may be taken there, those that leave one node in
  /// a row.
  using Lattice = std::vector<std::vector<LinkId>>;

  Ways(const Topology&, std::uint32_t plane, WayOrder, const Table<LinkId, BytesPerSecond>& capacities);

  std::uint32_t phases() const { return phases_; }
  /// The last phase of a way in which it may take the link.
  std::uint32_t last_phase(LinkId link) const { return last_phase_.empty() ? 0 : last_phase_[link.index()]; }
  /// The phase of a way that has just taken the link in some phase.
  std::uint32_t phase_after(LinkId link, std::uint32_t phase) const {
    return order_ == WayOrder::one_global ? std::max(phase, 1 - last_phase(link)) : last_phase(link);
  }
  /// Of a way at a node that was in this phase when it came there (0 at its start), in a field of the node's component.
  std::uint32_t slot(NodeId node, std::uint32_t phase) const { return place_[node.index()] * phases_ + phase; }
  /// The connected part that a node lies in.
  std::uint32_t component(NodeId node) const { return component_[node.index()]; }
  std::span<const LinkId> entering(NodeId node) const {
    return std::span(in_).subspan(first_in_[node.index()], first_in_[node.index() + 1] - first_in_[node.index()]);
  }
  /// Whether ways lead from each of the nodes to each other: true only where that is sure, as all reach one node and
  /// are reached from it, over nodes that forward. In one phase; never said of more.
  bool surely_join(std::span<const NodeId> nodes);
  bool forwards(NodeId node) const { return topology_.nodes[node].kind != NodeKind::cpu; }

  Access access(NodeId destination) const;
  /// The access is not empty.
  Field find_field(const Access&) const;
  /// The same, remembered. The reference holds until the next call. The destination has links that enter it.
  const Field& towards(NodeId destination);
  /// Whether a lattice costs less than the field would: in large networks of one phase, for destinations that few have
  /// asked for. Counts as asking.
  bool is_seldom_asked(NodeId destination);
  /// Found from both ends at once, so that only what is near one of them is looked at. One phase; the ends are of one
  /// component and not the same. Empty where no way joins them.
  /// Where both ends have one link, all that have theirs at the same two nodes share what lies between.
  Lattice find_lattice(NodeId from, NodeId to);
  /// Where Valiant's detours go: the switches next to accelerators, and accelerators that have none next to them.
  std::vector<NodeId> relays(std::uint32_t component) const;

 private:
  void index_links(std::uint32_t plane, const Table<LinkId, BytesPerSecond>& capacities);
  void number_places();
  void forget();
  /// A search for lattices, level by level.
  struct Side {
    std::vector<std::uint32_t>& hops;
    std::vector<NodeId> reached;
    std::size_t level = 0;                   ///< where the last level begins in `reached`
    std::vector<std::vector<LinkId>> taken;  ///< by hop
  };
  void index_leaving();
  void find_cores();
  void mark_core(NodeId first, std::uint8_t side);
  Lattice search_lattice(NodeId from, NodeId to);
  std::vector<NodeId> meet(Side& ahead, Side& behind) const;
  std::span<const LinkId> leaving(NodeId node) const {
    return std::span(out_).subspan(first_out_[node.index()], first_out_[node.index() + 1] - first_out_[node.index()]);
  }

  const Topology& topology_;
  WayOrder order_;
  std::uint32_t phases_ = 1;
  std::vector<std::uint8_t> last_phase_;  ///< by link; empty where all are 0
  std::vector<std::uint32_t> first_in_;   ///< by node, and one past the end: of the links that enter it, in `in_`
  std::vector<LinkId> in_;
  std::vector<std::uint32_t> component_;  ///< by node
  std::vector<std::uint32_t> place_;      ///< by node: its number in its component
  std::vector<std::uint32_t> size_;       ///< by component
  std::vector<std::uint32_t> field_of_;   ///< by destination
  std::map<Access, std::uint32_t> field_towards_;
  std::vector<Field> fields_;
  std::size_t remembered_ = 0;  ///< entries of all fields

  // where asked for
  std::vector<std::uint32_t> first_out_;  ///< as `first_in_`, of the links that leave a node, in `out_`
  std::vector<LinkId> out_;
  std::vector<std::uint8_t> core_;                        ///< by node: how it lies to its component's first
  std::vector<std::uint32_t> asked_;                      ///< by destination: how often for a lattice
  std::vector<std::uint32_t> hops_from_, hops_to_;        ///< by node; none between calls
  std::map<std::pair<NodeId, NodeId>, Lattice> between_;  ///< of nodes that ends have their one link at; the last few
};

}  // namespace podium
