#include "sim/topology/route.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "sim/core/mix.h"
#include "sim/topology/symmetry.h"

namespace podium {
namespace {

constexpr std::size_t most_remembered_routes = std::size_t{1} << 17;  // routes
constexpr std::size_t most_named = std::size_t{1} << 28;              // nodes

/// To whole multiples of 2^-50: shares that meet at a node then add up to the same in any order, and routes that are
/// alike have the same loads to the last bit.
double on_grid(double share) { return std::max(1.0, std::round(share * 0x1p50)) * 0x1p-50; }

void sort_by_link(std::vector<LinkLoad>& links) {
  const auto before = [](const LinkLoad& a, const LinkLoad& b) { return a.link < b.link; };
  if (!std::is_sorted(links.begin(), links.end(), before)) {
    std::stable_sort(links.begin(), links.end(), before);
  }
}

/// Makes one entry of those of each link, in the order of links.
template <class Merge>
void merge_loads(std::vector<LinkLoad>& links, Merge merge) {
  sort_by_link(links);
  std::size_t kept = 0;
  for (const LinkLoad& link : links) {
    if (kept > 0 && links[kept - 1].link == link.link) {
      links[kept - 1].load = merge(links[kept - 1].load, link.load);
    } else {
      links[kept++] = link;
    }
  }
  links.resize(kept);
}

/// Over a running hash.
std::uint64_t mix(std::uint64_t hash, std::uint64_t value) { return podium::mix(hash + value); }

}  // namespace

Router::Router(const Topology& topology) : topology_(topology), ways_(topology.planes.size()) {
  for (const Link& link : topology.links) {
    capacity_.push_back(link.bandwidth);
    has_long_links_ = has_long_links_ || link.latency > Seconds();
  }
  if (!topology.shared.empty()) {
    shared_.resize(topology.links.size());
  }
  for (std::size_t pool = 0; pool < topology.shared.size(); ++pool) {
    for (const LinkId link : topology.shared[pool].links) {
      shared_[link].push_back(topology.shared_id(pool));
    }
  }
}

Router::~Router() = default;
Router::Router(Router&&) noexcept = default;

/// What goes over links that share a capacity, after the links.
void Router::add_shared(Route& route) const {
  if (shared_.empty()) {
    return;
  }
  std::vector<LinkLoad> shared;
  for (const LinkLoad& use : route.links) {
    for (const LinkId pool : shared_[use.link]) {
      shared.push_back({pool, use.load});
    }
  }
  merge_loads(shared, [](double a, double b) { return a + b; });
  route.links.insert(route.links.end(), shared.begin(), shared.end());
}

Ways& Router::ways(std::uint32_t plane, WayOrder order) {
  std::unique_ptr<Ways>& ways = ways_.at(plane)[static_cast<std::size_t>(order)];
  if (!ways) {
    ways = std::make_unique<Ways>(topology_, plane, order, capacity_);
    share_.resize(std::max(share_.size(), topology_.nodes.size() * ways->phases()), 0);
  }
  return *ways;
}

void Router::set_capacity(LinkId link, BytesPerSecond capacity) {
  PODIUM_CHECK(capacity >= BytesPerSecond(0), "a capacity is not negative");
  if (topology_.is_shared(link)) {
    return;
  }
  forget_use();
  is_changed_ = true;
  remembered_.clear();
  const bool was_there = capacity_.at(link) > BytesPerSecond(0);
  capacity_[link] = capacity;
  if (was_there != (capacity > BytesPerSecond(0))) {
    ways_[topology_.links[link].plane] = {};
  }
}

Symmetry* Router::symmetry(std::uint32_t planes) {
  if (is_changed_) {
    return nullptr;
  }
  symmetries_.resize(topology_.planes.size() + 1);
  std::unique_ptr<Symmetry>& symmetry = symmetries_.at(planes);
  if (!symmetry) {
    symmetry = std::make_unique<Symmetry>(topology_, planes);
  }
  return symmetry.get();
}

std::uint32_t Router::planes_of_trees() const {
  std::uint32_t planes = 0;
  for (std::uint32_t plane = 0; plane < topology_.planes.size(); ++plane) {
    planes = topology_.planes[plane].multicast ? plane + 1 : planes;
  }
  return planes;
}

std::uint32_t Router::planes_joining(std::span<const NodeId> group) {
  const auto planes = static_cast<std::uint32_t>(topology_.planes.size());
  for (std::uint32_t plane = 0; plane < planes; ++plane) {
    if (ways(plane, topology_.planes[plane].routing.order).surely_join(group)) {
      return plane + 1;
    }
  }
  return planes;
}

std::optional<Route> Router::route(NodeId from, NodeId to, std::optional<std::uint32_t> plane, std::uint64_t flow) {
  if (plane || from == to) {
    const std::uint32_t on = plane.value_or(0);
    return route(from, to, on, topology_.planes.at(on).routing, flow);
  }
  for (std::uint32_t candidate = 0; candidate < topology_.planes.size(); ++candidate) {
    if (auto found = route(from, to, candidate, topology_.planes[candidate].routing, flow)) {
      return found;
    }
  }
  return std::nullopt;
}

std::optional<Route> Router::route(NodeId from, NodeId to, std::uint32_t plane, const Routing& routing,
                                   std::uint64_t flow) {
  if (from == to) {
    Route stays;
    stays.plane = plane;
    return stays;
  }
  std::optional<Route> found = find(from, to, plane, routing, flow);
  if (found) {
    add_shared(*found);
  }
  return found;
}

/// As `route`, but from a node to itself by way of its neighbours, and without what links share.
std::optional<Route> Router::find(NodeId from, NodeId to, std::uint32_t plane, const Routing& routing,
                                  std::uint64_t flow) {
  Ways& ways = this->ways(plane, routing.order);
  const bool is_spread = routing.spread == Spread::sprayed && routing.detour == Detour::none;
  // by 28 bits for each end, and plane and order
  const std::uint64_t key = std::uint64_t{from.index()} << 36 | std::uint64_t{to.index()} << 8 |
                            std::uint64_t{plane & 63U} << 2 | static_cast<std::uint64_t>(routing.order);
  if (is_spread) {
    const auto known = remembered_.find(key);
    if (known != remembered_.end()) {
      return known->second;
    }
  }
  Ways::Lattice lattice;
  std::optional<std::uint32_t> length;
  if (is_spread && from != to && are_near(ways, from, to) && ways.is_seldom_asked(to)) {
    lattice = ways.find_lattice(from, to);
    length = lattice.empty() ? std::nullopt : std::optional(static_cast<std::uint32_t>(lattice.size()));
  } else {
    length = hops(ways, from, to);
  }
  if (!length) {
    return std::nullopt;
  }
  Choice choice{routing.spread, mix(mix(mix(routing.seed, from.index()), to.index()), flow), to.index()};
  Route route;
  route.plane = plane;
  if (!lattice.empty()) {
    spray(lattice, from, route.links);
    route.latency = propagation(route.links, from, to);
    sort_by_link(route.links);
  } else if (routing.detour == Detour::none) {
    follow(ways, from, to, choice, route.links);
    route.latency = propagation(route.links, from, to);
    sort_by_link(route.links);
  } else {
    length = detour(ways, from, to, choice, route);
  }
  const Plane& description = topology_.planes[plane];
  const std::uint32_t switches = *length - 1;
  route.switches = static_cast<int>(switches);
  route.latency += description.endpoint_latency + switches * description.switch_latency;
  const double efficiency = switches <= 1 ? description.payload_efficiency_near : description.payload_efficiency_far;
  for (LinkLoad& link : route.links) {
    link.load /= efficiency;
  }
  if (!lattice.empty() && topology_.nodes.size() < most_named && plane < 64) {
    if (remembered_.size() == most_remembered_routes) {
      remembered_.clear();
    }
    remembered_.emplace(key, route);
  }
  return route;
}

/// Whether there may be a way at all.
bool Router::are_near(const Ways& ways, NodeId from, NodeId to) {
  return ways.component(from) == ways.component(to) && !ways.entering(to).empty();
}

/// Links on a shortest way, if there is one.
std::optional<std::uint32_t> Router::hops(Ways& ways, NodeId from, NodeId to) {
  if (!are_near(ways, from, to)) {
    return std::nullopt;
  }
  const std::uint32_t distance = ways.towards(to).distance[ways.slot(from, 0)];
  return distance == Ways::none ? std::nullopt : std::optional(distance + 1);
}

void Router::follow(Ways& ways, NodeId from, NodeId to, Choice& choice, std::vector<LinkLoad>& links) {
  if (choice.spread == Spread::sprayed) {
    spray(ways, from, to, links);
  } else {
    pick(ways, from, to, choice, links);
  }
}

// Level by level, so that all that reaches a node is there before it is passed on.
void Router::spray(Ways& ways, NodeId from, NodeId to, std::vector<LinkLoad>& links) {
  const std::uint32_t phases = ways.phases();
  const auto split = [&](std::span<const LinkId> candidates, std::uint32_t state, auto&& takes) {
    double bandwidth = 0;
    for (const LinkId link : candidates) {
      bandwidth += takes(link) ? capacity_[link].value() : 0;
    }
    const double share = share_[state];
    for (const LinkId link : candidates) {
      if (takes(link)) {
        links.push_back({link, on_grid(share * (capacity_[link].value() / bandwidth))});
      }
    }
    share_[state] = 0;
  };
  const Ways::Field& field = ways.towards(to);
  std::uint32_t hops = field.distance[ways.slot(from, 0)];
  links.reserve(links.size() + hops + 1);
  front_.assign(1, from.index() * phases);
  share_[front_.front()] = 1;
  for (; hops > 0; --hops) {
    behind_.clear();
    for (const std::uint32_t state : front_) {
      const std::size_t before = links.size();
      split(field.leaving(ways.slot(NodeId(state / phases), state % phases)), state, [](LinkId) { return true; });
      for (std::size_t i = before; i < links.size(); ++i) {
        const LinkId link = links[i].link;
        const std::uint32_t next = topology_.links[link].to.index() * phases + ways.phase_after(link, state % phases);
        if (share_[next] == 0) {
          behind_.push_back(next);
        }
        share_[next] += links[i].load;
      }
    }
    std::swap(front_, behind_);
  }
  for (const std::uint32_t state : front_) {
    split(ways.entering(to), state, [&](LinkId link) {
      return topology_.links[link].from.index() == state / phases && ways.last_phase(link) >= state % phases;
    });
  }
}

void Router::spray(const Ways::Lattice& lattice, NodeId from, std::vector<LinkLoad>& links) {
  front_.clear();
  share_[from.index()] = 1;
  front_.push_back(from.index());
  for (const std::vector<LinkId>& hop : lattice) {
    behind_.clear();
    for (auto first = hop.begin(); first != hop.end();) {
      const NodeId here = topology_.links[*first].from;
      double bandwidth = 0;
      auto last = first;
      for (; last != hop.end() && topology_.links[*last].from == here; ++last) {
        bandwidth += capacity_[*last].value();
      }
      for (; first != last; ++first) {
        links.push_back({*first, on_grid(share_[here.index()] * (capacity_[*first].value() / bandwidth))});
        const std::uint32_t next = topology_.links[*first].to.index();
        if (share_[next] == 0) {
          behind_.push_back(next);
        }
        share_[next] += links.back().load;
      }
    }
    for (const std::uint32_t node : front_) {
      share_[node] = 0;
    }
    std::swap(front_, behind_);
  }
  for (const std::uint32_t node : front_) {
    share_[node] = 0;
  }
}

void Router::pick(Ways& ways, NodeId from, NodeId to, Choice& choice, std::vector<LinkLoad>& links) {
  const Ways::Field& field = ways.towards(to);
  NodeId at = from;
  std::uint32_t phase = 0;
  for (std::uint32_t hops = field.distance[ways.slot(from, 0)]; hops > 0; --hops) {
    const LinkId link = pick_one(field.leaving(ways.slot(at, phase)), at, choice);
    links.push_back({link, 1});
    at = topology_.links[link].to;
    phase = ways.phase_after(link, phase);
  }
  std::vector<LinkId> last;
  for (const LinkId link : ways.entering(to)) {
    if (topology_.links[link].from == at && ways.last_phase(link) >= phase) {
      last.push_back(link);
    }
  }
  links.push_back({pick_one(last, at, choice), 1});
}

/// The first of the least used, from one that the hash chooses on.
LinkId Router::pick_least_used(std::span<const LinkId> candidates, std::uint64_t hash) {
  used_.resize(topology_.links.size());
  const auto use = [this](LinkId link) { return (used_[link] + 1) / capacity_[link].value(); };
  const std::size_t first = hash % candidates.size();
  LinkId best = candidates[first];
  for (std::size_t i = 1; i < candidates.size(); ++i) {
    const LinkId link = candidates[(first + i) % candidates.size()];
    best = use(link) < use(best) ? link : best;
  }
  ++used_[best];
  return best;
}

LinkId Router::pick_one(std::span<const LinkId> candidates, NodeId at, Choice& choice) {
  if (choice.spread == Spread::adaptive) {
    return pick_least_used(candidates, mix(choice.hash, at.index()));
  }
  if (choice.spread == Spread::fixed) {
    const auto count = static_cast<std::uint32_t>(candidates.size());
    const LinkId picked = candidates[choice.rest % count];
    choice.rest /= count;
    return picked;
  }
  double bandwidth = 0;
  for (const LinkId link : candidates) {
    bandwidth += capacity_[link].value();
  }
  double left = static_cast<double>(mix(choice.hash, at.index()) >> 11) * 0x1.0p-53 * bandwidth;
  for (const LinkId link : candidates) {
    left -= capacity_[link].value();
    if (left < 0) {
      return link;
    }
  }
  return candidates.back();
}

/// Of links in the order in which they are taken: the longest sum of their own latencies.
Seconds Router::propagation(std::span<const LinkLoad> links, NodeId from, NodeId to) const {
  if (!has_long_links_ || from == to) {
    return Seconds();
  }
  std::map<NodeId, Seconds> reached{{from, Seconds()}};
  for (const LinkLoad& use : links) {
    const Link& link = topology_.links[use.link];
    Seconds& at = reached[link.to];
    at = std::max(at, reached[link.from] + link.latency);
  }
  return reached[to];
}

/// Over one relay or, sprayed, over all of them in equal parts; straight on where there is none. Returns the links on
/// the longest path.
std::optional<std::uint32_t> Router::detour(Ways& ways, NodeId from, NodeId to, Choice& choice, Route& route) {
  std::vector<LinkLoad>& links = route.links;
  struct Relay {
    NodeId node;
    std::uint32_t hops;
  };
  std::vector<Relay> relays;
  for (const NodeId node : ways.relays(ways.component(from))) {
    const auto there = node == from ? 0 : hops(ways, from, node);
    const auto onwards = node == to ? 0 : hops(ways, node, to);
    if (there && onwards) {
      relays.push_back({node, *there + *onwards});
    }
  }
  if (relays.empty()) {
    relays.push_back({from, *hops(ways, from, to)});
  }
  if (choice.spread != Spread::sprayed) {
    relays = {relays[(choice.spread == Spread::fixed ? to.index() : choice.hash) % relays.size()]};
  }
  std::uint32_t longest = 0;
  for (const Relay& relay : relays) {
    const std::size_t first = links.size();
    if (relay.node != from) {
      follow(ways, from, relay.node, choice, links);
    }
    const std::size_t second = links.size();
    if (relay.node != to) {
      follow(ways, relay.node, to, choice, links);
    }
    const auto all = std::span<const LinkLoad>(links);
    route.latency = std::max(route.latency, propagation(all.subspan(first, second - first), from, relay.node) +
                                                propagation(all.subspan(second), relay.node, to));
    longest = std::max(longest, relay.hops);
  }
  for (LinkLoad& link : links) {
    link.load /= static_cast<double>(relays.size());
  }
  merge_loads(links, [](double a, double b) { return a + b; });
  return longest;
}

std::optional<Route> Router::multicast(NodeId from, std::span<const NodeId> to, std::optional<std::uint32_t> plane) {
  return tree(from, to, Tree::out_of, plane);
}

std::optional<Route> Router::reduce(std::span<const NodeId> from, NodeId to, std::optional<std::uint32_t> plane) {
  return tree(to, from, Tree::into, plane);
}

std::optional<Route> Router::tree(NodeId root, std::span<const NodeId> leaves, Tree direction,
                                  std::optional<std::uint32_t> plane) {
  for (std::uint32_t candidate = 0; candidate < topology_.planes.size(); ++candidate) {
    if (topology_.planes[candidate].multicast && plane.value_or(candidate) == candidate) {
      if (auto found = tree_on(candidate, root, leaves, direction)) {
        return found;
      }
    }
  }
  return std::nullopt;
}

// The branches are sprayed alike, so what one of them puts on a link the others share: a link carries the most that any
// of them needs there.
std::optional<Route> Router::tree_on(std::uint32_t plane, NodeId root, std::span<const NodeId> leaves, Tree direction) {
  const Routing sprayed{.order = topology_.planes[plane].routing.order};
  Route whole;
  whole.plane = plane;
  for (const NodeId leaf : leaves) {
    const auto branch = direction == Tree::out_of ? find(root, leaf, plane, sprayed) : find(leaf, root, plane, sprayed);
    if (!branch) {
      return std::nullopt;
    }
    whole.links.insert(whole.links.end(), branch->links.begin(), branch->links.end());
    whole.latency = std::max(whole.latency, branch->latency);
    whole.switches = std::max(whole.switches, branch->switches);
  }
  merge_loads(whole.links, [](double a, double b) { return std::max(a, b); });
  add_shared(whole);
  return whole;
}

}  // namespace podium
