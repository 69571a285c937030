#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "sim/serving/serving_log.h"
#include "sim/study/run.h"
#include "sim/study/step_run.h"

namespace podium {

struct SimulatedStep {
  PhaseResult phase;  ///< what the search kept of it
  StepRun planned;    ///< on the network that the plan was found with
  double packet_scale = 1;
  StepRun run;  ///< as asked for
};

struct SimulatedCase {
  CaseResult found;  ///< by the study's search
  std::vector<SimulatedStep> steps;
  std::optional<ServingLog> served;  ///< of serving, where a timeline was asked for
};

struct SimulationResult {
  ComparisonResult found;  ///< by the study's search, over the chosen cases
  std::string command;     ///< that makes this result again, where the program knows it
  std::string network;     ///< that the search used
  StepOptions options;
  std::vector<SimulatedCase> cases;  ///< those that have a plan
  std::uint64_t signature = 0;
};

/// Finds the plans of all cases as `run_comparison` does, and executes their steps once on the search's network.
SimulationResult find_steps(const Study&, const StepOptions&, const RunOptions& = {});

/// Of all steps together, at the packet sizes that were chosen; 0 where the network has no packets.
double packet_hops(const SimulationResult&);

/// Executes the steps as asked for. Progress is told in thousands of packet-hops where there are packets, else in
/// steps.
void execute_steps(SimulationResult&, const RunOptions& = {});

}  // namespace podium
