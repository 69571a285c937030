#pragma once

#include <cstdint>
#include <iosfwd>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sim/core/check.h"

namespace podium {

/// One line of a table of comma-separated values.
struct TableRow {
  Location where;  ///< file and line
  std::string text;
  std::vector<std::string> cells;  ///< as many as the table has columns
};

/// A table as `podium predict` takes it: a header, then a row a line. Cells may be quoted as in RFC 4180, but end with
/// their line; empty lines are skipped.
struct RowTable {
  Location where;
  std::string header;  ///< as written
  std::vector<std::string> columns;
  std::vector<TableRow> rows;
};

/// InputError, with file and line, for a header that names a column twice and for a row with too few or too many cells.
RowTable read_table(std::istream& in, const std::string& name);
/// The same of a file.
RowTable load_table(const std::string& path);

/// Takes a column out, where there is one of that name.
void drop_column(RowTable& table, std::string_view name);

/// Adds a column that is alike in all rows, which pass through as they are written. InputError where there is one of
/// that name.
void add_column(RowTable& table, const std::string& name, const std::string& cell);

/// One column of a table, found by its name or others that it goes by; absent where it is optional and not there. Of
/// several that are there a row may have any, and those that it has say the same.
class Column {
 public:
  /// InputError where the table has none of the names.
  static Column required(const RowTable& table, std::span<const std::string_view> names);
  static Column optional(const RowTable& table, std::span<const std::string_view> names);

  /// The cell; empty where the column is absent. InputError where two names of it have different ones.
  std::string_view text(const TableRow& row) const;
  bool has(const TableRow& row) const { return !text(row).empty(); }
  /// A finite number that is not negative; InputError with the row's place for anything else.
  double number(const TableRow& row) const;
  double number_or(const TableRow& row, double otherwise) const { return has(row) ? number(row) : otherwise; }
  /// A number that is more than nothing.
  double positive(const TableRow& row) const;
  /// A whole number from 0 to a million millions.
  double whole(const TableRow& row) const { return whole_from(0, row); }
  /// A whole number from 1 to a million millions.
  double count(const TableRow& row) const { return whole_from(1, row); }
  /// Throws InputError with the row's place and the column's name.
  [[noreturn]] void fail(const TableRow& row, const std::string& problem) const;

 private:
  double whole_from(double least, const TableRow& row) const;
  explicit Column(std::string_view name) : name_(name) {}

  std::string name_;
  std::optional<std::size_t> index_;
  std::vector<std::pair<std::string, std::size_t>> others_;  ///< by other names
};

}  // namespace podium
