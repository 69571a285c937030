#include "sim/workload/task_graph.h"

#include <algorithm>

namespace podium {

std::string_view to_string(Worker worker) {
  constexpr std::array names{"host", "compute", "memory"};
  return names.at(static_cast<std::size_t>(worker));
}

RoleId TaskGraph::add_role(Role role) {
  PODIUM_CHECK(role.count > 0, "a role has ranks");
  return roles_.push_back(std::move(role));
}

CommunicatorId TaskGraph::add_communicator(Communicator communicator) {
  PODIUM_CHECK(communicator.stride > 0 && communicator.size > 0);
  return communicators_.push_back(std::move(communicator));
}

RankGroupsId TaskGraph::add_groups(RankGroups groups) {
  PODIUM_CHECK(!groups.groups.empty() && !groups.groups.front().empty(), "a group has ranks");
  for (const auto& group : groups.groups) {
    PODIUM_CHECK(group.size() == groups.groups.front().size(), "groups that do the same are of one size");
  }
  return groups_.push_back(std::move(groups));
}

KernelListId TaskGraph::add_kernels(std::vector<Kernel> kernels) { return kernels_.push_back(std::move(kernels)); }

BlockId TaskGraph::add_block(TaskGraph block) {
  PODIUM_CHECK(block.roles().size() == 1 && block.roles()[RoleId(0)].base == 0, "a block is one role's program");
  blocks_.push_back(std::move(block));
  return BlockId(blocks_.size() - 1);
}

std::uint16_t TaskGraph::add_label(const std::string& label) {
  const auto found = std::find(labels_.begin(), labels_.end(), label);
  if (found == labels_.end()) {
    labels_.push_back(label);
    return static_cast<std::uint16_t>(labels_.size() - 1);
  }
  return static_cast<std::uint16_t>(found - labels_.begin());
}

void TaskGraph::share_cores(RoleId role, std::uint16_t stream, CoreShare cores) {
  shares_.push_back({role, stream, cores});
}

void TaskGraph::reserve(std::size_t tasks, std::size_t dependencies) {
  tasks_.reserve(tasks);
  dependencies_.reserve(dependencies);
}

TaskId TaskGraph::add(RoleId role, std::uint16_t stream, std::uint16_t label, Payload payload,
                      std::span<const TaskId> after) {
  PODIUM_CHECK(role.index() < roles_.size() && label < labels_.size());
  Task task;
  task.role = role;
  task.stream = stream;
  task.label = label;
  task.payload = payload;
  task.first_after = static_cast<std::uint32_t>(dependencies_.size());
  task.after_count = static_cast<std::uint32_t>(after.size());
  for (const TaskId before : after) {
    PODIUM_CHECK(before.index() < tasks_.size(), "a task depends on tasks that are there already");
    dependencies_.push_back(before);
  }
  return tasks_.push_back(task);
}

std::span<const TaskId> TaskGraph::after(const Task& task) const {
  return std::span(dependencies_).subspan(task.first_after, task.after_count);
}

CoreShare TaskGraph::cores(RoleId role, std::uint16_t stream) const {
  for (const Share& share : shares_) {
    if (share.role == role && share.stream == stream) {
      return share.cores;
    }
  }
  return {};
}

}  // namespace podium
