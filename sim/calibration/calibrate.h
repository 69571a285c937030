#pragma once

#include <map>
#include <string>
#include <vector>

#include "sim/calibration/row_table.h"
#include "sim/compute/experts.h"

namespace podium {

/// A product that somebody timed.
struct MeasuredGemm {
  Gemm gemm;
  Seconds time;
};

/// Rows of `podium predict gemm` with a measured time: a column `seconds`, or `latency_us`. Rows of types that the
/// figures do not have are left out; of the others at most `most`, evenly chosen (0: all).
std::vector<MeasuredGemm> measured_gemms(const RowTable& table, const TiledFigures& figures, std::size_t most = 0);

/// A product for each of several experts that somebody timed.
struct MeasuredGroup {
  GroupedGemm gemm;
  Seconds time;
};

/// Rows of `podium predict grouped_gemm` with a measured time, chosen likewise.
std::vector<MeasuredGroup> measured_groups(const RowTable& table, const TiledFigures& figures, std::size_t most = 0);

/// A rank's share of a layer's experts that somebody timed.
struct MeasuredExperts {
  ExpertShare share;
  Seconds time;
};

/// Rows of `podium predict moe` with a measured time, chosen likewise.
std::vector<MeasuredExperts> measured_experts(const RowTable& table, const ExpertFigures& figures,
                                              std::size_t most = 0);

/// Mean and 90th percentile of |predicted / measured - 1|, and mean of predicted / measured - 1.
struct ErrorSummary {
  std::size_t rows = 0;
  double mean = 0, p90 = 0, bias = 0;
};
ErrorSummary summary_of(const std::vector<double>& errors);
/// By a type or name of what was measured.
using Errors = std::map<std::string, std::vector<double>>;
using ErrorsByType = std::map<std::string, ErrorSummary>;
ErrorsByType summaries(const Errors& errors);
/// "bf16 12 rows 3.4 % (90th percentile 8.1 %), ...".
std::string text_of(const ErrorsByType& errors);

ErrorsByType errors_of(const std::vector<MeasuredGemm>& rows, const ChipSpec& chip, const TiledFigures& figures);

/// The same of experts, whose products are as in `products`.
ErrorsByType errors_of(const std::vector<MeasuredExperts>& rows, const ChipSpec& chip, const TiledFigures& products,
                       const ExpertFigures& figures);

template <class Figures>
struct Calibration {
  Figures figures;
  ErrorsByType before;  ///< with the figures at the start
  ErrorsByType fitted;  ///< on the rows that were fitted
  ErrorsByType unseen;  ///< each row by figures fitted without any row of its shape of weights
};

/// Fits all parameters_of(start) to the rows, and once more for each of `folds` parts of the shapes of the weights,
/// to the rows of all other parts. InputError where there are fewer rows than figures.
Calibration<TiledFigures> calibrate_gemm(const std::vector<MeasuredGemm>& rows, const ChipSpec& chip,
                                         const TiledFigures& start, int folds = 5);
Calibration<TiledFigures> calibrate_groups(const std::vector<MeasuredGroup>& rows, const ChipSpec& chip,
                                           const TiledFigures& start, int folds = 5);
Calibration<ExpertFigures> calibrate_experts(const std::vector<MeasuredExperts>& rows, const ChipSpec& chip,
                                             const TiledFigures& products, const ExpertFigures& start, int folds = 5);

/// The file for configs/calibration that read_tiled or read_experts reads, with the errors in its description. `origin`
/// says where the rows come from.
std::string to_yaml(const Calibration<TiledFigures>& calibration, const ChipSpec& chip, const std::string& origin);
std::string to_yaml(const Calibration<ExpertFigures>& calibration, const ChipSpec& chip, const std::string& origin);

}  // namespace podium
