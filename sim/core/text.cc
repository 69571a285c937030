#include "sim/core/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <iterator>
#include <optional>
#include <span>

namespace podium {
namespace {

struct Prefix {
  std::string_view symbol;
  double scale;
};
constexpr Prefix small_prefixes[] = {{"m", 1e-3}, {"u", 1e-6},      {"\u00b5", 1e-6},  // the micro sign
                                     {"n", 1e-9}, {"\u03bc", 1e-6},                    // the Greek letter
                                     {"p", 1e-12}};
constexpr Prefix large_prefixes[] = {{"k", 1e3},  {"K", 1e3},  {"M", 1e6}, {"G", 1e9},
                                     {"T", 1e12}, {"P", 1e15}, {"E", 1e18}};
constexpr Prefix binary_prefixes[] = {{"Ki", 0x1p10}, {"Mi", 0x1p20}, {"Gi", 0x1p30}, {"Ti", 0x1p40}, {"Pi", 0x1p50}};

/// A unit without its prefix, and which families of prefixes it takes.
struct Unit {
  std::string_view symbol;
  double scale;
  bool small = false;
  bool large = false;
  bool binary = false;
};
constexpr Unit no_unit[] = {{"", 1}};
constexpr Unit sizes[] = {
    {"B", 1, false, true, true}, {"b", 0.125, false, true, true}, {"bit", 0.125, false, true, true}};
constexpr Unit works[] = {{"FLOP", 1, false, true}, {"OP", 1, false, true}};
constexpr Unit times[] = {{"s", 1, true}, {"min", 60}, {"h", 3600}, {"d", 86400}};
constexpr Unit powers[] = {{"W", 1, true, true}};
constexpr Unit prices[] = {{"$", 1, false, true}};
constexpr Unit speeds[] = {{"FLOPS", 1, false, true}, {"OPS", 1, false, true}};
constexpr Unit frequencies[] = {{"Hz", 1, false, true}};

/// What a quantity is called, and how its units are made: a unit alone, or a unit over a time.
struct Dimension {
  std::string_view name;
  std::span<const Unit> alone;
  std::span<const Unit> over_time;
  std::string_view examples;
};
constexpr Dimension size{"size", sizes, {}, "B, kB, MB, GB, TB, KiB, MiB, GiB, Gb"};
constexpr Dimension operations{"operations", works, {}, "FLOP, GFLOP, TFLOP, PFLOP, EFLOP"};
constexpr Dimension duration{"time", times, {}, "ps, ns, us, ms, s, min, h, d"};
constexpr Dimension power{"power", powers, {}, "W, kW, MW"};
constexpr Dimension money{"money", prices, {}, "$, k$, M$"};
constexpr Dimension bandwidth{"bandwidth", {}, sizes, "GB/s, TB/s, GiB/s, Gb/s"};
constexpr Dimension compute_rate{"compute rate", speeds, works, "TFLOP/s, PFLOP/s, TOPS"};
constexpr Dimension price_rate{"price over time", {}, prices, "$/h, $/s"};
constexpr Dimension frequency{"frequency", frequencies, no_unit, "/s, /min, /h, Hz, kHz"};
constexpr const Dimension* dimensions[] = {&size,      &operations,   &duration,   &power,    &money,
                                           &bandwidth, &compute_rate, &price_rate, &frequency};

std::optional<double> scale_by(std::string_view prefix, std::span<const Prefix> prefixes) {
  for (const Prefix& known : prefixes) {
    if (known.symbol == prefix) {
      return known.scale;
    }
  }
  return std::nullopt;
}

/// The value of one `text` ("GB") in base units, where it is a unit of this list.
std::optional<double> scale_of(std::string_view text, std::span<const Unit> units) {
  for (const Unit& unit : units) {
    if (!text.ends_with(unit.symbol)) {
      continue;
    }
    const std::string_view prefix = text.substr(0, text.size() - unit.symbol.size());
    std::optional<double> scale;
    if (prefix.empty()) {
      scale = 1;
    }
    if (!scale && unit.small) {
      scale = scale_by(prefix, small_prefixes);
    }
    if (!scale && unit.large) {
      scale = scale_by(prefix, large_prefixes);
    }
    if (!scale && unit.binary) {
      scale = scale_by(prefix, binary_prefixes);
    }
    if (scale) {
      return *scale * unit.scale;
    }
  }
  return std::nullopt;
}

std::optional<double> scale_of(std::string_view text, const Dimension& dimension) {
  const std::size_t slash = text.rfind('/');
  if (slash == std::string_view::npos) {
    return scale_of(text, dimension.alone);
  }
  const std::optional<double> above = scale_of(text.substr(0, slash), dimension.over_time);
  const std::optional<double> below = scale_of(text.substr(slash + 1), times);
  if (!above || !below) {
    return std::nullopt;
  }
  return *above / *below;
}

std::string_view trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) {
    return {};
  }
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// Leaves out commas that separate thousands ("1,943.5"). A comma elsewhere ends the number, so that it is refused with
/// what follows it.
std::string without_separators(std::string_view text) {
  std::size_t i = text.starts_with('-') ? 1 : 0;
  std::string plain(text.substr(0, i));
  std::size_t digits = 0;  // since the start
  while (i < text.size() && (is_digit(text[i]) || text[i] == ',')) {
    if (is_digit(text[i])) {
      plain += text[i++];
      ++digits;
      continue;
    }
    const std::string_view group = text.substr(i + 1, 3);
    const bool separates = group.size() == 3 && std::all_of(group.begin(), group.end(), is_digit) &&
                           (i + 4 == text.size() || !is_digit(text[i + 4]));
    if (!separates || digits == 0 || digits > 3) {
      break;
    }
    plain += group;
    i += 4;
  }
  return plain.append(text.substr(i));
}

struct Scanned {
  double value;
  std::string rest;  ///< what follows the number
};

/// The number that a text begins with; InputError where there is none, or where it is not finite.
Scanned scan_number(std::string_view text, std::string_view wanted, const Location& where) {
  const std::string plain = without_separators(trimmed(text));
  Scanned scanned{};
  const char* const end = plain.data() + plain.size();
  const auto [stop, error] = std::from_chars(plain.data(), end, scanned.value);
  if (error == std::errc::invalid_argument) {
    throw InputError(where, fmt::format("'{}' is not a number{}", text, wanted));
  }
  if (error == std::errc::result_out_of_range || !std::isfinite(scanned.value)) {
    throw InputError(where, fmt::format("'{}' is not a finite number", text));
  }
  scanned.rest = trimmed(std::string_view(stop, static_cast<std::size_t>(end - stop)));
  return scanned;
}

/// What is wrong with a unit: there is none, it belongs to another dimension, or nobody knows it.
[[noreturn]] void refuse_unit(std::string_view text, std::string_view unit, const Dimension& wanted,
                              const Location& where) {
  if (unit.empty()) {
    throw InputError(where, fmt::format("'{}' needs a unit of {} ({})", text, wanted.name, wanted.examples));
  }
  for (const Dimension* other : dimensions) {
    if (scale_of(unit, *other)) {
      throw InputError(
          where, fmt::format("'{}' has a unit of {}, not of {} ({})", text, other->name, wanted.name, wanted.examples));
    }
  }
  throw InputError(where, fmt::format("'{}': '{}' is not a unit of {} ({})", text, unit, wanted.name, wanted.examples));
}

double parse(std::string_view text, const Dimension& dimension, const Location& where) {
  const Scanned scanned =
      scan_number(text, fmt::format(" with a unit of {} ({})", dimension.name, dimension.examples), where);
  const std::optional<double> scale = scale_of(scanned.rest, dimension);
  if (!scale) {
    refuse_unit(text, scanned.rest, dimension, where);
  }
  const double value = scanned.value * *scale;
  if (!std::isfinite(value)) {
    throw InputError(where, fmt::format("'{}' is not finite", text));
  }
  if (value < 0) {
    throw InputError(where, fmt::format("'{}' is negative", text));
  }
  return std::abs(value);  // -0 is 0
}

/// A unit to print in; the smallest comes first.
struct Scale {
  double size;
  std::string_view symbol;
};

/// Three significant digits in the smallest scale that needs no more than three before the point.
std::string print(double value, std::span<const Scale> scales, std::string_view suffix = "") {
  const double magnitude = std::abs(value);
  const auto fits = [magnitude](const Scale& scale) { return magnitude / scale.size < 999.5; };
  auto scale = std::find_if(scales.begin(), scales.end(), fits);
  if (scale == scales.end()) {
    --scale;
    return fmt::format("{:.0f} {}{}", value / scale->size, scale->symbol, suffix);
  }
  return fmt::format("{:.3g} {}{}", value / scale->size, scale->symbol, suffix);
}

constexpr Scale byte_scales[] = {{1, "B"},     {1e3, "kB"},  {1e6, "MB"}, {1e9, "GB"},
                                 {1e12, "TB"}, {1e15, "PB"}, {1e18, "EB"}};
constexpr Scale flop_scales[] = {{1, "FLOP"},     {1e3, "kFLOP"},  {1e6, "MFLOP"}, {1e9, "GFLOP"},
                                 {1e12, "TFLOP"}, {1e15, "PFLOP"}, {1e18, "EFLOP"}};
constexpr Scale time_scales[] = {{1e-12, "ps"}, {1e-9, "ns"}, {1e-6, "us"}, {1e-3, "ms"},
                                 {1, "s"},      {60, "min"},  {3600, "h"},  {86400, "d"}};
constexpr Scale watt_scales[] = {{1e-3, "mW"}, {1, "W"}, {1e3, "kW"}, {1e6, "MW"}, {1e9, "GW"}};
constexpr Scale joule_scales[] = {{1e-3, "mJ"}, {1, "J"}, {1e3, "kJ"}, {1e6, "MJ"}, {1e9, "GJ"}};
constexpr Scale dollar_scales[] = {{1, "$"}, {1e3, "k$"}, {1e6, "M$"}, {1e9, "G$"}};
constexpr Scale frequency_scales[] = {{1, ""}, {1e3, "k"}, {1e6, "M"}, {1e9, "G"}};

}  // namespace

