#include "sim/core/csv_cells.h"

namespace podium {

std::vector<std::string> split_cells(std::string_view line, const Location& where) {
  std::vector<std::string> cells(1);
  bool is_quoted = false;
  for (std::size_t at = 0; at < line.size(); ++at) {
    const char c = line[at];
    if (c == '"' && is_quoted && line.substr(at + 1).starts_with('"')) {
      cells.back() += line[++at];
    } else if (c == '"' && (is_quoted || cells.back().empty())) {
      is_quoted = !is_quoted;
    } else if (c == ',' && !is_quoted) {
      cells.emplace_back();
    } else {
      cells.back() += c;
    }
  }
  if (is_quoted) {
    throw InputError(where, "a quoted cell does not end with its line");
  }
  return cells;
}

std::string quoted_cell(std::string_view text) {
  std::string quoted = "\"";
  for (const char c : text) {
    quoted.append(c == '"' ? 2 : 1, c);
  }
  return quoted + '"';
}

std::string csv_cell(std::string_view text) {
  return text.find_first_of(",\"\r\n") == std::string_view::npos ? std::string(text) : quoted_cell(text);
}

}  // namespace podium
