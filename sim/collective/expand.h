#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "sim/collective/fold.h"
#include "sim/topology/symmetry.h"

namespace podium {

/// What the messages of a step are, whatever their size: steps that agree in this send the same messages.
struct Pattern {
  const Placement* placement = nullptr;
  std::optional<std::uint32_t> plane;
  const Step* step = nullptr;  ///< one of those that have it
};

/// The different patterns of all operations, and which one each step has.
struct Patterns {
  std::vector<Pattern> all;
  std::vector<std::vector<std::vector<std::uint32_t>>> by_step;  ///< by operation, stage and step
};
Patterns find_patterns(std::span<const Operation>);

using RouteVisitor = std::function<void(const Route&, NodeId owner)>;
/// Visits the routes of all messages of a pattern, one group after the other, with their senders; of trees in the
/// switches with their roots. With `orbits` only those of owners that are the first of theirs. InputError where no
/// plane joins two nodes.
void expand(const Pattern&, const Topology&, Router&, const RouteVisitor& visit, const NetworkOrbits* orbits = nullptr);

}  // namespace podium
