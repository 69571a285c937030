#pragma once

#include <string>
#include <vector>

#include "sim/calibration/row_table.h"

namespace CLI {
class App;
}

namespace podium {

/// Columns that a table of rows lacks, alike in all of them, as written.
struct RowColumns {
  std::string operation;             ///< --op, of collectives
  std::vector<std::string> columns;  ///< --column NAME=VALUE
};

/// Adds `--op` and `--column`.
void add_column_options(CLI::App&, RowColumns&);
/// InputError: one that is there already, or no NAME=VALUE.
void add_columns(RowTable&, const RowColumns&);

}  // namespace podium
