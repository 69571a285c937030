#pragma once

#include <map>
#include <string>
#include <vector>

#include "sim/calibration/row_table.h"
#include "sim/compute/tiled.h"

namespace podium {

/// A product that somebody timed.
struct MeasuredGemm {
  Gemm gemm;
  Seconds time;
};

/// Rows of `podium predict gemm` with a measured time: a column `seconds`, or `latency_us`. Rows of types that the
/// figures do not have are left out; of the others at most `most`, evenly chosen (0: all).
std::vector<MeasuredGemm> measured_gemms(const RowTable& table, const TiledFigures& figures, std::size_t most = 0);

/// Mean and 90th percentile of |predicted / measured - 1|, and mean of predicted / measured - 1.
struct ErrorSummary {
  std::size_t rows = 0;
  double mean = 0, p90 = 0, bias = 0;
};
ErrorSummary summary_of(const std::vector<double>& errors);
using ErrorsByType = std::map<DataType, ErrorSummary>;

ErrorsByType errors_of(const std::vector<MeasuredGemm>& rows, const ChipSpec& chip, const TiledFigures& figures);

struct Calibration {
  TiledFigures figures;
  ErrorsByType before;  ///< with the figures at the start
  ErrorsByType fitted;  ///< on the rows that were fitted
  ErrorsByType unseen;  ///< each row by figures fitted without any row of its n and k
};

/// Fits all parameters_of(start) to the rows, and once more for each of `folds` parts of the shapes of the weights,
/// to the rows of all other parts. InputError where there are fewer rows than figures.
Calibration calibrate_gemm(const std::vector<MeasuredGemm>& rows, const ChipSpec& chip, TiledFigures start,
                           int folds = 5);

/// The file for configs/calibration that read_tiled reads, with the errors in its description. `origin` says where the
/// rows come from.
std::string to_yaml(const Calibration& calibration, const ChipSpec& chip, const std::string& origin);

}  // namespace podium
