#include "sim/calibration/calibrate.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <utility>

#include "sim/calibration/fit.h"
#include "sim/calibration/operator_rows.h"
#include "sim/core/quantile.h"

namespace podium {
namespace {

/// The weights' shapes, each with the part that it belongs to.
std::map<std::pair<double, double>, int> parts_of(const std::vector<MeasuredGemm>& rows, int folds) {
  std::map<std::pair<double, double>, int> parts;
  for (const MeasuredGemm& row : rows) {
    parts[{row.gemm.n, row.gemm.k}] = 0;
  }
  int next = 0;
  for (auto& [shape, part] : parts) {
    part = next++ % folds;
  }
  return parts;
}

double ratio(const MeasuredGemm& row, const ChipSpec& chip, const TiledFigures& figures) {
  return tiled_cost(row.gemm, chip, figures, {}, Conditions::measured).time / row.time;
}

TiledFigures fitted(const std::vector<MeasuredGemm>& rows, const ChipSpec& chip, TiledFigures figures) {
  std::vector<Unknown> unknowns;
  for (const Parameter& parameter : parameters_of(figures)) {
    unknowns.push_back({parameter.value, parameter.low, parameter.high});
  }
  fit(unknowns, [&] {
    std::vector<double> residuals;
    for (const MeasuredGemm& row : rows) {
      residuals.push_back(std::log(ratio(row, chip, figures)));
    }
    return residuals;
  });
  return figures;
}

ErrorsByType summaries(const std::map<DataType, std::vector<double>>& errors) {
  ErrorsByType result;
  for (const auto& [type, all] : errors) {
    result[type] = summary_of(all);
  }
  return result;
}

ErrorsByType unseen_errors(const std::vector<MeasuredGemm>& rows, const ChipSpec& chip, const TiledFigures& start,
                           int folds) {
  const auto parts = parts_of(rows, folds);
  std::map<DataType, std::vector<double>> errors;
  for (int fold = 0; fold < folds; ++fold) {
    const auto belongs = [&](const MeasuredGemm& row) { return parts.at({row.gemm.n, row.gemm.k}) == fold; };
    std::vector<MeasuredGemm> others;
    std::remove_copy_if(rows.begin(), rows.end(), std::back_inserter(others), belongs);
    const TiledFigures figures = fitted(others, chip, start);
    for (const MeasuredGemm& row : rows) {
      if (belongs(row)) {
        errors[row.gemm.type].push_back(ratio(row, chip, figures) - 1);
      }
    }
  }
  return summaries(errors);
}

std::string text_of(const ErrorsByType& errors) {
  std::string text;
  for (const auto& [type, error] : errors) {
    text += fmt::format("{}{} {} rows {:.1f} % (90th percentile {:.1f} %)", text.empty() ? "" : ", ", to_string(type),
                        error.rows, 100 * error.mean, 100 * error.p90);
  }
  return text;
}

/// What is chosen, not fitted, of a type.
std::string to_yaml(const TiledType& own) {
  std::string text = "    tiles: [";
  for (std::size_t i = 0; i < own.tiles.size(); ++i) {
    text += fmt::format("{}[{}, {}]", i == 0 ? "" : ", ", own.tiles[i].rows, own.tiles[i].columns);
  }
  return text + fmt::format("]\n    most_splits: {}\n", own.most_splits);
}

}  // namespace

std::vector<MeasuredGemm> measured_gemms(const RowTable& table, const TiledFigures& figures, std::size_t most) {
  const std::string_view names[] = {"seconds", "latency_us"};
  const Column time = Column::required(table, names);
  const bool in_seconds = std::count(table.columns.begin(), table.columns.end(), "seconds") > 0;
  const RowKernels kernels = OperatorRows::find("gemm")(table);
  std::vector<MeasuredGemm> all;
  for (const TableRow& row : table.rows) {
    const Gemm gemm = std::get<Gemm>(kernels(row).front());
    if (figures.types.contains(gemm.type)) {
      all.push_back({gemm, Seconds(time.positive(row) * (in_seconds ? 1 : 1e-6))});
    }
  }
  if (most == 0 || all.size() <= most) {
    return all;
  }
  std::vector<MeasuredGemm> chosen;
  for (std::size_t i = 0; i < most; ++i) {
    chosen.push_back(all[i * all.size() / most]);
  }
  return chosen;
}

ErrorSummary summary_of(const std::vector<double>& errors) {
  std::vector<double> absolute;
  for (const double error : errors) {
    absolute.push_back(std::abs(error));
  }
  return {errors.size(), mean(absolute), quantile(absolute, 0.9), mean(errors)};
}

ErrorsByType errors_of(const std::vector<MeasuredGemm>& rows, const ChipSpec& chip, const TiledFigures& figures) {
  std::map<DataType, std::vector<double>> errors;
  for (const MeasuredGemm& row : rows) {
    errors[row.gemm.type].push_back(ratio(row, chip, figures) - 1);
  }
  return summaries(errors);
}

Calibration calibrate_gemm(const std::vector<MeasuredGemm>& rows, const ChipSpec& chip, TiledFigures start, int folds) {
  const std::size_t unknowns = parameters_of(start).size();
  if (rows.size() < 2 * unknowns) {
    throw InputError(
        fmt::format("{} rows cannot determine {} figures; give at least twice as many", rows.size(), unknowns));
  }
  Calibration result;
  result.before = errors_of(rows, chip, start);
  result.figures = fitted(rows, chip, start);
  result.fitted = errors_of(rows, chip, result.figures);
  result.unseen = unseen_errors(rows, chip, result.figures, folds);
  return result;
}

std::string to_yaml(const Calibration& calibration, const ChipSpec& chip, const std::string& origin) {
  TiledFigures figures = calibration.figures;
  std::string text = fmt::format(
      "# Written by `podium calibrate gemm`.\n"
      "description: \"{}, {}: products by tiles\"\n"
      "sources:\n  rows:\n    text: \"{}. Mean error of the fit: {}; of shapes left out of it: {}; before: {}\"\n"
      "    grade: derived\nsource: rows\nstack: {}\nin_turn: {:g}\nstep: {:g}\n",
      chip.name, figures.stack, origin, text_of(calibration.fitted), text_of(calibration.unseen),
      text_of(calibration.before), figures.stack, figures.in_turn, figures.step);
  return text + figures_text(parameters_of(figures),
                             [&](const std::string& type) { return to_yaml(figures.types.at(parse_data_type(type))); });
}

}  // namespace podium
