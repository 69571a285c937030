#pragma once

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>
#include <string>
#include <utility>
#include <vector>

/// Measured rows and recorded traces that are not part of Podium, where they lie on this machine.
namespace podium::test {

using Row = std::map<std::string, std::string>;

/// $PODIUM_DATA, or shared/data beside the source tree.
inline std::string data_folder() {
  const char* given = std::getenv("PODIUM_DATA");
  return given != nullptr ? given : PODIUM_SOURCE_DIR "/../shared/data";
}

/// Why a test that needs the data is skipped, which is told on stderr too; empty where the data is there.
inline std::string missing_data() {
  if (std::filesystem::is_directory(data_folder())) {
    return "";
  }
  const std::string reason = "no measured rows at " + data_folder() + "; set PODIUM_DATA to where they lie";
  std::cerr << "NOT VALIDATED: " << reason << "\n";
  return reason;
}

/// A line's cells; commas between quotation marks are part of one.
inline std::vector<std::string> cells(const std::string& line) {
  std::vector<std::string> result(1);
  bool quoted = false;
  for (const char c : line) {
    if (c == '"') {
      quoted = !quoted;
    } else if (c == ',' && !quoted) {
      result.emplace_back();
    } else if (c != '\r') {
      result.back() += c;
    }
  }
  return result;
}

/// The rows of a CSV file of the data, each by its columns' names.
inline std::vector<Row> read_rows(const std::string& file) {
  std::ifstream in(data_folder() + "/" + file);
  std::string line;
  std::getline(in, line);
  const std::vector<std::string> names = cells(line);
  std::vector<Row> rows;
  while (std::getline(in, line)) {
    const std::vector<std::string> values = cells(line);
    Row row;
    for (std::size_t i = 0; i < std::min(names.size(), values.size()); ++i) {
      row[names[i]] = values[i];
    }
    rows.push_back(std::move(row));
  }
  return rows;
}

inline double number(const Row& row, const std::string& column) { return std::strtod(row.at(column).c_str(), nullptr); }

}  // namespace podium::test
