#include "sim/topology/ways.h"

#include <algorithm>
#include <utility>

#include "sim/core/disjoint_sets.h"

namespace podium {
namespace {

/// How a node lies to the first one of its component that forwards.
constexpr std::uint8_t reached = 1, reaches = 2;

/// Entries of the fields that are remembered: 256 MiB.
constexpr std::size_t most_remembered_entries = std::size_t{1} << 26;

/// Hops from the nearest of `starts` by node, against the links; hosts are not passed through.
std::vector<std::uint32_t> hops_from(const Ways& ways, const Topology& topology, std::vector<NodeId> starts) {
  std::vector<std::uint32_t> hops(topology.nodes.size(), Ways::none);
  for (const NodeId start : starts) {
    hops[start.index()] = 0;
  }
  for (std::size_t next = 0; next < starts.size(); ++next) {
    if (!ways.forwards(starts[next])) {
      continue;
    }
    for (const LinkId link : ways.entering(starts[next])) {
      const NodeId from = topology.links[link].from;
      if (hops[from.index()] == Ways::none) {
        hops[from.index()] = hops[starts[next].index()] + 1;
        starts.push_back(from);
      }
    }
  }
  return hops;
}

/// The nodes that ways go up to, for each component: the switches farthest from accelerators, where no two of them are
/// linked (the top tier of a tree), or else the first of those.
std::vector<NodeId> find_roots(const Ways& ways, const Topology& topology, std::size_t components) {
  std::vector<NodeId> accelerators;
  for (std::uint32_t rank = 0; rank < topology.accelerators; ++rank) {
    accelerators.push_back(topology.accelerator(rank));
  }
  const std::vector<std::uint32_t> height = hops_from(ways, topology, std::move(accelerators));
  const auto passes = [&](NodeId node) { return ways.forwards(node) && height[node.index()] != Ways::none; };
  std::vector<std::uint32_t> top(components, 0);
  for (const NodeId node : topology.nodes.ids()) {
    std::uint32_t& most = top[ways.component(node)];
    most = passes(node) ? std::max(most, height[node.index()]) : most;
  }
  const auto on_top = [&](NodeId node) { return passes(node) && height[node.index()] == top[ways.component(node)]; };
  std::vector<std::vector<NodeId>> roots(components);
  std::vector<bool> linked(components, false);
  for (const NodeId node : topology.nodes.ids()) {
    if (!on_top(node)) {
      continue;
    }
    roots[ways.component(node)].push_back(node);
    for (const LinkId link : ways.entering(node)) {
      if (on_top(topology.links[link].from)) {
        linked[ways.component(node)] = true;
      }
    }
  }
  std::vector<NodeId> all;
  for (std::size_t component = 0; component < components; ++component) {
    const std::vector<NodeId>& those = roots[component];
    all.insert(all.end(), those.begin(), linked[component] ? those.begin() + 1 : those.end());
  }
  return all;
}

/// By link: 0 where it leads nearer to a root (or, as far, to a lower id), and 1 where it leads away.
std::vector<std::uint8_t> up_down_phases(const Ways& ways, const Topology& topology, std::size_t components) {
  const std::vector<std::uint32_t> depth = hops_from(ways, topology, find_roots(ways, topology, components));
  std::vector<std::uint8_t> phases;
  phases.reserve(topology.links.size());
  for (const Link& link : topology.links) {
    const auto rank = [&depth](NodeId node) { return std::pair(depth[node.index()], node); };
    phases.push_back(rank(link.to) < rank(link.from) ? 0 : 1);
  }
  return phases;
}

}  // namespace

Ways::Ways(const Topology& topology, std::uint32_t plane, WayOrder order,
           const Table<LinkId, BytesPerSecond>& capacities)
    : topology_(topology), order_(order) {
  index_links(plane, capacities);
  number_places();
  if (order == WayOrder::up_down) {
    phases_ = 2;
    last_phase_ = up_down_phases(*this, topology, size_.size());
  } else if (order == WayOrder::one_global) {
    phases_ = 2;
    for (const Link& link : topology.links) {
      last_phase_.push_back(link.dimension > 0 ? 0 : 1);
    }
  } else if (order == WayOrder::dimension_ordered) {
    for (const Link& link : topology.links) {
      last_phase_.push_back(link.dimension);
      phases_ = std::max<std::uint32_t>(phases_, link.plane == plane ? link.dimension + 1U : 0U);
    }
  }
  field_of_.assign(topology.nodes.size(), none);
}

void Ways::index_links(std::uint32_t plane, const Table<LinkId, BytesPerSecond>& capacities) {
  const auto counts = [&](LinkId link) {
    return topology_.links[link].plane == plane && capacities[link] > BytesPerSecond(0);
  };
  first_in_.assign(topology_.nodes.size() + 1, 0);
  for (const LinkId id : topology_.links.ids()) {
    first_in_[topology_.links[id].to.index() + 1] += counts(id) ? 1 : 0;
  }
  for (std::size_t node = 0; node < topology_.nodes.size(); ++node) {
    first_in_[node + 1] += first_in_[node];
  }
  in_.resize(first_in_.back());
  std::vector<std::uint32_t> filled(first_in_.begin(), first_in_.end() - 1);
  for (const LinkId id : topology_.links.ids()) {
    if (counts(id)) {
      in_[filled[topology_.links[id].to.index()]++] = id;
    }
  }
}

void Ways::number_places() {
  const std::size_t nodes = topology_.nodes.size();
  DisjointSets joined(nodes);
  for (const LinkId link : in_) {
    joined.join(topology_.links[link].from.index(), topology_.links[link].to.index());
  }
  component_.resize(nodes);
  place_.resize(nodes);
  std::vector<std::uint32_t> component_of_first(nodes, none);
  for (std::uint32_t node = 0; node < nodes; ++node) {
    std::uint32_t& component = component_of_first[joined.first(node)];
    if (component == none) {
      component = static_cast<std::uint32_t>(size_.size());
      size_.push_back(0);
    }
    component_[node] = component;
    place_[node] = size_[component]++;
  }
}

Ways::Access Ways::access(NodeId destination) const {
  Access access;
  for (const LinkId link : entering(destination)) {
    access.emplace_back(topology_.links[link].from, last_phase(link));
  }
  std::sort(access.begin(), access.end());
  access.erase(std::unique(access.begin(), access.end()), access.end());
  return access;
}

// Breadth first, backwards from the access nodes. A way that ends at a neighbour of the destination never comes through
// the destination, so all destinations with the same neighbours share the field.
Ways::Field Ways::find_field(const Access& access) const {
  struct Stand {
    NodeId node;
    std::uint32_t phase;
  };
  Field field;
  const std::size_t slots = std::size_t{size_[component(access.front().first)]} * phases_;
  field.distance.assign(slots, none);
  field.first.assign(slots + 1, 0);
  std::vector<Stand> order;
  for (const auto& [node, last_phase] : access) {
    for (std::uint32_t phase = 0; phase <= last_phase; ++phase) {
      if (std::uint32_t& distance = field.distance[slot(node, phase)]; distance == none) {
        distance = 0;
        order.push_back({node, phase});
      }
    }
  }
  std::vector<std::pair<std::uint32_t, LinkId>> found;  // every link that leads one hop nearer, by slot
  for (std::size_t next = 0; next < order.size(); ++next) {
    const Stand here = order[next];
    if (!forwards(here.node)) {
      continue;
    }
    const std::uint32_t beyond = field.distance[slot(here.node, here.phase)] + 1;
    for (const LinkId link : entering(here.node)) {
      const NodeId from = topology_.links[link].from;
      for (std::uint32_t earlier = 0; earlier <= last_phase(link); ++earlier) {
        if (phase_after(link, earlier) != here.phase) {
          continue;
        }
        const std::uint32_t there = slot(from, earlier);
        if (field.distance[there] == none) {
          field.distance[there] = beyond;
          order.push_back({from, earlier});
        }
        if (field.distance[there] == beyond) {
          found.emplace_back(there, link);
          ++field.first[there + 1];
        }
      }
    }
  }
  for (std::size_t slot = 0; slot < slots; ++slot) {
    field.first[slot + 1] += field.first[slot];
  }
  field.next.resize(found.size());
  std::vector<std::uint32_t> filled(field.first.begin(), field.first.end() - 1);
  for (const auto& [slot, link] : found) {
    field.next[filled[slot]++] = link;
  }
  return field;
}

const Ways::Field& Ways::towards(NodeId destination) {
  if (field_of_[destination.index()] == none) {
    Access key = access(destination);
    auto known = field_towards_.find(key);
    if (known == field_towards_.end()) {
      Field field = find_field(key);
      const std::size_t entries = field.distance.size() + field.first.size() + field.next.size();
      if (remembered_ + entries > most_remembered_entries) {
        forget();
      }
      remembered_ += entries;
      fields_.push_back(std::move(field));
      known = field_towards_.emplace(std::move(key), static_cast<std::uint32_t>(fields_.size() - 1)).first;
    }
    field_of_[destination.index()] = known->second;
  }
  return fields_[field_of_[destination.index()]];
}

void Ways::index_leaving() {
  if (!first_out_.empty()) {
    return;
  }
  first_out_.assign(topology_.nodes.size() + 1, 0);
  for (const LinkId link : in_) {
    ++first_out_[topology_.links[link].from.index() + 1];
  }
  for (std::size_t node = 0; node < topology_.nodes.size(); ++node) {
    first_out_[node + 1] += first_out_[node];
  }
  out_.resize(in_.size());
  std::vector<std::uint32_t> filled(first_out_.begin(), first_out_.end() - 1);
  for (const LinkId link : in_) {
    out_[filled[topology_.links[link].from.index()]++] = link;
  }
}

bool Ways::surely_join(std::span<const NodeId> nodes) {
  if (phases_ > 1) {
    return false;
  }
  if (core_.empty()) {
    find_cores();
  }
  return std::all_of(nodes.begin(), nodes.end(), [&](NodeId node) {
    return core_[node.index()] == (reached | reaches) && component(node) == component(nodes.front());
  });
}

void Ways::find_cores() {
  index_leaving();
  core_.assign(topology_.nodes.size(), 0);
  std::vector<std::uint8_t> begun(size_.size(), 0);
  for (const NodeId first : topology_.nodes.ids()) {
    if (forwards(first) && std::exchange(begun[component(first)], 1) == 0) {
      mark_core(first, reached);
      mark_core(first, reaches);
    }
  }
}

void Ways::mark_core(NodeId first, std::uint8_t side) {
  core_[first.index()] |= side;
  for (std::vector<NodeId> open{first}; !open.empty();) {
    const NodeId node = open.back();
    open.pop_back();
    for (const LinkId link : side == reached ? leaving(node) : entering(node)) {
      const NodeId next = side == reached ? topology_.links[link].to : topology_.links[link].from;
      if (forwards(next) && (core_[next.index()] & side) == 0) {
        core_[next.index()] |= side;
        open.push_back(next);
      }
    }
  }
}

void Ways::forget() {
  remembered_ = 0;
  fields_.clear();
  field_towards_.clear();
  field_of_.assign(topology_.nodes.size(), none);
}

std::vector<NodeId> Ways::relays(std::uint32_t component) const {
  std::vector<NodeId> relays;
  for (std::uint32_t rank = 0; rank < topology_.accelerators; ++rank) {
    const NodeId accelerator = topology_.accelerator(rank);
    if (component_[rank] != component || entering(accelerator).empty()) {
      continue;
    }
    const std::size_t before = relays.size();
    for (const LinkId link : entering(accelerator)) {
      const NodeId from = topology_.links[link].from;
      if (topology_.nodes[from].kind == NodeKind::network_switch || topology_.nodes[from].kind == NodeKind::nic) {
        relays.push_back(from);
      }
    }
    if (relays.size() == before) {
      relays.push_back(accelerator);
    }
  }
  std::sort(relays.begin(), relays.end());
  relays.erase(std::unique(relays.begin(), relays.end()), relays.end());
  return relays;
}

}  // namespace podium
