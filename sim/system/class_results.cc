#include "sim/system/class_results.h"

#include <algorithm>
#include <optional>
#include <utility>

namespace podium {
namespace {

/// The classes of an execution by position of a role.
const RankClass& class_at(const Execution& execution, RoleId role, std::uint32_t position) {
  for (const RankClass& one : execution.classes) {
    if (one.role == role &&
        (one.positions.empty() || std::binary_search(one.positions.begin(), one.positions.end(), position))) {
      return one;
    }
  }
  PODIUM_CHECK(false, "every rank has a class");
  return execution.classes.front();
}

}  // namespace

Execution of_class(const Execution& whole, const std::vector<std::vector<std::uint32_t>>& joined, std::uint32_t count,
                   const RoleClass& part) {
  Execution result = whole;
  result.links = {};
  result.links.history = whole.links.history;
  const RankClass& mine = class_at(whole, RoleId(0), part.positions.front());
  result.time = mine.end;
  for (const std::vector<std::uint32_t>& group : joined) {
    if (std::binary_search(group.begin(), group.end(), part.positions.front())) {
      for (const std::uint32_t position : group) {
        result.time = std::max(result.time, class_at(whole, RoleId(0), position).end);
      }
    }
  }
  result.account = mine.account;
  if (result.time < whole.time) {
    result.account.add("bubble", result.time - whole.time);  // up to the end of others
  }
  const double share = static_cast<double>(part.positions.size()) / count;
  result.flops = whole.flops * share;
  result.memory_traffic = whole.memory_traffic * share;
  return result;
}

void unsplit(Execution& execution, const SplitGraph& parts, const TaskGraph& graph) {
  std::vector<Account> by_role(graph.roles().size());
  Table<RoleId, std::optional<RoleId>> last(graph.roles().size());
  for (const RoleId part : parts.classes.ids()) {
    const RoleClass& one = parts.classes[part];
    execution.classes[part.index()].role = one.role;
    execution.classes[part.index()].positions = one.positions;
    const double share = static_cast<double>(one.positions.size()) / graph.roles()[one.role].count;
    by_role[one.role.index()].add(execution.by_role[part.index()], share);
    std::optional<RoleId>& latest = last[one.role];
    if (!latest || execution.classes[part.index()].end > execution.classes[latest->index()].end) {
      latest = part;
    }
  }
  execution.by_role = std::move(by_role);
  for (RankClass& one : execution.classes) {
    std::erase_if(one.task_ends, [&](const TaskEnd& end) { return !parts.original[end.task]; });
    for (TaskEnd& end : one.task_ends) {
      end.task = *parts.original[end.task];
    }
  }
  std::vector<Span> spans;
  for (const Span& span : execution.spans) {
    const RoleId part = parts.graph.tasks()[span.task].role;
    if (parts.original[span.task] && last[parts.classes[part].role] == part) {
      spans.push_back(span);
      spans.back().task = *parts.original[span.task];
    }
  }
  execution.spans = std::move(spans);
}

void add(FoldingUse& sum, const FoldingUse& other) {
  sum.messages += other.messages;
  sum.bundles += other.bundles;
  sum.links += other.links;
  sum.link_classes += other.link_classes;
}

}  // namespace podium
