#include "sim/core/check.h"

#include <algorithm>
#include <numeric>
#include <vector>

namespace podium {
namespace {

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i + 1;
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t substituted = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({row[j] + 1, row[j + 1] + 1, substituted});
    }
  }
  return row.back();
}

}  // namespace

std::string to_string(const Location& where) {
  std::string text = where.file;
  if (where.line > 0) {
    text += ":" + std::to_string(where.line);
    if (where.column > 0) {
      text += ":" + std::to_string(where.column);
    }
  }
  return text;
}

void throw_bug(const char* condition, const char* file, int line, const std::string& why) {
  throw Bug(std::string(file) + ":" + std::to_string(line) + ": " + condition + (why.empty() ? "" : ": " + why));
}

std::string nearest(std::string_view name, std::span<const std::string> known) {
  // near is: at most half the letters differ, and never all of them
  std::string best;
  std::size_t least = std::min(std::max<std::size_t>(2, name.size() / 2) + 1, name.size());
  for (const std::string& candidate : known) {
    const std::size_t distance = edit_distance(name, candidate);
    if (distance < least) {
      least = distance;
      best = candidate;
    }
  }
  if (best.empty() && !name.empty()) {  // "gb200" for "gb200-nvl72"
    const auto longer = std::find_if(known.begin(), known.end(),
                                     [name](const std::string& candidate) { return candidate.starts_with(name); });
    return longer == known.end() ? "" : *longer;
  }
  return best;
}

std::string unknown_name(std::string_view what, std::string_view name, std::span<const std::string> known) {
  std::string text = "unknown " + std::string(what) + " '" + std::string(name) + "'";
  const std::string near = nearest(name, known);
  if (!near.empty()) {
    text += " (did you mean '" + near + "'?)";
  }
  text += known.empty() ? "; none is known" : "; known: ";
  for (std::size_t i = 0; i < known.size(); ++i) {
    text += (i == 0 ? "" : ", ") + known[i];
  }
  return text;
}

}  // namespace podium
