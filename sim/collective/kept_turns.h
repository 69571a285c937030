#pragma once

#include <vector>

#include "sim/collective/expand.h"
#include "sim/topology/symmetry.h"

namespace podium {

/// Turns of ranks under which the network and the messages of every pattern are as before: each group goes to a group,
/// and its messages to messages. Guessed from where the groups lie, then checked position by position. Cost: nodes x
/// guesses. With `colours`, of all nodes, ranks go to ranks of their colour.
std::vector<Turn> kept_turns(Symmetry&, const Patterns&, const Table<NodeId, std::uint64_t>* colours = nullptr);

/// Of the planes that the patterns' messages may take. Nothing where the router knows of none.
Symmetry* symmetry_of(const Patterns&, Router&);

/// One or more of the groups that such turns take into each other, position by position: to the plane, or to the
/// first ones that join them, the others are just as these. All of them where the router knows of no symmetry.
std::vector<const std::vector<NodeId>*> different_groups(const Placement&, std::optional<std::uint32_t> plane, Router&);

}  // namespace podium
