// podium predict: rows in, the same rows out with the time that a chip takes for them.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <iostream>
#include <memory>

#include "sim/calibration/collective_rows.h"
#include "sim/calibration/operator_rows.h"
#include "sim/cli/command.h"
#include "sim/compute/experts.h"

namespace podium {
namespace {

struct Options {
  std::string kind;
  std::string chip;
  std::string system;
  std::string in;
  std::string model;
  std::string stack;
};

/// What `time` returns; its errors get the row's place.
template <class Time>
Seconds placed(const TableRow& row, Time time) {
  try {
    return time();
  } catch (const InputError& error) {
    throw InputError(row.where, error.what());
  }
}

/// The model that was asked for. Without one, rows as the best known stack was measured, or of a chip of which there
/// are no measured rows the model that its file names.
std::unique_ptr<ComputeModel> model_of(const Options& options, const ChipSpec& chip) {
  const std::vector<std::string> calibrated = list_files("configs/calibration");
  const bool known = std::count(calibrated.begin(), calibrated.end(), chip.name) > 0;
  const std::string otherwise = known || !options.stack.empty() ? "tiled" : chip.compute_model;
  const std::string name = options.model.empty() ? otherwise : options.model;
  if (name == "tiled") {
    return tiled_model(load_tiled(chip.name, options.stack), Conditions::measured);
  }
  if (!options.stack.empty()) {
    throw InputError("--stack: only the model 'tiled' knows stacks of software");
  }
  return ComputeModels::find(name)(chip);
}

/// How long a row takes: its kernels one after another, or experts as a stack was measured with them.
std::function<Seconds(const TableRow&)> timer_of(const Options& options, const ChipSpec& chip, const RowTable& table) {
  const bool measured = options.model.empty() || options.model == "tiled";
  if (const auto experts = load_experts(chip.name, options.stack); options.kind == "moe" && measured && experts) {
    const TiledFigures products = load_tiled(chip.name, experts->stack);
    return [=, share = expert_rows(table)](const TableRow& row) {
      const ExpertShare known = share(row);
      return placed(row, [&] { return experts_time(known, chip, products, *experts); });
    };
  }
  const std::shared_ptr<const ComputeModel> model = model_of(options, chip);
  return [=, kernels = OperatorRows::find(options.kind)(table)](const TableRow& row) {
    Seconds time;
    for (const Kernel& kernel : kernels(row)) {
      time += placed(row, [&] { return model->cost(kernel, chip, {}).time; });
    }
    return time;
  };
}

void print(const RowTable& table, const std::vector<Seconds>& times) {
  std::string text = table.header + ",predicted_seconds\n";
  for (std::size_t row = 0; row < times.size(); ++row) {
    fmt::format_to(std::back_inserter(text), "{},{:.6g}\n", table.rows[row].text, times[row].value());
  }
  std::cout << text;
}

std::vector<Seconds> operator_times(const Options& options, const RowTable& table) {
  if (options.chip.empty()) {
    throw InputError("--chip says which chip does the " + options.kind);
  }
  const auto time = timer_of(options, load_chip(options.chip), table);
  std::vector<Seconds> times;
  for (const TableRow& row : table.rows) {
    times.push_back(time(row));
  }
  return times;
}

/// As the library of the system was measured; by schedules where it was not.
std::vector<Seconds> collective_times(const Options& options, const RowTable& table) {
  if (options.system.empty()) {
    throw InputError("--system says on which system the collectives are");
  }
  const auto library = load_library(options.system);
  const auto time = collective_time(options.system, library ? &*library : nullptr);
  std::vector<Seconds> times;
  for (const CollectiveRow& row : collective_rows(table)) {
    times.push_back(time(row));
  }
  return times;
}

int predict(const Options& options) {
  const bool collective = options.kind == "collective";
  if (!collective) {
    OperatorRows::find(options.kind);
  }
  RowTable table = options.in == "-" ? read_table(std::cin, "<stdin>") : load_table(options.in);
  drop_column(table, "predicted_seconds");  // of an earlier prediction
  print(table, collective ? collective_times(options, table) : operator_times(options, table));
  return 0;
}

std::function<int()> add(CLI::App& app) {
  const auto options = std::make_shared<Options>();
  app.add_option("kind", options->kind,
                 fmt::format("What a row is: {}, collective", fmt::join(OperatorRows::names(), ", ")))
      ->required();
  app.add_option("--chip", options->chip, "A chip, of operators: a file, or a name in configs/chips");
  app.add_option("--system", options->system, "A system, of collectives: a file, or a name in configs/systems");
  app.add_option("--in", options->in, "Rows as CSV with a header; '-' reads standard input")->required();
  app.add_option("--model", options->model, "Compute model; without it, tiled for a chip of which rows were measured");
  app.add_option("--stack", options->stack,
                 "Software that rows of products come from (cublas, tensorrt-llm, cann); without it, the best known");
  app.footer(
      "Example: podium predict gemm --chip h100-sxm --in rows.csv\n"
      "         podium predict collective --system gb200-nvl72 --in rows.csv");
  return [options] { return predict(*options); };
}

const Commands::Entry entry{"predict", "Predict the times of measured or invented rows of operators", add};

}  // namespace
}  // namespace podium
