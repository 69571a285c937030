// What Chakra's nodes and attributes mean, whichever form a file has.
#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <optional>

#include "sim/workload/trace_chakra.h"

namespace podium {
namespace {

using namespace std::string_view_literals;

constexpr std::array attributes{"comm_type"sv,  "comm_src"sv, "comm_dst"sv,    "comm_tag"sv,
                                "comm_size"sv,  "num_ops"sv,  "tensor_size"sv, "runtime"sv,
                                "comm_group"sv, "pg_name"sv,  "is_cpu_op"sv,   "involved_dim"sv};

enum ChakraType : std::uint32_t {
  metadata = 1,
  load = 2,
  store = 3,
  computing = 4,
  send = 5,
  receive = 6,
  collective = 7
};

std::optional<CollectiveKind> kind_of(std::int64_t comm_type) {
  switch (comm_type) {
    case 0:
      return CollectiveKind::all_reduce;
    case 1:
      return CollectiveKind::reduce;
    case 2:
      return CollectiveKind::all_gather;
    case 3:
      return CollectiveKind::gather;
    case 4:
      return CollectiveKind::scatter;
    case 5:
      return CollectiveKind::broadcast;
    case 6:
      return CollectiveKind::all_to_all;
    case 7:
    case 8:
      return CollectiveKind::reduce_scatter;
    case 9:
      return CollectiveKind::barrier;
    default:
      return std::nullopt;
  }
}

double number_of(const ChakraValue& value) {
  if (const auto* whole = std::get_if<std::int64_t>(&value)) {
    return static_cast<double>(*whole);
  }
  if (const auto* real = std::get_if<double>(&value)) {
    return *real;
  }
  return std::holds_alternative<bool>(value) && std::get<bool>(value) ? 1 : 0;
}

std::string text_of(const ChakraValue& value) {
  const auto* text = std::get_if<std::string>(&value);
  return text == nullptr ? std::to_string(static_cast<std::int64_t>(number_of(value))) : *text;
}

/// Counts of bytes, operations and microseconds: whole and within what a double holds exactly.
bool is_sane(double number) { return number >= 0 && number < 9e15; }

}  // namespace

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

void ChakraNode::set(std::string_view attribute, const ChakraValue& value) {
  const auto whole = [&] {
    const double number = number_of(value);
    return is_sane(number) ? static_cast<std::int64_t>(number) : std::int64_t{-1};
  };
  if (attribute == "comm_type") {
    comm_type = whole();
  } else if (attribute == "comm_src") {
    comm_src = whole();
  } else if (attribute == "comm_dst") {
    comm_dst = whole();
  } else if (attribute == "comm_tag") {
    comm_tag = whole();
  } else if (attribute == "comm_size") {
    comm_size = number_of(value);
  } else if (attribute == "num_ops") {
    num_ops = number_of(value);
  } else if (attribute == "tensor_size") {
    tensor_size = number_of(value);
  } else if (attribute == "runtime") {
    runtime = number_of(value);
  } else if (attribute == "comm_group" || attribute == "pg_name") {
    group = text_of(value);
  } else if (attribute == "is_cpu_op") {
    is_cpu_op = number_of(value) != 0;
  } else if (attribute == "involved_dim") {
    dimensions = 1;
    all_dimensions = number_of(value) != 0;
  }
}

ChakraProgram::ChakraProgram(Trace& trace, const std::string& file, std::uint32_t rank, const TraceOptions& options)
    : builder_(trace, file, options.ranks > 0 ? 0 : rank, options.ranks > 0 ? options.ranks : 1),
      options_(options),
      rank_(rank),
      ranks_(options.ranks) {}

std::uint32_t ChakraProgram::group(const ChakraNode& from, const TraceNode& node) {
  if (from.group.empty()) {
    if (!from.all_dimensions) {
      builder_.fail(node, "involves some of " + std::to_string(from.dimensions) +
                              " dimensions of the network that it was made for, which a trace does not describe; name "
                              "the ranks by comm_group and a file of communicator groups");
    }
    return 0;
  }
  if (ranks_ > 0) {
    builder_.fail(node, "names the communicator group '" + from.group +
                            "' of one rank, so that its file cannot stand "
                            "for " +
                            std::to_string(ranks_) + " ranks");
  }
  const auto found = options_.groups.find(from.group);
  if (found == options_.groups.end()) {
    builder_.fail(node, "its communicator group '" + from.group +
                            "' is in no file of groups (comm_group*.json beside "
                            "the traces, or --groups FILE)");
  }
  if (std::find(found->second.begin(), found->second.end(), rank_) == found->second.end()) {
    builder_.fail(node, "rank " + std::to_string(rank_) + " is not in its communicator group '" + from.group + "'");
  }
  return builder_.group({from.group, TraceGroup::Members::listed, found->second});
}

void ChakraProgram::communicate(const ChakraNode& from, TraceNode& node) {
  if (!from.comm_type) {
    builder_.fail(node, "a collective without its comm_type");
  }
  const std::optional<CollectiveKind> kind = kind_of(*from.comm_type);
  if (!kind) {
    builder_.fail(node, "comm_type " + std::to_string(*from.comm_type) + " is none of Chakra's");
  }
  const bool barrier = *from.comm_type == 9;
  if (!barrier && (!from.comm_size || !is_sane(*from.comm_size))) {
    builder_.fail(node, "a collective without its comm_size in bytes");
  }
  node.operation = TraceOperation::collective;
  node.kind = *kind;
  node.bytes = Bytes(barrier ? 0 : *from.comm_size);
  node.group = group(from, node);
  if (has_root(*kind)) {
    builder_.trace().notes.insert("Chakra does not say who is the root of a " + std::string(to_string(*kind)) +
                                  ": the first rank of its group is");
  }
}

void ChakraProgram::send_or_receive(const ChakraNode& from, TraceNode& node) {
  const bool sends = from.type == send;
  const std::optional<std::int64_t>& peer = sends ? from.comm_dst : from.comm_src;
  if (!peer || *peer < 0 || *peer >= TraceNode::none) {
    builder_.fail(node, sends ? "a send without comm_dst, the rank that it is for"
                              : "a receive without comm_src, the rank that it is from");
  }
  if (ranks_ > 0) {
    builder_.fail(node,
                  "a message of one rank, so that its file cannot stand for " + std::to_string(ranks_) + " ranks");
  }
  if (sends && (!from.comm_size || !is_sane(*from.comm_size))) {
    builder_.fail(node, "a send without its comm_size in bytes");
  }
  node.operation = sends ? TraceOperation::send : TraceOperation::receive;
  node.peer = static_cast<std::uint32_t>(*peer);
  node.tag = static_cast<std::uint32_t>(from.comm_tag.value_or(0));
  node.bytes = Bytes(sends ? *from.comm_size : 0);  // receives often have none: the send says it
}

void ChakraProgram::add(const ChakraNode& from) {
  TraceNode node;
  node.id = from.id;
  node.name = builder_.name(from.name);
  node.place = from.is_cpu_op ? TracePlace::host : TracePlace::device;
  const double duration = from.runtime.value_or(from.duration);  // whole us, and exactly where it is there
  if (!is_sane(duration)) {
    builder_.fail(node, "its duration is beyond sense");
  }
  node.duration = Seconds(duration * 1e-6);
  const double operations = from.num_ops.value_or(0);
  if (!(operations >= 0) || std::isinf(operations)) {
    builder_.fail(node, "its num_ops is beyond sense");
  }
  node.flops = Flops(operations);
  const double moved = from.tensor_size.value_or(0);
  if (!is_sane(moved)) {
    builder_.fail(node, "its tensor_size is beyond sense");
  }
  node.bytes = Bytes(moved);
  switch (from.type) {
    case metadata:
      break;
    case load:
    case store:
      node.operation = TraceOperation::memory;
      break;
    case computing:
      node.operation = TraceOperation::compute;
      if (!from.is_cpu_op && !from.shapes.empty()) {
        if (const auto product = product_of(from.name, from.shapes, from.types)) {
          node.kernel = static_cast<std::uint32_t>(builder_.trace().kernels.size());
          builder_.trace().kernels.push_back(*product);
        }
      }
      break;
    case send:
    case receive:
      send_or_receive(from, node);
      break;
    case collective:
      // the call on the host, which only starts the one on the device, has a duration and no size
      if (from.is_cpu_op && !from.comm_size) {
        node.operation = TraceOperation::compute;
      } else {
        communicate(from, node);
      }
      break;
    default:
      builder_.fail(node, "type " + std::to_string(from.type) + " is none of Chakra's (1 metadata to 7 collective)");
  }
  builder_.add(node, from.after);
}

namespace {

/// The lists of whole numbers of "[[8, 16], [[16, 4]], []]" that hold nothing but numbers, in order.
std::vector<std::vector<double>> innermost_lists(std::string_view text) {
  std::vector<std::vector<double>> lists;
  std::vector<double> list;
  const char* const end = text.data() + text.size();
  for (const char* at = text.data(); at != end;) {
    if (*at == '[') {
      list.clear();
    } else if (*at == ']' && !list.empty()) {
      lists.push_back(list);
      list.clear();
    } else if (*at >= '0' && *at <= '9') {
      double number = 0;
      const auto [after, error] = std::from_chars(at, end, number);
      if (error != std::errc()) {
        return {};
      }
      list.push_back(number);
      at = after;
      continue;
    }
    ++at;
  }
  return lists;
}

}  // namespace

std::optional<Kernel> product_of(std::string_view name, std::string_view shapes, std::string_view types) {
  constexpr std::array products{"gemm"sv, "::mm"sv, "::addmm"sv, "::bmm"sv};
  if (std::none_of(products.begin(), products.end(),
                   [&](std::string_view part) { return name.find(part) != std::string_view::npos; })) {
    return std::nullopt;
  }
  std::vector<std::vector<double>> operands;
  for (const std::vector<double>& list : innermost_lists(shapes)) {
    if (list.size() == 2 || list.size() == 3) {
      operands.push_back(list);
    }
  }
  if (operands.size() < 2) {
    return std::nullopt;
  }
  const std::vector<double>& a = operands[operands.size() - 2];
  const std::vector<double>& b = operands.back();
  if (a.size() != b.size() || a.back() != b[b.size() - 2] || (a.size() == 3 && a[0] != b[0])) {
    return std::nullopt;
  }
  Gemm gemm;
  if (types.find("BFloat16") == std::string_view::npos && types.find("Half") == std::string_view::npos) {
    if (types.find("float") == std::string_view::npos) {
      return std::nullopt;
    }
    gemm.type = DataType::fp32;
  }
  gemm.m = a[a.size() - 2];
  gemm.k = a.back();
  gemm.n = b.back();
  gemm.batch = a.size() == 3 ? a[0] : 1;
  return gemm;
}

}  // namespace podium
