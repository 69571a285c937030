#pragma once

#include <string>

#include "sim/hardware/system.h"
#include "sim/study/result.h"
#include "sim/study/study.h"
#include "sim/system/simulator.h"

namespace podium {

/// What a case is run on: a number of chips of a system, from its first one on.
struct Allowance {
  std::string system;
  std::uint32_t chips = 0;
};

/// The best deployment of a model on some chips, by search: for each pair of templates the split of ranks between
/// prefill and decode that balances their predicted rates, the most promising ones simulated, each at the highest rate
/// that keeps the SLO (bisection to 1 %). A case without any plan that fits has throughput zero and says why in its
/// alternatives.
CaseResult evaluate_serving(const Study&, const ServingWorkload&, const ServingRegime&, const ServingOptions&,
                            const Allowance&);

/// The fastest plan of a training step on some chips among those that fit in memory.
CaseResult evaluate_training(const Study&, const TrainingWorkload&, const TrainingRegime&, const TrainingOptions&,
                             const Allowance&);

/// The names that the user's network choice may have.
SimulatorOptions simulator_options(const Study&);

}  // namespace podium
