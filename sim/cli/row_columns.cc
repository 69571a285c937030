#include "sim/cli/row_columns.h"

#include <CLI/CLI.hpp>

namespace podium {

void add_column_options(CLI::App& app, RowColumns& added) {
  app.add_option("--op", added.operation, "Of collectives whose rows do not say it: the operation of all of them")
      ->option_text("OPERATION");
  app.add_option("--column", added.columns,
                 "A column that the rows lack, alike in all of them: dtype=fp8. May be given again")
      ->option_text("NAME=VALUE")
      ->allow_extra_args(false);
}

void add_columns(RowTable& table, const RowColumns& added) {
  if (!added.operation.empty()) {
    add_column(table, "operation", added.operation);
  }
  for (const std::string& column : added.columns) {
    const std::size_t equals = column.find('=');
    if (equals == 0 || equals == std::string::npos) {
      throw InputError({"--column"}, "'" + column + "' is not NAME=VALUE");
    }
    add_column(table, column.substr(0, equals), column.substr(equals + 1));
  }
}

}  // namespace podium
