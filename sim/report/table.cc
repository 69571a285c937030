#include "sim/report/table.h"

#include <algorithm>

namespace podium {
namespace {

const std::string& cell(const std::vector<std::string>& row, std::size_t column) {
  static const std::string nothing;
  return column < row.size() ? row[column] : nothing;
}

/// Characters, where the text is UTF-8.
std::size_t characters(const std::string& text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}

std::vector<std::size_t> widths(const TextTable& table) {
  std::vector<std::size_t> result;
  for (std::size_t i = 0; i < table.columns.size(); ++i) {
    std::size_t most = characters(table.columns[i].title);
    for (const auto& row : table.rows) {
      most = std::max(most, characters(cell(row, i)));
    }
    result.push_back(most);
  }
  return result;
}

}  // namespace

std::string plain(const TextTable& table, std::size_t indent) {
  const std::vector<std::size_t> room = widths(table);
  std::vector<std::string> titles, rules;
  for (std::size_t i = 0; i < table.columns.size(); ++i) {
    titles.push_back(table.columns[i].title);
    rules.emplace_back(room[i], '-');
  }
  std::string text;
  const auto add = [&](const std::vector<std::string>& row) {
    std::string line(indent, ' ');
    for (std::size_t i = 0; i < table.columns.size(); ++i) {
      const std::string padding(room[i] - characters(cell(row, i)), ' ');
      line += i > 0 ? "  " : "";
      line += table.columns[i].align == Align::right ? padding + cell(row, i) : cell(row, i) + padding;
    }
    text += line.substr(0, line.find_last_not_of(' ') + 1) + "\n";
  };
  add(titles);
  add(rules);
  for (const auto& row : table.rows) {
    add(row);
  }
  return text;
}

std::string markdown(const TextTable& table) {
  std::string titles = "|", rules = "|", rows;
  for (const TextTable::Column& column : table.columns) {
    titles += " " + escape_markdown(column.title) + " |";
    rules += column.align == Align::right ? "---:|" : "---|";
  }
  for (const auto& row : table.rows) {
    rows += "|";
    for (std::size_t i = 0; i < table.columns.size(); ++i) {
      rows += " " + escape_markdown(cell(row, i)) + " |";
    }
    rows += "\n";
  }
  return titles + "\n" + rules + "\n" + rows;
}

std::string escape_markdown(std::string_view text) {
  std::string result;
  for (const char c : text) {
    if (c == '\n') {
      result += ' ';
      continue;
    }
    if (std::string_view("\\`*_|<>[]").find(c) != std::string_view::npos) {
      result += '\\';
    }
    result += c;
  }
  return result;
}

}  // namespace podium
