#include "sim/collective/select.h"

#include <algorithm>
#include <limits>

#include "sim/collective/kept_turns.h"

namespace podium {

namespace {

constexpr std::size_t most_selected_messages = std::size_t{1} << 20, most_folded_messages = std::size_t{1} << 23;

/// What a stage puts on one class of links.
struct Use {
  Seconds busy;
  Seconds fill{std::numeric_limits<double>::infinity()};     ///< the least of the messages that cross it
  Seconds latency{std::numeric_limits<double>::infinity()};  ///< likewise
};

/// From when the messages of a stage begin to when the last has arrived: no class of links is done before all bytes
/// have crossed it, and no bundle before its own have.
Seconds wire_time(const std::vector<Step>& stage, std::uint32_t ranks, const std::vector<std::uint32_t>& patterns,
                  Bytes bytes, Seconds step_time, const Protocol& protocol, const FoldedFabric& fabric) {
  Table<LinkId, Use> uses(fabric.capacities.size());
  Seconds longest;
  for (std::size_t i = 0; i < stage.size(); ++i) {
    const std::vector<Bundle>& bundles = fabric.patterns[patterns[i]];
    const Bytes sent = bytes * (stage[i].share / efficiency(stage[i], protocol));
    const Seconds fill = fill_time(stage[i], ranks, bundles, fabric.capacities, sent, step_time);
    for (const Bundle& bundle : bundles) {
      Seconds own, here;
      std::optional<LinkId> before;
      for (const LinkLoad& link : bundle.route.links) {
        const Seconds busy = link.total() * sent / fabric.capacities[link.link];
        here = before == link.link ? here + busy : busy;  // members of several loads come one after the other
        before = link.link;
        Use& use = uses[link.link];
        use.busy += busy;
        use.fill = std::min(use.fill, fill);
        use.latency = std::min(use.latency, bundle.route.latency);
        own = std::max(own, here);
      }
      longest = std::max(longest, fill + bundle.route.latency + own);
    }
  }
  for (const Use& use : uses) {
    if (use.busy > Seconds()) {
      longest = std::max(longest, use.fill + use.latency + use.busy);
    }
  }
  return longest;
}

}  // namespace

Seconds predict(const CollectiveCall& call, const FoldedFabric& fabric, const CommunicationCosts& costs) {
  const FoldedOperation& operation = fabric.operations.at(call.operation);
  const std::vector<std::vector<Step>>& stages = operation.schedule.stages;
  if (stages.empty()) {
    return Seconds();
  }
  const Protocol& protocol = protocol_of(call, operation, costs);
  const Seconds step = step_time(call.kind, protocol);
  const std::uint32_t splits = splits_of(call.kind, protocol);
  const Bytes bytes = call.bytes * call.imbalance / splits;
  Seconds total = launch_time(call.kind, operation.schedule, protocol);
  for (std::size_t s = 0; s < stages.size(); ++s) {
    const Seconds wire =
        wire_time(stages[s], operation.schedule.ranks, operation.patterns[s], bytes, step, protocol, fabric);
    const Seconds sums = reduction_time(stages[s], bytes, costs.memory_bandwidth, protocol);
    const Seconds sent = std::max(wire, injection_time(stages[s], operation.schedule.ranks, bytes, protocol));
    total += (step + (protocol.sum_bandwidth ? sent + sums : std::max(sent, sums))) * stages[s].front().repeat;
  }
  return total * splits;
}

Table<LinkId, Seconds> busy_times(const CollectiveCall& call, const FoldedFabric& fabric,
                                  const CommunicationCosts& costs) {
  const FoldedOperation& operation = fabric.operations.at(call.operation);
  Table<LinkId, Seconds> busy(fabric.capacities.size());
  for (std::size_t s = 0; s < operation.patterns.size(); ++s) {
    for (std::size_t i = 0; i < operation.patterns[s].size(); ++i) {
      const Step& step = operation.schedule.stages[s][i];
      const Bytes sent = call.bytes * (call.imbalance * step.share * step.repeat /
                                       efficiency(step, protocol_of(call, operation, costs)));
      for (const Bundle& bundle : fabric.patterns[operation.patterns[s][i]]) {
        for (const LinkLoad& link : bundle.route.links) {
          busy[link.link] += link.total() * sent / fabric.capacities[link.link];
        }
      }
    }
  }
  return busy;
}

namespace {

enum class Apart { by_plane, by_plane_and_latency };

/// How far apart two ranks are: by plane, and on it by latency. Nothing where they are not joined.
std::optional<std::pair<std::uint32_t, Seconds>> distance(NodeId a, NodeId b, std::optional<std::uint32_t> plane,
                                                          Router& router, Apart apart) {
  const std::optional<Route> route = router.route(a, b, plane);
  const bool has_latency = apart == Apart::by_plane_and_latency;
  return route ? std::optional(std::pair(route->plane, has_latency ? route->latency : Seconds())) : std::nullopt;
}

/// The tiers of a group: blocks of positions, each within a block of the next tier, so that the first positions of two
/// blocks are as far apart as the tier says. Nothing where the group has no such blocks, or only one.
std::vector<Tier> tiers_of(const std::vector<NodeId>& group, std::optional<std::uint32_t> plane, Router& router,
                           Apart apart) {
  const auto n = static_cast<std::uint32_t>(group.size());
  std::vector<Tier> tiers;
  std::vector<std::pair<std::uint32_t, Seconds>> distances;
  for (std::uint32_t i = 1; i < n; ++i) {
    const auto far = distance(group[0], group[i], plane, router, apart);
    if (!far) {
      return {};
    }
    if (distances.empty() || *far > distances.back()) {
      distances.push_back(*far);
      tiers.push_back({0, i});
    }
  }
  for (std::size_t t = 0; t < tiers.size(); ++t) {
    const std::uint32_t end = t + 1 < tiers.size() ? tiers[t + 1].stride : n;
    tiers[t].count = end / tiers[t].stride;
    if (end % tiers[t].stride != 0) {
      return {};
    }
  }
  for (std::uint32_t i = 1; i < n && tiers.size() > 1; ++i) {
    std::size_t t = tiers.size() - 1;
    while (i % tiers[t].stride != 0) {
      --t;
    }
    const std::uint32_t first = i - i / tiers[t].stride % tiers[t].count * tiers[t].stride;
    if (first != i && distance(group[first], group[i], plane, router, apart) != distances[t]) {
      return {};
    }
  }
  return tiers.size() > 1 ? tiers : std::vector<Tier>();
}

/// Ranks of each unit: a row of positions of which none is as far from its first as the farthest plane is. Nothing
/// where units are not in rows, there is one only, or all are single ranks.
std::vector<std::uint32_t> units_of(const std::vector<NodeId>& group, std::optional<std::uint32_t> plane,
                                    Router& router) {
  std::vector<std::uint32_t> planes;  // from the first position
  const auto plane_between = [&](NodeId a, NodeId b) {
    const auto far = distance(a, b, plane, router, Apart::by_plane);
    return far ? std::optional(far->first) : std::nullopt;
  };
  for (std::size_t i = 1; i < group.size(); ++i) {
    const auto far = plane_between(group[0], group[i]);
    if (!far) {
      return {};
    }
    planes.push_back(*far);
  }
  const std::uint32_t farthest = planes.empty() ? 0 : *std::max_element(planes.begin(), planes.end());
  std::vector<std::uint32_t> units{1};
  for (std::size_t first = 0, i = 1; i < group.size(); ++i) {
    const bool begins = plane_between(group[first], group[i]) == farthest;
    if ((first > 0 || begins) && planes[i - 1] != farthest) {
      return {};  // back in the first unit
    }
    if (begins) {
      first = i;
      units.push_back(0);
    }
    ++units.back();
  }
  return units.size() > 1 && units.size() < group.size() ? units : std::vector<std::uint32_t>();
}

/// What `find` finds in all groups alike; nothing where they differ.
template <class Find>
auto of_all_groups(const Placement& placement, std::optional<std::uint32_t> plane, Router& router, const Find& find) {
  const auto found = find(placement.groups.front());
  const std::vector<const std::vector<NodeId>*> groups = different_groups(placement, plane, router);
  const bool all_have =
      found.empty() || std::all_of(groups.begin(), groups.end(),
                                   [&](const std::vector<NodeId>* group) { return find(*group) == found; });
  return all_have ? found : decltype(found)();
}

}  // namespace

GroupShape shape_of(const Placement& placement, std::optional<std::uint32_t> plane, Router& router,
                    const CommunicationCosts& costs) {
  PODIUM_CHECK(!placement.groups.empty());
  GroupShape shape{.ranks = static_cast<std::uint32_t>(placement.groups.front().size())};
  shape.in_switch_reduction = shape.ranks > 1;
  for (const std::vector<NodeId>* group : different_groups(placement, plane, router)) {
    const std::optional<Route> tree =
        shape.in_switch_reduction ? router.multicast(group->front(), *group, plane) : std::nullopt;
    shape.in_switch_reduction =
        tree && costs.protocols.at(tree->plane) && costs.protocols.at(tree->plane)->in_switch_reduction;
  }
  for (const Apart apart : {Apart::by_plane_and_latency, Apart::by_plane}) {
    if (shape.tiers.empty()) {
      shape.tiers = of_all_groups(placement, plane, router, [&](const std::vector<NodeId>& group) {
        return tiers_of(group, plane, router, apart);
      });
    }
  }
  if (shape.tiers.empty()) {
    shape.units = of_all_groups(placement, plane, router,
                                [&](const std::vector<NodeId>& group) { return units_of(group, plane, router); });
  }
  return shape;
}

GroupShape shape_of(const Placement& placement, std::optional<std::uint32_t> plane, Router& router,
                    const CommunicationCosts& costs, const std::optional<TokenRouting>& routing) {
  GroupShape shape = shape_of(placement, plane, router, costs);
  shape.routing = routing;
  return shape;
}

Selector::Selector(const Topology& merged, Router& router, const CommunicationCosts& costs)
    : topology_(merged), router_(router), costs_(costs) {}

GroupShape Selector::shape(const Placement& placement, std::optional<std::uint32_t> plane,
                           const std::optional<TokenRouting>& routing) {
  for (const Known& known : shapes_) {
    if (known.plane == plane && known.routing == routing && known.placement.groups == placement.groups) {
      return known.shape;
    }
  }
  shapes_.push_back({plane, routing, placement, shape_of(placement, plane, router_, costs_, routing)});
  return shapes_.back().shape;
}

const Selector::Entry& Selector::entry(CollectiveKind kind, const Placement& placement,
                                       std::optional<std::uint32_t> plane, const std::optional<TokenRouting>& routing) {
  for (const Entry& known : entries_) {
    if (known.kind == kind && known.plane == plane && known.routing == routing &&
        known.placement.groups == placement.groups) {
      return known;
    }
  }
  const GroupShape shape = this->shape(placement, plane, routing);
  std::vector<Operation> operations;
  for (const std::string& name : suitable_algorithms(kind, shape)) {
    operations.push_back({make_schedule(name, kind, shape), placement, plane});
  }
  // equal units are folded into one
  const std::size_t most = shape.tiers.empty() ? most_selected_messages : most_folded_messages;
  const auto too_large = [&](const Operation& operation) {
    return operation.schedule.messages() * placement.groups.size() > most;
  };
  if (!std::all_of(operations.begin(), operations.end(), too_large)) {
    operations.erase(std::remove_if(operations.begin(), operations.end(), too_large), operations.end());
  }
  Entry fresh{kind, plane, routing, placement, {}};
  for (const Operation& operation : operations) {
    fresh.algorithms.push_back(fold(topology_, router_, {&operation, 1}, Folding::exact, LinkClasses::left_out));
  }
  entries_.push_back(std::move(fresh));
  return entries_.back();
}

std::vector<Candidate> Selector::rank(CollectiveKind kind, const Placement& placement, Bytes bytes, double imbalance,
                                      std::optional<std::uint32_t> plane, const std::optional<TokenRouting>& routing) {
  std::vector<Candidate> candidates;
  for (const FoldedFabric& fabric : entry(kind, placement, plane, routing).algorithms) {
    const CollectiveCall call{.operation = 0, .kind = kind, .bytes = bytes, .imbalance = imbalance};
    candidates.push_back({fabric.operations.front().schedule.algorithm, predict(call, fabric, costs_)});
  }
  if (candidates.empty()) {
    throw InputError("no algorithm does " + std::string(to_string(kind)) + " among " +
                     std::to_string(placement.groups.front().size()) + " ranks");
  }
  std::stable_sort(candidates.begin(), candidates.end(),
                   [](const Candidate& a, const Candidate& b) { return a.predicted < b.predicted; });
  return candidates;
}

Schedule Selector::choose(std::string_view algorithm, CollectiveKind kind, const Placement& placement, Bytes bytes,
                          double imbalance, std::optional<std::uint32_t> plane, const Location& where,
                          const std::optional<TokenRouting>& routing) {
  const GroupShape shape = this->shape(placement, plane, routing);
  if (algorithm != "auto" || shape.ranks < 2) {
    return make_schedule(algorithm == "auto" ? "direct" : algorithm, kind, shape, where);
  }
  return make_schedule(rank(kind, placement, bytes, imbalance, plane, routing).front().algorithm, kind, shape, where);
}

}  // namespace podium
