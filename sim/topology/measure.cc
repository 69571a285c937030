#include "sim/topology/measure.h"

#include <algorithm>
#include <array>
#include <boost/graph/adjacency_list.hpp>
#include <boost/graph/push_relabel_max_flow.hpp>
#include <cmath>
#include <limits>
#include <map>
#include <optional>
#include <utility>

#include "sim/core/rng.h"

namespace podium {
namespace {

constexpr std::uint32_t not_in_part = std::numeric_limits<std::uint32_t>::max();

/// One connected network of a plane: its nodes renumbered from 0, accelerators first.
struct Part {
  std::vector<NodeId> nodes;
  std::vector<LinkId> links;
  std::size_t accelerators = 0;
  std::vector<std::uint32_t> place;                 ///< by node of the topology, or not_in_part
  std::vector<std::vector<std::uint32_t>> leaving;  ///< by place: places one hop on, one a cable
};

bool in_plane(const Link& link, std::uint32_t plane) {
  return link.plane == plane && link.bandwidth > BytesPerSecond(0);
}

/// Nodes by connected network, those with the most accelerators first.
std::vector<std::vector<NodeId>> connected(const Topology& topology, std::uint32_t plane) {
  std::vector<std::vector<NodeId>> neighbours(topology.nodes.size());
  for (const Link& link : topology.links) {
    if (in_plane(link, plane)) {
      neighbours[link.from.index()].push_back(link.to);
      neighbours[link.to.index()].push_back(link.from);
    }
  }
  std::vector<std::vector<NodeId>> parts;
  std::vector<bool> seen(topology.nodes.size(), false);
  for (std::uint32_t rank = 0; rank < topology.accelerators; ++rank) {
    if (seen[rank] || neighbours[rank].empty()) {
      continue;
    }
    std::vector<NodeId> part{topology.accelerator(rank)};
    seen[rank] = true;
    for (std::size_t next = 0; next < part.size(); ++next) {
      for (const NodeId neighbour : neighbours[part[next].index()]) {
        if (!seen[neighbour.index()]) {
          seen[neighbour.index()] = true;
          part.push_back(neighbour);
        }
      }
    }
    std::sort(part.begin(), part.end());
    parts.push_back(std::move(part));
  }
  const auto size = [&topology](const std::vector<NodeId>& part) {
    return std::lower_bound(part.begin(), part.end(), NodeId(topology.accelerators)) - part.begin();
  };
  std::stable_sort(parts.begin(), parts.end(), [&](const auto& a, const auto& b) { return size(a) > size(b); });
  return parts;
}

Part make_part(const Topology& topology, std::uint32_t plane, std::vector<NodeId> nodes) {
  Part part;
  part.nodes = std::move(nodes);
  part.place.assign(topology.nodes.size(), not_in_part);
  for (std::uint32_t place = 0; place < part.nodes.size(); ++place) {
    part.place[part.nodes[place].index()] = place;
    part.accelerators += topology.nodes[part.nodes[place]].kind == NodeKind::accelerator ? 1 : 0;
  }
  part.leaving.resize(part.nodes.size());
  for (const LinkId id : topology.links.ids()) {
    const Link& link = topology.links[id];
    if (!in_plane(link, plane) || part.place[link.from.index()] == not_in_part) {
      continue;
    }
    part.links.push_back(id);
    // hosts pass no traffic on
    if (topology.nodes[link.from].kind != NodeKind::cpu && topology.nodes[link.to].kind != NodeKind::cpu) {
      part.leaving[part.place[link.from.index()]].insert(part.leaving[part.place[link.from.index()]].end(),
                                                         std::max(link.cables, 1U), part.place[link.to.index()]);
    }
  }
  return part;
}

/// Distances from a node, and how many shortest paths lead to each.
struct Reach {
  std::vector<std::uint32_t> hops;
  std::vector<std::size_t> paths;
};

Reach reach_from(const Part& part, std::uint32_t start) {
  Reach reach{std::vector<std::uint32_t>(part.nodes.size(), not_in_part),
              std::vector<std::size_t>(part.nodes.size(), 0)};
  reach.hops[start] = 0;
  reach.paths[start] = 1;
  std::vector<std::uint32_t> order{start};
  for (std::size_t next = 0; next < order.size(); ++next) {
    const std::uint32_t here = order[next];
    for (const std::uint32_t there : part.leaving[here]) {
      if (reach.hops[there] == not_in_part) {
        reach.hops[there] = reach.hops[here] + 1;
        order.push_back(there);
      }
      reach.paths[there] += reach.hops[there] == reach.hops[here] + 1 ? reach.paths[here] : 0;
    }
  }
  return reach;
}

struct Farthest {
  std::uint32_t from = 0;
  std::uint32_t to = 0;
  std::uint32_t hops = 0;  ///< 0 where no two accelerators are joined
};

/// Works on the merged network: merging keeps distances.
Farthest find_farthest(const Part& merged) {
  Farthest farthest;
  for (std::uint32_t from = 0; from < merged.accelerators; ++from) {
    const Reach reach = reach_from(merged, from);
    for (std::uint32_t to = 0; to < merged.accelerators; ++to) {
      if (reach.hops[to] != not_in_part && reach.hops[to] > farthest.hops) {
        farthest = {from, to, reach.hops[to]};
      }
    }
  }
  return farthest;
}

/// The side of each accelerator of a part.
using Halves = std::vector<std::uint8_t>;

bool balanced(const Halves& halves) {
  const auto ones = static_cast<std::size_t>(std::count(halves.begin(), halves.end(), 1));
  return ones == halves.size() / 2 || ones == halves.size() - halves.size() / 2;
}

Halves named_halves(const Topology& topology, const Part& part, std::uint32_t plane) {
  Halves halves;
  for (std::size_t i = 0; i < part.accelerators; ++i) {
    halves.push_back(topology.planes[plane].halves[part.nodes[i].index()]);
  }
  return halves;
}

/// All halvings of few accelerators (each once, the first accelerator always in half 0).
std::vector<Halves> all_halvings(std::size_t accelerators) {
  PODIUM_CHECK(accelerators > 1 && accelerators < 32);
  std::vector<Halves> all;
  for (std::uint32_t mask = 0; mask < 1U << (accelerators - 1); ++mask) {
    Halves halves(accelerators, 0);
    for (std::size_t i = 1; i < accelerators; ++i) {
      halves[i] = static_cast<std::uint8_t>((mask >> (i - 1)) & 1U);
    }
    if (balanced(halves)) {
      all.push_back(std::move(halves));
    }
  }
  return all;
}

/// Half the accelerators nearest to a random one, ties in random order: regions that are cheap to cut off.
std::vector<Halves> seeded_halvings(const Part& part, std::size_t tries) {
  Rng rng(1, "halvings");
  std::vector<Halves> all;
  for (std::size_t i = 0; i < tries; ++i) {
    const Reach reach = reach_from(part, static_cast<std::uint32_t>(rng.below(part.accelerators)));
    std::vector<std::pair<std::pair<std::uint32_t, double>, std::size_t>> order;
    for (std::size_t a = 0; a < part.accelerators; ++a) {
      order.push_back({{reach.hops[a], rng.uniform()}, a});
    }
    std::sort(order.begin(), order.end());
    Halves halves(part.accelerators, 0);
    for (std::size_t a = 0; a < part.accelerators / 2; ++a) {
      halves[order[a].second] = 1;
    }
    all.push_back(std::move(halves));
  }
  return all;
}

using Traits = boost::adjacency_list_traits<boost::vecS, boost::vecS, boost::directedS>;
using FlowGraph = boost::adjacency_list<
    boost::vecS, boost::vecS, boost::directedS, boost::no_property,
    boost::property<boost::edge_capacity_t, std::int64_t,
                    boost::property<boost::edge_residual_capacity_t, std::int64_t,
                                    boost::property<boost::edge_reverse_t, Traits::edge_descriptor>>>>;

void add_edge(FlowGraph& graph, std::size_t from, std::size_t to, std::int64_t capacity) {
  const auto forward = boost::add_edge(from, to, graph).first;
  const auto backward = boost::add_edge(to, from, graph).first;
  boost::put(boost::edge_capacity, graph, forward, capacity);
  boost::put(boost::edge_capacity, graph, backward, 0);
  boost::put(boost::edge_reverse, graph, forward, backward);
  boost::put(boost::edge_reverse, graph, backward, forward);
}

/// The most that half 0 can send to half 1 at once, in whole bytes per second.
BytesPerSecond max_flow(const Topology& topology, const Part& part, const Halves& halves) {
  const std::size_t source = part.nodes.size();
  const std::size_t sink = source + 1;
  FlowGraph graph(sink + 1);
  std::vector<std::int64_t> leaving(part.nodes.size(), 0);
  std::vector<std::int64_t> entering(part.nodes.size(), 0);
  for (const LinkId id : part.links) {
    const Link& link = topology.links[id];
    if (topology.nodes[link.from].kind != NodeKind::cpu && topology.nodes[link.to].kind != NodeKind::cpu) {
      const std::int64_t capacity = std::llround(link.bandwidth.value());
      add_edge(graph, part.place[link.from.index()], part.place[link.to.index()], capacity);
      leaving[part.place[link.from.index()]] += capacity;
      entering[part.place[link.to.index()]] += capacity;
    }
  }
  for (std::size_t i = 0; i < halves.size(); ++i) {
    if (halves[i] == 0) {
      add_edge(graph, source, i, leaving[i]);
    } else {
      add_edge(graph, i, sink, entering[i]);
    }
  }
  return BytesPerSecond(static_cast<double>(boost::push_relabel_max_flow(graph, source, sink)));
}

void measure_bisection(const Topology& topology, const Part& part, std::uint32_t plane, PlaneMeasures& measures) {
  constexpr std::size_t few = 8;
  constexpr std::size_t tries = 16;
  std::vector<Halves> halvings{named_halves(topology, part, plane)};
  if (!balanced(halvings.front())) {
    halvings = part.accelerators <= few ? all_halvings(part.accelerators) : seeded_halvings(part, tries);
    measures.bisection_is_bound = part.accelerators > few;
  }
  std::optional<BytesPerSecond> least;
  for (const Halves& halves : halvings) {
    const BytesPerSecond flow = max_flow(topology, part, halves);
    least = least ? std::min(*least, flow) : flow;
  }
  measures.bisection = *least;
}

/// The links of a plane that leave switches, cards, hosts and the first `accelerators`.
std::vector<LinkId> links_of(const Topology& topology, std::uint32_t plane, std::uint32_t accelerators) {
  std::vector<LinkId> links;
  for (const LinkId id : topology.links.ids()) {
    const Link& link = topology.links[id];
    const bool counts = link.from.index() < accelerators || link.from.index() >= topology.accelerators;
    if (link.plane == plane && counts) {
      links.push_back(id);
    }
  }
  return links;
}

BytesPerSecond injection_over(const Topology& topology, const std::vector<LinkId>& links) {
  BytesPerSecond sum;
  std::map<NodeId, BytesPerSecond> into_cards;
  std::map<NodeId, BytesPerSecond> out_of_cards;
  for (const LinkId id : links) {
    const Link& link = topology.links[id];
    const NodeKind from = topology.nodes[link.from].kind;
    const NodeKind to = topology.nodes[link.to].kind;
    if (from == NodeKind::accelerator && to == NodeKind::nic) {
      into_cards[link.to] += link.bandwidth;
    } else if (from == NodeKind::accelerator && to != NodeKind::cpu) {
      sum += link.bandwidth;
    } else if (from == NodeKind::nic && to == NodeKind::network_switch) {
      out_of_cards[link.from] += link.bandwidth;
    }
  }
  for (const auto& [card, into] : into_cards) {
    sum += std::min(into, out_of_cards[card]);
  }
  return sum;
}

bool has_switches(const Topology& topology, const Part& part) {
  return std::any_of(part.nodes.begin(), part.nodes.end(), [&topology](NodeId id) {
    const NodeKind kind = topology.nodes[id].kind;
    return kind == NodeKind::network_switch || kind == NodeKind::nic;
  });
}

void count(const Topology& topology, const Part& part, PlaneMeasures& measures) {
  for (const NodeId id : part.nodes) {
    const std::string& tier = topology.nodes[id].tier;
    const auto same = [&tier](const auto& entry) { return entry.first == tier; };
    auto entry = std::find_if(measures.nodes_by_tier.begin(), measures.nodes_by_tier.end(), same);
    if (entry == measures.nodes_by_tier.end()) {
      entry = measures.nodes_by_tier.insert(entry, {tier, 0});
    }
    ++entry->second;
  }
  measures.injection = injection_over(topology, part.links);
  std::map<std::pair<NodeId, NodeId>, std::array<std::uint32_t, 2>> cables;  // of each way between two nodes
  for (const LinkId id : part.links) {
    const Link& link = topology.links[id];
    cables[std::minmax(link.from, link.to)][link.from < link.to ? 0 : 1] += link.cables;
  }
  for (const LinkId id : part.links) {
    const std::pair<NodeId, NodeId> ends = std::minmax(topology.links[id].from, topology.links[id].to);
    const auto [up, down] = std::exchange(cables[ends], {});
    const std::uint32_t between = std::max(up, down);
    if (between == 0) {
      continue;
    }
    const std::string& lower = topology.nodes[ends.first].tier;
    const std::string& upper = topology.nodes[ends.second].tier;
    const auto same = [&](const TierLinks& links) { return links.lower == lower && links.upper == upper; };
    auto entry = std::find_if(measures.links_by_tier.begin(), measures.links_by_tier.end(), same);
    if (entry == measures.links_by_tier.end()) {
      entry = measures.links_by_tier.insert(entry, {lower, upper, 0});
    }
    entry->count += between;
    measures.links += between;
  }
}

}  // namespace

BytesPerSecond injection(const Topology& topology, std::uint32_t plane) {
  return injection_over(topology, links_of(topology, plane, topology.accelerators));
}

BytesPerSecond injection_of_one(const Topology& topology, std::uint32_t plane) {
  const std::vector<LinkId> links = links_of(topology, plane, 1);
  BytesPerSecond sent = injection_over(topology, links);
  if (sent.value() == 0) {  // the plane ends at the host
    for (const LinkId id : links) {
      sent += topology.links[id].from == topology.accelerator(0) ? topology.links[id].bandwidth : BytesPerSecond();
    }
  }
  return sent;
}

std::vector<PlaneMeasures> measure(const Topology& topology) {
  const Topology merged = merge_bundles(topology);
  std::vector<PlaneMeasures> all;
  for (std::uint32_t plane = 0; plane < topology.planes.size(); ++plane) {
    std::vector<std::vector<NodeId>> parts = connected(topology, plane);
    if (parts.empty()) {
      continue;
    }
    std::vector<std::vector<NodeId>> merged_parts = connected(merged, plane);
    const Farthest farthest = find_farthest(make_part(merged, plane, std::move(merged_parts.front())));
    if (farthest.hops == 0) {
      continue;
    }
    PlaneMeasures measures;
    measures.plane = topology.planes[plane].name;
    measures.networks = parts.size();
    const Part part = make_part(topology, plane, std::move(parts.front()));
    measures.diameter = static_cast<int>(farthest.hops);
    measures.path_diversity = reach_from(part, farthest.from).paths[farthest.to];
    measures.direct = !has_switches(topology, part);
    count(topology, part, measures);
    measure_bisection(topology, part, plane, measures);
    all.push_back(std::move(measures));
  }
  return all;
}

}  // namespace podium
