#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "sim/workload/task_graph.h"

namespace podium {

/// Matches the tasks by which the members of written-out groups call one collective, by groups and sequence number.
class Meetings {
 public:
  /// InputError where a rank of a group is in no role.
  explicit Meetings(const TaskGraph&);

  /// A member has come: whether it is the last. RunError, with the group, what is asked for and who is missing, where
  /// it asks for another kind or other bytes than those before it, or comes twice.
  bool arrive(TaskId);
  /// Once the last has come: the tasks of all members, in order of their ranks, to one of them.
  std::vector<TaskId> all(TaskId) const;
  std::uint32_t sequence(TaskId id) const { return sequence_[id]; }
  const std::vector<RoleId>& members(RankGroupsId groups) const { return members_[groups]; }
  /// The members that have not come to the collective of a task, in order of their ranks.
  std::vector<RoleId> missing(TaskId) const;
  /// "all_reduce 3 of group 'dp' of 8 ranks, 1,024 B"
  std::string describe(TaskId) const;

 private:
  struct Meeting {
    std::vector<std::optional<TaskId>> come;  ///< by member
    std::size_t count = 0;
    std::optional<TaskId> first;
  };
  using Key = std::pair<RankGroupsId, std::uint32_t>;
  const GroupTask& call(TaskId id) const { return std::get<GroupTask>(graph_->tasks()[id].payload); }
  RoleId role(TaskId id) const { return graph_->tasks()[id].role; }
  Key key(TaskId id) const { return {call(id).groups, sequence_[id]}; }

  const TaskGraph* graph_;
  Table<RankGroupsId, std::vector<RoleId>> members_;
  Table<TaskId, std::uint32_t> sequence_;  ///< empty where the graph has no groups
  std::map<Key, Meeting> meetings_;
};

/// "rank 3 ('stage 1')", "ranks 8 to 15 ('stage 1')"
std::string describe(const Role&);

}  // namespace podium
