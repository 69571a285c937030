#include "sim/workload/trace_text.h"

#include <algorithm>
#include <charconv>

namespace podium {

std::vector<std::string_view> words_of(std::string_view line) {
  std::vector<std::string_view> words;
  find_words(line, words);
  return words;
}

void find_words(std::string_view line, std::vector<std::string_view>& words) {
  const auto is_blank = [](char c) { return c == ' ' || c == '\t' || c == '\r'; };
  words.clear();
  for (auto at = line.begin();;) {
    const auto start = std::find_if_not(at, line.end(), is_blank);
    if (start == line.end()) {
      return;
    }
    at = std::find_if(start, line.end(), is_blank);
    words.emplace_back(start, at);
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
