#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "sim/collective/fold.h"
#include "sim/hardware/system.h"
#include "sim/system/machine.h"
#include "sim/workload/task_graph.h"

namespace podium {

/// What makes two operations the same on the network, whatever their bytes.
struct OperationKey {
  CollectiveKind kind = CollectiveKind::send;
  std::string algorithm;
  std::optional<TokenRouting> routing;  ///< that the schedule rests on
  std::vector<std::vector<NodeId>> groups;
  auto operator<=>(const OperationKey&) const = default;
};

/// How a collective is done.
struct Choice {
  Schedule schedule;
  std::optional<Protocol> protocol = {};  ///< in place of that of the plane
};

/// The different operations of a graph, and which one each collective, group task and send calls.
struct Calls {
  std::vector<OperationKey> keys;  ///< by operation
  std::vector<Operation> operations;
  Table<TaskId, std::uint32_t> index;
  std::vector<Protocol> protocols;                          ///< of calls that have one of their own
  Table<TaskId, std::optional<std::uint32_t>> protocol_of;  ///< in `protocols`
};

/// How to do a collective on the groups of its role.
using Choose = std::function<Choice(TaskId, const CollectiveTask&, const Placement&)>;

/// Ranks of the graph are those of the machine less `shift`. RunError where the machine has no such rank.
Calls find_calls(const Machine&, const TaskGraph&, std::uint32_t shift, const Choose&);

/// The nodes of groups of ranks. RunError where the machine has no such rank.
Placement place(const Machine&, const std::vector<std::vector<std::uint32_t>>& groups, std::uint32_t shift);

}  // namespace podium
