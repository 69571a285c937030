#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <utility>

#include "sim/system/simulator.h"

namespace podium {

/// One pass of each block of a graph on all ranks of each role that runs it, alone.
using BlockRuns = std::map<std::pair<BlockId, RoleId>, Execution>;

/// The time of the stream with most to do in blocks, each as long as those of its ranks take that are done first.
Seconds busiest_stream(const TaskGraph&, const BlockRuns&);

/// The last blocks that a simulator ran, by what they are and the rank that they begin on.
class BlockMemory {
 public:
  /// Nothing where it is not known.
  const Execution* find(const TaskGraph& block, std::uint32_t base) const;
  /// Forgets the oldest where there are too many.
  const Execution& keep(const TaskGraph& block, std::uint32_t base, Execution);

 private:
  struct Known {
    std::uint32_t base = 0;
    TaskGraph block;
    Execution execution;
  };
  std::deque<Known> known_;
};

}  // namespace podium
