#include "sim/compute/memory_bound.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "sim/compute/calibration_file.h"

namespace podium {
namespace {

using Unit = Parameter::Unit;

constexpr ParameterEntry<MemoryFigures> memory_common_figures[] = {
    {"start", &MemoryFigures::start, 0.3e-6, 10e-6, Unit::seconds},
    {"memory", &MemoryFigures::memory, 0.5, 0.95, Unit::none},
    {"latency", &MemoryFigures::latency, 1e-8, 3e-6, Unit::seconds},
    {"resident", &MemoryFigures::resident, 0.05, 1, Unit::none},
    {"cache_bandwidth", &MemoryFigures::cache_bandwidth, 2e12, 60e12, Unit::bytes_per_second},
    {"near", &MemoryFigures::near, 256, 32768, Unit::none, false},
    {"hot", &MemoryFigures::hot, 0.2, 1, Unit::none, false},
};

constexpr ParameterEntry<RowOperation> memory_own_figures[] = {
    {"column", &RowOperation::column, 1e-12, 10e-9, Unit::seconds},
    {"again", &RowOperation::again, 0.1e12, 100e12, Unit::bytes_per_second},
    {"again_long", &RowOperation::again_long, 0.1e12, 100e12, Unit::bytes_per_second, false},
};

/// The figures of an operation over rows, or of the first where the operation was not measured.
const RowOperation* operation_of(const MemoryOp& kernel, const MemoryFigures& figures) {
  if (kernel.columns == 0 || figures.operations.empty()) {
    return nullptr;
  }
  const auto found = figures.operations.find(std::string(kernel.name));
  return found == figures.operations.end() ? &figures.operations.begin()->second : &found->second;
}

/// Share of the bytes that come from memory.
double missing(double bytes, const ChipSpec& chip, const MemoryFigures& figures, Conditions conditions) {
  const double sets = conditions == Conditions::measured ? figures.in_turn : 1;
  const double full = std::pow(sets * bytes / (figures.resident * chip.cache_size.value()), 4);
  return full / (full + 1);
}

/// Of what a kernel does beside the start, in seconds.
struct Parts {
  double row = 0, stream = 0;
};

Parts parts_of(const MemoryOp& kernel, double bytes, double miss, const ChipSpec& chip, const MemoryFigures& figures) {
  Parts parts;
  parts.stream =
      bytes * (miss / (figures.memory * chip.memory_bandwidth.value()) + (1 - miss) / figures.cache_bandwidth);
  if (const RowOperation* operation = operation_of(kernel, figures)) {
    parts.row = kernel.columns * operation->column * (figures.hot + (1 - figures.hot) * miss);
    const bool is_long = operation->again_long > 0 && figures.long_row > 0 && kernel.columns > figures.long_row;
    const double square = kernel.columns * kernel.columns;
    const double far = square / (square + figures.near * figures.near);
    parts.stream += far * kernel.read.value() / (is_long ? operation->again_long : operation->again);
  }
  return parts;
}

}  // namespace

Cost memory_cost(const MemoryOp& kernel, const ChipSpec& chip, const MemoryFigures& figures, CoreShare share,
                 Conditions conditions) {
  PODIUM_CHECK(share.matrix > 0 && share.matrix <= 1 && share.vector > 0 && share.vector <= 1,
               "a share of the cores is more than none and at most all");
  const Work needed = work(kernel);
  const Bytes bytes = needed.read + needed.written;
  const double miss = missing(bytes.value(), chip, figures, conditions);
  const Parts parts = parts_of(kernel, bytes.value(), miss, chip, figures);
  const double vectors =
      (needed.flops / chip.vector_peak).value() / (chip.vector_cores > 0 ? share.vector : share.matrix);
  const double busy = figures.latency * miss + std::max({parts.row, parts.stream, vectors});
  Cost result;
  result.launch = Seconds(figures.start);
  result.time = Seconds(figures.start + busy);
  result.flops = needed.flops;
  result.bytes = result.from_cache = bytes;
  result.from_memory = bytes * miss;
  if (busy > figures.start) {
    result.bound = vectors > parts.stream ? Bound::compute : Bound::memory;
  }
  return result;
}

std::vector<Parameter> parameters_of(MemoryFigures& figures) {
  std::vector<Parameter> all;
  add_parameters(all, memory_common_figures, "", figures);
  for (auto& [name, own] : figures.operations) {
    add_parameters(all, memory_own_figures, fmt::format("operations.{}.", name), own);
  }
  return all;
}

MemoryFigures read_memory(const Document& document) {
  const Node root = document.root();
  root.at("description").text();
  MemoryFigures figures;
  figures.stack = root.at("stack").text();
  figures.in_turn = root.at("in_turn").number();
  figures.long_row = root.at("long_row").number();
  read_parameters(memory_common_figures, root, figures);
  for (const auto& [name, node] : root.at("operations").entries()) {
    read_parameters(memory_own_figures, node, figures.operations[name]);
  }
  document.close();
  return figures;
}

std::optional<MemoryFigures> load_memory(std::string_view chip, std::string_view stack) {
  return load_calibrated<MemoryFigures>("memory", chip, stack, read_memory);
}

}  // namespace podium
