#pragma once

#include <string>
#include <vector>

#include "sim/system/simulator.h"

namespace podium {

/// A task of the chain, for the time that the run waited for it.
struct PathLink {
  TaskId task;
  Time begin, end;
};

/// The chain of tasks that set how long a run took: the last to end, what released it last, and so on to the start.
struct CriticalPath {
  std::vector<PathLink> links;  ///< in order of time; those of no time are left out
  /// Sums to the run's time: "compute", "memory", "launch" (by what bounds each kernel, or recorded work), "host",
  /// "all_reduce tp" (kind and communicator), "send pp" (the task's label), "wait" (for nothing that the graph knows).
  Account account;
  Account planes;  ///< what of it was communication, by the plane that it ran over
  /// What work of the chain took longer for what ran beside it: other work that shared its memory, collectives that
  /// took its cores. In the account it is "memory" and "compute".
  Seconds beside = {};
};

/// Of a run that kept its spans.
/// - A receive that waited hands the chain to its send, a collective of written-out groups to the member that came
/// last.
/// - A block is one link; in the accounts stands the chain within one pass, as often as it comes.
CriticalPath critical_path(const Machine&, const TaskGraph&, const Execution&);

/// By how many per cent time changes where a resource is better by one per cent, to first order.
struct Elasticity {
  std::string resource;
  double value = 0;  ///< 0: it has no effect; else negative
};

/// Of the chain, for small changes: it stays the same one until another is as long. What tasks beside the chain took
/// from it counts as its own: where they are faster too, and last as long as they did. Resources are the chip's compute
/// rate and memory bandwidth, the launches of kernels, host time (of these two: 1 % less of it), and each plane of the
/// machine: its bandwidth, latencies and steps together, of which bandwidth alone is worth this much at most.
std::vector<Elasticity> elasticities(const Machine&, const CriticalPath&);

}  // namespace podium
