#pragma once

#include <vector>

#include "sim/collective/expand.h"
#include "sim/topology/symmetry.h"

namespace podium {

/// The orbits of turns of ranks under which the network, of the planes that messages may take, and the messages of
/// every pattern are as before: each group goes to a group, and its messages to messages. Turns are guessed from where
/// the groups lie, then checked position by position. With `colours`, of all nodes, ranks go to ranks of their colour.
/// Nothing where no turn keeps everything. Cost: nodes x guesses.
NetworkOrbits* orbits_of(const Patterns&, Router&, const Table<NodeId, std::uint64_t>* colours = nullptr);

/// One or more of the groups that such turns take into each other, position by position: to the plane, or to the
/// first ones that join them, the others are just as these. All of them where the router knows of no symmetry.
std::vector<const std::vector<NodeId>*> different_groups(const Placement&, std::optional<std::uint32_t> plane, Router&);

}  // namespace podium
