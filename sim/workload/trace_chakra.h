#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "sim/workload/trace.h"

namespace podium {

/// What an attribute holds. Text may be a number: protobuf's JSON writes whole numbers so.
using ChakraValue = std::variant<std::int64_t, double, bool, std::string>;
ChakraValue whole_value(std::uint64_t);

/// A node of a Chakra trace, whatever the file's form: what of it means something here.
struct ChakraNode {
  std::uint64_t id = 0;
  std::uint32_t type = 0;
  std::string name, shapes, types, ignored;
  std::vector<std::uint64_t> after;
  std::string problem;  ///< of the first attribute whose form or value is wrong; empty: none is
  // attributes, and the duration in us as one of them
  std::optional<std::int64_t> comm_type, comm_src, comm_dst, comm_tag;
  std::optional<double> duration, comm_size, num_ops, tensor_size, runtime;
  std::string group;
  std::optional<bool> is_cpu_op;
  // our own attributes, which say what Chakra has no word for
  std::optional<std::int64_t> stream;           ///< of computing
  std::optional<double> cores, memory, launch;  ///< in us: `Demands` of what was timed alone
  std::optional<CollectiveKind> exchange;       ///< what an all-to-all is
  std::optional<double> imbalance, slots;       ///< of the exchange, as `TraceExchange` and `TokenRouting` have it
  std::optional<std::int64_t> choices, shared, groups, groups_chosen;
  std::uint32_t given = 0;       ///< attributes, a bit for each that means something
  std::uint32_t dimensions = 0;  ///< of involved_dim
  bool all_dimensions = true;

  void clear();
  /// Takes an attribute of any name; those that `is_chakra_attribute` does not know mean nothing.
  void set(std::string_view attribute, const ChakraValue& value);
  void set_duration(const ChakraValue& value);
  /// Takes one more of the dimensions in involved_dim.
  void involve(const ChakraValue& value);
  /// An attribute is not what would be right.
  void refuse(std::string_view attribute, const std::string& found, std::string_view right);
};

bool is_chakra_attribute(std::string_view name);
/// The name of the attribute that is the same by `same`; empty where none is.
std::string_view chakra_attribute(std::string_view name, bool (*same)(std::string_view, std::string_view));

/// Makes a program of Chakra nodes; errors name file, rank and node.
class ChakraProgram {
 public:
  ChakraProgram(Trace&, const std::string& file, std::uint32_t rank, const TraceOptions&);
  void add(const ChakraNode&);
  void finish() { builder_.finish(options_.missing); }

 private:
  void communicate(const ChakraNode&, TraceNode&);
  void send_or_receive(const ChakraNode&, TraceNode&);
  void compute(const ChakraNode&, TraceNode&);
  void exchange(const ChakraNode&, TraceNode&);
  void check_places(const ChakraNode&, const TraceNode&) const;
  std::uint32_t group(const ChakraNode&, const TraceNode&);

  TraceProgramBuilder builder_;
  const TraceOptions& options_;
  std::uint32_t rank_, ranks_;
};

/// The matrix product that a kernel's name and its inputs' shapes and types ("[[8, 16], [16, 4]]") tell, if they do.
std::optional<Kernel> product_of(std::string_view name, std::string_view shapes, std::string_view types);

}  // namespace podium
