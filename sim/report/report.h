#pragma once

#include <string>

#include "sim/study/result.h"
#include "sim/study/simulate.h"

namespace podium {

/// Results as text in one format each; pure functions, the same bytes for equal results. HTML is one file that opens
/// without a network: Vega and the data are inside. JSON has everything that the others show, in SI units, with the
/// same key names in the same order every time.
std::string to_html(const ComparisonResult&);
std::string to_markdown(const ComparisonResult&);
std::string to_json(const ComparisonResult&);
std::string to_csv(const ComparisonResult&);   ///< one row a case
std::string to_text(const ComparisonResult&);  ///< for a terminal: the verdict and a table of cases

std::string to_html(const SweepResult&);
std::string to_markdown(const SweepResult&);
std::string to_json(const SweepResult&);
std::string to_csv(const SweepResult&);  ///< one row a point
std::string to_text(const SweepResult&);

std::string to_json(const SimulationResult&);
std::string to_csv(const SimulationResult&);  ///< one row a step
std::string to_text(const SimulationResult&);
/// The timelines of its steps, and the requests of serving, in the Trace Event Format of Chrome (JSON), which Perfetto
/// opens: each role of a step is a process, and each instance.
std::string to_trace(const SimulationResult&);
/// The timeline of one run, called `run`.
std::string to_trace(const Timeline&, const std::string& run, const std::string& command);

}  // namespace podium
