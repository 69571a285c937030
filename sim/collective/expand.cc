#include "sim/collective/expand.h"

#include <algorithm>

namespace podium {

namespace {

bool same(const Pattern& a, const Pattern& b) {
  return a.pairing == b.pairing && a.offset == b.offset && a.plane == b.plane &&
         (a.placement == b.placement || a.placement->groups == b.placement->groups);
}

class Expansion {
 public:
  Expansion(const Pattern& pattern, const Topology& topology, Router& router, const RouteVisitor& visit)
      : pattern_(pattern), topology_(topology), router_(router), visit_(visit) {}

  void run() const {
    for (const std::vector<NodeId>& group : pattern_.placement->groups) {
      expand(group);
    }
  }

 private:
  void expand(const std::vector<NodeId>& group) const {
    const std::size_t n = group.size();
    for (std::size_t i = 0; i < n; ++i) {
      switch (pattern_.pairing) {
        case Pairing::shift:
          unicast(group[i], group[(i + pattern_.offset) % n]);
          break;
        case Pairing::chain:
          unicast_within(group, i, i + pattern_.offset);
          break;
        case Pairing::exclusive_or:
          unicast_within(group, i, i ^ pattern_.offset);
          break;
        case Pairing::all_others:
          unicast_to_others(group, i);
          break;
        case Pairing::reduce_in_switch:
        case Pairing::multicast:
          tree(group, i);
          break;
      }
    }
  }

  void unicast_within(const std::vector<NodeId>& group, std::size_t from, std::size_t to) const {
    if (to < group.size()) {
      unicast(group[from], group[to]);
    }
  }

  void unicast_to_others(const std::vector<NodeId>& group, std::size_t from) const {
    // each begins with its neighbour, as libraries do, so that they do not all begin with the same one
    for (std::size_t step = 1; step < group.size(); ++step) {
      unicast(group[from], group[(from + step) % group.size()]);
    }
  }

  void unicast(NodeId from, NodeId to) const {
    const std::optional<Route> route = router_.route(from, to, pattern_.plane);
    if (!route) {
      throw InputError(topology_.name + ": no " + plane_text() + " joins rank " + std::to_string(from.index()) +
                       " and rank " + std::to_string(to.index()));
    }
    visit_(*route);
  }

  void tree(const std::vector<NodeId>& group, std::size_t root) const {
    const std::optional<Route> route = pattern_.pairing == Pairing::multicast
                                           ? router_.multicast(group[root], group, pattern_.plane)
                                           : router_.reduce(group, group[root], pattern_.plane);
    if (!route) {
      throw InputError(topology_.name + ": no " + plane_text() + " whose switches reduce and multicast joins all " +
                       std::to_string(group.size()) + " ranks of the group of rank " +
                       std::to_string(group[root].index()));
    }
    visit_(*route);
  }

  std::string plane_text() const {
    return pattern_.plane ? "plane '" + topology_.planes.at(*pattern_.plane).name + "'" : "plane";
  }

  const Pattern& pattern_;
  const Topology& topology_;
  Router& router_;
  const RouteVisitor& visit_;
};

}  // namespace

Patterns find_patterns(std::span<const Operation> operations) {
  Patterns patterns;
  for (const Operation& operation : operations) {
    auto& stages = patterns.by_step.emplace_back();
    for (const std::vector<Step>& stage : operation.schedule.stages) {
      auto& steps = stages.emplace_back();
      for (const Step& step : stage) {
        const bool has_offset =
            step.pairing == Pairing::shift || step.pairing == Pairing::chain || step.pairing == Pairing::exclusive_or;
        const Pattern pattern{&operation.placement, operation.plane, step.pairing, has_offset ? step.offset : 0};
        const auto known = std::find_if(patterns.all.begin(), patterns.all.end(),
                                        [&](const Pattern& other) { return same(pattern, other); });
        steps.push_back(static_cast<std::uint32_t>(known - patterns.all.begin()));
        if (known == patterns.all.end()) {
          patterns.all.push_back(pattern);
        }
      }
    }
  }
  return patterns;
}

void expand(const Pattern& pattern, const Topology& topology, Router& router, const RouteVisitor& visit) {
  Expansion(pattern, topology, router, visit).run();
}

}  // namespace podium
