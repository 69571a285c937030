#pragma once

#include "sim/study/result.h"

namespace podium::test {

/// Hand-made results of the shape and size that the main studies give; the numbers are invented. Phases' parts sum to
/// their times, and throughput per chip, rank and watt agrees with the whole.
ComparisonResult example_comparison();

/// Two systems over chip counts, one point refused.
SweepResult example_sweep();

}  // namespace podium::test
