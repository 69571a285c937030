#pragma once

#include "sim/study/result.h"

namespace podium::test {

/// Hand-made results of the shape and size that the main studies give; the numbers are invented. Phases' parts sum to
/// their times, and throughput per chip, rank and watt agrees with the whole.
ComparisonResult example_comparison();

/// Systems A, B, C … with one chip each, all on one workload with these throughputs; 0: no plan.
ComparisonResult small_comparison(const std::vector<double>& throughputs);

/// Two systems over chip counts, one point refused.
SweepResult example_sweep();

}  // namespace podium::test
