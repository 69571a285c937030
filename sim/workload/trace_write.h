#pragma once

#include <functional>
#include <set>
#include <string>

#include "sim/workload/task_graph.h"
#include "sim/workload/trace.h"

namespace podium {

/// How long a rank takes for kernels in a row, with a share of the cores and nothing beside them.
struct TimeAlone {
  Seconds time;
  Demands demands;
};
using KernelTimes = std::function<TimeAlone(const std::vector<Kernel>&, CoreShare)>;

/// One rank's part of a task graph as a trace of that rank alone: blocks are written out, streams become dependencies.
/// Groups are listed by their ranks and named after them.
Trace trace_of_rank(const TaskGraph&, std::uint32_t rank, const KernelTimes&);

/// A rank's file as Chakra protobuf of schema 0.0.4. Durations are in whole us there; attribute `runtime` has them
/// exactly. Nodes of one stream depend on each other. `node_bytes` in the trace of all-gathers become one rank's part.
std::string chakra_bytes(const Trace&, std::uint32_t rank);

/// Writes FOLDER/NAME.RANK.et for each rank of a graph and FOLDER/comm_group.json; InputError where they cannot be
/// written. One rank is held at a time. After each file its bytes are told, and how many ranks are done of how many:
/// all files are about as long.
using FileWritten = std::function<void(std::size_t bytes, std::size_t done, std::size_t of)>;
void write_chakra(const TaskGraph&, const KernelTimes&, const std::string& folder, const std::string& name,
                  const FileWritten& written = {});

/// GOAL has computing with times and messages alone: InputError where the trace has a collective, or runs one file on
/// all ranks. `notes` get what else the text does not say as the trace did.
std::string goal_text(const Trace&, std::set<std::string>& notes);

}  // namespace podium
