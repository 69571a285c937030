#include "sim/calibration/collective_fit.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>
#include <tuple>

#include "sim/calibration/fit.h"

namespace podium {
namespace {

/// The fastest way, and less where others are close to it: (sum of times^-sharpness)^(-1 / sharpness).
Seconds faded(const std::vector<CollectiveTime::Prediction>& ways, double sharpness) {
  const Seconds fastest = ways.front().time;
  double sum = 0;
  for (const CollectiveTime::Prediction& way : ways) {
    sum += std::pow(way.time / fastest, -sharpness);
  }
  return fastest * std::pow(sum, -1 / sharpness);
}

/// Those in which a row can be done, and those that one of these ends no sooner than.
std::set<std::string> measured_regimes(std::span<const CollectiveRow> rows, const CommunicationLibrary& library,
                                       const CollectiveTime& time) {
  std::set<std::string> measured;
  for (const CollectiveRow& row : rows) {
    for (const CollectiveTime::Prediction& way : time.ways(row)) {
      measured.insert(way.regime);
    }
  }
  for (const Regime& regime : library.regimes) {
    if (measured.contains(regime.name) && !regime.at_least.empty()) {
      measured.insert(regime.at_least);
    }
  }
  return measured;
}

std::vector<Unknown> unknowns_of(CommunicationLibrary& library, const std::set<std::string>& measured) {
  std::vector<Unknown> unknowns;
  for (const Parameter& parameter : parameters_of(library)) {
    constexpr std::string_view before = "regimes.";
    const std::string name = parameter.name.substr(before.size(), parameter.name.rfind('.') - before.size());
    if (measured.contains(name)) {
      unknowns.push_back({parameter.value, parameter.low, parameter.high});
    }
  }
  return unknowns;
}

/// Figures that no row tells stay where they were: what little it costs to leave there is nothing beside what rows
/// cost.
constexpr double tether = 0.02;

void fit_rows(std::span<const CollectiveRow> rows, std::span<const Unknown> unknowns, const CollectiveTime& time) {
  constexpr double hard = std::numeric_limits<double>::infinity();
  std::vector<double> start;
  for (const Unknown& unknown : unknowns) {
    start.push_back(*unknown.value);
  }
  for (const double sharpness : {4.0, 16.0, hard}) {
    fit(unknowns, [&] {
      std::vector<double> residuals;
      for (const CollectiveRow& row : rows) {
        const Seconds predicted = sharpness < hard ? faded(time.ways(row), sharpness) : time(row);
        residuals.push_back(std::log(predicted / *row.time));
      }
      for (std::size_t i = 0; i < unknowns.size(); ++i) {
        residuals.push_back(tether * std::log(*unknowns[i].value / start[i]));
      }
      return residuals;
    });
  }
}

/// In anything but their times.
std::size_t distinct_rows(std::span<const CollectiveRow> rows) {
  std::set<std::tuple<CollectiveKind, std::uint32_t, std::uint32_t, double, std::string, std::string>> seen;
  for (const CollectiveRow& row : rows) {
    seen.insert({row.kind, row.ranks, row.ranks_per_domain, row.bytes.value(), row.regime, row.algorithm});
  }
  return seen.size();
}

std::string errors_text(const std::map<std::string, ErrorSummary>& errors) {
  std::string text;
  for (const auto& [name, error] : errors) {
    text += fmt::format("{}{} {:.1f} % ({} rows)", text.empty() ? "" : ", ", name, 100 * error.mean, error.rows);
  }
  return text;
}

/// A regime in a file.
std::string text_of(const Regime& regime, bool measured) {
  std::string kinds;
  for (const CollectiveKind kind : regime.kinds) {
    kinds += (kinds.empty() ? "" : ", ") + std::string(to_string(kind));
  }
  std::string text = fmt::format("  {}:\n    source: {}\n    algorithm: {}\n    kinds: [{}]\n{}", regime.name,
                                 measured ? "rows" : "start", regime.algorithm, kinds,
                                 regime.choices > 0 ? fmt::format("    choices: {:g}\n", regime.choices) : "");
  text += regime.also.empty() ? "" : fmt::format("    also: [{}]\n", fmt::join(regime.also, ", "));
  text += regime.by_name ? "    by_name: true\n" : "";
  text += regime.balanced ? "    balanced: true\n" : "";
  text += regime.plane.empty() ? "" : fmt::format("    plane: {}\n", regime.plane);
  text += regime.fewest > 0 ? fmt::format("    fewest: {}\n", regime.fewest) : "";
  text += regime.most > 0 ? fmt::format("    most: {:g} KiB\n", regime.most / 1024) : "";
  text += regime.at_least.empty() ? "" : fmt::format("    at_least: {}\n", regime.at_least);
  CommunicationLibrary alone{"", "", {regime}};
  for (const Parameter& parameter : parameters_of(alone)) {
    text += fmt::format("    {}: {}\n", parameter.name.substr(parameter.name.rfind('.') + 1), figure_text(parameter));
  }
  return text;
}

/// Errors of rows of each number of ranks by figures that were fitted to all others, from those of the whole fit; none
/// where there are no others.
std::map<std::string, ErrorSummary> unseen_errors(std::span<const CollectiveRow> rows, CommunicationLibrary& library,
                                                  std::span<const Unknown> unknowns, const CollectiveTime& time) {
  const CommunicationLibrary fitted = library;
  std::map<std::uint32_t, std::vector<CollectiveRow>> by_ranks;
  for (const CollectiveRow& row : rows) {
    by_ranks[row.ranks].push_back(row);
  }
  if (by_ranks.size() == 1) {
    return {};
  }
  Errors errors;
  for (const auto& [ranks, own] : by_ranks) {
    std::vector<CollectiveRow> others;
    std::copy_if(rows.begin(), rows.end(), std::back_inserter(others),
                 [left_out = ranks](const CollectiveRow& row) { return row.ranks != left_out; });
    fit_rows(others, unknowns, time);
    add_errors(errors, own, time);
    std::copy(fitted.regimes.begin(), fitted.regimes.end(), library.regimes.begin());  // unknowns stay where they are
  }
  return summaries(errors);
}

}  // namespace

CollectiveCalibration calibrate_collectives(std::span<const CollectiveRow> rows, const std::string& system,
                                            const CommunicationLibrary& start) {
  CommunicationLibrary library = start;
  for (const CollectiveRow& row : rows) {
    if (!row.time) {
      throw InputError(row.where, "a row to fit has a time: a column 'seconds', 'latency_us' or 'median_ms'");
    }
  }
  const CollectiveTime time = collective_time(system, &library);
  for (const CollectiveRow& row : rows) {
    if (row.algorithm != "auto" && row.regime.empty()) {
      throw InputError(row.where,
                       "algorithm: a row that names one is timed by its schedule, with nothing to fit; 'auto' "
                       "is right, or a regime");
    }
    if (time.predict(row).regime.empty()) {
      throw InputError(row.where,
                       fmt::format("no regime of the start does {} among {} ranks of {}: it has nothing to fit",
                                   to_string(row.kind), row.ranks, system));
    }
  }
  CollectiveCalibration result;
  result.measured = measured_regimes(rows, library, time);
  const std::vector<Unknown> unknowns = unknowns_of(library, result.measured);
  if (const std::size_t distinct = distinct_rows(rows); distinct < std::max<std::size_t>(1, 2 * unknowns.size())) {
    throw InputError(
        fmt::format("{} rows that differ cannot determine the {} figures of {}; give at least twice as many", distinct,
                    unknowns.size(), fmt::join(result.measured, ", ")));
  }
  result.before = errors_of(rows, time);
  fit_rows(rows, unknowns, time);
  result.figures = library;
  result.fitted = errors_of(rows, time);
  result.unseen = unseen_errors(rows, library, unknowns, time);
  return result;
}

std::string to_yaml(const CollectiveCalibration& calibration, const std::string& system, const std::string& origin,
                    const std::string& start) {
  const CommunicationLibrary& library = calibration.figures;
  std::string regimes;
  bool all_measured = true;
  for (const Regime& regime : library.regimes) {
    const bool measured = calibration.measured.contains(regime.name);
    regimes += text_of(regime, measured);
    all_measured &= measured;
  }
  const std::string others = fmt::format(
      "  start:\n    text: \"no rows that these regimes do: the figures of {}\"\n    grade: estimated\n", start);
  return fmt::format(
      "# Written by `podium calibrate collective`.\n"
      "description: \"{}, {}: collectives\"\n"
      "sources:\n  rows:\n    text: \"{}. Mean error of the fit: {}; of rows of as many ranks as no row of the fit: "
      "{}; "
      "before: {}\"\n    grade: derived\n{}stack: {}\nplane: {}\nregimes:\n{}",
      system, library.stack, origin, errors_text(calibration.fitted),
      calibration.unseen.empty() ? "none, as all are of one number" : errors_text(calibration.unseen),
      errors_text(calibration.before), all_measured ? "" : others, library.stack, library.plane, regimes);
}

}  // namespace podium
