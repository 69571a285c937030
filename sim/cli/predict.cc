// podium predict: rows in, the same rows out with the time that a chip takes for them.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <iostream>
#include <memory>
#include <span>

#include "sim/calibration/collective_rows.h"
#include "sim/calibration/operator_rows.h"
#include "sim/calibration/table_model.h"
#include "sim/cli/command.h"
#include "sim/cli/row_columns.h"
#include "sim/compute/carry_over.h"
#include "sim/core/csv_cells.h"

namespace podium {
namespace {

struct PredictOptions {
  std::string kind;
  std::string chip;
  std::string system;
  std::string in;
  std::string model;
  std::string stack;
  std::string rows;
  RowColumns added;
  bool details = false;
};

/// What `cost` returns; its errors get the row's place.
template <class CostOf>
Cost placed(const TableRow& row, CostOf cost) {
  try {
    return cost();
  } catch (const InputError& error) {
    throw InputError(row.where, error.what());
  }
}

/// The model that was asked for. Without one, rows as the best known stack was measured, or of a chip of which there
/// are no measured rows the model that its file names. A layer's kernels find what the ones before them left.
std::unique_ptr<ComputeModel> model_of(const PredictOptions& options, const ChipSpec& chip) {
  const std::vector<std::string> calibrated = list_files("configs/calibration");
  const bool known = std::count(calibrated.begin(), calibrated.end(), chip.name) > 0;
  const std::string otherwise = known || !options.stack.empty() ? "tiled" : chip.compute_model;
  const std::string name = options.model.empty() ? otherwise : options.model;
  if (name == "tiled") {
    return tiled_model(load_tiled_for(chip, options.stack),
                       options.kind == "layer" ? Conditions::running : Conditions::measured);
  }
  if (!options.stack.empty()) {
    throw InputError("--stack: only the model 'tiled' knows stacks of software");
  }
  if (name == "table" && !options.rows.empty()) {
    return table_model(measured_kernels(load_table(options.rows), options.kind));
  }
  return options.model.empty() ? compute_model_of(chip) : ComputeModels::find(name)(chip);
}

/// What a row costs: its kernels one after another, or experts as a stack was measured with them.
std::function<Cost(const TableRow&)> cost_of(const PredictOptions& options, const ChipSpec& chip,
                                             const RowTable& table) {
  const bool measured = options.model.empty() || options.model == "tiled";
  if (const auto experts = load_experts_for(chip, options.stack); options.kind == "moe" && measured && experts) {
    const TiledFigures products = load_tiled_for(chip, experts->stack);
    return [=, share = expert_rows(table)](const TableRow& row) {
      const ExpertShare known = share(row);
      return placed(row, [&] { return experts_cost(known, chip, products, *experts); });
    };
  }
  const std::shared_ptr<const ComputeModel> model = model_of(options, chip);
  return [=, kernels = OperatorRows::find(options.kind)(table)](const TableRow& row) {
    std::vector<Cost> costs;
    for (const Kernel& kernel : kernels(row)) {
      costs.push_back(placed(row, [&] { return model->cost(kernel, chip, {}); }));
    }
    return in_sequence(costs);
  };
}

/// What a prediction adds to a row: the first, or all with details.
constexpr const char* predicted_columns[] = {
    "predicted_seconds",     "predicted_flops", "predicted_bytes", "predicted_memory_bytes",
    "predicted_cache_bytes", "predicted_bound", "extrapolated"};
/// Of rows of which some have no prediction.
constexpr const char* note_column = "predicted_note";

void print(const RowTable& table, const std::vector<Cost>& costs, bool details) {
  std::string text = table.header;
  for (const char* column : std::span(predicted_columns).first(details ? std::size(predicted_columns) : 1)) {
    text += std::string(",") + column;
  }
  text += "\n";
  for (std::size_t row = 0; row < costs.size(); ++row) {
    const Cost& cost = costs[row];
    fmt::format_to(std::back_inserter(text), "{},{:.6g}", table.rows[row].text, cost.time.value());
    if (details) {
      fmt::format_to(std::back_inserter(text), ",{:.6g},{:.6g},{:.6g},{:.6g},{},{:d}", cost.flops.value(),
                     cost.bytes.value(), cost.from_memory.value(), cost.from_cache.value(), to_string(cost.bound),
                     cost.extrapolated);
    }
    text += "\n";
  }
  std::cout << text;
}

std::vector<Cost> operator_costs(const PredictOptions& options, const RowTable& table) {
  if (options.chip.empty()) {
    throw InputError("--chip says which chip does the " + options.kind);
  }
  if (!options.rows.empty() && options.model != "table") {
    throw InputError("--rows: only '--model table' takes measured rows");
  }
  const auto cost = cost_of(options, load_chip(options.chip), table);
  std::vector<Cost> costs;
  for (const TableRow& row : table.rows) {
    costs.push_back(cost(row));
  }
  const auto beyond = std::count_if(costs.begin(), costs.end(), [](const Cost& known) { return known.extrapolated; });
  if (beyond > 0) {
    std::cerr << fmt::format(
        "podium: {} of {} rows are not between measured ones: the nearest, scaled by the roofline\n", beyond,
        costs.size());
  }
  return costs;
}

/// What a row of a collective gets: a time, or why there is none.
struct CollectiveAnswer {
  std::string seconds, note;
};

void check_collective_options(const PredictOptions& options) {
  if (options.system.empty()) {
    throw InputError("--system says on which system the collectives are");
  }
  const std::pair<const char*, bool> of_operators[] = {{"--chip", !options.chip.empty()},
                                                       {"--model", !options.model.empty()},
                                                       {"--stack", !options.stack.empty()},
                                                       {"--rows", !options.rows.empty()},
                                                       {"--details", options.details}};
  for (const auto& [option, given] : of_operators) {
    if (given) {
      throw InputError({option}, "is of operators; a collective is as the library of --system was measured");
    }
  }
}

/// As the library of the system was measured; by schedules where it was not.
std::vector<CollectiveAnswer> collective_answers(const PredictOptions& options, const RowTable& table) {
  const SystemSpec system = load_system(options.system);
  const auto library = load_library(system);
  const auto time = collective_time(options.system, library ? &*library : nullptr);
  std::vector<CollectiveAnswer> answers;
  std::size_t unknown = 0, by_schedules = 0;
  for (const CollectiveRow& row : collective_rows(table, &system)) {
    try {
      const CollectiveTime::Prediction prediction = time.predict(row);
      by_schedules += row.algorithm == "auto" && prediction.regime.empty() ? 1 : 0;
      answers.push_back({fmt::format("{:.6g}", prediction.time.value()), {}});
    } catch (const NoRegime& none) {
      ++unknown;
      answers.push_back({{}, none.problem()});
    }
  }
  if (unknown > 0) {
    std::cerr << fmt::format("podium: {} of {} rows are not predicted: predicted_note says why\n", unknown,
                             answers.size());
  }
  if (by_schedules > 0) {
    std::cerr << fmt::format(
        "podium: {} of {} rows are by schedules with the figures of {}: no library was measured "
        "to do them\n",
        by_schedules, answers.size(), system.name);
  }
  return answers;
}

/// With notes where there are any.
void print(const RowTable& table, const std::vector<CollectiveAnswer>& answers) {
  const bool has_notes =
      std::any_of(answers.begin(), answers.end(), [](const CollectiveAnswer& answer) { return !answer.note.empty(); });
  std::string text = table.header + ",predicted_seconds" + (has_notes ? std::string(",") + note_column : "") + "\n";
  for (std::size_t row = 0; row < answers.size(); ++row) {
    text += table.rows[row].text + "," + answers[row].seconds;
    const std::string& note = answers[row].note;
    text += has_notes ? "," + (note.empty() ? note : quoted_cell(note)) : "";
    text += "\n";
  }
  std::cout << text;
}

int predict(const PredictOptions& options) {
  const bool collective = options.kind == "collective";
  if (!collective) {
    OperatorRows::find(options.kind);
    if (!options.system.empty() || !options.added.operation.empty()) {
      throw InputError({options.system.empty() ? "--op" : "--system"}, "is of collectives, not of " + options.kind);
    }
  }
  RowTable table = options.in == "-" ? read_table(std::cin, "<stdin>") : load_table(options.in);
  for (const char* column : predicted_columns) {
    drop_column(table, column);  // of an earlier prediction
  }
  drop_column(table, note_column);
  add_columns(table, options.added);
  if (collective) {
    check_collective_options(options);
    print(table, collective_answers(options, table));
  } else {
    print(table, operator_costs(options, table), options.details);
  }
  return 0;
}

std::function<int()> predict_command(CLI::App& app) {
  const auto options = std::make_shared<PredictOptions>();
  app.add_option("kind", options->kind,
                 fmt::format("What a row is: {}, collective", fmt::join(OperatorRows::names(), ", ")))
      ->required();
  app.add_option("--chip", options->chip, "A chip, of operators: a file, or a name in configs/chips");
  app.add_option("--system", options->system, "A system, of collectives: a file, or a name in configs/systems");
  app.add_option("--in", options->in, "Rows as CSV with a header; '-' reads standard input")->required();
  app.add_option("--model", options->model, "Compute model; without it, tiled for a chip of which rows were measured");
  app.add_option("--stack", options->stack,
                 "Software that rows of products come from (cublas, tensorrt-llm, cann); without it, the best known");
  app.add_option("--rows", options->rows,
                 "With --model table: measured rows of this kind; without it, those in configs/calibration/rows");
  add_column_options(app, options->added);
  app.add_flag(
      "--details", options->details,
      "Also flops, bytes that are needed, that the memory and the cache move, what held, and whether the model "
      "went beyond its rows");
  app.footer(
      "Example: podium predict gemm --chip h100-sxm --in rows.csv\n"
      "         podium predict collective --system gb200-nvl72 --in rows.csv");
  return [options] { return predict(*options); };
}

const Commands::Entry predict_entry{"predict", "Predict the times of measured or invented rows of operators",
                                    predict_command};

}  // namespace
}  // namespace podium
