#include "sim/collective/expand.h"

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

#include "sim/core/mix.h"

namespace podium {

namespace {

class Expansion {
 public:
  Expansion(const Pattern& pattern, const Topology& topology, Router& router, const RouteVisitor& visit,
            const NetworkOrbits* orbits)
      : pattern_(pattern), topology_(topology), router_(router), visit_(visit), orbits_(orbits) {}

  void run() const {
    for (std::uint32_t group = 0; group < pattern_.placement->groups.size(); ++group) {
      expand(group);
    }
  }

 private:
  void expand(std::uint32_t number) const {
    const std::vector<NodeId>& group = pattern_.placement->groups[number];
    const auto n = static_cast<std::uint32_t>(group.size());
    const auto send = [&](std::uint32_t from, std::uint32_t to) {
      if (is_visited(group[from])) {
        unicast({number, from, group[from]}, group[to]);
      }
    };
    if (pattern_.step->pairing == Pairing::listed) {
      for_each_message(*pattern_.step, n, send);
      return;
    }
    for (std::uint32_t i = 0; i < n; ++i) {
      if (!is_visited(group[i])) {
        continue;
      }
      if (!in_switch(pattern_.step->pairing)) {
        for_each_message_from(*pattern_.step, n, i, send);
        continue;
      }
      std::vector<NodeId> members;
      for (const std::uint32_t peer : peers_of(*pattern_.step, n, i)) {
        members.push_back(group[peer]);
      }
      tree(members, {number, i, group[i]});
    }
  }

  bool is_visited(NodeId owner) const { return orbits_ == nullptr || orbits_->is_first(owner); }

  void unicast(const Owner& from, NodeId to) const {
    const std::optional<Route> route = router_.route(from.node, to, pattern_.plane);
    if (!route) {
      throw InputError(topology_.name + ": no " + plane_text() + " joins rank " + std::to_string(from.node.index()) +
                       " and rank " + std::to_string(to.index()));
    }
    visit_(*route, from);
  }

  void tree(const std::vector<NodeId>& group, const Owner& root) const {
    const std::optional<Route> route = pattern_.step->pairing == Pairing::multicast
                                           ? router_.multicast(root.node, group, pattern_.plane)
                                           : router_.reduce(group, root.node, pattern_.plane);
    if (!route) {
      throw InputError(topology_.name + ": no " + plane_text() + " whose switches reduce and multicast joins all " +
                       std::to_string(group.size()) + " ranks of the group of rank " +
                       std::to_string(root.node.index()));
    }
    visit_(*route, root);
  }

  std::string plane_text() const {
    return pattern_.plane ? "plane '" + topology_.planes.at(*pattern_.plane).name + "'" : "plane";
  }

  const Pattern& pattern_;
  const Topology& topology_;
  Router& router_;
  const RouteVisitor& visit_;
  const NetworkOrbits* orbits_;
};

/// Of equal groups the same.
std::uint64_t hash_of(const std::vector<std::vector<NodeId>>& groups) {
  std::uint64_t hash = groups.size();
  for (const std::vector<NodeId>& group : groups) {
    hash = mix(hash ^ group.size());
    for (const NodeId node : group) {
      hash = mix(hash ^ node.index());
    }
  }
  return hash;
}

}  // namespace

Patterns find_patterns(std::span<const Operation> operations) {
  Patterns patterns;
  // different ones, by a hash of their groups, with their patterns
  std::unordered_multimap<std::uint64_t, std::pair<const Placement*, std::vector<std::uint32_t>>> known;
  for (const Operation& operation : operations) {
    const std::uint64_t key = hash_of(operation.placement.groups);
    const auto [begin, end] = known.equal_range(key);
    auto place = std::find_if(
        begin, end, [&](const auto& other) { return other.second.first->groups == operation.placement.groups; });
    if (place == end) {
      place = known.insert({key, {&operation.placement, {}}});
    }
    auto* const here = &place->second;
    auto& stages = patterns.by_step.emplace_back();
    for (const std::vector<Step>& stage : operation.schedule.stages) {
      auto& steps = stages.emplace_back();
      for (const Step& step : stage) {
        // the last one first: a ring's steps are all alike
        const auto found = std::find_if(here->second.rbegin(), here->second.rend(), [&](std::uint32_t other) {
          return patterns.all[other].plane == operation.plane && same_messages(*patterns.all[other].step, step);
        });
        steps.push_back(found != here->second.rend() ? *found : static_cast<std::uint32_t>(patterns.all.size()));
        if (found == here->second.rend()) {
          here->second.push_back(steps.back());
          patterns.all.push_back({here->first, operation.plane, &step});
        }
      }
    }
  }
  return patterns;
}

std::vector<const Placement*> placements_of(const Patterns& patterns) {
  std::vector<const Placement*> placements;
  std::unordered_set<const Placement*> known;
  for (const Pattern& pattern : patterns.all) {
    if (known.insert(pattern.placement).second) {
      placements.push_back(pattern.placement);
    }
  }
  return placements;
}

bool share_nodes(const std::vector<std::vector<NodeId>>& groups) {
  std::vector<bool> seen;
  for (const std::vector<NodeId>& group : groups) {
    for (const NodeId node : group) {
      seen.resize(std::max<std::size_t>(seen.size(), node.index() + 1));
      if (seen[node.index()]) {
        return true;
      }
      seen[node.index()] = true;
    }
  }
  return false;
}

void expand(const Pattern& pattern, const Topology& topology, Router& router, const RouteVisitor& visit,
            const NetworkOrbits* orbits) {
  Expansion(pattern, topology, router, visit, orbits).run();
}

}  // namespace podium
