#include "sim/collective/experts.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

namespace podium {
namespace {

/// Groups of slots of which these positions take as many slots each.
struct Touched {
  double slots = 0;
  std::uint32_t groups = 0;
};

/// Positions and groups both lie in a row over the slots.
std::vector<Touched> touched_groups(const TokenRouting& routing, std::uint32_t ranks,
                                    std::span<const std::uint32_t> positions) {
  // in units of 1 / (ranks x groups) of all slots, which are whole
  std::map<std::uint64_t, std::uint64_t> of_group;
  for (const std::uint64_t position : positions) {
    std::uint64_t from = position * routing.groups;
    const std::uint64_t to = from + routing.groups;
    while (from < to) {
      const std::uint64_t group = from / ranks;
      const std::uint64_t end = std::min(to, (group + 1) * ranks);
      of_group[group] += end - from;
      from = end;
    }
  }
  std::map<std::uint64_t, std::uint32_t> by_units;
  for (const auto& [group, units] : of_group) {
    ++by_units[units];
  }
  std::vector<Touched> touched;
  for (const auto& [units, groups] : by_units) {
    touched.push_back({routing.slots * static_cast<double>(units) / ranks / routing.groups, groups});
  }
  return touched;
}

double ways(std::uint32_t all, std::uint32_t chosen) {
  double product = 1;
  for (std::uint32_t i = 0; i < chosen; ++i) {
    product *= static_cast<double>(all - i) / (i + 1);
  }
  return product;
}

/// That so many different choices of slots fall on none of `theirs`. A part of a slot has that part of its tokens, as
/// where ranks share an expert.
double chance_of_none(std::uint32_t choices, double slots, double theirs) {
  const auto none_of = [&](double whole) {
    double none = 1;
    for (std::uint32_t i = 0; i < choices; ++i) {
      none *= std::max(0.0, slots - whole - i) / (slots - i);
    }
    return none;
  };
  const double whole = std::floor(theirs), part = theirs - whole;
  return part > 0 ? (1 - part) * none_of(whole) + part * none_of(whole + 1) : none_of(whole);
}

/// Adds up over the ways to choose groups, from those in `touched` on; `theirs` are slots in the groups chosen before.
/// Not divided by the number of all ways.
double sum_of_none(const TokenRouting& routing, std::span<const Touched> touched, std::uint32_t left,
                   std::uint32_t untouched, double theirs) {
  if (touched.empty()) {
    const double slots = routing.slots * routing.groups_chosen / routing.groups;
    return left > untouched ? 0 : ways(untouched, left) * chance_of_none(routing.choices, slots, theirs);
  }
  double sum = 0;
  for (std::uint32_t chosen = 0; chosen <= std::min(left, touched.front().groups); ++chosen) {
    sum += ways(touched.front().groups, chosen) *
           sum_of_none(routing, touched.subspan(1), left - chosen, untouched, theirs + chosen * touched.front().slots);
  }
  return sum;
}

bool suits_once(CollectiveKind kind, const GroupShape& shape) { return is_expert_exchange(kind) && shape.routing; }

/// A node's ranks take whole groups of slots, or each group whole nodes, so that all nodes are alike.
bool suits_by_node(CollectiveKind kind, const GroupShape& shape) {
  if (!suits_once(kind, shape) || shape.tiers.size() < 2) {
    return false;
  }
  const std::uint32_t groups = shape.routing->groups;
  return std::all_of(shape.tiers.begin(), shape.tiers.end(), [&](const Tier& tier) {
    const std::uint32_t units = shape.ranks / tier.stride;
    return units % groups == 0 || groups % units == 0;
  });
}

/// A token goes over the farthest tier once to each unit of it that has any of its experts, on rails, and is spread
/// within these over the nearer tiers, chunk by chunk as it arrives. Combine is the same way back: results for one
/// token are added up where they meet.
Schedule over(std::span<const Tier> tiers, CollectiveKind kind, const GroupShape& shape) {
  Schedule schedule;
  schedule.routing = shape.routing;
  std::vector<Step> steps;
  double held = 1;  // ranks whose tokens lie at a position
  for (auto tier = tiers.rbegin(); tier != tiers.rend(); ++tier) {
    std::vector<std::uint32_t> behind;
    for (std::uint32_t i = 0; i < tier->stride; ++i) {
      behind.push_back(i);
    }
    const double share = held * share_of(*shape.routing, shape.ranks, behind);
    steps.push_back({.pairing = Pairing::all_others, .share = share, .stride = tier->stride, .size = tier->count});
    held *= tier->count;
  }
  if (kind == CollectiveKind::combine) {
    std::reverse(steps.begin(), steps.end());
    for (Step& step : steps) {
      step.reduced = (step.size - 1) * step.share;
    }
  }
  for (std::size_t i = 0; i < steps.size(); ++i) {
    steps[i].depth = static_cast<std::uint32_t>(i) + 1;
  }
  schedule.stages = {std::move(steps)};
  return schedule;
}

Schedule once_per_rank(CollectiveKind kind, const GroupShape& shape) {
  const Tier all{shape.ranks, 1};
  return over({&all, 1}, kind, shape);
}

/// By the nearest tier's units, as DeepEP's normal kernels: one hop on rails, one within the node.
Schedule once_per_node(CollectiveKind kind, const GroupShape& shape) {
  const Tier near = shape.tiers.front();
  const Tier tiers[] = {near, {shape.ranks / near.count, near.count}};
  return over(tiers, kind, shape);
}

bool suits_by_tier(CollectiveKind kind, const GroupShape& shape) {
  return shape.tiers.size() > 2 && suits_by_node(kind, shape);
}

Schedule once_per_tier(CollectiveKind kind, const GroupShape& shape) { return over(shape.tiers, kind, shape); }

const Algorithms::Entry rank_entry{
    "once_per_rank", "a token once to each rank that has any of its experts", {suits_once, once_per_rank}};
const Algorithms::Entry node_entry{"once_per_node",
                                   "a token once to each node of its experts, on rails, and spread there",
                                   {suits_by_node, once_per_node}};
const Algorithms::Entry tier_entry{"once_per_tier",
                                   "a token once to each unit of a tier, from the farthest tier to the nearest",
                                   {suits_by_tier, once_per_tier}};

}  // namespace

void check_routing(const TokenRouting& routing, const Location& where) {
  if (routing.groups < 1 || routing.groups_chosen < 1 || routing.groups_chosen > routing.groups) {
    throw InputError(where, "tokens choose from 1 to all of " + std::to_string(routing.groups) +
                                " groups of experts, not " + std::to_string(routing.groups_chosen));
  }
  const double slots = routing.slots * routing.groups_chosen / routing.groups;
  if (routing.choices < 1 || routing.choices > slots) {
    throw InputError(where, fmt::format("a token cannot choose {} different experts of {:g}", routing.choices, slots));
  }
}

double chance_to_reach(const TokenRouting& routing, std::uint32_t ranks, std::span<const std::uint32_t> positions) {
  PODIUM_CHECK(ranks > 0 && positions.size() <= ranks);
  const std::vector<Touched> touched = touched_groups(routing, ranks, positions);
  std::uint32_t untouched = routing.groups;
  for (const Touched& of : touched) {
    untouched -= of.groups;
  }
  double none =
      sum_of_none(routing, touched, routing.groups_chosen, untouched, 0) / ways(routing.groups, routing.groups_chosen);
  const double elsewhere = 1 - static_cast<double>(positions.size()) / ranks;
  for (std::uint32_t i = 0; i < routing.shared; ++i) {
    none *= elsewhere;
  }
  return 1 - none;
}

double share_of(const TokenRouting& routing, std::uint32_t ranks, std::span<const std::uint32_t> positions) {
  return chance_to_reach(routing, ranks, positions) / (routing.choices + routing.shared);
}

}  // namespace podium
