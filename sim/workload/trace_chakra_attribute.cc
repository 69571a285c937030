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

std::optional<double> amount_of(const ChakraValue& value) {
  const auto number = number_of(value);
  return number && *number >= 0 && *number < most_amount ? number : std::nullopt;
}

std::optional<double> count_of(const ChakraValue& value) {
  const auto number = number_of(value);
  return number && *number >= 0 && std::isfinite(*number) ? number : std::nullopt;
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

std::optional<CollectiveKind> exchange_of(const ChakraValue& value) {
  const auto* text = std::get_if<std::string>(&value);
  for (const CollectiveKind kind : {CollectiveKind::dispatch, CollectiveKind::combine}) {
    if (text != nullptr && *text == to_string(kind)) {
      return kind;
    }
  }
  return std::nullopt;
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

/// What an attribute means: where its value goes, if it is what would be right.
struct Attribute {
  std::string_view name, right;
  bool (*take)(ChakraNode&, const ChakraValue&) = nullptr;
};

template <auto Place, auto Read>
bool take(ChakraNode& node, const ChakraValue& value) {
  node.*Place = Read(value);
  return (node.*Place).has_value();
}

/// Converters may write both names, one of them empty.
template <bool IsFirst>
bool take_group(ChakraNode& node, const ChakraValue& value) {
  std::optional<std::string> name = group_of(value);
  if (name && !name->empty() && (node.group.empty() || IsFirst)) {
    node.group = std::move(*name);
  }
  return name.has_value();
}

bool take_dimension(ChakraNode& node, const ChakraValue& value) {
  const auto truth = truth_of(value);
  ++node.dimensions;
  node.all_dimensions &= truth.value_or(false);
  return truth.has_value();
}

constexpr std::string_view microseconds = "a time in us from 0 to 9e15", bytes = "a size in bytes from 0 to 9e15",
                           rank = "a rank", count = "a count from 0 on", truth = "true or false",
                           group = "the name or number of a communicator group";

constexpr std::array attributes{
    Attribute{"comm_type", "the number or name of one of Chakra's collectives (ALL_REDUCE is 0)",
              take<&ChakraNode::comm_type, comm_type_of>},
    Attribute{"comm_src", rank, take<&ChakraNode::comm_src, whole_of>},
    Attribute{"comm_dst", rank, take<&ChakraNode::comm_dst, whole_of>},
    Attribute{"comm_tag", "a whole number from -2^63 to 2^63 - 1", take<&ChakraNode::comm_tag, whole_of>},
    Attribute{"comm_size", bytes, take<&ChakraNode::comm_size, amount_of>},
    Attribute{"num_ops", count, take<&ChakraNode::num_ops, count_of>},
    Attribute{"tensor_size", bytes, take<&ChakraNode::tensor_size, amount_of>},
    Attribute{"runtime", microseconds, take<&ChakraNode::runtime, amount_of>},
    Attribute{"comm_group", group, take_group<false>},
    Attribute{"pg_name", group, take_group<true>},
    Attribute{"is_cpu_op", truth, take<&ChakraNode::is_cpu_op, truth_of>},
    Attribute{"involved_dim", truth, take_dimension},
    Attribute{"podium_stream", "a whole number", take<&ChakraNode::stream, whole_of>},
    Attribute{"podium_cores_us", microseconds, take<&ChakraNode::cores, amount_of>},
    Attribute{"podium_memory_us", microseconds, take<&ChakraNode::memory, amount_of>},
    Attribute{"podium_launch_us", microseconds, take<&ChakraNode::launch, amount_of>},
    Attribute{"podium_exchange", "dispatch or combine", take<&ChakraNode::exchange, exchange_of>},
    Attribute{"podium_imbalance", count, take<&ChakraNode::imbalance, count_of>},
    Attribute{"podium_choices", count, take<&ChakraNode::choices, whole_of>},
    Attribute{"podium_slots", count, take<&ChakraNode::slots, count_of>},
    Attribute{"podium_shared", count, take<&ChakraNode::shared, whole_of>},
    Attribute{"podium_groups", count, take<&ChakraNode::groups, whole_of>},
    Attribute{"podium_groups_chosen", count, take<&ChakraNode::groups_chosen, whole_of>},
};

/// A value that was not taken is refused with what would be right.
void insist(bool taken, ChakraNode& node, std::string_view attribute, const ChakraValue& value,
            std::string_view right) {
  if (!taken) {
    node.refuse(attribute, shown(value), right);
  }
}

const Attribute* find_attribute(std::string_view name) {
  const auto known =
      std::find_if(attributes.begin(), attributes.end(), [name](const Attribute& one) { return one.name == name; });
  return known == attributes.end() ? nullptr : &*known;
}

}  // namespace

ChakraValue whole_value(std::uint64_t number) {
  constexpr std::uint64_t most = std::numeric_limits<std::int64_t>::max();
  return number <= most ? ChakraValue(static_cast<std::int64_t>(number)) : ChakraValue(static_cast<double>(number));
}

std::string_view chakra_attribute(std::string_view name, bool (*same)(std::string_view, std::string_view)) {
  const auto known =
      std::find_if(attributes.begin(), attributes.end(), [&](const Attribute& one) { return same(one.name, name); });
  return known == attributes.end() ? std::string_view() : known->name;
}

bool is_chakra_attribute(std::string_view name) { return find_attribute(name) != nullptr; }

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

void ChakraNode::set(std::string_view attribute, const ChakraValue& value) {
  const Attribute* const known = find_attribute(attribute);
  if (known == nullptr) {
    return;
  }
  const std::uint32_t bit = 1U << (known - attributes.data());
  if ((given & bit) != 0) {
    refuse(attribute, "there twice", "once");
  }
  given |= bit;
  insist(known->take(*this, value), *this, attribute, value, known->right);
}

void ChakraNode::set_duration(const ChakraValue& value) {
  insist(take<&ChakraNode::duration, amount_of>(*this, value), *this, "duration_micros", value, microseconds);
}

void ChakraNode::involve(const ChakraValue& value) {
  insist(take_dimension(*this, value), *this, "involved_dim", value, truth);
}

}  // namespace podium