template <>
Bytes parse_quantity<Bytes>(std::string_view text, const Location& where) {
  return Bytes(parse(text, size, where));
}
template <>
Flops parse_quantity<Flops>(std::string_view text, const Location& where) {
  return Flops(parse(text, operations, where));
}
template <>
Seconds parse_quantity<Seconds>(std::string_view text, const Location& where) {
  return Seconds(parse(text, duration, where));
}
template <>
Watts parse_quantity<Watts>(std::string_view text, const Location& where) {
  return Watts(parse(text, power, where));
}
template <>
Dollars parse_quantity<Dollars>(std::string_view text, const Location& where) {
  return Dollars(parse(text, money, where));
}
template <>
BytesPerSecond parse_quantity<BytesPerSecond>(std::string_view text, const Location& where) {
  return BytesPerSecond(parse(text, bandwidth, where));
}
template <>
FlopsPerSecond parse_quantity<FlopsPerSecond>(std::string_view text, const Location& where) {
  return FlopsPerSecond(parse(text, compute_rate, where));
}
template <>
DollarsPerSecond parse_quantity<DollarsPerSecond>(std::string_view text, const Location& where) {
  return DollarsPerSecond(parse(text, price_rate, where));
}
template <>
PerSecond parse_quantity<PerSecond>(std::string_view text, const Location& where) {
  return PerSecond(parse(text, frequency, where));
}

