#include "sim/system/split.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "sim/core/disjoint_sets.h"

namespace podium {
namespace {

using Groups = std::vector<std::vector<std::uint32_t>>;

class Splitter {
 public:
  Splitter(const TaskGraph& graph, const Table<RoleId, std::vector<std::uint64_t>>& class_of) : graph_(graph) {
    for (const RoleId role : graph.roles().ids()) {
      add_classes(role, class_of[role]);
    }
    for (const std::string& label : graph.labels()) {
      result_.graph.add_label(label);
    }
    for (const std::vector<Kernel>& kernels : graph.kernels()) {
      result_.graph.add_kernels(kernels);
    }
    for (const TaskGraph& block : graph.blocks()) {
      result_.graph.add_block(block);
    }
    reserve();
    for (const TaskId id : graph.tasks().ids()) {
      add_task(id);
    }
  }
  SplitGraph take() { return std::move(result_); }

 private:
  /// What a list of groups was made for: a communicator or a block of a role, or groups that are written out.
  enum class Made : std::uint8_t { of_communicator, of_block, written_out };
  using Origin = std::tuple<Made, std::uint32_t, std::uint32_t>;
  using ByClass = std::map<RoleId, RankGroupsId>;  ///< the groups that a class's ranks are in

  void add_classes(RoleId id, const std::vector<std::uint64_t>& class_of) {
    const Role& role = graph_.roles()[id];
    std::map<std::uint64_t, std::uint32_t> number;
    std::vector<RoleClass> classes;
    for (std::uint32_t i = 0; i < role.count; ++i) {
      const auto [place, is_new] = number.try_emplace(class_of.at(i), static_cast<std::uint32_t>(classes.size()));
      if (is_new) {
        classes.push_back({id, {}});
      }
      classes[place->second].positions.push_back(i);
    }
    std::vector<RoleId>& roles = classes_of_.push_back_and_get();
    for (RoleClass& one : classes) {
      Role part{role.name, role.rank(one.positions.front()), static_cast<std::uint32_t>(one.positions.size()), {}};
      for (const std::uint32_t position : one.positions) {
        part.listed.push_back(role.rank(position));
        class_of_rank_[role.rank(position)] = RoleId(result_.classes.size());
      }
      roles.push_back(result_.graph.add_role(std::move(part)));
      result_.classes.push_back(std::move(one));
    }
  }

  /// Barriers in front of blocks, which are few, come on top.
  void reserve() {
    std::size_t tasks = 0, dependencies = 0;
    for (const Task& task : graph_.tasks()) {
      tasks += classes_of_[task.role].size();
      dependencies += classes_of_[task.role].size() * task.after_count;
    }
    result_.graph.reserve(tasks, dependencies);
    result_.original.reserve(tasks);
  }

  void add_task(TaskId id) {
    const Task& task = graph_.tasks()[id];
    std::vector<TaskId>& made = made_.push_back_and_get();
    const std::vector<RoleId>& classes = classes_of_.at(task.role);
    for (std::size_t place = 0; place < classes.size(); ++place) {
      const RoleId role = classes[place];
      if (shared_.insert({role, task.stream}).second) {
        result_.graph.share_cores(role, task.stream, graph_.cores(task.role, task.stream));
      }
      std::vector<TaskId> after;
      for (const TaskId before : graph_.after(task)) {
        const std::vector<TaskId>& copies = made_.at(before);
        if (graph_.tasks()[before].role == task.role) {
          after.push_back(copies[place]);
        } else {
          after.insert(after.end(), copies.begin(), copies.end());
        }
      }
      if (const auto* block = std::get_if<BlockTask>(&task.payload)) {
        const RankGroupsId joined = groups({Made::of_block, block->block.index(), task.role.index()}, role);
        const GroupTask barrier{.groups = joined, .kind = CollectiveKind::broadcast, .bytes = Bytes(), .barrier = true};
        after = {add(role, task, barrier, after, std::nullopt)};
      }
      made.push_back(add(role, task, payload(task, role), after, id));
    }
  }

  TaskId add(RoleId role, const Task& task, const Payload& payload, std::span<const TaskId> after,
             std::optional<TaskId> original) {
    result_.original.push_back(original);
    const TaskId id = result_.graph.add(role, task.stream, task.label, payload, after);
    result_.graph.set_turn(id, task.turn);
    return id;
  }

  Payload payload(const Task& task, RoleId role) {
    if (const auto* call = std::get_if<CollectiveTask>(&task.payload)) {
      const RankGroupsId id = groups({Made::of_communicator, call->communicator.index(), task.role.index()}, role);
      return GroupTask{id, call->kind, call->bytes, call->imbalance, {}, false, call->routing};
    }
    if (const auto* call = std::get_if<GroupTask>(&task.payload)) {
      GroupTask mine = *call;
      mine.groups = groups({Made::written_out, call->groups.index(), 0}, role);
      return mine;
    }
    if (const auto* send = std::get_if<SendTask>(&task.payload)) {
      SendTask mine = *send;
      mine.to = opposite(send->to, role);
      return mine;
    }
    if (const auto* receive = std::get_if<ReceiveTask>(&task.payload)) {
      ReceiveTask mine = *receive;
      mine.from = opposite(receive->from, role);
      return mine;
    }
    return task.payload;
  }

