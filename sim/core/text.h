#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "sim/core/check.h"
#include "sim/core/units.h"

namespace podium {

/// Reads "196 GB/s", "1.2 us", "64 GiB", "752 TFLOP/s", "700 W", "3.3 M$", "2.75 $/h", "12 /s" …: a number, a blank and
/// a unit of the right dimension. GB is 1e9 bytes, GiB is 2^30; Gb/s are bits. A bare number, a unit of another
/// dimension, a value that is not finite or is negative throw InputError, which lists the units that would be right.
template <class Q>
Q parse_quantity(std::string_view text, const Location& where = {});
template <>
Bytes parse_quantity<Bytes>(std::string_view, const Location&);
template <>
Flops parse_quantity<Flops>(std::string_view, const Location&);
template <>
Seconds parse_quantity<Seconds>(std::string_view, const Location&);
template <>
Watts parse_quantity<Watts>(std::string_view, const Location&);
template <>
Dollars parse_quantity<Dollars>(std::string_view, const Location&);
template <>
BytesPerSecond parse_quantity<BytesPerSecond>(std::string_view, const Location&);
template <>
FlopsPerSecond parse_quantity<FlopsPerSecond>(std::string_view, const Location&);
template <>
DollarsPerSecond parse_quantity<DollarsPerSecond>(std::string_view, const Location&);
template <>
PerSecond parse_quantity<PerSecond>(std::string_view, const Location&);

/// A whole or decimal number; a percentage ("85 %") is divided by 100. Not finite, or trailing text: InputError.
double parse_number(std::string_view text, const Location& where = {});
/// "5", or "8..15": the first number and the last, of seven digits at most; nothing where it is not written like that.
std::optional<std::pair<std::uint32_t, std::uint32_t>> parse_range(std::string_view text);
/// A whole number that is not negative, below 2^53; "4,096" and "4096" are the same.
std::int64_t parse_count(std::string_view text, const Location& where = {});

/// For people: three significant digits and the unit that suits ("1.26 ms", "392 GB/s"). A size that is a whole number
/// of KiB, MiB … below 1,024 is given in them ("64 GiB"), any other in decimal units.
std::string to_text(Bytes);
/// A size in decimal units, whatever it is: for sizes side by side.
std::string to_decimal_text(Bytes);
std::string to_text(Flops);
std::string to_text(Seconds);
std::string to_text(BytesPerSecond);
std::string to_text(FlopsPerSecond);
std::string to_text(Watts);
std::string to_text(Joules);
std::string to_text(Dollars);
std::string to_text(DollarsPerSecond);
std::string to_text(PerSecond);
/// A count with thousands separated by commas.
std::string with_commas(long long count);
/// Text of a file for a message: '?' for what a terminal would obey.
std::string printable(std::string text);

}  // namespace podium
