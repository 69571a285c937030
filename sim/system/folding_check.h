#pragma once

#include <string>

#include "sim/collective/fold.h"
#include "sim/system/simulator.h"

namespace podium {

/// What the messages and links of a fabric became; of ranks it knows nothing.
FoldingUse folding_use(const FoldedFabric&);

/// "32 ranks as 2 classes, 480 messages as 4 bundles (120 times fewer), 96 links as 3 classes"; without ranks where
/// there are none.
std::string describe(const FoldingUse&);

/// Where a rank has done a task at another time in one execution of a graph than in the other: the rank, the task and
/// both times, of what comes first in the second; empty where there is no such task. Both have kept their task ends.
std::string difference_between(const TaskGraph&, const Execution& folded, const Execution& unfolded);

}  // namespace podium