  /// The class of another role whose ranks have the same positions.
  RoleId opposite(RoleId other, RoleId role) const {
    const std::vector<std::uint32_t>& positions = result_.classes[role].positions;
    const RoleId found = class_of_rank_.at(graph_.roles()[other].rank(positions.front()));
    PODIUM_CHECK(result_.classes[found].positions == positions, "ranks of a class send to ranks of one class");
    return found;
  }

  RankGroupsId groups(const Origin& origin, RoleId role) {
    const auto [place, is_new] = groups_.try_emplace(origin);
    if (is_new) {
      place->second = add_groups(origin);
    }
    return place->second.at(role);
  }

  std::pair<std::string, Groups> written_out(const Origin& origin) const {
    const auto [made, number, of_role] = origin;
    if (made == Made::written_out) {
      const RankGroups& groups = graph_.groups()[RankGroupsId(number)];
      return {groups.name, groups.groups};
    }
    const Role& role = graph_.roles()[RoleId(of_role)];
    const bool is_block = made == Made::of_block;
    const Communicator* communicator = is_block ? nullptr : &graph_.communicators()[CommunicatorId(number)];
    Groups all = is_block ? joined_by(graph_.blocks()[number], role.count) : groups_of(*communicator, role.count);
    for (std::vector<std::uint32_t>& group : all) {
      for (std::uint32_t& rank : group) {
        rank = role.rank(rank);
      }
    }
    return {is_block ? "block" : communicator->name, std::move(all)};
  }

  /// One list for the groups whose members are of the same classes.
  ByClass add_groups(const Origin& origin) {
    auto [name, all] = written_out(origin);
    std::map<std::vector<RoleId>, Groups> alike;
    for (std::vector<std::uint32_t>& group : all) {
      std::vector<RoleId> members;
      for (const std::uint32_t rank : group) {
        members.push_back(class_of_rank_.at(rank));
      }
      std::sort(members.begin(), members.end());
      alike[members].push_back(std::move(group));
    }
    ByClass by_class;
    for (auto& [members, groups] : alike) {
      const RankGroupsId id = result_.graph.add_groups({name, std::move(groups)});
      for (const RoleId member : members) {
        PODIUM_CHECK(by_class.try_emplace(member, id).first->second == id,
                     "ranks of a class are in groups of one class");
      }
    }
    return by_class;
  }

  /// A table that grows by an empty row.
  template <class Key, class Row>
  struct Rows : Table<Key, std::vector<Row>> {
    std::vector<Row>& push_back_and_get() { return this->at(this->push_back({})); }
  };

  const TaskGraph& graph_;
  SplitGraph result_;
  Rows<RoleId, RoleId> classes_of_;  ///< by role of the original
  Rows<TaskId, TaskId> made_;        ///< by task of the original: one for each class of its role
  std::map<std::uint32_t, RoleId> class_of_rank_;
  std::set<std::pair<RoleId, std::uint16_t>> shared_;
  std::map<Origin, ByClass> groups_;
};

void join(const TaskGraph& block, DisjointSets& joined) {
  for (const Task& task : block.tasks()) {
    if (const auto* inner = std::get_if<BlockTask>(&task.payload)) {
      join(block.blocks()[inner->block.index()], joined);
    } else if (const auto* call = std::get_if<CollectiveTask>(&task.payload)) {
      const Communicator& communicator = block.communicators()[call->communicator];
      for (const auto& group : groups_of(communicator, static_cast<std::uint32_t>(joined.size()))) {
        for (const std::uint32_t member : group) {
          joined.join(group.front(), member);
        }
      }
    }
  }
}

}  // namespace

std::vector<std::vector<std::uint32_t>> groups_of(const Communicator& communicator, std::uint32_t count) {
  const std::uint32_t span = communicator.stride * communicator.size;
  PODIUM_CHECK(count % span == 0, "the groups of '" + communicator.name + "' fill the role");
  Groups groups;
  for (std::uint32_t outer = 0; outer < count; outer += span) {
    for (std::uint32_t inner = 0; inner < communicator.stride; ++inner) {
      std::vector<std::uint32_t>& group = groups.emplace_back();
      for (std::uint32_t i = 0; i < communicator.size; ++i) {
        group.push_back(outer + inner + i * communicator.stride);
      }
    }
  }
  return groups;
}

std::vector<std::vector<std::uint32_t>> joined_by(const TaskGraph& block, std::uint32_t count) {
  DisjointSets joined(count);
  join(block, joined);
  std::map<std::uint32_t, std::vector<std::uint32_t>> parts;
  for (std::uint32_t i = 0; i < count; ++i) {
    parts[joined.first(i)].push_back(i);
  }
  Groups groups;
  for (auto& [first, part] : parts) {
    groups.push_back(std::move(part));
  }
  return groups;
}

SplitGraph split(const TaskGraph& graph, const Table<RoleId, std::vector<std::uint64_t>>& class_of) {
  return Splitter(graph, class_of).take();
}

}  // namespace podium
