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

/// What a fit has to know of a kind of rows: rows with `time`, how long the figures say that a row takes, its type, and
/// the shape of its weights.
struct Gemms {
  using Row = MeasuredGemm;
  using Figures = TiledFigures;
  const ChipSpec& chip;

  Seconds time(const Row& row, const Figures& figures) const {
    return tiled_cost(row.gemm, chip, figures, {}, Conditions::measured).time;
  }
  static std::string name(const Row& row) { return std::string(to_string(row.gemm.type)); }
  static std::pair<double, double> weights(const Row& row) { return {row.gemm.n, row.gemm.k}; }
};

struct Groups {
  using Row = MeasuredGroup;
  using Figures = TiledFigures;
  const ChipSpec& chip;

  Seconds time(const Row& row, const Figures& figures) const {
    return tiled_cost(row.gemm, chip, figures, {}, Conditions::measured).time;
  }
  static std::string name(const Row& row) { return fmt::format("grouped_gemm {}", to_string(row.gemm.type)); }
  static std::pair<double, double> weights(const Row& row) { return {row.gemm.n * row.gemm.k, row.gemm.groups}; }
};

struct Experts {
  using Row = MeasuredExperts;
  using Figures = ExpertFigures;
  const ChipSpec& chip;
  const TiledFigures& products;

  Seconds time(const Row& row, const Figures& figures) const {
    return experts_time(row.share, chip, products, figures);
  }
  static std::string name(const Row& row) { return name_of(row.share); }
  static std::pair<double, double> weights(const Row& row) { return {row.share.inner, row.share.hidden}; }
};

/// The weights' shapes, each with the part that it belongs to.
template <class Kind>
std::map<std::pair<double, double>, int> parts_of(const std::vector<typename Kind::Row>& rows, int folds) {
  std::map<std::pair<double, double>, int> parts;
  for (const typename Kind::Row& row : rows) {
    parts[Kind::weights(row)] = 0;
  }
  int next = 0;
  for (auto& [shape, part] : parts) {
    part = next++ % folds;
  }
  return parts;
}

template <class Kind>
typename Kind::Figures fitted(const std::vector<typename Kind::Row>& rows, const Kind& kind,
                              typename Kind::Figures figures) {
  std::vector<Unknown> unknowns;
  for (const Parameter& parameter : parameters_of(figures)) {
    unknowns.push_back({parameter.value, parameter.low, parameter.high});
  }
  fit(unknowns, [&] {
    std::vector<double> residuals;
    for (const typename Kind::Row& row : rows) {
      residuals.push_back(std::log(kind.time(row, figures) / row.time));
    }
    return residuals;
  });
  return figures;
}

template <class Kind>
ErrorsByType errors_of(const std::vector<typename Kind::Row>& rows, const Kind& kind,
                       const typename Kind::Figures& figures) {
  Errors errors;
  for (const typename Kind::Row& row : rows) {
    errors[Kind::name(row)].push_back(kind.time(row, figures) / row.time - 1);
  }
  return summaries(errors);
}

template <class Kind>
ErrorsByType unseen_errors(const std::vector<typename Kind::Row>& rows, const Kind& kind,
                           const typename Kind::Figures& start, int folds) {
  const auto parts = parts_of<Kind>(rows, folds);
  Errors errors;
  for (int fold = 0; fold < folds; ++fold) {
    const auto belongs = [&](const typename Kind::Row& row) { return parts.at(Kind::weights(row)) == fold; };
    std::vector<typename Kind::Row> others;
    std::remove_copy_if(rows.begin(), rows.end(), std::back_inserter(others), belongs);
    const typename Kind::Figures figures = fitted(others, kind, start);
    for (const typename Kind::Row& row : rows) {
      if (belongs(row)) {
        errors[Kind::name(row)].push_back(kind.time(row, figures) / row.time - 1);
      }
    }
  }
  return summaries(errors);
}

template <class Kind>
Calibration<typename Kind::Figures> calibrate(const std::vector<typename Kind::Row>& rows, const Kind& kind,
                                              typename Kind::Figures start, int folds) {
  const std::size_t unknowns = parameters_of(start).size();
  if (rows.size() < 2 * unknowns) {
    throw InputError(
        fmt::format("{} rows cannot determine {} figures; give at least twice as many", rows.size(), unknowns));
  }
  Calibration<typename Kind::Figures> result;
  result.before = errors_of(rows, kind, start);
  result.figures = fitted(rows, kind, start);
  result.fitted = errors_of(rows, kind, result.figures);
  result.unseen = unseen_errors(rows, kind, result.figures, folds);
  return result;
}

/// Reads a row's time: a column of seconds, or of microseconds.
class MeasuredTime {
 public:
  explicit MeasuredTime(const RowTable& table)
      : time_(Column::required(table, names)),
        unit_(std::count(table.columns.begin(), table.columns.end(), "seconds") > 0 ? 1 : 1e-6) {}

  Seconds operator()(const TableRow& row) const { return Seconds(time_.positive(row) * unit_); }

 private:
  static constexpr std::string_view names[] = {"seconds", "latency_us"};
  Column time_;
  double unit_;
};

/// At most `most` rows, evenly chosen; 0: all.
template <class Row>
std::vector<Row> chosen_of(std::vector<Row> all, std::size_t most) {
  if (most == 0 || all.size() <= most) {
    return all;
  }
  std::vector<Row> chosen;
  for (std::size_t i = 0; i < most; ++i) {
    chosen.push_back(all[i * all.size() / most]);
  }
  return chosen;
}

