#include "sim/topology/symmetry.h"

#include <algorithm>
#include <functional>
#include <numeric>
#include <optional>
#include <tuple>

#include "sim/core/mix.h"

namespace podium {
namespace {

constexpr std::size_t most_orbits = 64;  // remembered

/// Of numbers that are evenly spaced from 0 on: the space. Nothing for others.
std::optional<std::uint32_t> spacing(const std::vector<std::uint32_t>& numbers) {
  for (std::size_t i = 1; i < numbers.size(); ++i) {
    if (numbers[i] != i * numbers[1]) {
      return std::nullopt;
    }
  }
  return numbers.size() > 1 && numbers[0] == 0 ? std::optional(numbers[1]) : std::nullopt;
}

}  // namespace

std::uint32_t Turn::apply(std::uint32_t accelerator) const {
  if (accelerator < begin || accelerator >= end) {
    return accelerator;
  }
  const auto is_held = [this](std::uint32_t value) { return std::binary_search(held.begin(), held.end(), value); };
  const std::uint32_t from = digit(accelerator);
  if (is_held(from)) {
    return accelerator;
  }
  std::uint32_t to = from;
  do {
    to = to + 1 == size ? 0 : to + 1;
  } while (is_held(to));
  return accelerator - from * stride + to * stride;
}

Symmetry::Symmetry(const Topology& topology, std::uint32_t planes) : topology_(topology), planes_(planes) {
  for (const Plane& plane : std::span(topology.planes).first(planes)) {
    // others tell equal switches apart by their numbers
    is_spread_evenly_ = is_spread_evenly_ && plane.routing.spread == Spread::sprayed &&
                        plane.routing.detour == Detour::none && plane.routing.order != WayOrder::up_down;
  }
  index_links();
  for (std::size_t pool = 0; pool < topology.shared.size(); ++pool) {
    if (topology.shared[pool].plane < planes) {
      pools_.emplace(topology.shared[pool].links, pool);
      ++pool_count_;
    }
  }
  for (const NodeId node : topology.nodes.ids()) {
    image_.push_back(node);
    kinds_.push_back(topology.nodes[node].kind);
  }
  marks_.resize(topology.nodes.size(), none);
  find_odd_ranks();
  find_strides();
}

/// A dateline matters to virtual channels, which only models of real links have.
void Symmetry::index_links() {
  using Kind = std::tuple<std::uint32_t, BytesPerSecond, std::uint8_t, Seconds>;
  std::map<Kind, std::uint32_t> kinds;
  const std::size_t nodes = topology_.nodes.size();
  first_out_.assign(nodes + 1, 0);
  first_in_.assign(nodes + 1, 0);
  for (const Link& link : topology_.links) {
    first_out_[link.from.index() + 1] += link.plane < planes_ ? 1 : 0;
    first_in_[link.to.index() + 1] += link.plane < planes_ ? 1 : 0;
  }
  std::partial_sum(first_out_.begin(), first_out_.end(), first_out_.begin());
  std::partial_sum(first_in_.begin(), first_in_.end(), first_in_.begin());
  out_.resize(first_out_.back());
  in_.resize(first_in_.back());
  std::vector<std::uint32_t> out(first_out_.begin(), first_out_.end() - 1), in(first_in_.begin(), first_in_.end() - 1);
  for (const LinkId id : topology_.links.ids()) {
    const Link& link = topology_.links[id];
    if (link.plane < planes_) {
      const Kind as{link.plane, link.bandwidth, link.dimension, link.latency};
      const std::uint32_t kind = kinds.try_emplace(as, static_cast<std::uint32_t>(kinds.size())).first->second;
      out_[out[link.from.index()]++] = {link.to, kind, id};
      in_[in[link.to.index()]++] = {link.from, kind, id};
    }
  }
  const auto sort_of_nodes = [nodes](std::vector<Way>& ways, const std::vector<std::uint32_t>& first) {
    for (std::size_t node = 0; node < nodes; ++node) {
      std::sort(ways.begin() + first[node], ways.begin() + first[node + 1]);
    }
  };
  sort_of_nodes(out_, first_out_);
  sort_of_nodes(in_, first_in_);
}

void Symmetry::find_odd_ranks() {
  const auto kinds_of = [this](NodeId node) {
    std::uint64_t sum = 0;
    for (const Way& way : leaving(node)) {
      sum += mix(way.kind);
    }
    for (const Way& way : entering(node)) {
      sum += mix(~std::uint64_t{way.kind});
    }
    return mix(sum);
  };
  Table<NodeId, std::uint64_t> kinds;
  for (const NodeId node : topology_.nodes.ids()) {
    kinds.push_back(kinds_of(node));
  }
  const auto by_itself = [&](NodeId node) { return kinds[node]; };
  const auto with_neighbours = [&](NodeId node) {
    std::uint64_t sum = kinds[node];
    for (const Way& way : leaving(node)) {
      sum += mix(kinds[way.other] ^ mix(way.kind));
    }
    return sum;
  };
  for (const auto& look : {std::function(by_itself), std::function(with_neighbours)}) {
    std::vector<std::uint64_t> seen;
    for (std::uint32_t rank = 0; rank < topology_.accelerators; ++rank) {
      seen.push_back(look(NodeId(rank)));
    }
    std::vector<std::uint64_t> sorted = seen;
    std::sort(sorted.begin(), sorted.end());
    const std::uint64_t common = sorted.empty() ? 0 : sorted[sorted.size() / 2];  // where most are alike
    if (2 * std::ranges::count(seen, common) <= std::ssize(seen)) {
      return;
    }
    for (std::uint32_t rank = 0; rank < seen.size(); ++rank) {
      if (seen[rank] != common) {
        odd_ranks_.push_back(rank);
      }
    }
    if (!odd_ranks_.empty()) {
      return;
    }
  }
}

void Symmetry::find_strides() {
  std::set<std::uint32_t> strides{1, topology_.accelerators_per_package, topology_.accelerators_per_node,
                                  topology_.accelerators_per_domain, topology_.accelerators};
  for (std::uint32_t plane = 0; plane < planes_ && topology_.accelerators > 0; ++plane) {
    find_strides_of(plane, strides);
  }
  strides_.assign(strides.begin(), strides.end());
}

/// Of the ranks that are within so many links of the first one, and of those that a link of one dimension joins to it.
void Symmetry::find_strides_of(std::uint32_t plane, std::set<std::uint32_t>& strides) const {
  const auto is_rank = [&](NodeId node) { return node.index() < topology_.accelerators; };
  std::vector<NodeId> reached{NodeId(0)};
  std::vector<bool> is_reached(topology_.nodes.size());
  is_reached[0] = true;
  std::map<std::uint8_t, std::uint32_t> nearest;  // by dimension
  std::vector<std::uint32_t> ranks{0};
  for (std::size_t begin = 0, end = 1; begin < end; begin = end, end = reached.size()) {
    for (std::size_t i = begin; i < end; ++i) {
      for (const Way& way : leaving(reached[i])) {
        const Link& link = topology_.links[way.link];
        if (link.plane != plane || link.bandwidth <= BytesPerSecond(0)) {
          continue;
        }
        if (begin == 0 && is_rank(link.to)) {
          std::uint32_t& least = nearest.try_emplace(link.dimension, link.to.index()).first->second;
          least = std::min(least, link.to.index());
        }
        if (!is_reached[link.to.index()]) {
          is_reached[link.to.index()] = true;
          reached.push_back(link.to);
        }
      }
    }
    for (std::size_t i = end; i < reached.size(); ++i) {
      if (is_rank(reached[i])) {
        ranks.push_back(reached[i].index());
      }
    }
    std::sort(ranks.begin(), ranks.end());
    if (const auto space = spacing(ranks)) {
      strides.insert(*space);
      strides.insert(*space * static_cast<std::uint32_t>(ranks.size()));
    }
  }
  for (const auto& [dimension, least] : nearest) {
    strides.insert(least);
  }
}

void Symmetry::set_images(const Automorphism& moved) {
  for (const auto& [node, image] : moved.nodes) {
    image_[node] = image;
  }
}

void Symmetry::clear_images(const Automorphism& moved) {
  for (const auto& [node, image] : moved.nodes) {
    image_[node] = node;
  }
}

/// Whether ranks a stride apart are linked to one node just where their images are: at the first ranks, so that most
/// turns that change the network cost little.
bool Symmetry::seems_kept(const Turn& turn) const {
  constexpr std::uint32_t some = 4096;
  const auto joined = [&](std::uint32_t a, std::uint32_t b) {
    const std::span<const Way> of_a = leaving(NodeId(a)), of_b = leaving(NodeId(b));
    return std::any_of(of_a.begin(), of_a.end(), [&](const Way& one) {
      return std::any_of(of_b.begin(), of_b.end(), [&](const Way& other) { return one.other == other.other; });
    });
  };
  const std::uint32_t end = turn.end - turn.begin > some ? turn.begin + some : turn.end;
  for (std::uint32_t rank = turn.begin; rank + turn.stride < end; ++rank) {
    const std::uint32_t next = rank + turn.stride;
    if (joined(rank, next) != joined(turn.apply(rank), turn.apply(next))) {
      return false;
    }
  }
  return true;
}

const Automorphism* Symmetry::find(const Turn& turn) {
  const auto [place, is_new] = known_.try_emplace(turn);
  const std::uint64_t block = std::uint64_t{turn.stride} * turn.size;
  if (is_new && is_spread_evenly_ && turn.size > 1 && turn.end <= topology_.accelerators &&
      (turn.end - turn.begin) % block == 0 && seems_kept(turn)) {
    auto found = std::make_unique<Automorphism>();
    const bool holds = move_nodes(turn, *found) && move_links(*found, [](LinkId, LinkId) {}) && move_shared();
    clear_images(*found);
    if (holds) {
      place->second = std::move(found);
    }
  }
  return place->second.get();
}

/// From accelerators outwards: the k-th neighbour that is new goes to the k-th that is. What nothing reaches stays.
bool Symmetry::move_nodes(const Turn& turn, Automorphism& found) {
  found.nodes.reserve(turn.end - turn.begin);
  for (std::uint32_t rank = turn.begin; rank < turn.end; ++rank) {
    found.nodes.emplace_back(NodeId(rank), NodeId(turn.apply(rank)));
    image_[NodeId(rank)] = found.nodes.back().second;
  }
  std::vector<NodeId> marked;
  bool holds = true;
  for (std::size_t next = 0; holds && next < found.nodes.size(); ++next) {
    const auto [node, image] = found.nodes[next];
    holds = move_neighbours(node, image, found, marked);
  }
  for (const NodeId node : marked) {
    // what goes elsewhere makes room for what comes
    holds = holds && (marks_[node] == stays || image_[node] != node);
    marks_[node] = none;
  }
  std::sort(found.nodes.begin() + (turn.end - turn.begin), found.nodes.end());
  return holds;
}

/// Of a node, those switches and hosts that have no image yet; what gets a mark is added to `marked`.
bool Symmetry::move_neighbours(NodeId node, NodeId image, Automorphism& found, std::vector<NodeId>& marked) {
  const auto is_rank = [this](NodeId other) { return other.index() < topology_.accelerators; };
  const std::span<const Way> candidates = leaving(image);
  auto candidate = candidates.begin();
  for (const Way& way : leaving(node)) {
    if (is_rank(way.other) || image_[way.other] != way.other || marks_[way.other] == stays) {
      continue;
    }
    while (candidate != candidates.end() &&
           (is_rank(candidate->other) || marks_[candidate->other] != none || way.kind != candidate->kind)) {
      ++candidate;
    }
    if (candidate == candidates.end() || kinds_[way.other] != kinds_[candidate->other]) {
      return false;
    }
    marked.push_back(candidate->other);
    if (candidate->other == way.other) {
      marks_[way.other] = stays;
    } else {
      marks_[candidate->other] = is_image;
      image_[way.other] = candidate->other;
      found.nodes.emplace_back(way.other, candidate->other);
    }
  }
  return true;
}

/// Where a link goes with its ends.
std::optional<LinkId> Symmetry::image_of(LinkId link) const {
  std::optional<LinkId> found;
  move_links_of(topology_.links[link].from, [&](LinkId from, LinkId to) {
    if (from == link) {
      found = to;
    }
  });
  return found;
}

std::optional<std::size_t> Symmetry::image_of_pool(std::size_t pool) const {
  std::vector<LinkId> links;
  for (const LinkId link : topology_.shared[pool].links) {
    const auto image = image_of(link);
    if (!image) {
      return std::nullopt;
    }
    links.push_back(*image);
  }
  std::sort(links.begin(), links.end());
  const auto found = pools_.find(links);
  return found != pools_.end() ? std::optional(found->second) : std::nullopt;
}

bool Symmetry::move_shared() const {
  if (pools_.size() != pool_count_) {
    return false;  // two pools of the same links
  }
  return std::all_of(pools_.begin(), pools_.end(), [&](const auto& pool) {
    const auto image = image_of_pool(pool.second);
    return image && topology_.shared[*image].capacity == topology_.shared[pool.second].capacity;
  });
}

NetworkOrbits& Symmetry::orbits(const std::vector<Turn>& turns) {
  const auto known = orbits_.find(turns);
  if (known != orbits_.end()) {
    return *known->second;
  }
  if (orbits_.size() == most_orbits) {
    orbits_.clear();
  }
  return *orbits_.emplace(turns, std::make_unique<NetworkOrbits>(*this, turns)).first->second;
}

}  // namespace podium
