// What Chakra's nodes and attributes mean, whichever form a file has.
#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

#include "sim/workload/trace_chakra.h"

namespace podium {
namespace {

using namespace std::string_view_literals;

enum ChakraType : std::uint32_t {
  metadata = 1,
  load = 2,
  store = 3,
  computing = 4,
  send = 5,
  receive = 6,
  collective = 7
};

/// By comm_type.
constexpr std::array collective_kinds{CollectiveKind::all_reduce,     CollectiveKind::reduce,
                                      CollectiveKind::all_gather,     CollectiveKind::gather,
                                      CollectiveKind::scatter,        CollectiveKind::broadcast,
                                      CollectiveKind::all_to_all,     CollectiveKind::reduce_scatter,
                                      CollectiveKind::reduce_scatter, CollectiveKind::barrier};

}  // namespace

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
    builder_.fail(node, "its communicator group '" + from.group + "' is " +
                            (options_.why_no_groups.empty()
                                 ? "in no file of groups (comm_group*.json beside the traces, or --groups FILE)"
                                 : "not known: " + options_.why_no_groups));
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
  if (*from.comm_type < 0 || *from.comm_type >= static_cast<std::int64_t>(collective_kinds.size())) {
    builder_.fail(node, "comm_type " + std::to_string(*from.comm_type) + " is none of Chakra's");
  }
  const CollectiveKind kind = collective_kinds[static_cast<std::size_t>(*from.comm_type)];
  const bool barrier = kind == CollectiveKind::barrier;
  if (!barrier && !from.comm_size) {
    builder_.fail(node, "a collective without its comm_size in bytes");
  }
  node.operation = TraceOperation::collective;
  node.kind = kind;
  node.bytes = Bytes(barrier ? 0 : *from.comm_size);
  node.group = group(from, node);
  exchange(from, node);
  if (has_root(kind)) {
    builder_.trace().notes.insert("Chakra does not say who is the root of a " + std::string(to_string(kind)) +
                                  ": the first rank of its group is");
  }
}

/// Attributes of ours say nothing but where they belong.
void ChakraProgram::check_places(const ChakraNode& from, const TraceNode& node) const {
  const bool on_device = from.type == computing && node.place == TracePlace::device;
  if (from.stream && from.type != computing) {
    builder_.fail(node, "a podium_stream is of computing");
  }
  if ((from.cores || from.memory || from.launch) && !on_device) {
    builder_.fail(node, "podium_cores_us, podium_memory_us and podium_launch_us are of computing on the device");
  }
  if (from.exchange && from.type != collective) {
    builder_.fail(node, "a podium_exchange is a collective");
  }
  const bool chooses = from.choices || from.slots || from.shared || from.groups || from.groups_chosen;
  if ((from.imbalance && !from.exchange) || (chooses && !(from.exchange && from.choices))) {
    builder_.fail(node, "what it says of experts is of a podium_exchange with its podium_choices");
  }
}

void ChakraProgram::exchange(const ChakraNode& from, TraceNode& node) {
  if (!from.exchange) {
    return;
  }
  TraceExchange exchange{.imbalance = from.imbalance.value_or(1)};
  if (node.kind != CollectiveKind::all_to_all || exchange.imbalance < 1) {
    builder_.fail(node, "a podium_exchange is an all-to-all whose podium_imbalance is 1 at least");
  }
  if (from.choices) {
    constexpr std::int64_t most = 1'000'000;
    const auto in = [&](std::optional<std::int64_t> number, std::int64_t least, std::int64_t usual) {
      const std::int64_t value = number.value_or(usual);
      if (value < least || value > most) {
        builder_.fail(node, "the experts of its podium_exchange are beyond sense");
      }
      return static_cast<std::uint32_t>(value);
    };
    TokenRouting& routing = exchange.routing.emplace();
    routing.choices = in(from.choices, 1, 1);
    routing.slots = from.slots.value_or(0);
    routing.shared = in(from.shared, 0, 0);
    routing.groups = in(from.groups, 1, 1);
    routing.groups_chosen = in(from.groups_chosen, 1, 1);
    if (routing.slots < routing.choices || routing.slots > most || routing.groups_chosen > routing.groups) {
      builder_.fail(node, "its podium_exchange chooses more than there is to choose from");
    }
  }
  node.kind = *from.exchange;
  node.exchange = builder_.trace().add(exchange);
}

void ChakraProgram::compute(const ChakraNode& from, TraceNode& node) {
  node.operation = TraceOperation::compute;
  const std::int64_t stream = from.stream.value_or(0);
  if (stream < 0 || stream >= most_streams) {
    builder_.fail(node, "its podium_stream is " + std::to_string(stream) + ", and 0 to " +
                            std::to_string(most_streams - 1) + " would be right");
  }
  node.stream = static_cast<std::uint16_t>(stream);
  if (node.place == TracePlace::host) {
    return;
  }
  if (from.cores.has_value() != from.memory.has_value() || (from.launch && !from.cores)) {
    builder_.fail(node,
                  "it has some of podium_cores_us, podium_memory_us and podium_launch_us; the first two, all or "
                  "none would be right");
  }
  if (from.cores) {
    const Demands alone{Seconds(*from.cores * 1e-6), Seconds(*from.memory * 1e-6),
                        Seconds(from.launch.value_or(0) * 1e-6)};
    constexpr double rounding = 1 + 1e-9;
    if (std::max(alone.cores, alone.memory) + alone.launch > node.duration * rounding) {
      builder_.fail(node, "its podium_launch_us with podium_cores_us or podium_memory_us is longer than it takes");
    }
    node.alone = builder_.trace().add(alone);
  }
  if (!from.shapes.empty()) {
    if (const auto product = product_of(from.name, from.shapes, from.types)) {
      node.kernel = builder_.trace().add(*product);
    }
  }
}

