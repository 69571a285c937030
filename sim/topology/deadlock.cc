#include "sim/topology/deadlock.h"

#include <algorithm>
#include <boost/graph/adjacency_list.hpp>
#include <boost/graph/breadth_first_search.hpp>
#include <boost/graph/strong_components.hpp>
#include <boost/graph/visitors.hpp>
#include <map>
#include <set>

#include "sim/topology/channels.h"
#include "sim/topology/ways.h"

namespace podium {
namespace {

constexpr std::uint32_t none = Ways::none;

using Graph = boost::adjacency_list<boost::vecS, boost::vecS, boost::directedS>;

Table<LinkId, BytesPerSecond> capacities_of(const Topology& topology) {
  Table<LinkId, BytesPerSecond> capacities;
  for (const Link& link : topology.links) {
    capacities.push_back(link.bandwidth);
  }
  return capacities;
}

/// A packet at a node, and how it came there.
struct Stand {
  NodeId node;
  std::uint32_t phase = 0;
  ChannelStand channels;
};

ChannelRule rule(const Routing& routing, std::uint32_t first, std::uint32_t last) {
  return {routing.order, static_cast<std::uint8_t>(first), static_cast<std::uint8_t>(last)};
}

/// The dependencies of all channels of one plane. A channel is link times virtual channels plus its number.
class Dependencies {
 public:
  Dependencies(const Topology& topology, std::uint32_t plane, const Routing& routing);

  std::vector<VirtualChannel> find_cycle() const;

 private:
  using Channels = std::vector<std::uint32_t>;

  void add_leg(const std::vector<NodeId>& sources, const std::vector<NodeId>& destinations);
  void add_field(const std::vector<NodeId>& sources, const std::vector<NodeId>& destinations);
  void spread(const Ways::Field& field, const std::vector<NodeId>& sources, const std::vector<NodeId>& destinations);
  std::vector<LinkId> next_links(const Ways::Field& field, const Stand& stand,
                                 const std::vector<NodeId>& destinations) const;

  Stand take(const Stand& stand, LinkId link) const {
    const Link& taken = topology_.links[link];
    return {taken.to, ways_.phase_after(link, stand.phase), rule_.behind(stand.channels, mark_of(taken))};
  }
  /// Whether the next link leads to a destination.
  bool is_last(const Ways::Field& field, const Stand& stand) const {
    return field.distance[ways_.slot(stand.node, stand.phase)] == 0;
  }
  std::uint32_t channel_of(const Stand& stand, LinkId link) const {
    return link.index() * routing_.virtual_channels + rule_.on(stand.channels, mark_of(topology_.links[link]));
  }
  std::size_t index(const Stand& stand) const {
    const std::size_t place = stand.node.index() * std::size_t{ways_.phases()} + stand.phase;
    return (place * routing_.virtual_channels + stand.channels.channel) * dimensions_ + stand.channels.dimension;
  }
  static void add(Channels& channels, std::uint32_t channel) {
    if (std::find(channels.begin(), channels.end(), channel) == channels.end()) {
      channels.push_back(channel);
    }
  }

