#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "sim/collective/fold.h"

namespace podium {

/// Nodes that are alike in whatever order things happen: the coarsest partition, finer than the given colours, of
/// nodes, groups, messages and links together that is equitable. Groups of a class have as many members and messages of
/// each class, nodes of a class are in as many groups of each class, messages of a class are of groups of one class and
/// cross as many links of each class with each load, links of a class are crossed by as many messages of each class.
/// `meetings` are groups that wait for each other and send nothing. By colour refinement on 64-bit hashes: who relies
/// on it verifies (fold tells whether groups are alike). Cost: crossings x rounds.
Table<NodeId, std::uint64_t> refine_nodes(const Topology& merged, Router&, std::span<const Operation>,
                                          std::span<const Placement> meetings, Table<NodeId, std::uint64_t> colours);

}  // namespace podium
