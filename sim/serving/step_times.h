#pragma once

#include <array>
#include <map>
#include <utility>
#include <vector>

#include "sim/system/simulator.h"
#include "sim/workload/inference.h"

namespace podium {

/// How long one iteration of an instance takes, by what its batch holds. Each step is executed on the simulator at the
/// nodes of a grid (sequences and tokens: whole numbers up to eight, from there on powers of the square root of two;
/// contexts: powers of two), once, when it is first asked for; between nodes the time is interpolated linearly.
class StepTimes {
 public:
  StepTimes(Simulator& simulator, const ModelSpec& model, const InferencePlan& plan);

  Seconds time(const StepShape&);
  /// The step itself, at the shape's own numbers.
  Execution execute(const StepShape&);
  const InferencePlan& plan() const { return plan_; }
  std::size_t steps_executed() const { return known_.size(); }

 private:
  using Point = std::array<double, 5>;
  /// Nodes around a point, and the times at the corners: bit by bit above or below, none where an axis has one node.
  struct Cell {
    std::array<std::pair<double, double>, 5> axes;  ///< below and above
    std::vector<std::pair<unsigned, Seconds>> corners;
    bool holds(const Point&) const;
  };
  Seconds at_node(const Point&);
  Cell around(const Point&);

  Simulator& simulator_;
  const ModelSpec& model_;
  InferencePlan plan_;
  std::map<Point, Seconds> known_;
  Cell last_;  ///< one iteration is mostly like the one before
};

}  // namespace podium
