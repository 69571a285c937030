#pragma once

#include <string>

#include "sim/report/trace_events.h"
#include "sim/serving/serving_log.h"
#include "sim/system/timeline.h"

namespace podium {

/// Each role is a process, its tracks are threads; the critical path and the machine's counters are processes of their
/// own. Processes are numbered from `first`; returns the next that is free. Their names begin with `run`.
std::uint32_t write_timeline(TraceEvents&, const Timeline&, const std::string& run, std::uint32_t first);

/// Each instance is a process, its iterations are slices beside counters of what it holds; requests are spans of a
/// process of their own, and an arrow leads from the iteration that brought a request's first token to the one that
/// first decoded it elsewhere. The log's beginning is at 0.
std::uint32_t write_serving(TraceEvents&, const ServingLog&, const std::string& run, std::uint32_t first);

}  // namespace podium
