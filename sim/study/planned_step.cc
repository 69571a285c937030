#include "sim/study/planned_step.h"

namespace podium {

Allocation allocation_of(const PlannedStep& step, Bundles bundles) {
  const auto* iteration = std::get_if<Iteration>(&step.work);
  const std::uint32_t ranks =
      iteration != nullptr ? iteration->plan.ranks() : std::get<TrainingPlan>(step.work).ranks();
  return {ranks, step.ranks_per_domain, bundles};
}

TaskGraph graph_of(const PlannedStep& step, const ChipSpec& chip) {
  const ModelSpec model = load_model(step.model);
  if (const auto* iteration = std::get_if<Iteration>(&step.work)) {
    return inference_step(model, chip, iteration->plan, iteration->shape);
  }
  return training_step(model, chip, std::get<TrainingPlan>(step.work));
}

}  // namespace podium
