#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "sim/core/check.h"

namespace podium {

// Cells of comma-separated values (RFC 4180). A cell ends with its line.

/// The cells of a line without its end. One that begins with a quotation mark goes to the next; within, commas are part
/// of it and two marks are one. InputError where it does not end.
std::vector<std::string> split_cells(std::string_view line, const Location& where);

/// A cell between quotation marks.
std::string quoted_cell(std::string_view text);
/// A cell, between quotation marks where it needs them.
std::string csv_cell(std::string_view text);

}  // namespace podium
