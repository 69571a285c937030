#include "sim/calibration/kernel_fit.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "sim/calibration/fit.h"
#include "sim/calibration/operator_rows.h"

namespace podium {
namespace {

std::string name_of(const Kernel& kernel) {
  const std::string_view family = to_string(family_of(kernel));
  if (const auto* attention = std::get_if<Attention>(&kernel)) {
    return fmt::format("{} {}", family, to_string(attention->cache_type));
  }
  if (const auto* mla = std::get_if<Mla>(&kernel)) {
    return fmt::format("{} {}", family, to_string(mla->cache_type));
  }
  const auto* memory = std::get_if<MemoryOp>(&kernel);
  return memory != nullptr ? fmt::format("{} {}", family, memory->name) : std::string(family);
}

/// What kernels have in common that are left out of a fit together.
std::string shape_of(const Kernel& kernel) {
  if (const auto* attention = std::get_if<Attention>(&kernel)) {
    return fmt::format("{} {} {} {}", attention->query_heads, attention->kv_heads, attention->head_dim,
                       attention->batch);
  }
  if (const auto* mla = std::get_if<Mla>(&kernel)) {
    return fmt::format("{} {}", mla->heads, mla->batch);
  }
  return to_string(kernel);
}

double ratio(const MeasuredKernel& row, const KernelTimer& time) { return time(row.kernel) / row.time; }

void fit_rows(std::span<const MeasuredKernel> rows, std::span<const Parameter> parameters, const KernelTimer& time) {
  std::vector<Unknown> unknowns;
  for (const Parameter& parameter : parameters) {
    unknowns.push_back({parameter.value, parameter.low, parameter.high});
  }
  fit(unknowns, [&] {
    std::vector<double> residuals;
    for (const MeasuredKernel& row : rows) {
      residuals.push_back(std::log(ratio(row, time)));
    }
    return residuals;
  });
}

void add_errors(Errors& errors, std::span<const MeasuredKernel> rows, const KernelTimer& time) {
  for (const MeasuredKernel& row : rows) {
    errors[name_of(row.kernel)].push_back(ratio(row, time) - 1);
  }
}

/// The rows of each part; rows of one shape are in one part.
std::vector<std::vector<MeasuredKernel>> parts_of(std::span<const MeasuredKernel> rows, int folds) {
  std::map<std::string, std::vector<MeasuredKernel>> shapes;
  for (const MeasuredKernel& row : rows) {
    shapes[shape_of(row.kernel)].push_back(row);
  }
  std::vector<std::vector<MeasuredKernel>> parts(static_cast<std::size_t>(folds));
  std::size_t next = 0;
  for (const auto& [shape, own] : shapes) {
    std::vector<MeasuredKernel>& part = parts[next++ % parts.size()];
    part.insert(part.end(), own.begin(), own.end());
  }
  return parts;
}

ErrorsByType unseen_errors(std::span<const MeasuredKernel> rows, std::span<const Parameter> parameters,
                           const KernelTimer& time, int folds) {
  std::vector<double> fitted;
  for (const Parameter& parameter : parameters) {
    fitted.push_back(*parameter.value);
  }
  const auto parts = parts_of(rows, folds);
  Errors errors;
  for (const std::vector<MeasuredKernel>& part : parts) {
    std::vector<MeasuredKernel> others;
    for (const std::vector<MeasuredKernel>& other : parts) {
      if (&other != &part) {
        others.insert(others.end(), other.begin(), other.end());
      }
    }
    fit_rows(others, parameters, time);
    add_errors(errors, part, time);
    for (std::size_t i = 0; i < parameters.size(); ++i) {
      *parameters[i].value = fitted[i];
    }
  }
  return summaries(errors);
}

/// How a file begins: what it is of, and how good.
std::string heading(const std::string& kind, const KernelFit& fit, const std::string& chip, const std::string& stack,
                    const std::string& origin) {
  return fmt::format(
      "# Written by `podium calibrate {}`.\n"
      "description: \"{}, {}: {}\"\n"
      "sources:\n  rows:\n    text: \"{}. Mean error of the fit: {}; of shapes left out of it: {}; before: {}\"\n"
      "    grade: derived\nsource: rows\nstack: {}\n",
      kind, chip, stack, kind, origin, text_of(fit.fitted), text_of(fit.unseen), text_of(fit.before), stack);
}

/// Keeps the fastest of rows that stand for the same kernel.
void keep_fastest(std::vector<MeasuredKernel>& rows) {
  std::map<std::string, MeasuredKernel> fastest;
  for (const MeasuredKernel& row : rows) {
    const auto [place, is_new] = fastest.emplace(to_string(row.kernel), row);
    if (!is_new && row.time < place->second.time) {
      place->second = row;
    }
  }
  rows.clear();
  for (const auto& [shape, row] : fastest) {
    rows.push_back(row);
  }
}

}  // namespace

std::vector<MeasuredKernel> measured_kernels(const RowTable& table, std::string_view kind, std::size_t most) {
  const std::string_view names[] = {"seconds", "latency_us"};
  const Column time = Column::required(table, names);
  const auto has = [&table](std::string_view name) {
    return std::count(table.columns.begin(), table.columns.end(), name) > 0;
  };
  const double unit = has("seconds") ? 1 : 1e-6;
  const RowKernels kernels = OperatorRows::find(kind)(table);
  std::vector<MeasuredKernel> all;
  for (const TableRow& row : table.rows) {
    all.push_back({kernels(row).front(), Seconds(time.positive(row) * unit)});
  }
  if (has("backend")) {
    keep_fastest(all);
  }
  if (most == 0 || all.size() <= most) {
    return all;
  }
  std::vector<MeasuredKernel> chosen;
  for (std::size_t i = 0; i < most; ++i) {
    chosen.push_back(all[i * all.size() / most]);
  }
  return chosen;
}

ErrorsByType errors_of(std::span<const MeasuredKernel> rows, const KernelTimer& time) {
  Errors errors;
  add_errors(errors, rows, time);
  return summaries(errors);
}

KernelFit fit_kernels(std::span<const MeasuredKernel> rows, std::span<const Parameter> parameters,
                      const KernelTimer& time, int folds) {
  if (rows.size() < 2 * parameters.size()) {
    throw InputError(fmt::format("{} rows cannot determine {} figures; give at least twice as many", rows.size(),
                                 parameters.size()));
  }
  KernelFit result;
  result.before = errors_of(rows, time);
  fit_rows(rows, parameters, time);
  result.fitted = errors_of(rows, time);
  result.unseen = unseen_errors(rows, parameters, time, folds);
  return result;
}

KernelTimer attention_time(const ChipSpec& chip, const AttentionFigures& figures) {
  return [&chip, &figures](const Kernel& kernel) {
    const auto* attention = std::get_if<Attention>(&kernel);
    return attention != nullptr ? attention_cost(*attention, chip, figures, {}, Conditions::measured).time
                                : attention_cost(std::get<Mla>(kernel), chip, figures, {}, Conditions::measured).time;
  };
}

KernelTimer memory_time(const ChipSpec& chip, const MemoryFigures& figures) {
  return [&chip, &figures](const Kernel& kernel) {
    return memory_cost(std::get<MemoryOp>(kernel), chip, figures, {}, Conditions::measured).time;
  };
}

namespace {

/// A library's own rule, where it has one.
std::string splits_text(const AttentionFigures& figures) {
  return figures.part_tokens > 0 ? fmt::format("splits: {{part_tokens: {:g}, part_waves: {:g}, heads_at_once: {:g}}}\n",
                                               figures.part_tokens, figures.part_waves, figures.heads_at_once)
                                 : std::string();
}

}  // namespace

std::string to_yaml(AttentionFigures figures, const std::string& kind, const KernelFit& fit, const ChipSpec& chip,
                    const std::string& origin) {
  return heading(kind, fit, chip.name, figures.stack, origin) +
         fmt::format("tile: {:g}\nfewest_grouped: {:g}\nmost_grouped: {:g}\n", figures.tile, figures.fewest_grouped,
                     figures.most_grouped) +
         splits_text(figures) + figures_text(parameters_of(figures), [&](const std::string& type) {
           const double from = figures.types.at(parse_data_type(type)).grouped_from;
           return from > 0 ? fmt::format("    grouped_from: {:g}\n", from) : std::string();
         });
}

std::string to_yaml(MemoryFigures figures, const KernelFit& fit, const ChipSpec& chip, const std::string& origin) {
  return heading("memory", fit, chip.name, figures.stack, origin) +
         fmt::format("in_turn: {:g}\nlong_row: {:g}\n", figures.in_turn, figures.long_row) +
         figures_text(parameters_of(figures));
}

}  // namespace podium
