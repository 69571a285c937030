#pragma once

#include <string>
#include <vector>

#include "sim/study/result.h"
#include "sim/study/study.h"

namespace podium {

/// What a reader must know of the request trace that a serving case ran on: that a run was longer than it, and what its
/// prompts have in common. Nothing of the former where arrivals are random; that nothing can be reused, where it should
/// have been.
std::vector<std::string> trace_notes(const ServingWorkload&, const CaseResult&);

}  // namespace podium
