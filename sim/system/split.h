#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "sim/workload/task_graph.h"

namespace podium {

/// A part of a role whose ranks keep in step: a role of the split graph.
struct RoleClass {
  RoleId role;                           ///< of the original
  std::vector<std::uint32_t> positions;  ///< ascending
};

/// A task graph of which each class of ranks is a role. Collectives are those of classes of groups: each ends by
/// itself. Before a block stands a barrier of the ranks that its groups join: they begin it together.
struct SplitGraph {
  TaskGraph graph;
  Table<RoleId, RoleClass> classes;               ///< by role of `graph`
  Table<TaskId, std::optional<TaskId>> original;  ///< nothing for barriers
};

/// Classes by role and position: any numbers that tell them apart. Ranks of a class must be in groups of equal members,
/// and send to ranks of one class: else it is a Bug.
SplitGraph split(const TaskGraph&, const Table<RoleId, std::vector<std::uint64_t>>& class_of);

/// The ranks of a role, by position, that the collectives of a block join, directly or through others.
std::vector<std::vector<std::uint32_t>> joined_by(const TaskGraph& block, std::uint32_t count);
/// The groups of a communicator among `count` ranks, by position.
std::vector<std::vector<std::uint32_t>> groups_of(const Communicator&, std::uint32_t count);

}  // namespace podium
