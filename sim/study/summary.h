#pragma once

#include <string>
#include <utility>
#include <vector>

#include "sim/study/result.h"
#include "sim/study/study.h"

namespace podium {

/// What a report says of a system before any result: counts and peaks of the whole machine.
SystemSummary summarise(const std::string& name, std::uint32_t domains);

/// Each workload's name and a sentence on it.
std::vector<std::pair<std::string, std::string>> describe_workloads(const Study&);

/// What the model takes for granted in this study, in sentences: the study's own, and those of the layers it uses.
std::vector<std::string> assumptions_of(const Study&);

/// Every figure of every file that the study rests on.
std::vector<SourceUse> sources_of(const Study&);

}  // namespace podium
