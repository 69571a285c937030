#include <algorithm>
#include <utility>

#include "sim/core/disjoint_sets.h"
#include "sim/topology/symmetry.h"

namespace podium {
namespace {

/// By member: the least of its part, and how many the part has.
template <class Key>
void take(DisjointSets joined, Table<Key, Key>& first, Table<Key, std::uint32_t>& sizes) {
  first.reserve(joined.size());
  sizes.resize(joined.size());
  for (std::uint32_t member = 0; member < joined.size(); ++member) {
    first.push_back(Key(joined.first(member)));
    ++sizes[Key(joined.first(member))];
  }
  for (const Key id : first.ids()) {
    sizes[id] = sizes[first[id]];
  }
}

}  // namespace

NetworkOrbits::NetworkOrbits(Symmetry& symmetry, std::vector<Turn> turns)
    : symmetry_(symmetry), turns_(std::move(turns)) {
  DisjointSets joined(symmetry.topology().nodes.size());
  for (const Turn& turn : turns_) {
    const Automorphism* found = symmetry.find(turn);
    PODIUM_CHECK(found != nullptr, "the turn leaves the network as it is");
    for (const auto& [node, image] : found->nodes) {
      joined.join(node.index(), image.index());
    }
  }
  take(std::move(joined), nodes_, sizes_);
}

/// By the end of the orbit's first node: nothing where that has several links like it into the orbit of the other end.
std::optional<Member<LinkId>> NetworkOrbits::by_end(LinkId id, bool by_tail) const {
  const Topology& topology = symmetry_.topology();
  const Link& link = topology.links[id];
  const NodeId end = by_tail ? link.from : link.to;
  const NodeId other = nodes_[by_tail ? link.to : link.from];
  const auto ways = [&](NodeId node) { return by_tail ? symmetry_.leaving(node) : symmetry_.entering(node); };
  const auto of_end = ways(end);
  const auto itself = std::find_if(of_end.begin(), of_end.end(), [&](const auto& way) { return way.link == id; });
  PODIUM_CHECK(itself != of_end.end(), "a link is one of its ends'");
  const std::uint32_t kind = itself->kind;
  const auto of_node = [&](NodeId node) {
    std::optional<LinkId> only;
    std::uint32_t count = 0;
    for (const Symmetry::Way& way : ways(node)) {
      if (way.kind == kind && nodes_[way.other] == other) {
        only = way.link;
        ++count;
      }
    }
    return count == 1 ? only : std::nullopt;
  };
  if (!of_node(end)) {
    return std::nullopt;
  }
  const auto first = of_node(nodes_[end]);
  PODIUM_CHECK(first.has_value(), "nodes of an orbit have links alike");
  return Member<LinkId>{*first, sizes_[end]};
}

bool NetworkOrbits::looks_at(LinkId id) const { return symmetry_.topology().plane(id) < symmetry_.planes_; }

Member<LinkId> NetworkOrbits::link(LinkId id) {
  PODIUM_CHECK(looks_at(id), "messages take planes that the turns keep");
  const auto known = known_.find(id.index());
  if (known != known_.end()) {
    return known->second;
  }
  std::optional<Member<LinkId>> found;
  if (!symmetry_.topology().is_shared(id)) {
    found = by_end(id, true);
    found = found ? found : by_end(id, false);
  }
  if (!found) {
    if (links_.empty()) {
      join_links();
    }
    found = links_[id];
  }
  return known_.emplace(id.index(), *found).first->second;
}

void NetworkOrbits::join_links() {
  const Topology& topology = symmetry_.topology();
  DisjointSets joined(topology.capacities());
  for (const Turn& turn : turns_) {
    const Automorphism& found = *symmetry_.find(turn);
    symmetry_.set_images(found);
    symmetry_.move_links(found, [&](LinkId from, LinkId to) { joined.join(from.index(), to.index()); });
    for (const auto& [links, pool] : symmetry_.pools_) {
      joined.join(topology.shared_id(pool).index(), topology.shared_id(symmetry_.image_of_pool(pool).value()).index());
    }
    symmetry_.clear_images(found);
  }
  Table<LinkId, LinkId> first;
  Table<LinkId, std::uint32_t> sizes;
  take(std::move(joined), first, sizes);
  for (const LinkId link : first.ids()) {
    links_.push_back({first[link], sizes[link]});
  }
}

}  // namespace podium
