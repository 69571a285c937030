// The attributes of Chakra's nodes: which mean something here, and the forms in which files write them. What has
// another form is refused with its node, for a zero in its place would run as something else.
#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>

#include "sim/core/utf8.h"
#include "sim/workload/trace_chakra.h"

namespace podium {
namespace {

using namespace std::string_view_literals;

constexpr std::array attributes{"comm_type"sv,  "comm_src"sv, "comm_dst"sv,    "comm_tag"sv,
                                "comm_size"sv,  "num_ops"sv,  "tensor_size"sv, "runtime"sv,
                                "comm_group"sv, "pg_name"sv,  "is_cpu_op"sv,   "involved_dim"sv};

/// By comm_type, as protobuf's JSON writes an enum.
constexpr std::array comm_type_names{
    "ALL_REDUCE"sv, "REDUCE"sv,         "ALL_GATHER"sv,           "GATHER"sv, "SCATTER"sv, "BROADCAST"sv,
    "ALL_TO_ALL"sv, "REDUCE_SCATTER"sv, "REDUCE_SCATTER_BLOCK"sv, "BARRIER"sv};

/// Bytes, operations and us from here on are beyond what a double counts exactly, and beyond sense.
constexpr double most_amount = 9e15;

template <class Number>
std::optional<Number> parsed(const std::string& text) {
  Number number{};
  const char* const end = text.data() + text.size();
  const auto [after, error] = std::from_chars(text.data(), end, number);
  return error == std::errc() && after == end ? std::optional(number) : std::nullopt;
}

std::optional<double> number_of(const ChakraValue& value) {
  if (const auto* text = std::get_if<std::string>(&value)) {
    return parsed<double>(*text);
  }
  if (const auto* whole = std::get_if<std::int64_t>(&value)) {
    return static_cast<double>(*whole);
  }
  const auto* real = std::get_if<double>(&value);
  return real == nullptr ? std::nullopt : std::optional(*real);
}

std::optional<std::int64_t> whole_of(const ChakraValue& value) {
  if (const auto* whole = std::get_if<std::int64_t>(&value)) {
    return *whole;
  }
  const auto* text = std::get_if<std::string>(&value);
  if (const auto whole = text == nullptr ? std::nullopt : parsed<std::int64_t>(*text)) {
    return whole;
  }
  const auto number = number_of(value);  // 3.0 is whole too
  const bool is_whole = number && std::abs(*number) < most_amount && *number == std::floor(*number);
  return is_whole ? std::optional(static_cast<std::int64_t>(*number)) : std::nullopt;
}

std::optional<double> amount_of(const ChakraValue& value, double most) {
  const auto number = number_of(value);
  return number && *number >= 0 && *number < most ? number : std::nullopt;
}

std::optional<std::int64_t> comm_type_of(const ChakraValue& value) {
  const auto* text = std::get_if<std::string>(&value);
  const auto name =
      text == nullptr ? comm_type_names.end() : std::find(comm_type_names.begin(), comm_type_names.end(), *text);
  return name == comm_type_names.end() ? whole_of(value) : std::optional(name - comm_type_names.begin());
}

std::optional<bool> truth_of(const ChakraValue& value) {
  if (const auto* truth = std::get_if<bool>(&value)) {
    return *truth;
  }
  const auto number = whole_of(value);
  return number && (*number == 0 || *number == 1) ? std::optional(*number == 1) : std::nullopt;
}

std::optional<std::string> group_of(const ChakraValue& value) {
  if (const auto* text = std::get_if<std::string>(&value)) {
    return *text;
  }
  const auto number = whole_of(value);
  return number ? std::optional(std::to_string(*number)) : std::nullopt;
}

std::string shown(const ChakraValue& value) {
  if (const auto* text = std::get_if<std::string>(&value)) {
    return "'" + valid_utf8(std::string_view(*text).substr(0, 40)) + "'";
  }
  if (const auto* truth = std::get_if<bool>(&value)) {
    return *truth ? "true" : "false";
  }
  std::array<char, 32> digits{};
  const auto* whole = std::get_if<std::int64_t>(&value);
  const auto end = whole != nullptr ? std::to_chars(digits.begin(), digits.end(), *whole)
                                    : std::to_chars(digits.begin(), digits.end(), std::get<double>(value));
  return {digits.begin(), end.ptr};
}

}  // namespace

ChakraValue whole_value(std::uint64_t number) {
  constexpr std::uint64_t most = std::numeric_limits<std::int64_t>::max();
  return number <= most ? ChakraValue(static_cast<std::int64_t>(number)) : ChakraValue(static_cast<double>(number));
}

std::span<const std::string_view> chakra_attributes() { return attributes; }

bool is_chakra_attribute(std::string_view name) {
  return std::find(attributes.begin(), attributes.end(), name) != attributes.end();
}

void ChakraNode::clear() {
  const auto keep = [](std::string& text) {
    text.clear();
    return std::move(text);
  };
  ChakraNode empty;
  empty.name = keep(name);
  empty.shapes = keep(shapes);
  empty.types = keep(types);
  empty.ignored = keep(ignored);
  after.clear();
  empty.after = std::move(after);
  *this = std::move(empty);
}

void ChakraNode::refuse(std::string_view attribute, const std::string& found, std::string_view right) {
  if (problem.empty()) {
    problem.append("its ").append(attribute).append(" is ").append(found).append(", and ");
    problem.append(right).append(" would be right");
  }
}

void ChakraNode::involve(const ChakraValue& value) {
  const auto truth = truth_of(value);
  if (!truth) {
    refuse("involved_dim", shown(value), "true or false");
  }
  ++dimensions;
  all_dimensions &= truth.value_or(false);
}

void ChakraNode::set(std::string_view attribute, const ChakraValue& value) {
  if (const auto known = std::find(attributes.begin(), attributes.end(), attribute); known != attributes.end()) {
    const std::uint32_t bit = 1U << (known - attributes.begin());
    if ((given & bit) != 0) {
      refuse(attribute, "there twice", "once");
    }
    given |= bit;
  }
  const auto take = [&](auto& place, const auto& read, std::string_view right) {
    if (read) {
      place = *read;
    } else {
      refuse(attribute, shown(value), right);
    }
  };
  constexpr std::string_view microseconds = "a time in us from 0 to 9e15", bytes = "a size in bytes from 0 to 9e15";
  if (attribute == "comm_type") {
    take(comm_type, comm_type_of(value), "the number or name of one of Chakra's collectives (ALL_REDUCE is 0)");
  } else if (attribute == "comm_src") {
    take(comm_src, whole_of(value), "a rank");
  } else if (attribute == "comm_dst") {
    take(comm_dst, whole_of(value), "a rank");
  } else if (attribute == "comm_tag") {
    take(comm_tag, whole_of(value), "a whole number from -2^63 to 2^63 - 1");
  } else if (attribute == "comm_size") {
    take(comm_size, amount_of(value, most_amount), bytes);
  } else if (attribute == "tensor_size") {
    take(tensor_size, amount_of(value, most_amount), bytes);
  } else if (attribute == "num_ops") {
    take(num_ops, amount_of(value, std::numeric_limits<double>::infinity()), "a count from 0 on");
  } else if (attribute == "runtime") {
    take(runtime, amount_of(value, most_amount), microseconds);
  } else if (attribute == "duration_micros") {
    take(duration, amount_of(value, most_amount), microseconds);
  } else if (attribute == "comm_group" || attribute == "pg_name") {
    std::string name;
    take(name, group_of(value), "the name or number of a communicator group");
    // converters may write both, one of them empty
    if (!name.empty() && (group.empty() || attribute == "pg_name")) {
      group = std::move(name);
    }
  } else if (attribute == "is_cpu_op") {
    take(is_cpu_op, truth_of(value), "true or false");
  } else if (attribute == "involved_dim") {
    involve(value);
  }
}

}  // namespace podium
