#pragma once

#include <string>
#include <vector>

#include "sim/workload/inference.h"
#include "sim/workload/training.h"

namespace podium {

/// Settings of a plan that differ from their defaults and change nothing on this model, each with the reason, as notes
/// of a report: "acceptance has no effect: no tokens are drafted".
std::vector<std::string> idle_settings(const ModelSpec&, const InferencePlan&);
std::vector<std::string> idle_settings(const ModelSpec&, const TrainingPlan&);

}  // namespace podium
