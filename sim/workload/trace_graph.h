#pragma once

#include <optional>
#include <set>
#include <string>

#include "sim/hardware/chip.h"
#include "sim/workload/task_graph.h"
#include "sim/workload/trace.h"

namespace podium {

/// How long recorded computing takes on another chip.
struct TraceTimes {
  enum class Compute : std::uint8_t {
    recorded,   ///< as long as it took
    scaled,     ///< by the ratio of the two chips' bf16 peaks, or memory bandwidths where bytes bounded it
    predicted,  ///< anew, where shapes or counts of operations and bytes were recorded; as long as it took elsewhere
  };
  Compute compute = Compute::recorded;
  ChipSpec chip;                             ///< that it runs on
  std::optional<ChipSpec> recorded_on = {};  ///< needed to scale
};

/// The stream of its role that a node's task is on; messages have no order.
std::uint16_t stream_of(const TraceProgram&, const TraceNode&);

/// What works on such a stream, and its number among those of its kind.
struct StreamKind {
  const char* name = "compute";  ///< or "host", "memory", "group"
  std::uint16_t number = 0;
};
StreamKind kind_of(std::uint16_t stream);

struct TraceGraph {
  TaskGraph graph;
  std::vector<std::uint32_t> names;  ///< by task: in Trace::names
  std::set<std::string> notes;
};

/// A role for each rank; or one for all of them where their programs are the same, and their groups are regular and
/// correspond one to one, which is the same run for less work. Devices compute on the streams that the trace has, or on
/// one; hosts on others; each group has a stream for its collectives, on which they are in the order of the trace.
/// Nodes with counts of operations and bytes but no time take operations over the bf16 peak or bytes over the memory's
/// bandwidth, whichever is more; by the same, recorded time is the cores' or the memory's. Without counts it is the
/// cores'.
TraceGraph to_task_graph(const Trace&, const TraceMatch&, const TraceTimes&);

}  // namespace podium
