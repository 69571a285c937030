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
  Allocation allocation;
  std::variant<Iteration, TrainingPlan> work;
};

TaskGraph graph_of(const PlannedStep&, const ChipSpec&);

}  // namespace podium