double parse_number(std::string_view text, const Location& where) {
  const Scanned scanned = scan_number(text, "", where);
  if (scanned.rest == "%") {
    return scanned.value / 100;
  }
  if (!scanned.rest.empty()) {
    throw InputError(where, fmt::format("'{}': '{}' after the number is not understood; a plain number or a "
                                        "percentage is expected",
                                        text, scanned.rest));
  }
  return scanned.value;
}

std::optional<std::pair<std::uint32_t, std::uint32_t>> parse_range(std::string_view text) {
  constexpr std::size_t most_digits = 7;
  const auto is_number = [](std::string_view digits) {
    return !digits.empty() && digits.size() <= most_digits &&
           digits.find_first_not_of("0123456789") == std::string_view::npos;
  };
  const std::size_t dots = text.find("..");
  const std::string_view first = text.substr(0, dots);
  const std::string_view last = dots == std::string_view::npos ? first : text.substr(dots + 2);
  if (!is_number(first) || !is_number(last)) {
    return std::nullopt;
  }
  const auto number = [](std::string_view digits) {
    return static_cast<std::uint32_t>(std::stoul(std::string(digits)));
  };
  return std::pair(number(first), number(last));
}

std::int64_t parse_count(std::string_view text, const Location& where) {
  constexpr std::int64_t largest = (std::int64_t{1} << 53) - 1;  // a larger one may be read as its neighbour
  const Scanned scanned = scan_number(text, "", where);
  const bool whole = scanned.rest.empty() && scanned.value == std::floor(scanned.value);
  if (!whole || scanned.value < 0) {
    throw InputError(where, fmt::format("'{}' is not a count; a whole number that is not negative is expected", text));
  }
  if (scanned.value > static_cast<double>(largest)) {
    throw InputError(where, fmt::format("'{}' is too large a count; the largest is {}", text, with_commas(largest)));
  }
  return static_cast<std::int64_t>(scanned.value);
}

