#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace podium {

/// The length of the UTF-8 sequence at the start of a text, or 0 where there is none (RFC 3629).
std::size_t utf8_length(std::string_view text);

/// The text with U+FFFD for each byte that is no UTF-8: JSON and other programs take nothing else.
std::string valid_utf8(std::string_view text);

}  // namespace podium
