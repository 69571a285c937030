#include "sim/system/stall.h"

#include <algorithm>
#include <numeric>
#include <optional>
#include <set>
#include <tuple>

namespace podium {
namespace {

constexpr std::size_t most_shown = 8;

/// A role waits for another at a task. The other will do what is missing once it gets there, or has no such task.
struct Wait {
  RoleId by, on;
  TaskId task;
  bool will_come = false;
};

class Stall {
 public:
  Stall(const TaskGraph& graph, const Meetings& meetings, const Table<TaskId, Progress>& progress)
      : graph_(graph), meetings_(meetings), progress_(progress), waits_of_(graph.roles().size()) {
    find_what_is_to_come();
    for (const TaskId id : graph.tasks().ids()) {
      if (progress[id] == Progress::open) {
        open_.push_back(id);
        find_waits(id);
      }
    }
  }

  std::string describe() const {
    const auto left =
        std::count_if(progress_.begin(), progress_.end(), [](Progress p) { return p != Progress::ended; });
    std::string text = "the task graph cannot end: " + std::to_string(left) + " of " +
                       std::to_string(graph_.tasks().size()) + " tasks are left";
    std::set<std::string> absent;  // two that wait for the same say so once
    for (const RoleId role : graph_.roles().ids()) {
      for (const Wait& wait : waits_of_[role]) {
        if (!wait.will_come && absent.size() < most_shown) {
          absent.insert("; " + podium::describe(graph_.roles()[wait.on]) + " never comes to the " + what(wait.task));
        }
      }
    }
    text = std::accumulate(absent.begin(), absent.end(), text);
    text += describe_circle();
    if (under_way_ > 0) {
      text += "; bytes of " + std::to_string(under_way_) +
              " are under way and never arrive: a link of theirs has no bandwidth, or so little that they would arrive "
              "after the 106 days that can be simulated";
    }
    for (std::size_t i = 0; i < std::min(open_.size(), most_shown); ++i) {
      text += "; " + describe(open_[i]);
    }
    return open_.size() > most_shown ? text + "; and " + std::to_string(open_.size() - most_shown) + " more" : text;
  }

 private:
  using Channel = std::tuple<RoleId, RoleId, std::uint32_t>;     // from, to, tag
  using Call = std::tuple<RoleId, RankGroupsId, std::uint32_t>;  // role, groups, sequence

  void find_what_is_to_come() {
    for (const TaskId id : graph_.tasks().ids()) {
      const Task& task = graph_.tasks()[id];
      if (progress_[id] != Progress::blocked) {
        continue;
      }
      if (const auto* send = std::get_if<SendTask>(&task.payload)) {
        sends_.insert({task.role, send->to, send->tag});
      } else if (const auto* call = std::get_if<GroupTask>(&task.payload)) {
        calls_.insert({task.role, call->groups, meetings_.sequence(id)});
      }
    }
  }

  void find_waits(TaskId id) {
    const Task& task = graph_.tasks()[id];
    const auto* group = std::get_if<GroupTask>(&task.payload);
    under_way_ += std::holds_alternative<SendTask>(task.payload) ||
                          std::holds_alternative<CollectiveTask>(task.payload) ||
                          (group != nullptr && meetings_.missing(id).empty())
                      ? 1
                      : 0;
    if (const auto* receive = std::get_if<ReceiveTask>(&task.payload)) {
      const bool comes = sends_.count({receive->from, task.role, receive->tag}) > 0;
      waits_of_[task.role].push_back({task.role, receive->from, id, comes});
    } else if (const auto* call = std::get_if<GroupTask>(&task.payload)) {
      for (const RoleId other : meetings_.missing(id)) {
        const bool comes = calls_.count({other, call->groups, meetings_.sequence(id)}) > 0;
        waits_of_[task.role].push_back({task.role, other, id, comes});
      }
    }
  }

  std::string what(TaskId id) const {
    const Task& task = graph_.tasks()[id];
    if (const auto* receive = std::get_if<ReceiveTask>(&task.payload)) {
      return "send with tag " + std::to_string(receive->tag) + " to role '" + graph_.roles()[task.role].name + "'";
    }
    return meetings_.describe(id);
  }

  std::string describe(TaskId id) const {
    const Task& task = graph_.tasks()[id];
    std::string text = "role '" + graph_.roles()[task.role].name + "', task " + std::to_string(id.index()) + " ('" +
                       graph_.labels()[task.label] + "', stream " + std::to_string(task.stream) + ") waits";
    if (const auto* receive = std::get_if<ReceiveTask>(&task.payload)) {
      text +=
          " for a send from role '" + graph_.roles()[receive->from].name + "' with tag " + std::to_string(receive->tag);
    } else if (std::holds_alternative<GroupTask>(task.payload)) {
      text += " in " + meetings_.describe(id);
    }
    return text;
  }

  /// Roles that wait for each other in a circle, by depth-first search over the waits that could still come.
  std::string describe_circle() const {
    enum class Seen : std::uint8_t { no, on_path, done };
    Table<RoleId, Seen> seen(graph_.roles().size(), Seen::no);
    for (const RoleId start : graph_.roles().ids()) {
      std::vector<std::pair<RoleId, std::size_t>> path{{start, 0}};  // a role, and its next wait
      if (seen[start] != Seen::no) {
        continue;
      }
      seen[start] = Seen::on_path;
      while (!path.empty()) {
        auto& [role, next] = path.back();
        if (next == waits_of_[role].size()) {
          seen[role] = Seen::done;
          path.pop_back();
          continue;
        }
        const Wait& wait = waits_of_[role][next++];
        if (wait.will_come && seen[wait.on] == Seen::on_path) {
          return circle(path, wait.on);
        }
        if (wait.will_come && seen[wait.on] == Seen::no) {
          seen[wait.on] = Seen::on_path;
          path.emplace_back(wait.on, 0);
        }
      }
    }
    return "";
  }

  std::string circle(const std::vector<std::pair<RoleId, std::size_t>>& path, RoleId from) const {
    std::string text = "; in a circle";
    bool inside = false;
    for (const auto& [role, next] : path) {
      inside = inside || role == from;
      if (inside) {
        const Wait& wait = waits_of_[role][next - 1];
        text += ", " + podium::describe(graph_.roles()[role]) + " waits for " +
                podium::describe(graph_.roles()[wait.on]) + " to come to the " + what(wait.task);
      }
    }
    return text;
  }

  const TaskGraph& graph_;
  const Meetings& meetings_;
  const Table<TaskId, Progress>& progress_;
  std::vector<TaskId> open_;
  std::size_t under_way_ = 0;
  std::set<Channel> sends_;  ///< that have not begun
  std::set<Call> calls_;     ///< likewise
  Table<RoleId, std::vector<Wait>> waits_of_;
};

}  // namespace

std::string describe_stall(const TaskGraph& graph, const Meetings& meetings, const Table<TaskId, Progress>& progress) {
  return Stall(graph, meetings, progress).describe();
}

}  // namespace podium
