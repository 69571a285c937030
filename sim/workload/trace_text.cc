#include "sim/workload/trace_text.h"

#include <algorithm>
#include <charconv>

namespace podium {

std::vector<std::string_view> words_of(std::string_view line) {
  std::vector<std::string_view> words;
  for (;;) {
    const std::size_t start = line.find_first_not_of(" \t\r");
    if (start == std::string_view::npos) {
      return words;
    }
    const std::size_t end = std::min(line.find_first_of(" \t\r", start), line.size());
    words.push_back(line.substr(start, end - start));
    line.remove_prefix(end);
  }
}

std::uint64_t whole_number(std::string_view text, const char* what, std::uint64_t most, const Location& where) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value > most) {
    throw InputError(where, "'" + std::string(text) + "' is no " + what);
  }
  return value;
}

bool TraceLines::next(std::string& line) {
  ++number_;
  return static_cast<bool>(std::getline(in_, line));
}

void TraceLines::fail(const std::string& problem) const { throw InputError(where(), problem); }

std::uint64_t TraceLines::whole(std::string_view text, const char* what, std::uint64_t most) const {
  return whole_number(text, what, most, where());
}

}  // namespace podium
