#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "sim/core/check.h"

namespace podium {

/// What readers of text have in common: pieces of a line, and numbers with their place. The pieces are views of the
/// line.
std::vector<std::string_view> words_of(std::string_view line);
/// A whole number up to `most`; InputError "'x' is no <what>" at `where`.
std::uint64_t whole_number(std::string_view text, const char* what, std::uint64_t most, const Location& where);

}  // namespace podium