void ChakraProgram::send_or_receive(const ChakraNode& from, TraceNode& node) {
  const bool sends = from.type == send;
  const std::optional<std::int64_t>& peer = sends ? from.comm_dst : from.comm_src;
  const std::optional<std::int64_t>& own = sends ? from.comm_src : from.comm_dst;
  if (!peer || *peer < 0 || *peer >= TraceNode::none) {
    builder_.fail(node, sends ? "a send without comm_dst, the rank that it is for"
                              : "a receive without comm_src, the rank that it is from");
  }
  if (ranks_ > 0) {
    builder_.fail(node,
                  "a message of one rank, so that its file cannot stand for " + std::to_string(ranks_) + " ranks");
  }
  if (own && *own != rank_) {
    builder_.fail(node, (sends ? "a send with comm_src " : "a receive with comm_dst ") + std::to_string(*own) +
                            " in the file of rank " + std::to_string(rank_));
  }
  if (sends && !from.comm_size) {
    builder_.fail(node, "a send without its comm_size in bytes");
  }
  node.operation = sends ? TraceOperation::send : TraceOperation::receive;
  node.peer = static_cast<std::uint32_t>(*peer);
  node.tag = from.comm_tag.value_or(0);
  node.bytes = Bytes(from.comm_size.value_or(0));  // receives often have none: the send says it
}

void ChakraProgram::add(const ChakraNode& from) {
  TraceNode node;
  node.id = from.id;
  node.name = builder_.name(from.name);
  node.place = from.is_cpu_op.value_or(false) ? TracePlace::host : TracePlace::device;
  if (!from.problem.empty()) {
    builder_.fail(node, from.problem);
  }
  check_places(from, node);
  // whole us in the node, and exactly in the attribute where it is there
  node.duration = Seconds(from.runtime.value_or(from.duration.value_or(0)) * 1e-6);
  node.flops = Flops(from.num_ops.value_or(0));
  node.bytes = Bytes(from.tensor_size.value_or(0));
  switch (from.type) {
    case metadata:
      break;
    case load:
    case store:
      node.operation = TraceOperation::memory;
      break;
    case computing:
      compute(from, node);
      break;
    case send:
    case receive:
      send_or_receive(from, node);
      break;
    case collective:
      // the call on the host, which only starts the one on the device, has a duration and no size
      if (node.place == TracePlace::host && !from.comm_size) {
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
    } else if (*at == '-' || (*at >= '0' && *at <= '9')) {
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

/// How an operator lays its operands out.
struct ProductOperator {
  std::string_view name;
  bool operands_first = false;  ///< the first two of its matrices, not the last two
  bool transposed = false;      ///< B is n x k
};

constexpr std::array product_operators{ProductOperator{"::mm"},
                                       ProductOperator{"::addmm"},
                                       ProductOperator{"::bmm"},
                                       ProductOperator{"::matmul"},
                                       ProductOperator{"::baddbmm"},
                                       ProductOperator{"::_scaled_mm", true},
                                       ProductOperator{"::linear", true, true}};

bool goes_on(char c) { return c == '_' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

/// By the operator's whole name; kernels of libraries have "gemm" in theirs.
std::optional<ProductOperator> product_operator(std::string_view name) {
  for (const ProductOperator& one : product_operators) {
    const std::size_t at = name.find(one.name);
    const std::size_t end = at + one.name.size();
    if (at != std::string_view::npos && (end == name.size() || !goes_on(name[end]))) {
      return one;
    }
  }
  return name.find("gemm") != std::string_view::npos ? std::optional(ProductOperator{}) : std::nullopt;
}

std::optional<DataType> product_type(std::string_view types) {
  const auto has = [types](std::string_view part) { return types.find(part) != std::string_view::npos; };
  return has("Float8")                    ? std::optional(DataType::fp8)
         : has("BFloat16") || has("Half") ? std::optional(DataType::bf16)
         : has("float")                   ? std::optional(DataType::fp32)
                                          : std::nullopt;
}

}  // namespace

std::optional<Kernel> product_of(std::string_view name, std::string_view shapes, std::string_view types) {
  const std::optional<ProductOperator> one = product_operator(name);
  const std::optional<DataType> type = product_type(types);
  if (!one || !type) {
    return std::nullopt;
  }
  std::vector<std::vector<double>> operands;
  for (const std::vector<double>& list : innermost_lists(shapes)) {
    if (std::any_of(list.begin(), list.end(), [](double size) { return size < 1; })) {
      return std::nullopt;  // nothing to do; -1 is how some write that they do not know
    }
    if (list.size() == 2 || list.size() == 3) {
      operands.push_back(list);
    }
  }
  if (operands.size() < 2) {
    return std::nullopt;
  }
  const std::size_t first = one->operands_first ? 0 : operands.size() - 2;
  std::vector<double> a = operands[first], b = operands[first + 1];
  if (one->transposed) {
    std::swap(b[b.size() - 2], b.back());
  }
  if (a.size() == 3 && b.size() == 2) {  // one matrix for all
    a = {a[0] * a[1], a[2]};
  }
  if (a.size() != b.size() || a.back() != b[b.size() - 2] || (a.size() == 3 && a[0] != b[0])) {
    return std::nullopt;
  }
  Gemm gemm;
  gemm.type = *type;
  gemm.m = a[a.size() - 2];
  gemm.k = a.back();
  gemm.n = b.back();
  gemm.batch = a.size() == 3 ? a[0] : 1;
  return gemm;
}

}  // namespace podium
