#pragma once

#include <functional>
#include <string>
#include <vector>

#include "sim/core/check.h"

namespace podium {

/// Reads a CSV file (through gzip and zstd) with a header line row by row: `row` gets the fields of the wanted columns,
/// in the order of `columns`. A column that is not there, or a row of another width, is an InputError with file and
/// line.
void read_csv(const std::string& path, const std::vector<std::string>& columns,
              const std::function<void(const std::vector<std::string>& fields, const Location& where)>& row);

/// A number without a unit, nor a percentage.
double parse_plain_number(const std::string& field, const Location& where);

/// A whole number of tokens, at least one and at most a billion.
std::uint32_t to_tokens(double number, const Location& where);
std::uint32_t parse_tokens(const std::string& field, const Location& where);
/// Of an answer, which may have none.
std::uint32_t to_answer_tokens(double number, const Location& where);

}  // namespace podium
