#pragma once

#include <cstdint>
#include <string>

namespace podium {

/// For people: three significant digits with thousands separated ("212,000", "5.66", "0.0123"); an exponent below 1e-4.
std::string three_digits(double);
/// A ratio: "1.96×".
std::string factor(double);
/// A share of one: "94.5 %".
std::string percent(double share);
/// A whole number with thousands separated.
std::string count(double);
/// For programs: the shortest text that reads back as the same double; what is not finite is empty.
std::string exact(double);
/// A signature: 16 hexadecimal digits.
std::string hexadecimal(std::uint64_t);

}  // namespace podium
