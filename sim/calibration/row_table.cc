#include "sim/calibration/row_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <istream>

#include "sim/core/csv_cells.h"
#include "sim/core/file.h"

namespace podium {
namespace {

/// The next line that is not empty, without its line feed; counts lines.
bool next_line(std::istream& in, Location& where, std::string& line) {
  while (std::getline(in, line)) {
    ++where.line;
    if (!line.empty() && line.back() == '\r') {
      line.pop_back();
    }
    if (!line.empty()) {
      return true;
    }
  }
  return false;
}

std::string line_of(const std::vector<std::string>& cells) {
  std::string line;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    line += (i == 0 ? "" : ",") + csv_cell(cells[i]);
  }
  return line;
}

void check_names(const RowTable& table) {
  for (std::size_t i = 0; i < table.columns.size(); ++i) {
    if (std::count(table.columns.begin(), table.columns.end(), table.columns[i]) > 1) {
      throw InputError(table.where, "the column '" + table.columns[i] + "' is there twice");
    }
  }
}

}  // namespace

RowTable read_table(std::istream& in, const std::string& name) {
  RowTable table;
  table.where.file = name;
  if (!next_line(in, table.where, table.header)) {
    throw InputError(table.where, "there is no header, a line with the names of the columns");
  }
  if (constexpr std::string_view mark = "\xEF\xBB\xBF"; table.header.starts_with(mark)) {
    table.header.erase(0, mark.size());  // which some programs begin files in UTF-8 with
  }
  table.columns = split_cells(table.header, table.where);
  check_names(table);
  TableRow row;
  row.where = table.where;
  while (next_line(in, row.where, row.text)) {
    row.cells = split_cells(row.text, row.where);
    if (row.cells.size() != table.columns.size()) {
      throw InputError(row.where,
                       fmt::format("{} cells do not fit {} columns", row.cells.size(), table.columns.size()));
    }
    table.rows.push_back(row);
  }
  return table;
}

void drop_column(RowTable& table, std::string_view name) {
  const auto found = std::find(table.columns.begin(), table.columns.end(), name);
  if (found == table.columns.end()) {
    return;
  }
  const auto place = found - table.columns.begin();
  table.columns.erase(found);
  table.header = line_of(table.columns);
  for (TableRow& row : table.rows) {
    row.cells.erase(row.cells.begin() + place);
    row.text = line_of(row.cells);
  }
}

void add_column(RowTable& table, const std::string& name, const std::string& cell) {
  if (std::count(table.columns.begin(), table.columns.end(), name) > 0) {
    throw InputError(table.where, "there is a column '" + name + "' already");
  }
  table.columns.push_back(name);
  for (TableRow& row : table.rows) {
    row.cells.push_back(cell);
  }
}

RowTable load_table(const std::string& path) {
  std::ifstream in = open_file(path, "the rows in");
  return read_table(in, path);
}

Column Column::optional(const RowTable& table, std::span<const std::string_view> names) {
  Column column(names.front());
  for (const std::string_view name : names) {
    const auto found = std::find(table.columns.begin(), table.columns.end(), name);
    const auto place = static_cast<std::size_t>(found - table.columns.begin());
    if (found == table.columns.end()) {
      continue;
    }
    if (column.index_) {
      column.others_.emplace_back(name, place);
    } else {
      column.name_ = name;
      column.index_ = place;
    }
  }
  return column;
}

Column Column::required(const RowTable& table, std::span<const std::string_view> names) {
  Column column = optional(table, names);
  if (!column.index_) {
    throw InputError(table.where, fmt::format("there is no column '{}'; there are: {}", names.front(),
                                              fmt::join(table.columns, ", ")));
  }
  return column;
}

std::string_view Column::text(const TableRow& row) const {
  if (!index_) {
    return {};
  }
  std::string_view cell = row.cells[*index_];
  for (const auto& [name, place] : others_) {
    const std::string_view other = row.cells[place];
    if (!other.empty() && !cell.empty() && other != cell) {
      throw InputError(row.where,
                       fmt::format("'{}' is {}, and '{}', which says the same, is {}", name_, cell, name, other));
    }
    cell = cell.empty() ? other : cell;
  }
  return cell;
}

double Column::number(const TableRow& row) const {
  const std::string_view cell = text(row);
  double value = 0;
  const auto [end, error] = std::from_chars(cell.data(), cell.data() + cell.size(), value);
  if (error != std::errc() || end != cell.data() + cell.size() || !std::isfinite(value) || value < 0) {
    fail(row, fmt::format("'{}' is not a number of at least 0", cell));
  }
  return value;
}

double Column::positive(const TableRow& row) const {
  const double value = number(row);
  if (!(value > 0)) {
    fail(row, "must be more than 0");
  }
  return value;
}

double Column::whole_from(double least, const TableRow& row) const {
  constexpr double most = 1e12;
  const double value = number(row);
  if (!(value >= least && value <= most) || value != std::floor(value)) {
    fail(row, fmt::format("'{}' is not a whole number from {:g} to {:g}", text(row), least, most));
  }
  return value;
}

void Column::fail(const TableRow& row, const std::string& problem) const {
  throw InputError(row.where, name_ + ": " + problem);
}

}  // namespace podium
