#pragma once

#include <string>
#include <vector>

#include "sim/topology/topology.h"

namespace podium {

/// What a plane is, in numbers that can be checked against published closed forms.
struct PlaneMeasures {
  std::string plane;
  std::vector<std::pair<std::string, std::size_t>> nodes_by_tier;
  std::size_t links = 0;            ///< both directions counted once
  int diameter = 0;                 ///< the most switches between two accelerators
  std::size_t path_diversity = 0;   ///< shortest paths between the two accelerators that are farthest apart
  BytesPerSecond injection;         ///< out of all accelerators together
  BytesPerSecond bisection;         ///< one direction, raw: max-flow between the halves
  bool bisection_is_bound = false;  ///< true where halves were searched for: an upper bound
};

/// One entry a plane that joins accelerators. Max-flow by Boost.Graph (push-relabel).
std::vector<PlaneMeasures> measure(const Topology&);

}  // namespace podium
