#pragma once

#include <vector>

#include "sim/core/rng.h"
#include "sim/study/result.h"

namespace podium {

/// What one uncertain fact does to the contenders of a contest: factors on their throughputs where it is at an end of
/// its range, in the contenders' order.
struct Influence {
  double below = 0.5;  ///< share of the range that lies below the value
  std::vector<double> at_low, at_high;
};

/// Draws each fact from its triangular distribution (its value the most likely, nothing beyond its range) independently
/// of the others. Between its value and an end a fact's factor changes linearly, and factors are multiplied.
/// `throughputs` has the leader first and the next one second. Those who draw level share the win.
Odds draw_odds(const std::vector<double>& throughputs, const std::vector<Influence>&, Rng);

}  // namespace podium
