#include "sim/serving/csv.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "sim/core/csv_cells.h"
#include "sim/core/input_stream.h"
#include "sim/core/text.h"

namespace podium {
namespace {

std::vector<std::string> split(std::string_view line, const Location& where) {
  if (line.ends_with('\r')) {
    line.remove_suffix(1);
  }
  return split_cells(line, where);
}

}  // namespace

void read_csv(const std::string& path, const std::vector<std::string>& columns,
              const std::function<void(const std::vector<std::string>&, const Location&)>& row) {
  InputStream file(path, "the table");
  Location where{path, 1, 0};
  std::string line;
  if (!std::getline(file, line)) {
    throw InputError(where, "the file is empty");
  }
  const std::vector<std::string> header = split(line, where);
  std::vector<std::size_t> places;
  for (const std::string& column : columns) {
    const auto place = std::find(header.begin(), header.end(), column);
    if (place == header.end()) {
      throw InputError(where, unknown_name("column", column, header));
    }
    if (std::count(place, header.end(), column) > 1) {
      throw InputError(where, "column '" + column + "' is there twice");
    }
    places.push_back(static_cast<std::size_t>(place - header.begin()));
  }
  while (std::getline(file, line)) {
    ++where.line;
    if (line.empty() || line == "\r") {
      continue;
    }
    const std::vector<std::string> all = split(line, where);
    if (all.size() != header.size()) {
      throw InputError(where,
                       std::to_string(all.size()) + " fields, but the header has " + std::to_string(header.size()));
    }
    std::vector<std::string> fields;
    for (const std::size_t place : places) {
      fields.push_back(all[place]);
    }
    row(fields, where);
  }
}

double parse_plain_number(const std::string& field, const Location& where) {
  const double number = parse_number(field, where);
  if (field.find('%') != std::string::npos) {
    throw InputError(where, "'" + field + "' is a percentage, and a plain number is expected");
  }
  return number;
}

std::uint32_t to_tokens(double number, const Location& where) {
  if (!(number >= 1 && number <= 1e9) || number != std::floor(number)) {
    throw InputError(where, fmt::format("'{}' is not a number of tokens (a whole number from 1 to 1e9)", number));
  }
  return static_cast<std::uint32_t>(number);
}

std::uint32_t parse_tokens(const std::string& field, const Location& where) {
  return to_tokens(parse_plain_number(field, where), where);
}

std::uint32_t to_answer_tokens(double number, const Location& where) {
  return number == 0 ? 0 : to_tokens(number, where);
}

}  // namespace podium
