#pragma once

#include <string>
#include <vector>

#include "sim/report/table.h"
#include "sim/report/verdict.h"
#include "sim/study/result.h"

namespace podium {

/// "Model FLOPs utilisation 41.2 % of the bf16 peak."; empty where the case has none.
std::string utilisation(const CaseResult&);

/// What every format shows in tables, made once.
TextTable throughput_table(const ComparisonResult&, const Contest&);
/// TTFT and TPOT of the serving cases; no rows where the contest has none.
TextTable latency_table(const ComparisonResult&, const Contest&);
/// A phase's parts of time in the order in which they are shown: work, overheads, communication, waiting.
std::vector<std::string> time_parts(const Contest&, const std::string& phase);
std::vector<std::string> time_parts(const std::vector<const Breakdown*>&);
/// That a breakdown gives a part; zero where it has none of this name.
Seconds time_of(const Breakdown&, const std::string& part);
/// One row a part of the time of a phase ("compute", "exposed tp" …), a time and a share a case; the phases of one
/// name.
TextTable time_table(const ComparisonResult&, const Contest&, const std::string& phase);
/// One row a resource that has an effect, a column a case: by how much the phase's step is faster where it is a tenth
/// better. No rows where that is not known.
TextTable gains_table(const ComparisonResult&, const Contest&, const std::string& phase);
/// One row a case: what the fullest rank holds, in the phase of this name.
TextTable memory_table(const ComparisonResult&, const Contest&, const std::string& phase);
/// The names of a contest's phases, in order of first appearance.
std::vector<std::string> phase_names(const Contest&);
/// Every plan that was tried, best first, refused ones last with the reason.
TextTable alternatives_table(const CaseResult&);
/// "chosen", "slower" …, or why it cannot be.
std::string why_not(const Alternative&, const CaseResult&);
TextTable crossover_table(const ComparisonResult&);
/// One row a fact, one column a system.
TextTable systems_table(const std::vector<SystemSummary>&);
TextTable sources_table(const std::vector<SourceUse>&);

/// The points of one workload that have a result, and those that have none.
TextTable points_table(const SweepResult&, const std::string& workload);
TextTable refused_points_table(const SweepResult&);

}  // namespace podium
