#pragma once

#include <functional>
#include <string>

#include "sim/study/result.h"
#include "sim/study/study.h"

namespace podium {

/// Told from any thread as work units end: how many of how many.
using Progress = std::function<void(std::size_t done, std::size_t of)>;

struct RunOptions {
  int threads = 0;  ///< 0: as many as there are cores
  Progress progress;
};

/// Runs all cases of a comparison, and its crossovers. A pure function of the study: the same result for any number of
/// threads.
ComparisonResult run_comparison(const Study&, const RunOptions& = {});

/// Runs all points of a sweep over `study.chips`, in parallel.
SweepResult run_sweep(const Study&, const RunOptions& = {});

}  // namespace podium