std::string to_text(Bytes bytes) {
  constexpr Scale binary_scales[] = {
      {0x1p50, "PiB"}, {0x1p40, "TiB"}, {0x1p30, "GiB"}, {0x1p20, "MiB"}, {0x1p10, "KiB"}};
  for (const Scale& scale : binary_scales) {
    const double count = bytes.value() / scale.size;
    if (count >= 1) {
      if (count < 1024 && count == std::floor(count)) {
        return fmt::format("{:.0f} {}", count, scale.symbol);
      }
      break;
    }
  }
  return print(bytes.value(), byte_scales);
}
std::string to_decimal_text(Bytes bytes) { return print(bytes.value(), byte_scales); }
std::string to_text(Flops flops) { return print(flops.value(), flop_scales); }
std::string to_text(Seconds seconds) { return seconds.value() == 0 ? "0 s" : print(seconds.value(), time_scales); }
std::string to_text(BytesPerSecond rate) { return print(rate.value(), byte_scales, "/s"); }
std::string to_text(FlopsPerSecond rate) { return print(rate.value(), flop_scales, "/s"); }
std::string to_text(Watts watts) { return watts.value() == 0 ? "0 W" : print(watts.value(), watt_scales); }
std::string to_text(Joules joules) { return joules.value() == 0 ? "0 J" : print(joules.value(), joule_scales); }
std::string to_text(Dollars dollars) { return print(dollars.value(), dollar_scales); }
std::string to_text(DollarsPerSecond rate) { return print(rate.value() * 3600, dollar_scales, "/h"); }
std::string to_text(PerSecond rate) { return print(rate.value(), frequency_scales, "/s"); }

std::string printable(std::string text) {
  const auto is_control = [](char c) { return static_cast<unsigned char>(c) < ' ' || c == '\x7F'; };
  std::replace_if(text.begin(), text.end(), is_control, '?');
  return text;
}

std::string with_commas(long long count) {
  std::string digits = std::to_string(count);
  const std::ptrdiff_t first = count < 0 ? 1 : 0;
  for (auto place = std::ssize(digits) - 3; place > first; place -= 3) {
    digits.insert(static_cast<std::size_t>(place), 1, ',');
  }
  return digits;
}

}  // namespace podium
