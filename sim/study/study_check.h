#pragma once

#include <string>

#include "sim/hardware/system.h"
#include "sim/study/study.h"

namespace podium {

/// What the plans of one system in one regime are checked against, at the place where they are written.
struct PlanTarget {
  ModelSpec model;
  SystemSpec system;
  ChipSpec chip;
  std::uint32_t ranks_per_domain = 0;  ///< that may be used
};

PlanTarget load_target(const std::string& model, const std::string& system, const Location& where);

/// That a system, its chip and its topology fit together at all, so that a plan is refused only for what it is.
void check_machine(const SystemSpec&, const Location& where);

/// An instance's plan suits the model and the chip, and lies within one domain.
void check_instance(const PlanTarget&, const InferencePlan&, const Node& node);

/// `name` is a plane of the system's network that its accelerators are joined to.
void check_plane(const PlanTarget&, const Node& name);

/// Each value that is listed is part of some plan that suits the model and the chip, whatever the number of chips.
/// Where no plan suits them, the list or setting is refused that alone is why, or else the options. `node` is what
/// these were read from.
void check_degrees(const PlanTarget&, const TrainingOptions&, const Node& node);

}  // namespace podium