  const Topology& topology_;
  const Routing routing_;
  Ways ways_;
  ChannelRule rule_;  ///< of the part of the ways that is being looked at
  std::uint32_t dimensions_ = 1;
  std::vector<Channels> after_;      ///< by channel: those it depends on
  std::vector<Channels> begins_;     ///< by node: channels that the leg takes from its sources
  std::vector<Channels> ends_;       ///< by node: channels by which the leg came to its destinations
  std::vector<std::uint32_t> seen_;  ///< by stand: the last round in which it was reached
  std::uint32_t round_ = 0;
};

/// Accelerators and hosts of the plane.
std::vector<NodeId> find_ends(const Topology& topology, const Ways& ways) {
  std::vector<NodeId> ends;
  for (const NodeId node : topology.nodes.ids()) {
    const NodeKind kind = topology.nodes[node].kind;
    if ((kind == NodeKind::accelerator || kind == NodeKind::cpu) && !ways.entering(node).empty()) {
      ends.push_back(node);
    }
  }
  return ends;
}

std::vector<NodeId> find_relays(const Ways& ways, const std::vector<NodeId>& ends) {
  std::set<std::uint32_t> components;
  for (const NodeId end : ends) {
    components.insert(ways.component(end));
  }
  std::vector<NodeId> relays;
  for (const std::uint32_t component : components) {
    const std::vector<NodeId> some = ways.relays(component);
    relays.insert(relays.end(), some.begin(), some.end());
  }
  return relays;
}

Dependencies::Dependencies(const Topology& topology, std::uint32_t plane, const Routing& routing)
    : topology_(topology),
      routing_(routing),
      ways_(topology, plane, routing.order, capacities_of(topology)),
      rule_(rule(routing, 0, routing.virtual_channels - 1)),
      after_(topology.links.size() * routing.virtual_channels) {
  for (const Link& link : topology.links) {
    dimensions_ = std::max<std::uint32_t>(dimensions_, link.dimension + 1U);
  }
  seen_.assign(topology.nodes.size() * ways_.phases() * routing.virtual_channels * dimensions_, 0);
  const std::vector<NodeId> ends = find_ends(topology, ways_);
  if (routing.detour == Detour::none) {
    add_leg(ends, ends);
    return;
  }
  const std::vector<NodeId> relays = find_relays(ways_, ends);
  const std::uint32_t half = routing.virtual_channels / 2;
  rule_ = rule(routing, 0, half == 0 ? 0 : half - 1);
  add_leg(ends, relays);
  const std::vector<Channels> arrivals = std::move(ends_);
  rule_ = rule(routing, half, routing.virtual_channels - 1);
  add_leg(relays, ends);
  for (const NodeId relay : relays) {
    for (const std::uint32_t held : arrivals[relay.index()]) {
      for (const std::uint32_t next : begins_[relay.index()]) {
        add(after_[held], next);
      }
    }
  }
}

/// Destinations with the same neighbours in one step.
void Dependencies::add_leg(const std::vector<NodeId>& sources, const std::vector<NodeId>& destinations) {
  begins_.assign(topology_.nodes.size(), {});
  ends_.assign(topology_.nodes.size(), {});
  std::map<std::uint32_t, std::vector<NodeId>> sources_of;  // by component
  for (const NodeId source : sources) {
    sources_of[ways_.component(source)].push_back(source);
  }
  std::map<Ways::Access, std::vector<NodeId>> groups;
  for (const NodeId destination : destinations) {
    groups[ways_.access(destination)].push_back(destination);
  }
  for (const auto& [access, group] : groups) {
    if (!access.empty()) {
      add_field(sources_of[ways_.component(group.front())], group);
    }
  }
}

/// A source that is a destination too sends to the others only: a way to itself would turn round.
void Dependencies::add_field(const std::vector<NodeId>& sources, const std::vector<NodeId>& destinations) {
  const Ways::Field field = ways_.find_field(ways_.access(destinations.front()));
  std::vector<NodeId> others;
  for (const NodeId source : sources) {
    if (!std::binary_search(destinations.begin(), destinations.end(), source)) {
      others.push_back(source);
      continue;
    }
    std::vector<NodeId> rest = destinations;
    rest.erase(std::find(rest.begin(), rest.end(), source));
    spread(field, {source}, rest);
  }
  spread(field, others, destinations);
}

/// Follows all ways of a field, each stand once.
void Dependencies::spread(const Ways::Field& field, const std::vector<NodeId>& sources,
                          const std::vector<NodeId>& destinations) {
  if (destinations.empty()) {
    return;
  }
  ++round_;
  std::vector<Stand> stands;
  for (const NodeId source : sources) {
    const Stand start{source, 0, rule_.start()};
    if (field.distance[ways_.slot(source, 0)] != none && seen_[index(start)] != round_) {
      seen_[index(start)] = round_;
      stands.push_back(start);
    }
  }
  const std::size_t starts = stands.size();
  for (std::size_t i = 0; i < stands.size(); ++i) {
    const Stand stand = stands[i];
    for (const LinkId link : next_links(field, stand, destinations)) {
      const std::uint32_t held = channel_of(stand, link);
      if (i < starts) {
        add(begins_[stand.node.index()], held);
      }
      const Stand there = take(stand, link);
      if (is_last(field, stand)) {
        add(ends_[there.node.index()], held);
        continue;
      }
      for (const LinkId next : next_links(field, there, destinations)) {
        add(after_[held], channel_of(there, next));
      }
      if (seen_[index(there)] != round_) {
        seen_[index(there)] = round_;
        stands.push_back(there);
      }
    }
  }
}

/// Where a packet goes from a stand: nearer to the access, or from there to the destinations.
std::vector<LinkId> Dependencies::next_links(const Ways::Field& field, const Stand& stand,
                                             const std::vector<NodeId>& destinations) const {
  if (!is_last(field, stand)) {
    const auto nearer = field.leaving(ways_.slot(stand.node, stand.phase));
    return {nearer.begin(), nearer.end()};
  }
  std::vector<LinkId> last;
  for (const NodeId destination : destinations) {
    for (const LinkId link : ways_.entering(destination)) {
      if (topology_.links[link].from == stand.node && ways_.last_phase(link) >= stand.phase) {
        last.push_back(link);
      }
    }
  }
  return last;
}

std::vector<VirtualChannel> Dependencies::find_cycle() const {
  Graph graph(after_.size());
  for (std::uint32_t channel = 0; channel < after_.size(); ++channel) {
    for (const std::uint32_t next : after_[channel]) {
      boost::add_edge(channel, next, graph);
    }
  }
  std::vector<std::uint32_t> part(after_.size());
  const auto parts = static_cast<std::size_t>(boost::strong_components(
      graph, boost::make_iterator_property_map(part.begin(), boost::get(boost::vertex_index, graph))));
  if (parts == after_.size()) {
    return {};  // no channel is in a cycle with another
  }
  std::vector<std::uint32_t> size(parts, 0);
  for (const std::uint32_t one : part) {
    ++size[one];
  }
  const auto in_cycle = std::find_if(part.begin(), part.end(), [&size](std::uint32_t one) { return size[one] > 1; });
  const auto start = static_cast<std::uint32_t>(in_cycle - part.begin());

  std::vector<std::size_t> before(after_.size(), start);
  std::vector<std::uint32_t> hops(after_.size(), 0);
  std::vector<boost::default_color_type> colours(after_.size());
  boost::breadth_first_search(
      graph, start,
      boost::visitor(
          boost::make_bfs_visitor(std::make_pair(boost::record_predecessors(before.data(), boost::on_tree_edge()),
                                                 boost::record_distances(hops.data(), boost::on_tree_edge()))))
          .color_map(boost::make_iterator_property_map(colours.begin(), boost::get(boost::vertex_index, graph))));
  std::uint32_t last = none;
  for (std::uint32_t channel = 0; channel < after_.size(); ++channel) {
    const Channels& after = after_[channel];
    if (part[channel] == part[start] && std::find(after.begin(), after.end(), start) != after.end() &&
        (last == none || hops[channel] < hops[last])) {
      last = channel;
    }
  }
  std::vector<VirtualChannel> cycle;
  for (std::size_t channel = last; channel != start; channel = before[channel]) {
    cycle.push_back(
        {LinkId(channel / routing_.virtual_channels), static_cast<std::uint32_t>(channel % routing_.virtual_channels)});
  }
  cycle.push_back({LinkId(start / routing_.virtual_channels), start % routing_.virtual_channels});
  std::reverse(cycle.begin(), cycle.end());
  return cycle;
}

}  // namespace

DeadlockCheck check_deadlock(const Topology& topology, std::uint32_t plane) {
  return check_deadlock(topology, plane, topology.planes.at(plane).routing);
}

DeadlockCheck check_deadlock(const Topology& topology, std::uint32_t plane, const Routing& routing) {
  constexpr std::uint32_t most_tried = 4;
  DeadlockCheck check{routing.virtual_channels, Dependencies(topology, plane, routing).find_cycle(), 0};
  Routing more = routing;
  while (!check.cycle.empty() && check.enough == 0 && more.virtual_channels < most_tried) {
    ++more.virtual_channels;
    check.enough = Dependencies(topology, plane, more).find_cycle().empty() ? more.virtual_channels : 0;
  }
  return check;
}

}  // namespace podium
