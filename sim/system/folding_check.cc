#include "sim/system/folding_check.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <tuple>
#include <vector>

#include "sim/core/text.h"

namespace podium {
namespace {

/// By position in a role: the class that it is in.
std::vector<const RankClass*> classes_of(const Execution& execution, RoleId role, std::uint32_t count) {
  std::vector<const RankClass*> result(count, nullptr);
  for (const RankClass& one : execution.classes) {
    if (one.role == role && one.positions.empty()) {
      std::fill(result.begin(), result.end(), &one);
    } else if (one.role == role) {
      for (const std::uint32_t position : one.positions) {
        result.at(position) = &one;
      }
    }
  }
  PODIUM_CHECK(std::count(result.begin(), result.end(), nullptr) == 0, "every rank has a class");
  return result;
}

struct Difference {
  std::uint32_t rank;
  TaskId task;
  Time folded, unfolded;
  auto order() const { return std::tuple(unfolded, rank, task.index()); }
};

std::vector<TaskEnd> by_task(std::vector<TaskEnd> ends) {
  std::sort(ends.begin(), ends.end(),
            [](const TaskEnd& a, const TaskEnd& b) { return a.task.index() < b.task.index(); });
  return ends;
}

/// The first task that two classes of a role, of which a rank is a member, did not end at the same time.
std::optional<Difference> compare(std::uint32_t rank, const RankClass& folded, const RankClass& unfolded) {
  const std::vector<TaskEnd> a = by_task(folded.task_ends), b = by_task(unfolded.task_ends);
  PODIUM_CHECK(a.size() == b.size(), "both have done all tasks of the role");
  std::optional<Difference> first;
  for (std::size_t i = 0; i < a.size(); ++i) {
    PODIUM_CHECK(a[i].task == b[i].task);
    const Difference it{rank, a[i].task, a[i].at, b[i].at};
    if (it.folded != it.unfolded && (!first || it.order() < first->order())) {
      first = it;
    }
  }
  return first;
}

std::string few_digits(double number) {
  constexpr double large = 100;
  return number < large ? fmt::format("{:.3g}", number) : with_commas(std::llround(number));
}

/// A thing and what stands for it, whose plural is told; those of things end in s.
std::string as(std::size_t all, std::size_t simulated, const std::string& of, const char* one, const char* several) {
  const auto text = [](std::size_t count) { return with_commas(static_cast<long long>(count)); };
  const std::string saving =
      simulated > 0 && simulated < all
          ? fmt::format(" ({} times fewer)", few_digits(static_cast<double>(all) / static_cast<double>(simulated)))
          : "";
  return fmt::format("{} {}{} as {} {}{}", text(all), of, all == 1 ? "" : "s", text(simulated),
                     simulated == 1 ? one : several, saving);
}

}  // namespace

FoldingUse folding_use(const FoldedFabric& fabric) {
  FoldingUse use;
  use.messages = fabric.messages;
  use.bundles = fabric.bundles;
  // a fabric that is not folded has the links that no message takes, too
  Table<LinkId, std::uint8_t> taken(fabric.capacities.size(), 0);
  for (const std::vector<Bundle>& pattern : fabric.patterns) {
    for (const Bundle& bundle : pattern) {
      for (const LinkLoad& load : bundle.route.links) {
        taken[load.link] = 1;
      }
    }
  }
  for (const LinkId one : taken.ids()) {
    use.links += taken[one] > 0 ? fabric.members[one] : 0;
  }
  use.link_classes = static_cast<std::size_t>(std::count(taken.begin(), taken.end(), 1));
  return use;
}

std::string describe(const FoldingUse& use) {
  return (use.ranks > 0 ? as(use.ranks, use.classes, "rank", "class", "classes") + ", " : "") +
         as(use.messages, use.bundles, "message", "bundle", "bundles") + ", " +
         as(use.links, use.link_classes, "link", "class", "classes");
}

std::string difference_between(const TaskGraph& graph, const Execution& folded, const Execution& unfolded) {
  std::optional<Difference> first;
  for (const RoleId id : graph.roles().ids()) {
    const Role& role = graph.roles()[id];
    const auto a = classes_of(folded, id, role.count), b = classes_of(unfolded, id, role.count);
    for (std::uint32_t i = 0; i < role.count; ++i) {
      const std::optional<Difference> it = compare(role.rank(i), *a[i], *b[i]);
      if (it && (!first || it->order() < first->order())) {
        first = it;
      }
    }
  }
  if (!first) {
    return "";
  }
  const Task& task = graph.tasks()[first->task];
  return fmt::format(
      "folding is wrong: rank {} of '{}' has done '{}' (task {}) after {} ps, and after {} ps where every rank runs by "
      "itself",
      first->rank, graph.roles()[task.role].name, graph.labels()[task.label], first->task.index(),
      first->folded.picoseconds(), first->unfolded.picoseconds());
}

}  // namespace podium
