#include "sim/system/critical_path.h"

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <tuple>
#include <utility>

#include "sim/system/meeting.h"

namespace podium {
namespace {

class Walk {
 public:
  Walk(const Machine& machine, const TaskGraph& graph, const Execution& execution);
  CriticalPath path();

 private:
  using Channel = std::tuple<RoleId, RoleId, std::uint32_t>;  ///< from, to, tag
  using Meeting = std::pair<RankGroupsId, std::uint32_t>;     ///< groups, sequence number

  const Task& task(TaskId id) const { return graph_.tasks()[id]; }
  TaskId holder(TaskId) const;
  std::optional<TaskId> releaser(TaskId) const;
  void attribute(const Span&);
  void attribute_work(const Span&, const Account& alone);
  void attribute_kernels(const Span&);
  void attribute_block(const BlockTask&, const Span&);
  void attribute_exchange(const std::string& name, std::uint32_t operation, Seconds elapsed);

  const Machine& machine_;
  const TaskGraph& graph_;
  const Execution& execution_;
  Meetings meetings_;
  Table<TaskId, Span> spans_;
  Table<TaskId, std::optional<TaskId>> before_on_stream_;
  std::map<Channel, TaskId> sends_;
  std::map<Meeting, TaskId> last_comers_;
  std::vector<std::optional<CriticalPath>> blocks_;
  CriticalPath path_;
};

Walk::Walk(const Machine& machine, const TaskGraph& graph, const Execution& execution)
    : machine_(machine),
      graph_(graph),
      execution_(execution),
      meetings_(graph),
      spans_(graph.tasks().size()),
      before_on_stream_(graph.tasks().size()),
      blocks_(execution.blocks.size()) {
  PODIUM_CHECK(execution.spans.size() == graph.tasks().size(), "the run kept its spans");
  std::map<std::pair<RoleId, std::uint16_t>, TaskId> last;
  const auto follow_on_stream = [&](TaskId id) {
    const auto [place, first] = last.try_emplace({task(id).role, task(id).stream}, id);
    if (!first) {
      before_on_stream_[id] = std::exchange(place->second, id);
    }
  };
  for (const Span& span : execution.spans) {
    spans_[span.task] = span;
    if (TaskGraph::is_first_come(task(span.task).stream)) {  // in the order in which they ran
      follow_on_stream(span.task);
    }
  }
  for (const TaskId id : graph.tasks().ids()) {
    if (TaskGraph::is_ordered(task(id).stream)) {
      follow_on_stream(id);
    }
    if (const auto* send = std::get_if<SendTask>(&task(id).payload)) {
      sends_.emplace(Channel{task(id).role, send->to, send->tag}, id);
    } else if (const auto* group = std::get_if<GroupTask>(&task(id).payload)) {
      const auto [comer, is_first] = last_comers_.try_emplace({group->groups, meetings_.sequence(id)}, id);
      if (!is_first && spans_[comer->second].begin < spans_[id].begin) {
        comer->second = id;
      }
    }
  }
}

/// Which task the end of this one waited for: itself, the send of a receive that waited, the last member of a group.
TaskId Walk::holder(TaskId id) const {
  if (const auto* receive = std::get_if<ReceiveTask>(&task(id).payload)) {
    return spans_[id].end > spans_[id].begin ? sends_.at({receive->from, task(id).role, receive->tag}) : id;
  }
  if (const auto* group = std::get_if<GroupTask>(&task(id).payload)) {
    return last_comers_.at({group->groups, meetings_.sequence(id)});
  }
  return id;
}

/// The last to end of those that a task waits for before it begins.
std::optional<TaskId> Walk::releaser(TaskId id) const {
  std::optional<TaskId> latest = before_on_stream_[id];
  for (const TaskId before : graph_.after(task(id))) {
    if (!latest || spans_[*latest].end < spans_[before].end) {
      latest = before;
    }
  }
  return latest;
}

/// Work that is divided so where it is alone. Others beside it take of the memory's bandwidth, and of the cores.
void Walk::attribute_work(const Span& span, const Account& alone) {
  const Seconds elapsed = span.end - span.begin, lost = elapsed - alone.total();
  constexpr double rounding = 1e-12;
  if (lost.value() <= rounding) {
    path_.account.add(alone, elapsed / alone.total());
    return;
  }
  path_.account.add(alone);
  path_.account.add("memory", span.memory_wait);
  path_.account.add("compute", lost - span.memory_wait);
  path_.beside += lost;
}

void Walk::attribute_kernels(const Span& span) {
  const KernelTime& time = execution_.kernel_times[span.detail];
  Account alone;
  for (const auto& [part, taken] :
       {std::pair("launch", time.launch), std::pair("compute", time.compute), std::pair("memory", time.memory)}) {
    if (taken > Seconds()) {
      alone.add(part, taken);
    }
  }
  attribute_work(span, alone);
}

void Walk::attribute_block(const BlockTask& block, const Span& span) {
  std::optional<CriticalPath>& once = blocks_[span.detail];
  if (!once) {
    once = critical_path(machine_, graph_.blocks()[block.block.index()], execution_.blocks[span.detail]);
  }
  Account alone;
  alone.add(once->account, block.repeat);
  attribute_work(span, alone);
  path_.planes.add(once->planes, block.repeat);
  path_.beside += once->beside * block.repeat;
}

void Walk::attribute_exchange(const std::string& name, std::uint32_t operation, Seconds elapsed) {
  path_.account.add(name, elapsed);
  path_.planes.add(machine_.network().planes[execution_.planes[operation]].name, elapsed);
}

void Walk::attribute(const Span& span) {
  const Payload& payload = task(span.task).payload;
  const std::uint32_t detail = span.detail;
  const Seconds elapsed = span.end - span.begin;
  const auto named = [](CollectiveKind kind, const std::string& group) {
    return std::string(to_string(kind)) + " " + group;
  };
  const auto* delay = std::get_if<DelayTask>(&payload);
  if (std::holds_alternative<ComputeTask>(payload) || (delay != nullptr && delay->alone)) {
    attribute_kernels(span);
  } else if (const auto* block = std::get_if<BlockTask>(&payload)) {
    attribute_block(*block, span);
  } else if (const auto* collective = std::get_if<CollectiveTask>(&payload)) {
    attribute_exchange(named(collective->kind, graph_.communicators()[collective->communicator].name), detail, elapsed);
  } else if (const auto* group = std::get_if<GroupTask>(&payload)) {
    attribute_exchange(named(group->kind, graph_.groups()[group->groups].name), detail, elapsed);
  } else if (std::holds_alternative<SendTask>(payload)) {
    attribute_exchange("send " + graph_.labels()[task(span.task).label], detail, elapsed);
  } else if (delay != nullptr) {
    path_.account.add(std::string(to_string(delay->worker)), elapsed);
  } else {
    path_.account.add("wait", elapsed);
  }
}

CriticalPath Walk::path() {
  // of those that end last the first of the graph, whatever the order of events
  std::optional<TaskId> next;
  for (const TaskId id : spans_.ids()) {
    if (!next || spans_[id].end > spans_[*next].end) {
      next = id;
    }
  }
  while (next) {
    const TaskId id = holder(*next);
    const Span& span = spans_[id];
    if (span.end > span.begin) {
      path_.links.push_back({id, span.begin, span.end});
      attribute(span);
    }
    next = releaser(id);
    const Time released = next ? spans_[*next].end : Time();
    if (span.begin > released) {
      path_.account.add("wait", span.begin - released);
    }
  }
  std::reverse(path_.links.begin(), path_.links.end());
  return std::move(path_);
}

}  // namespace

CriticalPath critical_path(const Machine& machine, const TaskGraph& graph, const Execution& execution) {
  return Walk(machine, graph, execution).path();
}

std::vector<Elasticity> elasticities(const Machine& machine, const CriticalPath& path) {
  const Seconds total = path.account.total();
  std::vector<Elasticity> result;
  const auto add = [&](const std::string& resource, Seconds time) {
    result.push_back({resource, time > Seconds() ? -(time / total) : 0});
  };
  add("compute rate", path.account.part("compute"));
  add("memory bandwidth", path.account.part("memory"));
  add("kernel launches", path.account.part("launch"));
  add("host time", path.account.part("host"));
  for (const Plane& plane : machine.network().planes) {
    add("plane " + plane.name, path.planes.part(plane.name));
  }
  return result;
}

}  // namespace podium
