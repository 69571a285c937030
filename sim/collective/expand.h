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
/// Each placement that a pattern has, once.
std::vector<const Placement*> placements_of(const Patterns&);

/// Whether a node is in several groups, or twice in one.
bool share_nodes(const std::vector<std::vector<NodeId>>& groups);

/// Who owns a message: its sender, or of a tree in the switches its root, by group of the placement and position.
struct Owner {
  std::uint32_t group = 0, position = 0;
  NodeId node;
};
/// Called with a route, and how many messages of the owner take one that the network cannot tell from it.
using RouteVisitor = std::function<void(const Route&, const Owner&, std::uint64_t count)>;
/// Visits the routes of all messages of a pattern, one group after the other. With `orbits` only those of owners that
/// are the first of theirs, over the first links of theirs, and of an owner's routes alike one. InputError where no
/// plane joins two nodes.
void expand(const Pattern&, const Topology&, Router&, const RouteVisitor& visit, NetworkOrbits* orbits = nullptr);

}  // namespace podium
