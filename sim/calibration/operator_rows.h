#pragma once

#include <functional>
#include <vector>

#include "sim/calibration/row_table.h"
#include "sim/compute/experts.h"
#include "sim/compute/kernel.h"
#include "sim/core/registry.h"

namespace podium {

/// The kernels that one row stands for, one after another. InputError with the row's place where it makes no sense.
using RowKernels = std::function<std::vector<Kernel>(const TableRow&)>;

/// A kind of rows of single-device operators that `podium predict` takes: finds its columns in a table's header
/// (InputError where a required one is missing) and returns how to read a row. Columns: docs/DATA.md.
struct OperatorRowKind {
  static constexpr const char* what = "kind of rows";
  using Value = RowKernels (*)(const RowTable&);
};
using OperatorRows = Registry<OperatorRowKind>;

/// What rows of `moe` stand for. Without a column `distribution` tokens choose experts at random; a `kernel_source`
/// that ends with "nongated" has no gate.
std::function<ExpertShare(const TableRow&)> expert_rows(const RowTable& table);

}  // namespace podium
