#include "sim/compute/parameter.h"

#include <fmt/format.h>

namespace podium {

std::string figure_text(const Parameter& parameter) {
  const double value = *parameter.value;
  switch (parameter.unit) {
    case Parameter::Unit::none:
      return fmt::format("{:.4g}", value);
    case Parameter::Unit::seconds:
      return value < 1e-9 ? fmt::format("{:.4g} ps", value * 1e12) : fmt::format("{:.4g} us", value * 1e6);
    case Parameter::Unit::bytes_per_second:
      return fmt::format("{:.5g} GB/s", value * 1e-9);
  }
  throw_bug("a parameter has a unit", __FILE__, __LINE__, parameter.name);
}

std::string figures_text(const std::vector<Parameter>& parameters,
                         const std::function<std::string(const std::string&)>& chosen) {
  std::string text, type;
  for (const Parameter& parameter : parameters) {
    const std::size_t dot = parameter.name.rfind('.');
    if (dot == std::string::npos) {
      text += fmt::format("{}: {}\n", parameter.name, figure_text(parameter));
      continue;
    }
    const std::size_t first = parameter.name.find('.');
    const std::string own = parameter.name.substr(first + 1, dot - first - 1);
    if (own != type) {
      text += type.empty() ? parameter.name.substr(0, first) + ":\n" : "";
      text += fmt::format("  {}:\n{}", own, chosen(own));
      type = own;
    }
    text += fmt::format("    {}: {}\n", parameter.name.substr(dot + 1), figure_text(parameter));
  }
  return text;
}

void read_parameter(const Parameter& parameter, const Node& node) {
  switch (parameter.unit) {
    case Parameter::Unit::none:
      *parameter.value = node.figure_number();
      break;
    case Parameter::Unit::seconds:
      *parameter.value = node.figure<Seconds>().value();
      break;
    case Parameter::Unit::bytes_per_second:
      *parameter.value = node.figure<BytesPerSecond>().value();
      break;
  }
  constexpr double rounding = 1e-3;  // of a file's digits
  if (*parameter.value < parameter.low * (1 - rounding) || *parameter.value > parameter.high * (1 + rounding)) {
    node.fail(
        fmt::format("is outside of what physics allows, {:.3g} to {:.3g} in SI units", parameter.low, parameter.high));
  }
}

}  // namespace podium
