#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <string>
#include <vector>

#include "sim/collective/schedule.h"

namespace podium::test {

/// Groups of some size: flat, in two or three tiers where the size can be divided, and in unequal units where not.
inline std::vector<GroupShape> shapes_of(std::uint32_t ranks) {
  std::vector<GroupShape> shapes{{.ranks = ranks, .in_switch_reduction = true}};
  for (const std::uint32_t near : {2U, 3U, 8U}) {
    if (ranks % near == 0 && ranks > near) {
      shapes.push_back({ranks, true, {{near, 1}, {ranks / near, near}}});
    }
    if (ranks % (2 * near) == 0 && ranks > 2 * near) {
      shapes.push_back({ranks, true, {{2, 1}, {near, 2}, {ranks / 2 / near, 2 * near}}});
    }
    if (ranks % near != 0 && ranks > near) {
      std::vector<std::uint32_t> units(ranks / near, near);
      units.push_back(ranks % near);
      shapes.push_back({.ranks = ranks, .units = units});
      std::reverse(units.begin(), units.end());
      shapes.push_back({.ranks = ranks, .units = units});
    }
  }
  return shapes;
}

using Visit = std::function<void(CollectiveKind, const Schedule&)>;

/// Every registered algorithm with every kind and shape of a size that it suits: a new one is covered the moment its
/// file exists.
inline void for_each_schedule_of(std::uint32_t ranks, const Visit& visit) {
  for (const std::string& name : Algorithms::names()) {
    for (const CollectiveKind kind : all_collective_kinds()) {
      for (const GroupShape& shape : shapes_of(ranks)) {
        const bool is_tiered = name.starts_with("hierarchical") || name.ends_with("per_rail");
        const bool is_flat = shape.tiers.empty() && shape.units.empty();
        if (is_tiered != is_flat && Algorithms::find(name).suits(kind, shape)) {
          SCOPED_TRACE(name + " " + std::string(to_string(kind)) + " n=" + std::to_string(ranks) + " in " +
                       std::to_string(shape.tiers.size()) + " tiers, " + std::to_string(shape.units.size()) + " units");
          visit(kind, make_schedule(name, kind, shape));
        }
      }
    }
  }
}

inline void for_each_schedule(const Visit& visit, std::uint32_t largest = 16) {
  for (std::uint32_t n = 2; n <= largest; ++n) {
    for_each_schedule_of(n, visit);
  }
}

}  // namespace podium::test
