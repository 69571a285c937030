#pragma once

#include <string>
#include <utility>
#include <vector>

#include "sim/study/study.h"

namespace podium {

/// The lists of degrees by the names that they have in a study.
std::vector<std::pair<std::string, std::vector<std::int64_t>*>> degree_lists(TrainingOptions&);

/// All combinations of the options' lists, with dp left at 1 and without names.
std::vector<TrainingPlan> training_plans(const TrainingOptions&);

/// The largest number of data-parallel replicas that the ranks hold and the batch divides by, with whole groups of
/// experts; 0 where there is none.
std::uint32_t widest_dp(const TrainingPlan&, std::uint32_t ranks);

/// "TP8 PP16 DP3 VP2, bf16, full recompute"; without DP where no width fits.
std::string describe(const TrainingPlan&);

}  // namespace podium
