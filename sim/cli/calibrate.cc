// podium calibrate: fits the figures of a compute model to measured rows.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <memory>

#include "sim/calibration/calibrate.h"
#include "sim/cli/command.h"

namespace podium {
namespace {

struct Options {
  std::string kind;
  std::string chip;
  std::string start;
  std::string in;
  std::string out;
  std::string origin;
  std::size_t rows = 0;
  int folds = 5;
};

std::string to_text(const Calibration& calibration) {
  std::string text =
      fmt::format("{:<10} {:>6}  {:>16} {:>16} {:>16}\n{:<10} {:>6}  {:>16} {:>16} {:>16}\n", "type", "rows", "before",
                  "fitted", "unseen shapes", "", "", "mean    p90", "mean    p90", "mean    p90");
  const auto cell = [](const ErrorSummary& error) {
    return fmt::format("{:.1f} % {:5.1f} %", 100 * error.mean, 100 * error.p90);
  };
  for (const auto& [type, before] : calibration.before) {
    text += fmt::format("{:<10} {:>6}  {:>16} {:>16} {:>16}\n", to_string(type), before.rows, cell(before),
                        cell(calibration.fitted.at(type)), cell(calibration.unseen.at(type)));
  }
  return text;
}

/// Where the fit starts: a file, or the figures of a chip or of a chip and a stack.
TiledFigures start_of(const Options& options) {
  return load_tiled(options.start.empty() ? options.chip : options.start);
}

int calibrate(const Options& options) {
  if (options.kind != "gemm") {
    const std::vector<std::string> known{"gemm"};
    throw InputError(unknown_name("kind of calibration", options.kind, known));
  }
  const ChipSpec chip = load_chip(options.chip);
  const TiledFigures start = start_of(options);
  const std::vector<MeasuredGemm> rows = measured_gemms(load_table(options.in), start, options.rows);
  const Calibration calibration = calibrate_gemm(rows, chip, start, options.folds);
  std::ofstream out(options.out);
  const std::string origin =
      options.origin.empty() ? std::filesystem::path(options.in).filename().string() : options.origin;
  if (!(out << to_yaml(calibration, chip, origin) << std::flush)) {
    throw RunError("cannot write '" + options.out + "'");
  }
  std::cout << to_text(calibration);
  return 0;
}

std::function<int()> add(CLI::App& app) {
  const auto options = std::make_shared<Options>();
  app.add_option("kind", options->kind, "What the rows are: gemm")->required();
  app.add_option("--chip", options->chip, "The chip that was measured: a file, or a name in configs/chips")->required();
  app.add_option("--in", options->in, "Measured rows: the columns of podium predict, and seconds or latency_us")
      ->required();
  app.add_option("--out", options->out, "The file to write; in configs/calibration the chip takes it")->required();
  app.add_option("--start", options->start,
                 "Figures to start from, with the library's tiles: a file, or a name in configs/calibration; without "
                 "it, those of the chip");
  app.add_option("--origin", options->origin, "Where the rows come from, for the file's source");
  app.add_option("--rows", options->rows, "Fit to so many of the rows, evenly chosen; without it, to all");
  app.add_option("--folds", options->folds, "Parts of the shapes, each predicted by a fit to the others")
      ->check(CLI::Range(2, 100));
  app.footer("Example: podium calibrate gemm --chip h100-sxm --in rows.csv --out mine.yaml");
  return [options] { return calibrate(*options); };
}

const Commands::Entry entry{"calibrate", "Fit a compute model to measured rows", add};

}  // namespace
}  // namespace podium
