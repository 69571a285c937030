#include "sim/topology/route.h"

#include <algorithm>
#include <limits>

namespace podium {
namespace {

constexpr std::uint32_t none = std::numeric_limits<std::uint32_t>::max();

bool forwards(const Topology& topology, NodeId node) { return topology.nodes[node].kind != NodeKind::cpu; }

std::uint32_t find_root(std::vector<std::uint32_t>& parent, std::uint32_t node) {
  while (parent[node] != node) {
    parent[node] = parent[parent[node]];
    node = parent[node];
  }
  return node;
}

void sort_by_link(std::vector<LinkLoad>& links) {
  const auto before = [](const LinkLoad& a, const LinkLoad& b) { return a.link < b.link; };
  if (!std::is_sorted(links.begin(), links.end(), before)) {
    std::sort(links.begin(), links.end(), before);
  }
}

}  // namespace

Router::Router(const Topology& topology) : topology_(topology), share_(topology.nodes.size(), 0) {
  for (std::uint32_t plane = 0; plane < topology.planes.size(); ++plane) {
    planes_.push_back(index_plane(plane));
  }
}

Router::PlaneIndex Router::index_plane(std::uint32_t plane) const {
  const std::size_t nodes = topology_.nodes.size();
  PlaneIndex index;
  index.first_in.assign(nodes + 1, 0);
  std::vector<std::uint32_t> parent(nodes);
  for (std::uint32_t node = 0; node < nodes; ++node) {
    parent[node] = node;
  }
  const auto counts = [plane](const Link& link) { return link.plane == plane && link.bandwidth > BytesPerSecond(0); };
  for (const Link& link : topology_.links) {
    if (counts(link)) {
      ++index.first_in[link.to.index() + 1];
      parent[find_root(parent, link.to.index())] = find_root(parent, link.from.index());
    }
  }
  for (std::size_t node = 0; node < nodes; ++node) {
    index.first_in[node + 1] += index.first_in[node];
  }
  index.in.resize(index.first_in.back());
  std::vector<std::uint32_t> filled(index.first_in.begin(), index.first_in.end() - 1);
  for (const LinkId id : topology_.links.ids()) {
    if (counts(topology_.links[id])) {
      index.in[filled[topology_.links[id].to.index()]++] = id;
    }
  }
  index.component.resize(nodes);
  index.place.resize(nodes);
  index.field_of.assign(nodes, none);
  std::vector<std::uint32_t> component_of_root(nodes, none);
  for (std::uint32_t node = 0; node < nodes; ++node) {
    std::uint32_t& component = component_of_root[find_root(parent, node)];
    if (component == none) {
      component = static_cast<std::uint32_t>(index.size.size());
      index.size.push_back(0);
    }
    index.component[node] = component;
    index.place[node] = index.size[component]++;
  }
  return index;
}

const Router::Field& Router::field_towards(PlaneIndex& index, NodeId to) const {
  std::uint32_t& field = index.field_of[to.index()];
  if (field == none) {
    std::vector<NodeId> access;
    for (const LinkId link : index.entering(to)) {
      access.push_back(topology_.links[link].from);
    }
    std::sort(access.begin(), access.end());
    access.erase(std::unique(access.begin(), access.end()), access.end());
    const auto [entry, is_new] =
        index.field_towards.try_emplace(access, static_cast<std::uint32_t>(index.fields.size()));
    if (is_new) {
      index.fields.push_back(find_field(index, access));
    }
    field = entry->second;
  }
  return index.fields[field];
}

// Breadth first, backwards from the access nodes. A way that ends at a neighbour of the destination never comes through
// the destination, so all destinations with the same neighbours share the field.
Router::Field Router::find_field(const PlaneIndex& index, const std::vector<NodeId>& access) const {
  const std::uint32_t size = index.size[index.component[access.front().index()]];
  Field field;
  field.distance.assign(size, none);
  field.first.assign(size + 1, 0);
  std::vector<NodeId> order = access;
  for (const NodeId node : access) {
    field.distance[index.place[node.index()]] = 0;
  }
  std::vector<LinkId> found;  // every link that leads one hop nearer
  for (std::size_t next = 0; next < order.size(); ++next) {
    if (!forwards(topology_, order[next])) {
      continue;
    }
    const std::uint32_t beyond = field.distance[index.place[order[next].index()]] + 1;
    for (const LinkId link : index.entering(order[next])) {
      const NodeId from = topology_.links[link].from;
      std::uint32_t& distance = field.distance[index.place[from.index()]];
      if (distance == none) {
        distance = beyond;
        order.push_back(from);
      }
      if (distance == beyond) {
        found.push_back(link);
        ++field.first[index.place[from.index()] + 1];
      }
    }
  }
  for (std::uint32_t place = 0; place < size; ++place) {
    field.first[place + 1] += field.first[place];
  }
  field.next.resize(found.size());
  std::vector<std::uint32_t> filled(field.first.begin(), field.first.end() - 1);
  for (const LinkId link : found) {
    field.next[filled[index.place[topology_.links[link].from.index()]]++] = link;
  }
  return field;
}

std::optional<Route> Router::route(NodeId from, NodeId to, std::optional<std::uint32_t> plane) {
  if (from == to) {
    Route stays;
    stays.plane = plane.value_or(0);
    return stays;
  }
  if (plane) {
    return route_on(*plane, from, to);
  }
  for (std::uint32_t candidate = 0; candidate < planes_.size(); ++candidate) {
    if (auto found = route_on(candidate, from, to)) {
      return found;
    }
  }
  return std::nullopt;
}

std::optional<Route> Router::route_on(std::uint32_t plane, NodeId from, NodeId to) {
  PlaneIndex& index = planes_.at(plane);
  if (index.component[from.index()] != index.component[to.index()] || index.entering(to).empty()) {
    return std::nullopt;
  }
  const Field& field = field_towards(index, to);
  const std::uint32_t switches = field.distance[index.place[from.index()]];
  if (switches == none) {
    return std::nullopt;
  }
  const Plane& description = topology_.planes[plane];
  Route route;
  route.plane = plane;
  route.switches = static_cast<int>(switches);
  route.latency = description.endpoint_latency + switches * description.switch_latency;
  spray(index, field, from, to, route.links);
  const double efficiency = switches <= 1 ? description.payload_efficiency_near : description.payload_efficiency_far;
  for (LinkLoad& link : route.links) {
    link.load /= efficiency;
  }
  return route;
}

// Level by level, so that all that reaches a node is there before it is passed on.
void Router::spray(const PlaneIndex& index, const Field& field, NodeId from, NodeId to, std::vector<LinkLoad>& links) {
  const auto split = [&](std::span<const LinkId> ways, NodeId node, auto&& takes) {
    double bandwidth = 0;
    for (const LinkId link : ways) {
      bandwidth += takes(link) ? topology_.links[link].bandwidth.value() : 0;
    }
    const double share = share_[node.index()];
    for (const LinkId link : ways) {
      if (takes(link)) {
        links.push_back({link, share * (topology_.links[link].bandwidth.value() / bandwidth)});
      }
    }
    share_[node.index()] = 0;
  };
  std::uint32_t hops = field.distance[index.place[from.index()]];
  links.reserve(hops + 1);
  front_.assign(1, from);
  share_[from.index()] = 1;
  for (; hops > 0; --hops) {
    behind_.clear();
    for (const NodeId node : front_) {
      const std::uint32_t place = index.place[node.index()];
      const std::size_t before = links.size();
      split(std::span(field.next).subspan(field.first[place], field.first[place + 1] - field.first[place]), node,
            [](LinkId) { return true; });
      for (std::size_t i = before; i < links.size(); ++i) {
        const NodeId next = topology_.links[links[i].link].to;
        if (share_[next.index()] == 0) {
          behind_.push_back(next);
        }
        share_[next.index()] += links[i].load;
      }
    }
    std::swap(front_, behind_);
  }
  for (const NodeId node : front_) {
    split(index.entering(to), node, [&](LinkId link) { return topology_.links[link].from == node; });
  }
  sort_by_link(links);
}

std::optional<Route> Router::multicast(NodeId from, std::span<const NodeId> to, std::optional<std::uint32_t> plane) {
  return tree(from, to, Tree::out_of, plane);
}

std::optional<Route> Router::reduce(std::span<const NodeId> from, NodeId to, std::optional<std::uint32_t> plane) {
  return tree(to, from, Tree::into, plane);
}

std::optional<Route> Router::tree(NodeId root, std::span<const NodeId> leaves, Tree direction,
                                  std::optional<std::uint32_t> plane) {
  for (std::uint32_t candidate = 0; candidate < planes_.size(); ++candidate) {
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
  Route whole;
  whole.plane = plane;
  for (const NodeId leaf : leaves) {
    const auto branch = direction == Tree::out_of ? route_on(plane, root, leaf) : route_on(plane, leaf, root);
    if (!branch) {
      return std::nullopt;
    }
    whole.links.insert(whole.links.end(), branch->links.begin(), branch->links.end());
    whole.latency = std::max(whole.latency, branch->latency);
    whole.switches = std::max(whole.switches, branch->switches);
  }
  sort_by_link(whole.links);
  std::size_t kept = 0;
  for (const LinkLoad& link : whole.links) {
    if (kept > 0 && whole.links[kept - 1].link == link.link) {
      whole.links[kept - 1].load = std::max(whole.links[kept - 1].load, link.load);
    } else {
      whole.links[kept++] = link;
    }
  }
  whole.links.resize(kept);
  return whole;
}

}  // namespace podium
