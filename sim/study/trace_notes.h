#pragma once

#include <string>
#include <vector>

#include "sim/study/result.h"
#include "sim/study/study.h"

namespace podium {

/// What a reader must know of the request trace that a serving case ran on: that a run was longer than it.
/// Nothing where arrivals are random.
std::vector<std::string> trace_notes(const ServingWorkload&, const CaseResult&);

}  // namespace podium
