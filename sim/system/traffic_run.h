#pragma once

#include <string>
#include <string_view>

#include "sim/system/simulator.h"

namespace podium {

/// Runs messages (see `sim/workload/traffic.h`) on the named system's network alone: as any task graph is run, every
/// message by itself on real links, but with nothing that software adds to a message (launch, efficiency of a copy).
/// With the use of links; where fluids moved the bytes, a link was busy as if it had sent them at its full bandwidth.
Execution run_on_wires(const TaskGraph&, std::string_view system, Allocation, const std::string& network);

}  // namespace podium
