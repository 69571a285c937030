#include "sim/hardware/chip.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <utility>

namespace podium {
namespace {

constexpr std::string_view families[] = {
    "gemm", "grouped_gemm", "attention_prefill", "attention_decode", "mla_prefill", "mla_decode", "memory"};

int cores(const Node& node, std::int64_t least) {
  constexpr std::int64_t most = 1'000'000;
  return static_cast<int>(node.figure_count([&](std::int64_t count) {
    if (count < least || count > most) {
      throw InputError(fmt::format("{} cores are not between {} and {}", count, least, most));
    }
  }));
}

std::map<DataType, FlopsPerSecond> read_peaks(const Node& node) {
  std::map<DataType, FlopsPerSecond> peaks;
  for (const auto& [name, rate] : node.entries()) {
    const DataType type = parse_data_type(name, rate.where());
    if (multiplied_as(type) != type) {
      rate.fail(fmt::format("{} is multiplied as {}; give the peak of that", name, to_string(multiplied_as(type))));
    }
    if (!peaks.emplace(type, positive_figure<FlopsPerSecond>(rate)).second) {
      rate.fail(fmt::format("the peak of {} is given twice, under two names", to_string(type)));
    }
  }
  if (peaks.empty()) {
    node.fail("a chip has a peak for one data type at least");
  }
  return peaks;
}

double efficiency(const Node& node) {
  return node.figure_number([](double value) {
    if (!(value > 0 && value <= 1)) {
      throw InputError("an efficiency is more than 0 and at most 1");
    }
  });
}

/// What the keys of a mapping change in `base`.
Achieved changed(Achieved base, const Node& node) {
  if (const auto compute = node.find("compute")) {
    base.compute = efficiency(*compute);
  }
  if (const auto memory = node.find("memory")) {
    base.memory = efficiency(*memory);
  }
  if (const auto start = node.find("start")) {
    base.start = start->figure<Seconds>();
  }
  return base;
}

/// The figures of one family for every type: the default, changed by those of the type that is multiplied, changed by
/// its own.
std::map<DataType, Achieved> read_family(const Node& node, const ChipSpec& chip) {
  const Node base = node.at("default");
  const Achieved fallback{efficiency(base.at("compute")), efficiency(base.at("memory")),
                          base.at("start").figure<Seconds>()};
  std::map<DataType, Node> special;
  for (const auto& [name, figures] : node.entries()) {
    if (name == "default") {
      continue;
    }
    const DataType type = parse_data_type(name, figures.where());
    if (!chip.supports(type)) {
      figures.fail(fmt::format("the chip has no peak for {}", name));
    }
    if (!special.emplace(type, figures).second) {
      figures.fail(fmt::format("the figures of {} are given twice, under two names", to_string(type)));
    }
  }
  std::map<DataType, Achieved> achieved;
  for (const DataType type : all_data_types()) {
    if (!chip.supports(type)) {
      continue;
    }
    Achieved& result = achieved.emplace(type, fallback).first->second;
    for (const DataType step : {multiplied_as(type), type}) {
      if (const auto found = special.find(step); found != special.end()) {
        result = changed(result, found->second);
      }
    }
  }
  return achieved;
}

}  // namespace

std::string_view to_string(KernelFamily family) { return families[static_cast<std::size_t>(family)]; }

std::vector<KernelFamily> all_kernel_families() {
  std::vector<KernelFamily> all;
  for (std::size_t i = 0; i < std::size(families); ++i) {
    all.push_back(static_cast<KernelFamily>(i));
  }
  return all;
}

FlopsPerSecond ChipSpec::peak(DataType type) const {
  const auto found = matrix_peak.find(multiplied_as(type));
  if (found == matrix_peak.end()) {
    std::string known;
    for (const auto& [other, rate] : matrix_peak) {
      known += fmt::format("{}{}", known.empty() ? "" : ", ", to_string(other));
    }
    throw InputError(fmt::format("chip {} does not compute in {}; it does in {}", name, to_string(type), known));
  }
  return found->second;
}

const Achieved& ChipSpec::achieves(KernelFamily family, DataType type) const {
  const std::map<DataType, Achieved>& by_type = achieved.at(family);
  const auto found = by_type.find(type);
  if (found == by_type.end()) {
    peak(type);  // throws: read_family has an entry for every type that is supported
    throw_bug("supported type has figures", __FILE__, __LINE__, name);
  }
  return found->second;
}

ChipSpec load_chip(std::string_view name, const std::map<std::string, std::string>& overrides, const Location& where) {
  const std::string path = find_file("configs/chips", name, where);
  return read_chip(Document::load(path, overrides), std::filesystem::path(path).stem().string());
}

ChipSpec read_chip(const Document& document, std::string name) {
  const Node root = document.root();
  ChipSpec chip;
  chip.name = std::move(name);
  chip.description = root.at("description").text();
  chip.matrix_peak = read_peaks(root.at("peak"));
  chip.vector_peak = positive_figure<FlopsPerSecond>(root.at("vector_peak"));
  chip.matrix_cores = cores(root.at("matrix_cores"), 1);
  chip.vector_cores = cores(root.at("vector_cores"), 0);
  const Node memory = root.at("memory");
  chip.memory_size = positive_figure<Bytes>(memory.at("size"));
  chip.memory_bandwidth = positive_figure<BytesPerSecond>(memory.at("bandwidth"));
  chip.reserved = memory.at("reserved").figure<Bytes>();
  if (chip.reserved >= chip.memory_size) {
    memory.at("reserved").fail("the reserve leaves nothing of " + to_text(chip.memory_size));
  }
  chip.cache_size = root.at("cache_size").figure<Bytes>();
  chip.power = positive_figure<Watts>(root.at("power"));
  chip.idle_power = root.at("idle_power").figure<Watts>();
  if (chip.idle_power > chip.power) {
    root.at("idle_power").fail("this is more than the power limit, " + to_text(chip.power));
  }
  if (const auto flag = root.find("transposes_operands")) {
    chip.transposes_operands = flag->flag();
  }
  chip.graph_launch = root.at("graph_launch").figure<Seconds>();
  chip.compute_model = root.at("compute_model").text();
  chip.compute_model_where = root.at("compute_model").where();
  const Node achieved = root.at("achieved");
  for (const KernelFamily family : all_kernel_families()) {
    chip.achieved[family] = read_family(achieved.at(to_string(family)), chip);
  }
  document.close();
  chip.figures = document.figures();
  return chip;
}

}  // namespace podium
