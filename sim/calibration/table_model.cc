#include "sim/calibration/table_model.h"

#include <fmt/format.h>

#include <cmath>
#include <filesystem>
#include <limits>
#include <map>
#include <optional>
#include <string>

#include "sim/calibration/operator_rows.h"

namespace podium {
namespace {

/// Where a kernel is: in which table, and at which sizes there.
struct Position {
  std::string table;
  std::vector<double> sizes;
};

Position position_of(const Gemm& gemm) {
  return {fmt::format("{}{}", to_string(gemm.type), gemm.sum > Bytes() ? " summed" : ""),
          {gemm.batch, gemm.n, gemm.k, gemm.m}};
}

Position position_of(const GroupedGemm& gemm) {
  return {fmt::format("{}{}", to_string(gemm.type), gemm.sum > Bytes() ? " summed" : ""),
          {gemm.n, gemm.k, touched_experts(gemm), gemm.rows}};
}

/// Prompts are rows of themselves alone, or after as many tokens as were there before.
Position position_of(const Attention& a) {
  return {fmt::format("{} {} {} {}", to_string(a.type), to_string(a.cache_type), a.head_dim, a.causal),
          {a.window, a.kv_heads, a.query_heads, a.context - a.query, a.query, a.batch}};
}

Position position_of(const Mla& mla) {
  return {fmt::format("{} {} {}", to_string(mla.type), to_string(mla.cache_type), mla.latent),
          {mla.heads, mla.context - mla.query, mla.query, mla.batch}};
}

Position position_of(const MemoryOp& operation) {
  return {std::string(operation.name), {operation.columns, (operation.read + operation.written).value()}};
}

Position position(const Kernel& kernel) {
  Position result = std::visit([](const auto& known) { return position_of(known); }, kernel);
  result.table = fmt::format("{} {}", to_string(family_of(kernel)), result.table);
  return result;
}

/// Rows by the first of their sizes; behind the last one is a time.
struct Grid {
  std::map<double, Grid> parts;
  Seconds time;
};

/// Nothing where rows do not enclose the sizes. Neighbours that do not enclose the other sizes are passed over.
std::optional<Seconds> interpolated(const Grid& grid, std::span<const double> sizes) {
  if (sizes.empty()) {
    return grid.time;
  }
  const double size = sizes.front();
  const auto others = sizes.subspan(1);
  const auto above = grid.parts.lower_bound(size);
  std::optional<Seconds> low, high;
  double from = 0, to = 0;
  for (auto part = above; part != grid.parts.end() && !high; ++part) {
    high = interpolated(part->second, others);
    to = part->first;
  }
  if (!high || to == size) {
    return high;
  }
  for (auto part = above; part != grid.parts.begin() && !low;) {
    --part;
    low = interpolated(part->second, others);
    from = part->first;
  }
  return low ? std::optional(*low + (*high - *low) * ((size - from) / (to - from))) : std::nullopt;
}

/// Rows of one table.
struct Rows {
  Grid grid;
  std::vector<std::pair<std::vector<double>, MeasuredKernel>> all;
};

const MeasuredKernel& nearest(const Rows& rows, const std::vector<double>& sizes) {
  PODIUM_CHECK(!rows.all.empty(), "a table has rows");
  const MeasuredKernel* found = &rows.all.front().second;
  double least = std::numeric_limits<double>::infinity();
  for (const auto& [other, row] : rows.all) {
    double distance = 0;
    for (std::size_t i = 0; i < sizes.size(); ++i) {
      distance += std::abs(std::log((1 + sizes[i]) / (1 + other[i])));
    }
    if (distance < least) {
      least = distance;
      found = &row;
    }
  }
  return *found;
}

class TableModel final : public ComputeModel {
 public:
  explicit TableModel(std::span<const MeasuredKernel> rows) : roofline_(ComputeModels::find("roofline")(ChipSpec{})) {
    for (const MeasuredKernel& row : rows) {
      const Position place = position(row.kernel);
      Rows& table = tables_[place.table];
      Grid* grid = &table.grid;
      for (const double size : place.sizes) {
        grid = &grid->parts[size];
      }
      grid->time = row.time;
      table.all.emplace_back(place.sizes, row);
    }
  }

  Cost cost(const Kernel& kernel, const ChipSpec& chip, CoreShare share) const override {
    Cost result = roofline_->cost(kernel, chip, share);
    const Position place = position(kernel);
    const auto table = tables_.find(place.table);
    if (table == tables_.end()) {
      result.extrapolated = true;
      return result;
    }
    const auto whole_chip = [&](const Kernel& other) { return roofline_->cost(other, chip, {}).time; };
    if (const auto found = interpolated(table->second.grid, place.sizes)) {
      result.time *= *found / whole_chip(kernel);
    } else {
      const MeasuredKernel& row = nearest(table->second, place.sizes);
      result.time *= row.time / whole_chip(row.kernel);
      result.extrapolated = true;
    }
    result.launch = std::min(result.launch, result.time);
    return result;
  }

 private:
  std::map<std::string, Rows> tables_;
  std::unique_ptr<ComputeModel> roofline_;
};

const ComputeModels::Entry table_model_entry{
    "table", "measured rows and what lies between them, from configs/calibration/rows",
    [](const ChipSpec& chip) { return table_model(load_measured_rows(chip.name)); }};

}  // namespace

std::unique_ptr<ComputeModel> table_model(std::span<const MeasuredKernel> rows) {
  return std::make_unique<TableModel>(rows);
}

std::vector<MeasuredKernel> load_measured_rows(std::string_view chip) {
  const auto folder = std::filesystem::path(data_root()) / "configs/calibration/rows" / chip;
  std::vector<MeasuredKernel> all;
  for (const std::string& kind : OperatorRows::names()) {
    const auto path = folder / (kind + ".csv");
    if (std::filesystem::exists(path)) {
      const auto rows = measured_kernels(load_table(path.string()), kind);
      all.insert(all.end(), rows.begin(), rows.end());
    }
  }
  if (all.empty()) {
    throw InputError(fmt::format("the model 'table' has no measured rows of {}: it looks for '{}'", chip,
                                 (folder / "KIND.csv").string()));
  }
  return all;
}

}  // namespace podium
