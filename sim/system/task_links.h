#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "sim/workload/task_graph.h"

namespace podium {

/// What the tasks of a graph have to do with each other.
struct TaskLinks {
  Table<TaskId, std::uint32_t> before;           ///< how many tasks must have ended: those named, and the stream's last
  Table<TaskId, std::uint32_t> first_successor;  ///< CSR, one more than there are tasks
  std::vector<TaskId> successors;
  /// Sends and receives with the same ends and tag are about one message, of so many; only where there are some.
  Table<TaskId, std::uint32_t> message_of;
  std::size_t messages = 0;

  /// Those that a task is before.
  std::span<const TaskId> after(TaskId id) const {
    const std::uint32_t first = first_successor[id];
    return {successors.data() + first, first_successor[TaskId(id.index() + 1)] - first};
  }
};

TaskLinks link_tasks(const TaskGraph&);

}  // namespace podium
