#pragma once

#include <string>
#include <vector>

#include "sim/report/table.h"
#include "sim/study/simulate.h"

namespace podium {

/// What was run and what was not, in sentences.
std::vector<std::string> scope(const SimulationResult&);
/// Of one step: what was simulated, how large its packets were, and what could not be done as asked for.
std::vector<std::string> step_notes(const SimulationResult&, const SimulatedStep&);

/// Whether the steps ran on another network, or otherwise, than the one their plans were found with.
bool differs(const SimulationResult&);

/// One row a part of the step's time; with that of the search's network beside it where they differ.
TextTable step_table(const SimulationResult&, const SimulatedStep&);
/// One row a part of the chain of tasks that set the step's time.
TextTable path_table(const SimulatedStep&);
/// One row a resource: what of the step's time one per cent more of it is worth.
TextTable help_table(const SimulatedStep&);
/// One row a kind of link, the busiest first; what packets did where there were any.
TextTable tier_table(const SimulationResult&, const SimulatedStep&);
/// "ub: L1 10 to die 18 33.3 %, …": a few links of each kind, the busiest first.
std::string busiest_links(const PortTier&);

}  // namespace podium