/// Rows of the types that the figures have.
template <class Row, class Product>
std::vector<Row> measured_products(const RowTable& table, std::string_view kind, const TiledFigures& figures,
                                   std::size_t most) {
  const MeasuredTime time(table);
  const RowKernels kernels = OperatorRows::find(kind)(table);
  std::vector<Row> all;
  for (const TableRow& row : table.rows) {
    const Product product = std::get<Product>(kernels(row).front());
    if (figures.types.contains(product.type)) {
      all.push_back({product, time(row)});
    }
  }
  return chosen_of(std::move(all), most);
}

std::string text_of(const std::vector<Tile>& tiles) {
  std::string text;
  for (const Tile& tile : tiles) {
    text += fmt::format("{}[{}, {}]", text.empty() ? "" : ", ", tile.rows, tile.columns);
  }
  return fmt::format("[{}]", text);
}

std::string head_of(const TiledFigures& figures) {
  return fmt::format("in_turn: {:g}\nstep: {:g}\n", figures.in_turn, figures.step);
}
std::string head_of(const ExpertFigures&) { return ""; }
std::string head_of(const TiledType& type) {
  return fmt::format("    tiles: {}\n    most_splits: {}\n", text_of(type.tiles), type.most_splits);
}
std::string head_of(const ExpertType& type) {
  return fmt::format("    tiles: {}\n{}", text_of(type.tiles), type.padded ? "    padded: true\n" : "");
}

const TiledType& own_of(const TiledFigures& figures, const std::string& name) {
  return figures.types.at(parse_data_type(name));
}
const ExpertType& own_of(const ExpertFigures& figures, const std::string& name) { return figures.types.at(name); }

template <class Figures>
std::string yaml_of(const Calibration<Figures>& calibration, const std::string& subject, const std::string& origin) {
  Figures figures = calibration.figures;
  const std::string text = fmt::format(
      "# Written by `podium calibrate`.\n"
      "description: \"{}\"\n"
      "sources:\n  rows:\n    text: \"{}. Mean error of the fit: {}; of shapes left out of it: {}; before: {}\"\n"
      "    grade: derived\nsource: rows\nstack: {}\n",
      subject, origin, text_of(calibration.fitted), text_of(calibration.unseen), text_of(calibration.before),
      figures.stack);
  return text + head_of(figures) +
         figures_text(parameters_of(figures), [&](const std::string& name) { return head_of(own_of(figures, name)); });
}

}  // namespace

std::vector<MeasuredGemm> measured_gemms(const RowTable& table, const TiledFigures& figures, std::size_t most) {
  return measured_products<MeasuredGemm, Gemm>(table, "gemm", figures, most);
}

std::vector<MeasuredGroup> measured_groups(const RowTable& table, const TiledFigures& figures, std::size_t most) {
  return measured_products<MeasuredGroup, GroupedGemm>(table, "grouped_gemm", figures, most);
}

std::vector<MeasuredExperts> measured_experts(const RowTable& table, const ExpertFigures& figures, std::size_t most) {
  const MeasuredTime time(table);
  const auto shares = expert_rows(table);
  std::vector<MeasuredExperts> all;
  for (const TableRow& row : table.rows) {
    const ExpertShare share = shares(row);
    if (figures.types.contains(name_of(share))) {
      all.push_back({share, time(row)});
    }
  }
  return chosen_of(std::move(all), most);
}

ErrorSummary summary_of(const std::vector<double>& errors) {
  std::vector<double> absolute;
  for (const double error : errors) {
    absolute.push_back(std::abs(error));
  }
  return {errors.size(), mean(absolute), quantile(absolute, 0.9), mean(errors)};
}

ErrorsByType summaries(const Errors& errors) {
  ErrorsByType result;
  for (const auto& [type, all] : errors) {
    result[type] = summary_of(all);
  }
  return result;
}

std::string text_of(const ErrorsByType& errors) {
  std::string text;
  for (const auto& [type, error] : errors) {
    text += fmt::format("{}{} {} rows {:.1f} % (90th percentile {:.1f} %)", text.empty() ? "" : ", ", type, error.rows,
                        100 * error.mean, 100 * error.p90);
  }
  return text;
}

ErrorsByType errors_of(const std::vector<MeasuredGemm>& rows, const ChipSpec& chip, const TiledFigures& figures) {
  return errors_of(rows, Gemms{chip}, figures);
}

ErrorsByType errors_of(const std::vector<MeasuredExperts>& rows, const ChipSpec& chip, const TiledFigures& products,
                       const ExpertFigures& figures) {
  return errors_of(rows, Experts{chip, products}, figures);
}

Calibration<TiledFigures> calibrate_gemm(const std::vector<MeasuredGemm>& rows, const ChipSpec& chip,
                                         const TiledFigures& start, int folds) {
  return calibrate(rows, Gemms{chip}, start, folds);
}

Calibration<TiledFigures> calibrate_groups(const std::vector<MeasuredGroup>& rows, const ChipSpec& chip,
                                           const TiledFigures& start, int folds) {
  return calibrate(rows, Groups{chip}, start, folds);
}

Calibration<ExpertFigures> calibrate_experts(const std::vector<MeasuredExperts>& rows, const ChipSpec& chip,
                                             const TiledFigures& products, const ExpertFigures& start, int folds) {
  return calibrate(rows, Experts{chip, products}, start, folds);
}

std::string to_yaml(const Calibration<TiledFigures>& calibration, const ChipSpec& chip, const std::string& origin) {
  return yaml_of(calibration, fmt::format("{}, {}: products by tiles", chip.name, calibration.figures.stack), origin);
}

std::string to_yaml(const Calibration<ExpertFigures>& calibration, const ChipSpec& chip, const std::string& origin) {
  return yaml_of(calibration, fmt::format("{}, {}: experts", chip.name, calibration.figures.stack), origin);
}

}  // namespace podium
