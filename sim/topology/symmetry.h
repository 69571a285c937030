#pragma once

#include <algorithm>
#include <compare>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <unordered_map>
#include <utility>
#include <vector>

#include "sim/topology/topology.h"

namespace podium {

/// A renaming of accelerators: of those from `begin` to `end`, in blocks of `stride` x `size`, the digit
/// (position / stride) mod size goes to its next value, and the last to the first; past values that are held, which
/// stay.
struct Turn {
  std::uint32_t begin = 0;
  std::uint32_t end = 0;
  std::uint32_t stride = 1;
  std::uint32_t size = 1;
  std::vector<std::uint32_t> held = {};  ///< ascending; not all of them
  auto operator<=>(const Turn&) const = default;
  std::uint32_t digit(std::uint32_t accelerator) const { return (accelerator - begin) / stride % size; }
  std::uint32_t apply(std::uint32_t accelerator) const;
};

/// A renaming of nodes that leaves the network as it is, with switches and hosts taken along: those that are looked at,
/// ascending; all others stay. Links and what they share go along with the nodes.
struct Automorphism {
  std::vector<std::pair<NodeId, NodeId>> nodes;
};

/// One of those that renamings, one after the other, can turn into each other.
template <class Key>
struct Member {
  Key first;               ///< the least of its orbit, or another that stands for it
  std::uint32_t size = 1;  ///< of its orbit
};

class Symmetry;

/// The orbits of nodes and links under some turns.
class NetworkOrbits {
 public:
  NetworkOrbits(Symmetry&, std::vector<Turn>);

  Member<NodeId> node(NodeId id) const { return {nodes_[id], sizes_[id]}; }
  bool is_first(NodeId id) const { return nodes_[id] == id; }
  /// Whether the link, or what links share, is on one of the planes that the turns keep.
  bool looks_at(LinkId id) const;
  /// Of such a one; of another it is a Bug. Where one end has no other link like it, it goes where that end goes; else
  /// all links are looked at.
  Member<LinkId> link(LinkId);

 private:
  std::optional<Member<LinkId>> by_end(LinkId, bool by_tail) const;
  void join_links();

  Symmetry& symmetry_;
  std::vector<Turn> turns_;
  Table<NodeId, NodeId> nodes_;
  Table<NodeId, std::uint32_t> sizes_;  ///< of each one's orbit
  std::unordered_map<std::uint32_t, Member<LinkId>> known_;
  Table<LinkId, Member<LinkId>> links_;  ///< where all were looked at
};

/// Renamings that leave a network as it is, so that a route and its renamed route are alike in all. They are guessed
/// from the order of ranks and then checked link by link: a guess that does not hold is none. The topology outlives it.
/// Not shared between threads.
class Symmetry {
 public:
  /// Of the first so many planes: the others may be as they like.
  Symmetry(const Topology&, std::uint32_t planes);

  const Topology& topology() const { return topology_; }
  /// Distances of ranks at which the network may repeat itself, ascending.
  const std::vector<std::uint32_t>& strides() const { return strides_; }
  /// Ranks whose links, or those of the nodes beside them, are unlike most ranks', ascending: renamings take them to
  /// such ones. None where most ranks are not alike.
  const std::vector<std::uint32_t>& odd_ranks() const { return odd_ranks_; }
  /// The turn, with switches, hosts and links taken along; nothing where it changes the network. Remembered. Cost: what
  /// it moves.
  const Automorphism* find(const Turn&);
  /// Under the group of all these turns, which `find` has found. Remembered, the last few.
  NetworkOrbits& orbits(const std::vector<Turn>&);

