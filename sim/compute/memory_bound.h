#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sim/compute/compute_model.h"
#include "sim/compute/conditions.h"
#include "sim/compute/parameter.h"

namespace podium {

/// What a library does with rows that are reduced whole (norms, softmax), in SI units.
struct RowOperation {
  double column = 0;      ///< seconds a row takes for each of its columns, alone on the chip and from memory
  double again = 0;       ///< bytes/s at which what does not stay near the core is gone through again
  double again_long = 0;  ///< the same of rows with more columns than `long_row`; none: as short ones
};

/// Figures of kernels bound by memory for one chip and one software stack.
struct MemoryFigures {
  std::string stack;
  double in_turn = 1;          ///< sets of operands that the measurement took in turn
  double long_row = 0;         ///< columns from which on the library has other kernels for rows; 0: never
  double start = 0;            ///< of a kernel in a replayed graph
  double memory = 1;           ///< of the data sheet's memory bandwidth
  double latency = 0;          ///< until the first bytes come from memory
  double resident = 0;         ///< share of the last-level cache that keeps what was used last
  double cache_bandwidth = 0;  ///< of the last-level cache
  double near = 0;             ///< columns of a row that stay near the core between two passes
  double hot = 1;              ///< a column's time where the row lies in the last-level cache
  std::map<std::string, RowOperation> operations;
};

/// Time of a kernel that reads and writes and computes little:
///
///     miss   = what the last-level cache does not hold
///     stream = bytes (miss / (memory x bandwidth) + (1 - miss) / cache bandwidth)
///     again  = read bytes / again x columns^2 / (columns^2 + near^2)
///     time   = start + latency x miss + max(columns x column, stream + again)
///
/// where only operations over whole rows have columns.
Cost memory_cost(const MemoryOp&, const ChipSpec&, const MemoryFigures&, CoreShare, Conditions);

/// All that a stack's rows determine, in the file's order.
std::vector<Parameter> parameters_of(MemoryFigures&);
/// The figures that a document describes.
MemoryFigures read_memory(const Document& document);
/// Reads configs/calibration/memory/<chip>.yaml, where that is the stack's or none is named, or <chip>-<stack>.yaml;
/// nothing where there is no such file.
std::optional<MemoryFigures> load_memory(std::string_view chip, std::string_view stack);

}  // namespace podium
