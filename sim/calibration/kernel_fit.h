#pragma once

#include <functional>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "sim/calibration/calibrate.h"
#include "sim/calibration/row_table.h"
#include "sim/compute/attention.h"
#include "sim/compute/memory_bound.h"

namespace podium {

/// A kernel that somebody timed.
struct MeasuredKernel {
  Kernel kernel;
  Seconds time;
};

/// Rows of `podium predict KIND` that stand for one kernel each, with a measured time: a column `seconds`, or
/// `latency_us`. Of rows of one kernel by several back ends (a column `backend`) the fastest counts. At most `most`,
/// evenly chosen (0: all).
std::vector<MeasuredKernel> measured_kernels(const RowTable& table, std::string_view kind, std::size_t most = 0);

using KernelTimer = std::function<Seconds(const Kernel&)>;

struct KernelFit {
  ErrorsByType before;  ///< with the parameters' values at the start
  ErrorsByType fitted;  ///< on the rows that were fitted
  ErrorsByType unseen;  ///< each row by parameters fitted without any row of its shape (heads, widths, sequences)
};

/// Moves the parameters, which `time` reads, to where they fit the rows. InputError where there are fewer rows than
/// twice the parameters.
KernelFit fit_kernels(std::span<const MeasuredKernel> rows, std::span<const Parameter> parameters,
                      const KernelTimer& time, int folds);
ErrorsByType errors_of(std::span<const MeasuredKernel> rows, const KernelTimer& time);

/// Times of attention or MLA, whichever the figures are of, as measured. Both arguments must live as long as the
/// result.
KernelTimer attention_time(const ChipSpec& chip, const AttentionFigures& figures);

KernelTimer memory_time(const ChipSpec& chip, const MemoryFigures& figures);

/// The file for configs/calibration/KIND that read_attention reads, with the errors in its source. `origin` says where
/// the rows come from.
std::string to_yaml(AttentionFigures figures, const std::string& kind, const KernelFit& fit, const ChipSpec& chip,
                    const std::string& origin);
/// The same of read_memory, in configs/calibration/memory.
std::string to_yaml(MemoryFigures figures, const KernelFit& fit, const ChipSpec& chip, const std::string& origin);

}  // namespace podium
