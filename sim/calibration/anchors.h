#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "sim/config/config.h"
#include "sim/system/simulator.h"
#include "sim/workload/inference.h"
#include "sim/workload/training.h"

namespace podium {

/// One iteration of an instance whose rate was published.
struct StepPoint {
  InferencePlan plan;
  StepShape shape;
};

/// A published result that Podium predicts with no parameter fitted to it.
struct Anchor {
  std::string name;
  Location where;
  std::string system, model;
  std::uint32_t ranks_per_domain = 0;  ///< 0: all
  std::variant<StepPoint, TrainingPlan> point;
  double published = 0;  ///< in `unit`
  /// "tokens/s/chip": decode: accepted tokens, prefill: prompt tokens, training: tokens of the batch; "ms/iteration";
  /// "ms/token" (of one sequence).
  std::string unit;
  std::string source;
};

struct AnchorResult {
  Anchor anchor;
  double predicted = 0;
  Execution execution;
  double error() const { return predicted / anchor.published - 1; }
};

/// Reads configs/calibration/anchors.yaml (or a path). A plan that cannot be on its model and chip, a shape without
/// work and a unit that does not suit are InputErrors at their place.
std::vector<Anchor> load_anchors(const std::string& path = "anchors");

/// Runs the anchor's step on its system.
AnchorResult evaluate(const Anchor&);

}  // namespace podium