 private:
  friend class NetworkOrbits;
  /// A link of a node, seen from there. Those of one kind are alike but for their ends.
  struct Way {
    NodeId other;  ///< where it leads, or comes from
    std::uint32_t kind = 0;
    LinkId link;
    auto operator<=>(const Way&) const = default;
  };
  std::span<const Way> leaving(NodeId node) const {
    return std::span(out_).subspan(first_out_[node.index()], first_out_[node.index() + 1] - first_out_[node.index()]);
  }
  std::span<const Way> entering(NodeId node) const {
    return std::span(in_).subspan(first_in_[node.index()], first_in_[node.index() + 1] - first_in_[node.index()]);
  }
  void index_links();
  void find_odd_ranks();
  void find_strides();
  void find_strides_of(std::uint32_t plane, std::set<std::uint32_t>& strides) const;
  bool seems_kept(const Turn&) const;
  bool move_nodes(const Turn&, Automorphism&);
  bool move_neighbours(NodeId, NodeId image, Automorphism&, std::vector<NodeId>& marked);
  /// Calls with each link of a node and where it goes, until one has no place to go to: false then.
  template <class Move>
  bool move_links_of(NodeId, Move) const;
  /// The same of the nodes that go elsewhere, and of those that stay and have a link to such a one.
  template <class Move>
  bool move_links(const Automorphism&, Move) const;
  bool move_shared() const;
  std::optional<LinkId> image_of(LinkId) const;
  std::optional<std::size_t> image_of_pool(std::size_t pool) const;
  void set_images(const Automorphism&);
  void clear_images(const Automorphism&);

  const Topology& topology_;
  std::uint32_t planes_;
  bool is_spread_evenly_ = true;
  std::vector<std::uint32_t> first_out_, first_in_;  ///< by node, and one past the end: of `out_` and `in_`
  std::vector<Way> out_, in_;                        ///< by the node that links leave or enter; those of one in order
  Table<NodeId, NodeKind> kinds_;                    ///< as the topology has them
  std::size_t pool_count_ = 0;
  std::map<std::vector<LinkId>, std::size_t> pools_;  ///< by their links
  std::vector<std::uint32_t> strides_, odd_ranks_;
  Table<NodeId, NodeId> image_;  ///< of the turn that is looked at; else each is its own
  /// Of switches and hosts, for the turn that is looked at; else none.
  enum Mark : std::uint8_t { none, is_image, stays };
  Table<NodeId, Mark> marks_;
  std::map<Turn, std::unique_ptr<Automorphism>> known_;
  std::map<std::vector<Turn>, std::unique_ptr<NetworkOrbits>> orbits_;
};

template <class Move>
bool Symmetry::move_links_of(NodeId node, Move move) const {
  const std::span<const Way> from = leaving(node), to = leaving(image_[node]);
  if (from.size() != to.size()) {
    return false;
  }
  auto there = to.begin();
  for (std::size_t i = 0; i < from.size(); ++i) {
    const std::pair target(image_[from[i].other], from[i].kind);
    const auto is_before = [&](const Way& way) { return std::pair(way.other, way.kind) < target; };
    // of parallel links of a kind the k-th goes to the k-th
    const bool is_parallel = i > 0 && from[i - 1].other == from[i].other && from[i - 1].kind == from[i].kind;
    if (!is_parallel && (there == to.end() || there->other != target.first || there->kind != target.second)) {
      there = std::partition_point(to.begin(), to.end(), is_before);
    }
    if (there == to.end() || there->other != target.first || there->kind != target.second) {
      return false;
    }
    move(from[i].link, there->link);
    ++there;
  }
  return true;
}

template <class Move>
bool Symmetry::move_links(const Automorphism& found, Move move) const {
  std::vector<NodeId> beside;
  for (const auto& [node, image] : found.nodes) {
    for (const Way& way : entering(node)) {
      if (image_[way.other] == way.other) {
        beside.push_back(way.other);
      }
    }
    if (image != node && !move_links_of(node, move)) {
      return false;
    }
  }
  std::sort(beside.begin(), beside.end());
  beside.erase(std::unique(beside.begin(), beside.end()), beside.end());
  return std::all_of(beside.begin(), beside.end(), [&](NodeId node) { return move_links_of(node, move); });
}

}  // namespace podium
