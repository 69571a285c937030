#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "sim/core/registry.h"
#include "sim/workload/task_graph.h"

namespace podium {

/// Messages among ranks 0 … ranks - 1 that load a network in a way that is known by name.
struct TrafficShape {
  std::uint32_t ranks = 0;
  Bytes bytes;             ///< of one message
  std::uint64_t seed = 0;  ///< of patterns that choose at random
};

/// Writes messages between single ranks as a task graph: a role a rank, a send and its receive a message. Messages of a
/// rank go side by side, each on a stream of its own, unless one waits for another.
class TrafficWriter {
 public:
  explicit TrafficWriter(std::uint32_t ranks);

  /// Sent when all of `after`, arrivals at the sender, are there. Returns the arrival. InputError where there are more
  /// than 2^20 messages, or more than 2^16 at one rank.
  TaskId send(std::uint32_t from, std::uint32_t to, Bytes bytes, const std::vector<TaskId>& after = {});
  TaskGraph finish() && { return std::move(graph_); }

 private:
  TaskId add(std::uint32_t rank, Payload payload, const std::vector<TaskId>& after);

  TaskGraph graph_;
  std::vector<std::uint32_t> streams_;  ///< by rank: how many it has
  std::uint32_t messages_ = 0;
};

/// A pattern writes its messages; a pure function of the shape, for two ranks or more.
struct TrafficPatternKind {
  static constexpr const char* what = "traffic pattern";
  using Value = void (*)(const TrafficShape&, TrafficWriter&);
};
using TrafficPatterns = Registry<TrafficPatternKind>;

/// The messages of a named pattern. InputError where there is none of this name, or fewer than two ranks.
TaskGraph traffic_graph(std::string_view pattern, const TrafficShape&, const Location& where = {});

}  // namespace podium
