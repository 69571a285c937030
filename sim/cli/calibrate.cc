// podium calibrate: fits the figures of a compute model to measured rows.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>
#include <memory>
#include <optional>

#include "sim/calibration/calibrate.h"
#include "sim/calibration/collective_fit.h"
#include "sim/calibration/kernel_fit.h"
#include "sim/cli/command.h"
#include "sim/cli/row_columns.h"

namespace podium {
namespace {

struct CalibrationOptions {
  std::string kind;
  std::string chip, system;
  std::string start;
  std::string in;
  std::string out;
  std::string origin;
  RowColumns added;
  std::size_t rows = 0;
  std::optional<int> folds;
};

/// Errors of one kind of rows: before the fit, of it, and on shapes left out of it.
struct Line {
  std::string name;
  ErrorSummary before, fitted;
  std::optional<ErrorSummary> unseen;  ///< nothing where nothing could be left out
};

std::string to_text(const std::vector<Line>& lines, const char* unseen) {
  std::string text =
      fmt::format("{:<24} {:>6}  {:>16} {:>16} {:>16}\n{:<24} {:>6}  {:>16} {:>16} {:>16}\n", "rows", "count", "before",
                  "fitted", unseen, "", "", "mean    p90", "mean    p90", "mean    p90");
  const auto cell = [](const ErrorSummary& error) {
    return fmt::format("{:.1f} % {:5.1f} %", 100 * error.mean, 100 * error.p90);
  };
  for (const Line& line : lines) {
    text += fmt::format("{:<24} {:>6}  {:>16} {:>16} {:>16}\n", line.name, line.before.rows, cell(line.before),
                        cell(line.fitted), line.unseen ? cell(*line.unseen) : "-");
  }
  return text;
}

RowTable rows_of(const CalibrationOptions& options) {
  RowTable table = load_table(options.in);
  add_columns(table, options.added);
  return table;
}

std::string origin_of(const CalibrationOptions& options) {
  return options.origin.empty() ? std::filesystem::path(options.in).filename().string() : options.origin;
}

void write(const CalibrationOptions& options, const std::string& text) {
  std::ofstream out(options.out);
  if (!(out << text << std::flush)) {
    throw RunError("cannot write '" + options.out + "'");
  }
}

/// Where a fit starts: a file, or the figures of a chip or of a chip and a stack.
const std::string& start_of(const CalibrationOptions& options) {
  return options.start.empty() ? options.chip : options.start;
}

int folds_of(const CalibrationOptions& options) {
  constexpr int usual = 5;
  return options.folds.value_or(usual);
}

/// Of a Calibration or a KernelFit.
template <class Fit>
std::vector<Line> lines_of(const Fit& fit) {
  std::vector<Line> lines;
  for (const auto& [name, before] : fit.before) {
    const auto unseen = fit.unseen.find(name);
    lines.push_back(
        {name, before, fit.fitted.at(name), unseen == fit.unseen.end() ? std::nullopt : std::optional(unseen->second)});
  }
  return lines;
}

std::vector<Line> calibrate_products(const CalibrationOptions& options, const ChipSpec& chip) {
  const TiledFigures start = load_tiled(start_of(options));
  const std::vector<MeasuredGemm> rows = measured_gemms(rows_of(options), start, options.rows);
  const Calibration<TiledFigures> calibration = calibrate_gemm(rows, chip, start, folds_of(options));
  write(options, to_yaml(calibration, chip, origin_of(options)));
  return lines_of(calibration);
}

std::vector<Line> calibrate_grouped(const CalibrationOptions& options, const ChipSpec& chip) {
  const TiledFigures start =
      read_tiled(Document::load(find_file("configs/calibration/" + options.kind, start_of(options))));
  const std::vector<MeasuredGroup> rows = measured_groups(rows_of(options), start, options.rows);
  const Calibration<TiledFigures> calibration = calibrate_groups(rows, chip, start, folds_of(options));
  write(options, to_yaml(calibration, chip, origin_of(options)));
  return lines_of(calibration);
}

std::vector<Line> calibrate_moe(const CalibrationOptions& options, const ChipSpec& chip) {
  const ExpertFigures start =
      read_experts(Document::load(find_file("configs/calibration/" + options.kind, start_of(options))));
  const std::vector<MeasuredExperts> rows = measured_experts(rows_of(options), start, options.rows);
  const TiledFigures products = load_tiled(chip.name, start.stack);
  const Calibration<ExpertFigures> calibration = calibrate_experts(rows, chip, products, start, folds_of(options));
  write(options, to_yaml(calibration, chip, origin_of(options)));
  return lines_of(calibration);
}

std::vector<Line> calibrate_attention(const CalibrationOptions& options, const ChipSpec& chip) {
  AttentionFigures figures =
      read_attention(Document::load(find_file("configs/calibration/" + options.kind, start_of(options))));
  const auto rows = measured_kernels(rows_of(options), options.kind, options.rows);
  const KernelFit fit = fit_kernels(rows, parameters_of(figures), attention_time(chip, figures), folds_of(options));
  write(options, to_yaml(figures, options.kind, fit, chip, origin_of(options)));
  return lines_of(fit);
}

std::vector<Line> calibrate_memory(const CalibrationOptions& options, const ChipSpec& chip) {
  MemoryFigures figures = read_memory(Document::load(find_file("configs/calibration/memory", start_of(options))));
  const auto rows = measured_kernels(rows_of(options), "memory", options.rows);
  const KernelFit fit = fit_kernels(rows, parameters_of(figures), memory_time(chip, figures), folds_of(options));
  write(options, to_yaml(figures, fit, chip, origin_of(options)));
  return lines_of(fit);
}

std::vector<Line> calibrate_library(const CalibrationOptions& options) {
  if (options.system.empty()) {
    throw InputError("--system says on which system the collectives were measured");
  }
  const std::pair<const char*, bool> of_operators[] = {
      {"--chip", !options.chip.empty()}, {"--rows", options.rows > 0}, {"--folds", options.folds.has_value()}};
  for (const auto& [option, given] : of_operators) {
    if (given) {
      throw InputError({option},
                       "is of operators: all rows of a collective are fitted, and each number of ranks left out once");
    }
  }
  const SystemSpec system = load_system(options.system);
  const std::optional<CommunicationLibrary> own = load_library(system);
  if (options.start.empty() && !own) {
    throw InputError({"--start"}, "says from which regimes to start: no library was measured on " + system.name +
                                      "; a file, or a name in configs/calibration/collective is right");
  }
  const CommunicationLibrary library =
      options.start.empty() ? *own
                            : read_library(Document::load(find_file("configs/calibration/collective", options.start)));
  const std::vector<CollectiveRow> rows = collective_rows(rows_of(options), &system);
  const auto calibration = calibrate_collectives(rows, options.system, library);
  const std::string& start = options.start.empty() ? system.name : options.start;
  write(options, to_yaml(calibration, options.system, origin_of(options), start));
  return lines_of(calibration);
}

/// Nothing that is read is written over.
void check_out(const CalibrationOptions& options) {
  const std::pair<const char*, const std::string&> read[] = {
      {"--in", options.in}, {"--start", options.start}, {"--system", options.system}, {"--chip", options.chip}};
  for (const auto& [option, path] : read) {
    std::error_code none;
    if (std::filesystem::equivalent(options.out, path, none)) {
      throw InputError({"--out"}, fmt::format("is the file of {}, which would be lost", option));
    }
  }
}

int calibrate(const CalibrationOptions& options) {
  check_out(options);
  if (options.kind == "collective") {
    std::cout << to_text(calibrate_library(options), "other ranks");
    return 0;
  }
  using Fit = std::vector<Line> (*)(const CalibrationOptions&, const ChipSpec&);
  const std::map<std::string, Fit> kinds{{"gemm", calibrate_products},       {"grouped_gemm", calibrate_grouped},
                                         {"attention", calibrate_attention}, {"mla", calibrate_attention},
                                         {"memory", calibrate_memory},       {"moe", calibrate_moe}};
  const auto kind = kinds.find(options.kind);
  if (kind == kinds.end()) {
    std::vector<std::string> known{"collective"};
    for (const auto& [name, fit] : kinds) {
      known.push_back(name);
    }
    throw InputError(unknown_name("kind of calibration", options.kind, known));
  }
  if (options.chip.empty()) {
    throw InputError("--chip says which chip was measured");
  }
  if (!options.system.empty() || !options.added.operation.empty()) {
    throw InputError({options.system.empty() ? "--op" : "--system"}, "is of collectives, not of " + options.kind);
  }
  std::cout << to_text(kind->second(options, load_chip(options.chip)), "unseen shapes");
  return 0;
}

std::function<int()> calibrate_command(CLI::App& app) {
  const auto options = std::make_shared<CalibrationOptions>();
  app.add_option("kind", options->kind,
                 "What the rows are: gemm, grouped_gemm, attention, mla, memory, moe, collective")
      ->required();
  app.add_option("--chip", options->chip, "The chip that was measured: a file, or a name in configs/chips");
  app.add_option("--system", options->system, "Of collectives, the system: a file, or a name in configs/systems");
  app.add_option("--in", options->in, "Measured rows: the columns of podium predict, and seconds or latency_us")
      ->required();
  app.add_option("--out", options->out, "The file to write; in configs/calibration the chip takes it")->required();
  app.add_option("--start", options->start,
                 "Figures to start from, with the library's tiles: a file, or a name in configs/calibration; without "
                 "it, those of the chip");
  add_column_options(app, options->added);
  app.add_option("--origin", options->origin, "Where the rows come from, for the file's source");
  app.add_option("--rows", options->rows, "Fit to so many of the rows, evenly chosen; without it, to all");
  app.add_option("--folds", options->folds, "Parts of the shapes, each predicted by a fit to the others; without it, 5")
      ->check(CLI::Range(2, 100));
  app.footer(
      "Example: podium calibrate gemm --chip h100-sxm --in rows.csv --out mine.yaml\n"
      "         podium calibrate collective --system hgx-h100 --in rows.csv --out mine.yaml");
  return [options] { return calibrate(*options); };
}

const Commands::Entry calibrate_entry{"calibrate", "Fit a compute model to measured rows", calibrate_command};

}  // namespace
}  // namespace podium
