#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "sim/core/check.h"
#include "sim/core/input_stream.h"

namespace podium {

/// What readers of text have in common: pieces of a line, and numbers with their place. The pieces are views of the
/// line.
std::vector<std::string_view> words_of(std::string_view line);
/// The same, into a list whose memory is used again.
void find_words(std::string_view line, std::vector<std::string_view>& words);
/// A whole number up to `most`; InputError "'x' is no <what>" at `where`.
std::uint64_t whole_number(std::string_view text, const char* what, std::uint64_t most, const Location& where);

/// The lines of a trace, with their numbers, for messages with a place.
class TraceLines {
 public:
  explicit TraceLines(InputStream& in) : in_(in) {}

  /// The next line; false at the end.
  bool next(std::string& line);
  /// Messages are of this line from now on.
  void at(std::uint32_t number) { number_ = number; }
  std::uint32_t number() const { return number_; }
  Location where() const { return {in_.path(), number_}; }
  [[noreturn]] void fail(const std::string& problem) const;
  /// `whole_number` at this line.
  std::uint64_t whole(std::string_view text, const char* what, std::uint64_t most) const;

 private:
  InputStream& in_;
  std::uint32_t number_ = 0;
};

}  // namespace podium
