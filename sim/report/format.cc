#include "sim/report/format.h"

#include <fmt/format.h>

#include <charconv>
#include <cmath>

#include "sim/core/text.h"

namespace podium {
std::string three_digits(double value) {
  if (value == 0 || !std::isfinite(value)) {
    return value == 0 ? "0" : "-";
  }
  std::string rounded = fmt::format("{:.2e}", value);
  const int exponent = std::stoi(rounded.substr(rounded.find('e') + 1));
  if (exponent < -4) {
    return rounded;
  }
  if (exponent >= 3) {
    return with_commas(std::llround(std::stod(rounded)));
  }
  return fmt::format("{:.{}f}", std::stod(rounded), 2 - exponent);
}

std::string factor(double ratio) { return three_digits(ratio) + "×"; }

std::string percent(double share) { return fmt::format("{:.1f} %", share * 100); }

std::string count(double value) { return with_commas(std::llround(value)); }

std::string exact(double value) {
  if (!std::isfinite(value)) {
    return "";
  }
  char text[32];
  const auto end = std::to_chars(text, text + sizeof text, value);
  return {text, end.ptr};
}

std::string hexadecimal(std::uint64_t signature) { return fmt::format("{:016x}", signature); }

}  // namespace podium
