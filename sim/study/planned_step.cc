#include "sim/study/planned_step.h"

namespace podium {

TaskGraph graph_of(const PlannedStep& step, const ChipSpec& chip) {
  const ModelSpec model = load_model(step.model);
  if (const auto* iteration = std::get_if<Iteration>(&step.work)) {
    return inference_step(model, chip, iteration->plan, iteration->shape);
  }
  return training_step(model, chip, std::get<TrainingPlan>(step.work));
}

}  // namespace podium
