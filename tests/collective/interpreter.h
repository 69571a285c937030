#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "sim/collective/schedule.h"

namespace podium::test {

/// One message of a step: a unicast, or one branch of a tree in the switches.
struct Move {
  std::uint32_t from = 0;
  std::uint32_t to = 0;
};

inline std::vector<Move> moves(const Step& step, std::uint32_t n) {
  std::vector<Move> result;
  for (std::uint32_t i = 0; i < n; ++i) {
    for (std::uint32_t j = 0; j < n; ++j) {
      const bool sends = step.pairing == Pairing::shift          ? j == (i + step.offset) % n
                         : step.pairing == Pairing::chain        ? j == i + step.offset
                         : step.pairing == Pairing::exclusive_or ? j == (i ^ step.offset)
                                                                 : true;
      if (sends && i != j) {
        result.push_back({i, j});
      }
    }
  }
  return result;
}

/// What a schedule must do, one step after the other, repeats and the hops of a pipeline written out.
inline std::vector<Step> unrolled(const Schedule& schedule) {
  std::vector<Step> steps;
  for (const std::vector<Step>& stage : schedule.stages) {
    for (std::uint32_t r = 0; r < stage.front().repeat; ++r) {
      for (const Step& step : stage) {
        const std::uint32_t times = step.pairing == Pairing::chain ? step.depth : 1;
        steps.insert(steps.end(), times, step);
      }
    }
  }
  return steps;
}

using Parts = std::set<std::uint32_t>;

/// Spreads parts by the steps: a message must carry all parts that its sender had before the step and its receiver has
/// not, and these must be as many as its share says, where `wanted` limits what a receiver takes. Empty: no complaint.
template <class Wanted>
std::string spread(const std::vector<Step>& steps, std::uint32_t n, double parts_per_unit, std::vector<Parts>& held,
                   bool backwards, Wanted wanted) {
  for (std::size_t s = 0; s < steps.size(); ++s) {
    const Step& step = steps[backwards ? steps.size() - 1 - s : s];
    const std::vector<Parts> before = held;
    for (const Move& forwards : moves(step, n)) {
      const Move move = backwards ? Move{forwards.to, forwards.from} : forwards;
      std::size_t carried = 0;
      for (const std::uint32_t part : before[move.from]) {
        if (before[move.to].contains(part) || !wanted(part, move.from, move.to)) {
          continue;
        }
        ++carried;
        if (!held[move.to].insert(part).second) {
          return "rank " + std::to_string(move.to) + " gets part " + std::to_string(part) + " twice";
        }
      }
      const bool idle_hop = step.pairing == Pairing::chain && carried == 0;  // not reached yet, or passed on already
      if (!idle_hop && std::abs(static_cast<double>(carried) - step.share * parts_per_unit) > 1e-9 * parts_per_unit) {
        return "step " + std::to_string(s) + ": " + std::to_string(move.from) + " to " + std::to_string(move.to) +
               " carries " + std::to_string(carried) + " parts, its share says " +
               std::to_string(step.share * parts_per_unit);
      }
    }
  }
  return {};
}

inline std::string all_hold(const std::vector<Parts>& held, std::size_t parts) {
  for (std::size_t i = 0; i < held.size(); ++i) {
    if (held[i].size() != parts) {
      return "rank " + std::to_string(i) + " ends with " + std::to_string(held[i].size()) + " parts of " +
             std::to_string(parts);
    }
  }
  return {};
}

/// Everybody begins with its own part and must end with all.
inline std::string check_gather(const std::vector<Step>& steps, std::uint32_t n, bool backwards) {
  std::vector<Parts> held(n);
  for (std::uint32_t i = 0; i < n; ++i) {
    held[i] = {i};
  }
  const auto any = [](std::uint32_t, std::uint32_t, std::uint32_t) { return true; };
  const std::string complaint = spread(steps, n, n, held, backwards, any);
  return complaint.empty() ? all_hold(held, n) : complaint;
}

/// A reduce-scatter is an all-gather backwards in time: each contribution takes the one way to its owner that the
/// gathered part would take from it. So each is added up once, and none is left out.
inline std::string check_scatter(const std::vector<Step>& steps, std::uint32_t n) {
  return check_gather(steps, n, true);
}

/// The reducing steps, then the others. In-switch reduction adds nothing up in a rank but reduces all the same.
inline std::string check_all_reduce(const std::vector<Step>& steps, std::uint32_t n) {
  const auto reduces = [](const Step& step) { return step.reduced > 0 || step.pairing == Pairing::reduce_in_switch; };
  const auto half = std::find_if_not(steps.begin(), steps.end(), reduces);
  if (std::any_of(half, steps.end(), reduces)) {
    return "a step reduces what is reduced already";
  }
  const std::string complaint = check_scatter({steps.begin(), half}, n);
  return complaint.empty() ? check_gather({half, steps.end()}, n, false) : complaint;
}

/// Part i x n + j goes from i to j.
inline std::string check_exchange(const std::vector<Step>& steps, std::uint32_t n) {
  std::vector<Parts> held(n);
  for (std::uint32_t i = 0; i < n; ++i) {
    for (std::uint32_t j = 0; j < n; ++j) {
      held[i].insert(i * n + j);
    }
  }
  const auto addressed = [n](std::uint32_t part, std::uint32_t from, std::uint32_t to) {
    return part == from * n + to;
  };
  const std::string complaint = spread(steps, n, n, held, false, addressed);
  return complaint.empty() ? all_hold(held, 2 * n - 1) : complaint;
}

inline std::string check_broadcast(const std::vector<Step>& steps, std::uint32_t n) {
  std::vector<Parts> held(n);
  held[0] = {0};
  const auto any = [](std::uint32_t, std::uint32_t, std::uint32_t) { return true; };
  const std::string complaint = spread(steps, n, 1, held, false, any);
  return complaint.empty() ? all_hold(held, 1) : complaint;
}

/// Follows the bytes of a schedule and says what is wrong with it; empty where it does what the operation promises.
inline std::string complaint(CollectiveKind kind, const Schedule& schedule) {
  const std::vector<Step> steps = unrolled(schedule);
  switch (kind) {
    case CollectiveKind::all_reduce:
      return check_all_reduce(steps, schedule.ranks);
    case CollectiveKind::all_gather:
      return check_gather(steps, schedule.ranks, false);
    case CollectiveKind::reduce_scatter:
      return check_scatter(steps, schedule.ranks);
    case CollectiveKind::broadcast:
    case CollectiveKind::send:
      return check_broadcast(steps, schedule.ranks);
    default:
      return check_exchange(steps, schedule.ranks);
  }
}

}  // namespace podium::test
