#include "sim/system/task_links.h"

#include <algorithm>
#include <map>
#include <tuple>
#include <utility>

namespace podium {
namespace {

/// Dependencies, and the order of streams.
void link_dependencies(const TaskGraph& graph, TaskLinks& links) {
  const std::size_t count = graph.tasks().size();
  std::map<std::pair<RoleId, std::uint16_t>, TaskId> last_on_stream;
  std::vector<std::pair<TaskId, TaskId>> edges;  // before, after
  for (const TaskId id : graph.tasks().ids()) {
    const Task& task = graph.tasks()[id];
    for (const TaskId before : graph.after(task)) {
      edges.emplace_back(before, id);
    }
    if (!TaskGraph::is_ordered(task.stream)) {
      continue;
    }
    const auto [place, first] = last_on_stream.try_emplace({task.role, task.stream}, id);
    if (!first) {
      edges.emplace_back(place->second, id);
      place->second = id;
    }
  }
  links.before.resize(count);
  links.first_successor.resize(count + 1);
  for (const auto& [before, after] : edges) {
    ++links.first_successor[TaskId(before.index() + 1)];
    ++links.before[after];
  }
  for (std::size_t i = 0; i < count; ++i) {
    links.first_successor[TaskId(i + 1)] += links.first_successor[TaskId(i)];
  }
  links.successors.resize(edges.size());
  Table<TaskId, std::uint32_t> fill = links.first_successor;
  for (const auto& [before, after] : edges) {
    links.successors[fill[before]++] = after;
  }
}

void match_messages(const TaskGraph& graph, TaskLinks& links) {
  using Channel = std::tuple<RoleId, RoleId, std::uint32_t>;  // from, to, tag
  std::vector<std::pair<Channel, TaskId>> calls;
  for (const TaskId id : graph.tasks().ids()) {
    const Task& task = graph.tasks()[id];
    if (const auto* send = std::get_if<SendTask>(&task.payload)) {
      calls.push_back({{task.role, send->to, send->tag}, id});
    } else if (const auto* receive = std::get_if<ReceiveTask>(&task.payload)) {
      calls.push_back({{receive->from, task.role, receive->tag}, id});
    }
  }
  std::sort(calls.begin(), calls.end());
  links.message_of.resize(calls.empty() ? 0 : graph.tasks().size());
  for (std::size_t i = 0; i < calls.size(); ++i) {
    if (i == 0 || calls[i].first != calls[i - 1].first) {
      ++links.messages;
    }
    links.message_of[calls[i].second] = static_cast<std::uint32_t>(links.messages - 1);
  }
}

}  // namespace

TaskLinks link_tasks(const TaskGraph& graph) {
  TaskLinks links;
  link_dependencies(graph, links);
  match_messages(graph, links);
  return links;
}

}  // namespace podium
