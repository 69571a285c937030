#include "sim/topology/symmetry.h"

#include <algorithm>
#include <numeric>
#include <optional>
#include <tuple>

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
  const bool is_last = (accelerator - begin) / stride % size == size - 1;
  return is_last ? accelerator - (size - 1) * stride : accelerator + stride;
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
  }
  find_strides();
}

void Symmetry::index_links() {
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
    if (topology_.links[id].plane >= planes_) {
      continue;
    }
    out_[out[topology_.links[id].from.index()]++] = {topology_.links[id].to, id};
    in_[in[topology_.links[id].to.index()]++] = id;
  }
  const auto before = [&](const Out& a, const Out& b) {
    return std::tuple(a.to, topology_.links[a.link].plane, a.link) <
           std::tuple(b.to, topology_.links[b.link].plane, b.link);
  };
  for (std::size_t node = 0; node < nodes; ++node) {
    std::sort(out_.begin() + first_out_[node], out_.begin() + first_out_[node + 1], before);
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
      for (const Out& out : leaving(reached[i])) {
        const Link& link = topology_.links[out.link];
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

/// A dateline matters to virtual channels, which only models of real links have.
bool Symmetry::alike(LinkId a, LinkId b) const {
  const Link& one = topology_.links[a];
  const Link& other = topology_.links[b];
  return one.plane == other.plane && one.bandwidth == other.bandwidth && one.dimension == other.dimension &&
         one.latency == other.latency;
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
    const std::span<const Out> of_a = leaving(NodeId(a)), of_b = leaving(NodeId(b));
    return std::any_of(of_a.begin(), of_a.end(), [&](const Out& one) {
      return std::any_of(of_b.begin(), of_b.end(), [&](const Out& other) { return one.to == other.to; });
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
  std::set<NodeId> taken;  // images of switches and hosts
  for (std::uint32_t rank = turn.begin; rank < turn.end; ++rank) {
    found.nodes.emplace_back(NodeId(rank), NodeId(turn.apply(rank)));
    image_[NodeId(rank)] = found.nodes.back().second;
  }
  std::set<NodeId> stays;
  for (std::size_t next = 0; next < found.nodes.size(); ++next) {
    const auto [node, image] = found.nodes[next];
    const std::span<const Out> candidates = leaving(image);
    auto candidate = candidates.begin();
    for (const Out& out : leaving(node)) {
      if (out.to.index() < topology_.accelerators || image_[out.to] != out.to || stays.count(out.to) > 0) {
        continue;
      }
      while (candidate != candidates.end() && (candidate->to.index() < topology_.accelerators ||
                                               taken.count(candidate->to) > 0 || !alike(out.link, candidate->link))) {
        ++candidate;
      }
      if (candidate == candidates.end() || topology_.nodes[out.to].kind != topology_.nodes[candidate->to].kind) {
        return false;
      }
      taken.insert(candidate->to);
      if (candidate->to == out.to) {
        stays.insert(out.to);
      } else {
        image_[out.to] = candidate->to;
        found.nodes.emplace_back(out.to, candidate->to);
      }
    }
  }
  // what goes elsewhere makes room for what comes
  std::sort(found.nodes.begin(), found.nodes.end());
  return std::all_of(taken.begin(), taken.end(),
                     [&](NodeId image) { return stays.count(image) > 0 || image_[image] != image; });
}

/// Of a node's links, each to one of its image's, which has as many.
bool Symmetry::move_links_of(NodeId node, const LinkMove& move) const {
  const std::span<const Out> from = leaving(node), to = leaving(image_[node]);
  if (from.size() != to.size()) {
    return false;
  }
  const auto key = [&](const Out& out) { return std::pair(out.to, topology_.links[out.link].plane); };
  auto there = to.begin();
  for (std::size_t i = 0; i < from.size(); ++i) {
    const std::pair target(image_[from[i].to], topology_.links[from[i].link].plane);
    const bool is_parallel = i > 0 && key(from[i - 1]) == key(from[i]);
    if (!is_parallel && (there == to.end() || key(*there) != target)) {
      there = std::lower_bound(to.begin(), to.end(), target, [&](const Out& a, const auto& b) { return key(a) < b; });
    }
    // of parallel links the k-th goes to the k-th
    if (there == to.end() || key(*there) != target || !alike(from[i].link, there->link)) {
      return false;
    }
    move(from[i].link, there->link);
    ++there;
  }
  return true;
}

/// Of the nodes that go elsewhere, and of those that stay and have a link to such a one.
bool Symmetry::move_links(const Automorphism& found, const LinkMove& move) const {
  std::set<NodeId> beside;
  for (const auto& [node, image] : found.nodes) {
    for (const LinkId link : entering(node)) {
      if (const NodeId from = topology_.links[link].from; image_[from] == from) {
        beside.insert(from);
      }
    }
    if (image != node && !move_links_of(node, move)) {
      return false;
    }
  }
  return std::all_of(beside.begin(), beside.end(), [&](NodeId node) { return move_links_of(node, move); });
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
