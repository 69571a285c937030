#include "sim/system/block_runs.h"

#include <algorithm>

namespace podium {

Seconds busiest_stream(const TaskGraph& graph, const BlockRuns& runs) {
  std::map<std::pair<BlockId, RoleId>, Seconds> alone;
  for (const auto& [key, execution] : runs) {
    Seconds& least = alone.try_emplace(key, execution.time).first->second;
    for (const RankClass& one : execution.classes) {
      least = std::min(least, one.end);
    }
  }
  std::map<std::pair<RoleId, std::uint16_t>, Seconds> busy;
  Seconds longest;
  for (const Task& task : graph.tasks()) {
    const auto* block = std::get_if<BlockTask>(&task.payload);
    if (block != nullptr && task.stream != TaskGraph::unordered) {
      Seconds& sum = busy[{task.role, task.stream}];
      sum += alone.at({block->block, task.role}) * block->repeat;
      longest = std::max(longest, sum);
    }
  }
  return longest;
}

const Execution* BlockMemory::find(const TaskGraph& block, std::uint32_t base) const {
  const auto found = std::find_if(known_.begin(), known_.end(),
                                  [&](const Known& one) { return one.base == base && one.block == block; });
  return found != known_.end() ? &found->execution : nullptr;
}

const Execution& BlockMemory::keep(const TaskGraph& block, std::uint32_t base, Execution execution) {
  constexpr std::size_t most = 64;
  if (known_.size() == most) {
    known_.pop_front();
  }
  return known_.emplace_back(Known{base, block, std::move(execution)}).execution;
}

}  // namespace podium
