#pragma once

#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "sim/calibration/kernel_fit.h"
#include "sim/compute/compute_model.h"

namespace podium {

/// The compute model `table`: measured rows, and between them times that are linear in each size.
///
/// Rows of one kind and types lie on a grid of sizes (n, k, m of products; heads, contexts, batch of attention). A size
/// between two rows is interpolated first in the last of its sizes, then in the one before, and so on. A kernel that
/// rows do not enclose takes the time of the nearest row (by the ratios of sizes), times what the roofline says that
/// the two differ by, and its Cost says `extrapolated`; so does one of a kind that has no row, by the roofline alone. A
/// share of the cores is slower by as much as the roofline is.
std::unique_ptr<ComputeModel> table_model(std::span<const MeasuredKernel> rows);

/// All rows in configs/calibration/rows/<chip>/<kind>.csv, in the columns of `podium predict KIND` with `seconds`;
/// InputError where there is none.
std::vector<MeasuredKernel> load_measured_rows(std::string_view chip);

}  // namespace podium
