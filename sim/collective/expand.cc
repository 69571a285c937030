#include "sim/collective/expand.h"

#include <algorithm>
#include <bit>
#include <map>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "sim/core/mix.h"

namespace podium {

namespace {

/// Routes over orbits of links, of which many are one: with partners that are alike, a node's messages share all links
/// that the network tells apart.
class RoutesOverOrbits {
 public:
  void add(Route route, NetworkOrbits& orbits) {
    std::vector<std::pair<std::uint64_t, std::uint64_t>> key{
        {std::bit_cast<std::uint64_t>(route.latency.value()),
         std::uint64_t{route.plane} << 32 | static_cast<std::uint32_t>(route.switches)}};
    for (LinkLoad& crossing : route.links) {
      crossing.link = orbits.link(crossing.link).first;
      key.emplace_back(crossing.link.index(), std::bit_cast<std::uint64_t>(crossing.load));
    }
    std::sort(key.begin() + 1, key.end());
    const auto [place, is_new] = numbers_.try_emplace(std::move(key), routes_.size());
    if (is_new) {
      routes_.emplace_back(std::move(route), 0);
    }
    ++routes_[place->second].second;
  }
  /// In the order in which they came, with how many are alike.
  std::vector<std::pair<Route, std::uint64_t>> take() {
    numbers_.clear();
    return std::exchange(routes_, {});
  }

 private:
  std::map<std::vector<std::pair<std::uint64_t, std::uint64_t>>, std::size_t> numbers_;
  std::vector<std::pair<Route, std::uint64_t>> routes_;
};

class Expansion {
 public:
  Expansion(const Pattern& pattern, const Topology& topology, Router& router, const RouteVisitor& visit,
            NetworkOrbits* orbits)
      : pattern_(pattern), topology_(topology), router_(router), visit_(visit), orbits_(orbits) {}

  void run() {
    for (std::uint32_t group = 0; group < pattern_.placement->groups.size(); ++group) {
      expand(group);
    }
  }

 private:
  void expand(std::uint32_t number) {
    const std::vector<NodeId>& group = pattern_.placement->groups[number];
    const auto n = static_cast<std::uint32_t>(group.size());
    const auto send = [&](std::uint32_t from, std::uint32_t to) {
      add(route(group[from], group[to]), {number, from, group[from]});
    };
    if (pattern_.step->pairing == Pairing::listed) {
      for_each_message(*pattern_.step, n, [&](std::uint32_t from, std::uint32_t to) {
        if (is_visited(group[from])) {
          send(from, to);
          visit_alike({number, from, group[from]});
        }
      });
      return;
    }
    for (std::uint32_t i = 0; i < n; ++i) {
      if (!is_visited(group[i])) {
        continue;
      }
      const Owner owner{number, i, group[i]};
      if (in_switch(pattern_.step->pairing)) {
        std::vector<NodeId> members;
        for (const std::uint32_t peer : peers_of(*pattern_.step, n, i)) {
          members.push_back(group[peer]);
        }
        add(tree(members, group[i]), owner);
      } else {
        for_each_message_from(*pattern_.step, n, i, send);
      }
      visit_alike(owner);
    }
  }

  bool is_visited(NodeId owner) const { return orbits_ == nullptr || orbits_->is_first(owner); }

  void add(Route route, const Owner& owner) {
    if (orbits_ == nullptr) {
      visit_(route, owner, 1);
    } else {
      alike_.add(std::move(route), *orbits_);
    }
  }

  void visit_alike(const Owner& owner) {
    for (const auto& [route, count] : alike_.take()) {
      visit_(route, owner, count);
    }
  }

  Route route(NodeId from, NodeId to) const {
    std::optional<Route> route = router_.route(from, to, pattern_.plane);
    if (!route) {
      throw InputError(topology_.name + ": no " + plane_text() + " joins rank " + std::to_string(from.index()) +
                       " and rank " + std::to_string(to.index()));
    }
    return std::move(*route);
  }

  Route tree(const std::vector<NodeId>& group, NodeId root) const {
    std::optional<Route> route = pattern_.step->pairing == Pairing::multicast
                                     ? router_.multicast(root, group, pattern_.plane)
                                     : router_.reduce(group, root, pattern_.plane);
    if (!route) {
      throw InputError(topology_.name + ": no " + plane_text() + " whose switches reduce and multicast joins all " +
                       std::to_string(group.size()) + " ranks of the group of rank " + std::to_string(root.index()));
    }
    return std::move(*route);
  }

  std::string plane_text() const {
    return pattern_.plane ? "plane '" + topology_.planes.at(*pattern_.plane).name + "'" : "plane";
  }

  const Pattern& pattern_;
  const Topology& topology_;
  Router& router_;
  const RouteVisitor& visit_;
  NetworkOrbits* orbits_;
  RoutesOverOrbits alike_;  ///< of the owner that is looked at, where there are orbits
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
            NetworkOrbits* orbits) {
  Expansion(pattern, topology, router, visit, orbits).run();
}

}  // namespace podium
