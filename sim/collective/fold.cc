#include "sim/collective/fold.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <map>
#include <tuple>
#include <unordered_map>
#include <utility>

#include "sim/collective/expand.h"
#include "sim/collective/kept_turns.h"
#include "sim/collective/refine.h"
#include "sim/network/network.h"

namespace podium {

namespace {

constexpr std::size_t most_unfolded_messages = std::size_t{1} << 23;

/// Numbers different values in the order of their appearance.
class Numbering {
 public:
  std::uint32_t number(double value) {
    const std::uint64_t bits = std::bit_cast<std::uint64_t>(value);
    if (!values_.empty() && bits == last_bits_) {
      return last_;
    }
    const auto [place, is_new] = numbers_.try_emplace(bits, static_cast<std::uint32_t>(values_.size()));
    if (is_new) {
      values_.push_back(value);
    }
    last_bits_ = bits;
    last_ = place->second;
    return last_;
  }
  const std::vector<double>& values() const { return values_; }

 private:
  std::unordered_map<std::uint64_t, std::uint32_t> numbers_;
  std::vector<double> values_;
  std::uint64_t last_bits_ = 0;
  std::uint32_t last_ = 0;
};

/// What of a message the network sees beside its links: the pattern, latency and plane of its route. Also a class's.
struct Ends {
  std::uint32_t pattern = 0;
  Seconds latency;
  std::uint32_t plane = 0;
  int switches = 0;
};

/// All messages of all patterns as a graph to be partitioned, or those of the first rank of each orbit.
struct Expanded {
  const NetworkOrbits* orbits = nullptr;
  Crossings graph;
  std::vector<Ends> messages;
  std::vector<NodeId> owners;         ///< by message, where there are orbits
  std::vector<std::uint64_t> counts;  ///< by message: so many of its owner's, alike
  std::size_t looked_at = 0;          ///< all of these
  std::vector<LinkId> links;          ///< the used ones, by number in the graph; the first of their orbits
  std::vector<double> loads;          ///< by label
};

/// To whole multiples of 2^-36, so that the loads of all members add up without rounding (under 2^17), and a bundle is
/// to the network just what its members are.
double on_grid(double load) { return std::max(1.0, std::round(load * 0x1p36)) * 0x1p-36; }

/// Loads that differ only by the order in which fractions were multiplied are the same load: labels of values that lie
/// within 1e-12 of a neighbour become one, that of the least.
void merge_equal_loads(Expanded& expanded, const std::vector<double>& values) {
  std::vector<std::uint32_t> order(values.size());
  for (std::uint32_t i = 0; i < order.size(); ++i) {
    order[i] = i;
  }
  std::sort(order.begin(), order.end(), [&](std::uint32_t a, std::uint32_t b) { return values[a] < values[b]; });
  std::vector<std::uint32_t> label(values.size());
  double previous = 0;
  for (const std::uint32_t i : order) {
    if (expanded.loads.empty() || values[i] > previous * (1 + 1e-12)) {
      expanded.loads.push_back(on_grid(values[i]));
    }
    previous = values[i];
    label[i] = static_cast<std::uint32_t>(expanded.loads.size() - 1);
  }
  for (std::uint32_t& l : expanded.graph.label) {
    l = label[l];
  }
}

void colour_messages(Expanded& expanded) {
  std::map<std::tuple<Seconds, std::uint32_t, int>, std::uint64_t> ways;
  for (const Ends& ends : expanded.messages) {
    const auto way = ways.try_emplace({ends.latency, ends.plane, ends.switches}, ways.size()).first->second;
    expanded.graph.message_colour.push_back(std::uint64_t{ends.pattern} << 32 | way);
  }
}

void colour_links(Expanded& expanded, const Topology& topology) {
  Numbering capacities;
  for (const LinkId link : expanded.links) {
    expanded.graph.link_colour.push_back(std::uint64_t{topology.plane(link)} << 32 |
                                         capacities.number(topology.capacity(link).value()));
  }
}

InputError too_many_messages(std::size_t messages) {
  return InputError("the operations expand to " + with_commas(static_cast<long long>(messages)) +
                    " messages, more than the " + with_commas(static_cast<long long>(most_unfolded_messages)) +
                    " that can be folded; an algorithm with fewer messages, as ring, would do");
}

Expanded expand_all(const std::vector<Pattern>& patterns, const Topology& topology, Router& router, Folding folding,
                    NetworkOrbits* orbits) {
  Expanded expanded;
  expanded.orbits = orbits;
  constexpr std::uint32_t none = UINT32_MAX;
  std::vector<std::uint32_t> numbers(orbits == nullptr ? topology.capacities() : 0, none);  // by link
  std::unordered_map<std::uint32_t, std::uint32_t> few;                                     // the same of orbits
  if (folding == Folding::off) {
    for (std::uint32_t link = 0; link < topology.capacities(); ++link) {
      numbers[link] = link;
      expanded.links.emplace_back(link);
    }
  }
  Numbering loads;
  Crossings& graph = expanded.graph;
  graph.first.push_back(0);
  for (std::uint32_t p = 0; p < patterns.size(); ++p) {
    const auto visit = [&](const Route& route, const Owner& owner, std::uint64_t count) {
      for (const LinkLoad& crossing : route.links) {
        const LinkId link = crossing.link;
        std::uint32_t& number =
            orbits == nullptr ? numbers[link.index()] : few.try_emplace(link.index(), none).first->second;
        if (number == none) {
          number = static_cast<std::uint32_t>(expanded.links.size());
          expanded.links.push_back(link);
          if (orbits != nullptr) {
            graph.link_weight.push_back(orbits->link(link).size);
          }
        }
        graph.link.push_back(number);
        graph.label.push_back(loads.number(crossing.load));
      }
      if (orbits != nullptr) {
        graph.message_weight.push_back(orbits->node(owner.node).size * count);
        expanded.owners.push_back(owner.node);
        expanded.counts.push_back(count);
      }
      graph.first.push_back(static_cast<std::uint32_t>(graph.link.size()));
      expanded.messages.push_back({p, route.latency, route.plane, route.switches});
      expanded.looked_at += count;
      if (expanded.looked_at > most_unfolded_messages) {
        throw too_many_messages(expanded.looked_at);
      }
    };
    expand(patterns[p], topology, router, visit, orbits);
  }
  merge_equal_loads(expanded, loads.values());
  colour_messages(expanded);
  colour_links(expanded, topology);
  return expanded;
}

/// A pair may be one node, which is a copy on the spot; in larger groups a node twice is a mistake.
void check_groups(const std::vector<std::vector<NodeId>>& groups, const Topology& topology) {
  std::vector<std::uint32_t> last(topology.nodes.size(), 0);  // one more than the group in which a node was seen last
  for (std::uint32_t g = 0; g < groups.size(); ++g) {
    for (const NodeId node : groups[g]) {
      PODIUM_CHECK(node.index() < topology.nodes.size(), "all nodes are on the topology");
      if (std::exchange(last[node.index()], g + 1) == g + 1 && groups[g].size() > 2) {
        throw InputError("rank " + std::to_string(node.index()) + " is twice in one group");
      }
    }
  }
}

void check_placements(std::span<const Operation> operations, const Patterns& patterns, const Topology& topology) {
  for (const Operation& operation : operations) {
    for (const std::vector<NodeId>& group : operation.placement.groups) {
      PODIUM_CHECK(group.size() == operation.schedule.ranks, "a group has as many nodes as its schedule has ranks");
    }
  }
  for (const Placement* placement : placements_of(patterns)) {
    check_groups(placement->groups, topology);
  }
}

/// Bundles by pattern: a class of messages has the loads of all its members on one link of each class, those of one
/// size together.
void make_bundles(FoldedFabric& fabric, const Expanded& expanded, const Partition& partition) {
  std::vector<Bundle> bundles(partition.messages.size());
  std::vector<std::uint32_t> pattern_of(bundles.size());
  for (std::size_t m = 0; m < expanded.messages.size(); ++m) {
    const Ends& ends = expanded.messages[m];
    Bundle& bundle = bundles[partition.class_of_message[m]];
    bundle.route.latency = ends.latency;
    bundle.route.plane = ends.plane;
    bundle.route.switches = ends.switches;
    bundle.multiplicity = static_cast<double>(partition.messages[partition.class_of_message[m]]);
    pattern_of[partition.class_of_message[m]] = ends.pattern;
  }
  for (std::size_t l = 0; l < partition.crossed_by.size(); ++l) {
    for (const ClassCrossing& crossing : partition.crossed_by[l]) {
      bundles[crossing.message_class].route.links.push_back(
          {LinkId(l), expanded.loads[crossing.label], crossing.count});
    }
  }
  fabric.bundles = bundles.size();
  for (std::size_t b = 0; b < bundles.size(); ++b) {
    fabric.patterns[pattern_of[b]].push_back(std::move(bundles[b]));
  }
}

/// Whether each group of each pattern has as many messages of each class as the first.
bool are_groups_alike(const Patterns& patterns, const Expanded& expanded, const Partition& partition) {
  const std::vector<std::uint32_t>& classes = partition.class_of_message;
  for (std::size_t begin = 0; begin < expanded.messages.size();) {
    const std::uint32_t pattern = expanded.messages[begin].pattern;
    std::size_t end = begin;
    while (end < expanded.messages.size() && expanded.messages[end].pattern == pattern) {
      ++end;
    }
    const std::size_t groups = patterns.all[pattern].placement->groups.size();
    if (groups == 1) {
      begin = end;
      continue;
    }
    const auto each = static_cast<std::ptrdiff_t>((end - begin) / groups);  // one group comes after the other
    const auto of_group = [&](std::size_t group) {
      const auto first =
          classes.begin() + static_cast<std::ptrdiff_t>(begin) + static_cast<std::ptrdiff_t>(group) * each;
      std::vector<std::uint32_t> sorted(first, first + each);
      std::sort(sorted.begin(), sorted.end());
      return sorted;
    };
    const std::vector<std::uint32_t> expected = of_group(0);
    for (std::size_t group = 1; group < groups; ++group) {
      if (of_group(group) != expected) {
        return false;
      }
    }
    begin = end;
  }
  return true;
}

/// The same from the messages of the first of each orbit: a group has those of its members' orbits.
bool are_groups_alike_in_orbits(const Patterns& patterns, const Expanded& expanded, const Partition& partition) {
  const auto is_alone = [](const Pattern& pattern) { return pattern.placement->groups.size() == 1; };
  if (std::all_of(patterns.all.begin(), patterns.all.end(), is_alone)) {
    return true;
  }
  using Counts = std::map<std::uint32_t, std::uint64_t>;            // of messages, by class
  std::vector<std::map<NodeId, Counts>> sent(patterns.all.size());  // by owner
  for (std::size_t m = 0; m < expanded.messages.size(); ++m) {
    sent[expanded.messages[m].pattern][expanded.owners[m]][partition.class_of_message[m]] += expanded.counts[m];
  }
  const auto orbits_in = [&](const std::vector<NodeId>& group) {
    std::vector<NodeId> firsts;
    for (const NodeId node : group) {
      firsts.push_back(expanded.orbits->node(node).first);
    }
    std::sort(firsts.begin(), firsts.end());
    return firsts;
  };
  const auto sent_by = [](const std::vector<NodeId>& firsts, const std::map<NodeId, Counts>& by_owner) {
    Counts sum;
    for (const NodeId first : firsts) {
      if (const auto found = by_owner.find(first); found != by_owner.end()) {
        for (const auto& [of_class, count] : found->second) {
          sum[of_class] += count;
        }
      }
    }
    return sum;
  };
  for (std::size_t p = 0; p < patterns.all.size(); ++p) {
    const std::vector<std::vector<NodeId>>& groups = patterns.all[p].placement->groups;
    if (sent[p].size() == 1 && groups.front().size() > 2) {
      continue;  // such groups share no nodes: a turn would not be known to keep them
    }
    if (groups.front().size() == 2 && share_nodes(groups)) {
      const std::uint32_t one = sent[p].begin()->second.begin()->first;
      for (const auto& [owner, counts] : sent[p]) {
        if (counts.size() > 1 || counts.begin()->first != one) {
          return false;
        }
      }
      continue;
    }
    const std::vector<NodeId> first_orbits = orbits_in(groups.front());
    const Counts expected = sent_by(first_orbits, sent[p]);
    for (const std::vector<NodeId>& group : groups) {
      const std::vector<NodeId> orbits = orbits_in(group);
      if (orbits != first_orbits && sent_by(orbits, sent[p]) != expected) {
        return false;
      }
    }
  }
  return true;
}

void add_operations(FoldedFabric& fabric, std::span<const Operation> operations, const Patterns& patterns) {
  for (std::size_t i = 0; i < operations.size(); ++i) {
    FoldedOperation folded{operations[i].schedule, patterns.by_step[i], 0};
    for (const auto& stage : folded.patterns) {
      for (const std::uint32_t pattern : stage) {
        for (const Bundle& bundle : fabric.patterns[pattern]) {
          folded.plane = std::max(folded.plane, bundle.route.plane);
        }
      }
    }
    fabric.operations.push_back(std::move(folded));
  }
}

}  // namespace

Operation make_sends(std::span<const std::pair<NodeId, NodeId>> pairs, std::optional<std::uint32_t> plane) {
  Operation operation{make_schedule("direct", CollectiveKind::send, {.ranks = 2}), {}, plane};
  for (const auto& [from, to] : pairs) {
    operation.placement.groups.push_back({from, to});
  }
  return operation;
}

std::string unfoldable(std::string_view network, const Topology& topology) {
  if (Networks::find(network).needs_wires()) {
    return "the " + std::string(network) + " network";
  }
  const bool adapts = std::any_of(topology.planes.begin(), topology.planes.end(),
                                  [](const Plane& plane) { return plane.routing.spread == Spread::adaptive; });
  return adapts ? "adaptive paths" : "";
}

FoldedFabric fold(const Topology& merged, Router& router, std::span<const Operation> operations, Folding folding,
                  LinkClasses links) {
  router.forget_use();
  const Patterns patterns = find_patterns(operations);
  check_placements(operations, patterns, merged);
  NetworkOrbits* orbits = folding == Folding::exact ? orbits_of(patterns, router) : nullptr;
  std::size_t messages = 0;
  for (const Operation& operation : operations) {
    messages += operation.schedule.messages() * operation.placement.groups.size();
  }
  if (orbits == nullptr && messages > most_unfolded_messages) {
    throw too_many_messages(messages);
  }
  const Expanded expanded = expand_all(patterns.all, merged, router, folding, orbits);
  const Partition partition = folding == Folding::exact ? coarsest_equitable(expanded.graph) : discrete(expanded.graph);
  FoldedFabric fabric;
  fabric.looked_at = expanded.looked_at;
  for (std::size_t m = 0; m < expanded.messages.size(); ++m) {
    fabric.messages += orbits != nullptr ? expanded.graph.message_weight[m] : 1;
  }
  if (links == LinkClasses::kept) {
    fabric.classes.resize(merged.capacities());
  }
  fabric.capacities.resize(partition.links.size());
  for (std::size_t l = 0; l < expanded.links.size(); ++l) {
    const LinkId of(partition.class_of_link[l]);
    if (links == LinkClasses::kept) {
      fabric.classes[expanded.links[l]] = of;
    }
    fabric.capacities[of] = merged.capacity(expanded.links[l]);
  }
  if (orbits != nullptr && links == LinkClasses::kept) {
    for (const LinkId link : fabric.classes.ids()) {
      if (orbits->looks_at(link)) {
        fabric.classes[link] = fabric.classes[orbits->link(link).first];
      }
    }
  }
  if (folding == Folding::off) {
    for (const Link& it : merged.links) {
      const Seconds latency = merged.planes[it.plane].switch_latency + it.latency;
      fabric.wires.push_back({it.from, it.to, it.bandwidth, latency, it.plane, mark_of(it)});
    }
  }
  for (const std::uint32_t members : partition.links) {
    fabric.members.push_back(members);
  }
  fabric.groups_alike =
      folding == Folding::exact && (orbits != nullptr ? are_groups_alike_in_orbits(patterns, expanded, partition)
                                                      : are_groups_alike(patterns, expanded, partition));
  fabric.patterns.resize(patterns.all.size());
  make_bundles(fabric, expanded, partition);
  add_operations(fabric, operations, patterns);
  return fabric;
}

}  // namespace podium
