#include "sim/system/calls.h"

#include <map>
#include <tuple>
#include <utility>

#include "sim/system/split.h"

namespace podium {
namespace {

class Finder {
 public:
  Finder(const Machine& machine, const TaskGraph& graph, std::uint32_t shift, const Choose& choose)
      : machine_(machine), graph_(graph), shift_(shift), choose_(choose) {
    calls_.index.resize(graph.tasks().size());
    calls_.protocol_of.resize(graph.tasks().size());
  }

  Calls find() {
    for (const TaskId id : graph_.tasks().ids()) {
      const Payload& payload = graph_.tasks()[id].payload;
      if (const auto* collective = std::get_if<CollectiveTask>(&payload)) {
        find_collective(id, *collective);
      } else if (const auto* group = std::get_if<GroupTask>(&payload); group != nullptr && !group->barrier) {
        find_group(id, *group);
      } else if (const auto* send = std::get_if<SendTask>(&payload)) {
        find_send(id, *send);
      }
    }
    return std::move(calls_);
  }

 private:
  enum class Made : std::uint8_t { of_role, written_out, send };
  /// Calls that agree in this are of one operation: what they are, of whom, on which groups.
  using Key =
      std::tuple<Made, std::uint32_t, std::uint32_t, CollectiveKind, Bytes, double, std::optional<TokenRouting>>;
  struct Known {
    std::uint32_t operation = 0;
    std::optional<std::uint32_t> protocol;
  };

  /// The operation of a call like this before, or a new one.
  void number(TaskId id, const Key& key, const std::function<std::pair<Choice, Placement>()>& make) {
    const auto [known, is_new] = known_.try_emplace(key);
    if (is_new) {
      auto [choice, placement] = make();
      known->second.operation = number(std::get<CollectiveKind>(key), std::move(choice.schedule), std::move(placement));
      if (choice.protocol) {
        known->second.protocol = static_cast<std::uint32_t>(calls_.protocols.size());
        calls_.protocols.push_back(*choice.protocol);
      }
    }
    calls_.index[id] = known->second.operation;
    calls_.protocol_of[id] = known->second.protocol;
  }

  std::uint32_t number(CollectiveKind kind, Schedule schedule, Placement placement) {
    OperationKey key{kind, schedule.algorithm, schedule.routing, placement.groups};
    const auto [place, is_new] = numbers_.try_emplace(key, static_cast<std::uint32_t>(calls_.operations.size()));
    if (is_new) {
      calls_.keys.push_back(std::move(key));
      calls_.operations.push_back({std::move(schedule), std::move(placement)});
    }
    return place->second;
  }

  void find_collective(TaskId id, const CollectiveTask& call) {
    const RoleId role_id = graph_.tasks()[id].role;
    number(id,
           {Made::of_role, role_id.index(), call.communicator.index(), call.kind, call.bytes, call.imbalance,
            call.routing},
           [&] {
             const Role& role = graph_.roles()[role_id];
             auto groups = groups_of(graph_.communicators()[call.communicator], role.count);
             for (std::vector<std::uint32_t>& group : groups) {
               for (std::uint32_t& rank : group) {
                 rank = role.rank(rank);
               }
             }
             return chosen(id, call, groups);
           });
  }

  void find_group(TaskId id, const GroupTask& call) {
    number(id, {Made::written_out, call.groups.index(), 0, call.kind, call.bytes, call.imbalance, call.routing}, [&] {
      return chosen(id, {{}, call.kind, call.bytes, call.imbalance, call.routing}, graph_.groups()[call.groups].groups);
    });
  }

  std::pair<Choice, Placement> chosen(TaskId id, const CollectiveTask& call,
                                      const std::vector<std::vector<std::uint32_t>>& groups) {
    Placement placement = place(machine_, groups, shift_);
    Choice choice = choose_(id, call, placement);
    return {std::move(choice), std::move(placement)};
  }

  void find_send(TaskId id, const SendTask& send) {
    const RoleId from_id = graph_.tasks()[id].role;
    number(id, {Made::send, from_id.index(), send.to.index(), CollectiveKind::send, Bytes(), 1, {}}, [&] {
      const Role& from = graph_.roles()[from_id];
      const Role& to = graph_.roles()[send.to];
      PODIUM_CHECK(from.count == to.count, "sender and receiver have as many ranks");
      std::vector<std::pair<NodeId, NodeId>> pairs;
      for (std::uint32_t i = 0; i < from.count; ++i) {
        pairs.emplace_back(machine_.node(from.rank(i) + shift_), machine_.node(to.rank(i) + shift_));
      }
      Operation sends = make_sends(pairs);
      return std::pair(Choice{std::move(sends.schedule)}, std::move(sends.placement));
    });
  }

  const Machine& machine_;
  const TaskGraph& graph_;
  std::uint32_t shift_;
  const Choose& choose_;
  Calls calls_;
  std::map<Key, Known> known_;
  std::map<OperationKey, std::uint32_t> numbers_;
};

}  // namespace

Placement place(const Machine& machine, const std::vector<std::vector<std::uint32_t>>& groups, std::uint32_t shift) {
  Placement placement;
  for (const std::vector<std::uint32_t>& ranks : groups) {
    std::vector<NodeId>& group = placement.groups.emplace_back();
    for (const std::uint32_t rank : ranks) {
      if (rank + shift >= machine.ranks()) {
        throw RunError("a group has rank " + std::to_string(rank + shift) + ", but the machine has only " +
                       std::to_string(machine.ranks()));
      }
      group.push_back(machine.node(rank + shift));
    }
  }
  return placement;
}

Calls find_calls(const Machine& machine, const TaskGraph& graph, std::uint32_t shift, const Choose& choose) {
  return Finder(machine, graph, shift, choose).find();
}

}  // namespace podium
