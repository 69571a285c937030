#pragma once

#include <string>
#include <variant>

#include "sim/system/machine.h"
#include "sim/workload/inference.h"
#include "sim/workload/training.h"

namespace podium {

/// One iteration of one instance.
struct Iteration {
  InferencePlan plan;
  StepShape shape;
};

/// A step that a study has executed: all that it takes to execute it again, on another network model say.
struct PlannedStep {
  std::string system, model;
  std::uint32_t ranks_per_domain = 0;  ///< 0: all
  std::variant<Iteration, TrainingPlan> work;
};

/// The ranks that it takes.
Allocation allocation_of(const PlannedStep&, Bundles);

TaskGraph graph_of(const PlannedStep&, const ChipSpec&);

}  // namespace podium
