#include "sim/system/meeting.h"

#include <algorithm>
#include <cmath>

#include "sim/core/text.h"

namespace podium {
namespace {

using RoleOfRank = std::vector<std::optional<RoleId>>;

RoleOfRank find_roles(const TaskGraph& graph) {
  RoleOfRank role_of;
  for (const RoleId id : graph.roles().ids()) {
    const Role& role = graph.roles()[id];
    role_of.resize(std::max<std::size_t>(role_of.size(), role.rank(role.count - 1) + std::size_t{1}));
    for (std::uint32_t i = 0; i < role.count; ++i) {
      role_of[role.rank(i)] = id;
    }
  }
  return role_of;
}

/// The roles that have ranks of the groups, by their first ranks.
std::vector<RoleId> find_members(const TaskGraph& graph, const RoleOfRank& role_of, const RankGroups& groups) {
  std::vector<RoleId> members;
  for (const std::vector<std::uint32_t>& group : groups.groups) {
    for (const std::uint32_t rank : group) {
      if (rank >= role_of.size() || !role_of[rank]) {
        throw InputError("group '" + groups.name + "' has rank " + std::to_string(rank) + ", which no role has");
      }
      members.push_back(*role_of[rank]);
    }
  }
  const auto by_rank = [&](RoleId a, RoleId b) { return graph.roles()[a].base < graph.roles()[b].base; };
  std::sort(members.begin(), members.end(), by_rank);
  members.erase(std::unique(members.begin(), members.end()), members.end());
  return members;
}

std::string list(const TaskGraph& graph, const std::vector<RoleId>& roles) {
  constexpr std::size_t most = 8;
  std::string text;
  for (std::size_t i = 0; i < std::min(roles.size(), most); ++i) {
    text += (i > 0 ? ", " : "") + describe(graph.roles()[roles[i]]);
  }
  return roles.size() > most ? text + " and " + std::to_string(roles.size() - most) + " more" : text;
}

}  // namespace

std::string describe(const Role& role) {
  if (!role.listed.empty() && role.count > 1) {
    return std::to_string(role.count) + " ranks from " + std::to_string(role.base) + " on ('" + role.name + "')";
  }
  const std::string ranks =
      role.count == 1 ? "rank " + std::to_string(role.base)
                      : "ranks " + std::to_string(role.base) + " to " + std::to_string(role.base + role.count - 1);
  return ranks + " ('" + role.name + "')";
}

Meetings::Meetings(const TaskGraph& graph) : graph_(&graph) {
  if (graph.groups().size() == 0) {
    return;
  }
  const RoleOfRank role_of = find_roles(graph);
  for (const RankGroups& groups : graph.groups()) {
    members_.push_back(find_members(graph, role_of, groups));
  }
  sequence_.resize(graph.tasks().size());
  std::map<std::pair<RoleId, RankGroupsId>, std::uint32_t> next;
  for (const TaskId id : graph.tasks().ids()) {
    if (const auto* call = std::get_if<GroupTask>(&graph.tasks()[id].payload)) {
      const std::uint32_t in_order = next[{graph.tasks()[id].role, call->groups}]++;
      sequence_[id] = call->sequence.value_or(in_order);
    }
  }
}

bool Meetings::arrive(TaskId id) {
  const std::vector<RoleId>& members = members_[call(id).groups];
  Meeting& meeting = meetings_[key(id)];
  meeting.come.resize(members.size());
  const auto fail = [&](const std::string& problem) {
    const std::vector<RoleId> absent = missing(id);
    throw RunError(podium::describe(graph_->roles()[role(id)]) + " calls " + describe(id) + ", " + problem +
                   (absent.empty() ? "" : "; still missing: " + list(*graph_, absent)));
  };
  const auto by_rank = [&](RoleId a, RoleId b) { return graph_->roles()[a].base < graph_->roles()[b].base; };
  const auto place = std::lower_bound(members.begin(), members.end(), role(id), by_rank);
  if (place == members.end() || *place != role(id)) {
    fail("but has no rank in it");
  }
  std::optional<TaskId>& come = meeting.come[static_cast<std::size_t>(place - members.begin())];
  if (come) {
    fail("for the second time");
  }
  come = id;
  ++meeting.count;
  const GroupTask& first = call(meeting.first.value_or(id));
  if (first.kind != call(id).kind || first.bytes != call(id).bytes || first.imbalance != call(id).imbalance) {
    fail("where " + podium::describe(graph_->roles()[role(*meeting.first)]) + " calls " + describe(*meeting.first));
  }
  meeting.first = meeting.first.value_or(id);
  return meeting.count == members.size();
}

std::vector<TaskId> Meetings::all(TaskId id) const {
  std::vector<TaskId> tasks;
  for (const std::optional<TaskId>& member : meetings_.at(key(id)).come) {
    PODIUM_CHECK(member.has_value(), "all have come");
    tasks.push_back(*member);
  }
  return tasks;
}

std::vector<RoleId> Meetings::missing(TaskId id) const {
  const std::vector<RoleId>& members = members_[call(id).groups];
  const auto found = meetings_.find(key(id));
  if (found == meetings_.end()) {
    return members;
  }
  std::vector<RoleId> absent;
  for (std::size_t i = 0; i < members.size(); ++i) {
    if (!found->second.come[i]) {
      absent.push_back(members[i]);
    }
  }
  return absent;
}

std::string Meetings::describe(TaskId id) const {
  const RankGroups& groups = graph_->groups()[call(id).groups];
  const std::size_t ranks = groups.groups.size() * groups.groups.front().size();
  const std::string imbalance = call(id).imbalance == 1 ? "" : ", imbalance " + std::to_string(call(id).imbalance);
  return std::string(to_string(call(id).kind)) + " " + std::to_string(sequence_[id]) + " of group '" + groups.name +
         "' of " + std::to_string(ranks) + " ranks, " + with_commas(std::llround(call(id).bytes.value())) + " B" +
         imbalance;
}

}  // namespace podium
