#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace podium {

enum class Align { left, right };

/// Rows of text under titles. A row may be shorter than the titles; what is missing is empty.
struct TextTable {
  struct Column {
    std::string title;
    Align align = Align::left;
  };
  std::vector<Column> columns;
  std::vector<std::vector<std::string>> rows;
};

/// Columns padded to equal widths for a terminal, a rule under the titles; `indent` blanks before each line.
std::string plain(const TextTable&, std::size_t indent = 0);
/// A GitHub-flavoured Markdown table.
std::string markdown(const TextTable&);
/// Text that Markdown shows as it is, also within a table.
std::string escape_markdown(std::string_view);

}  // namespace podium
