#include <fmt/format.h>

#include "sim/compute/attention.h"
#include "sim/compute/calibration_file.h"

namespace podium {
namespace {

using Unit = Parameter::Unit;

constexpr ParameterEntry<AttentionFigures> attention_common_figures[] = {
    {"memory", &AttentionFigures::memory, 0.3, 0.95, Unit::none},
    {"tile_start", &AttentionFigures::tile_start, 1e-8, 30e-6, Unit::seconds},
    {"tail", &AttentionFigures::tail, 1e-3, 2, Unit::none},
    {"decode_start", &AttentionFigures::decode_start, 1e-6, 100e-6, Unit::seconds},
    {"split_start", &AttentionFigures::split_start, 1e-7, 50e-6, Unit::seconds},
    {"core_bandwidth", &AttentionFigures::core_bandwidth, 10e9, 500e9, Unit::bytes_per_second, false},
    {"resident", &AttentionFigures::resident, 0.01, 1, Unit::none, false},
    {"head_start", &AttentionFigures::head_start, 1e-8, 10e-6, Unit::seconds, false},
    {"head_element", &AttentionFigures::head_element, 1e-12, 1e-9, Unit::seconds, false},
};

constexpr ParameterEntry<AttentionType> attention_own_figures[] = {
    {"prefill_start", &AttentionType::prefill_start, 1e-6, 100e-6, Unit::seconds},
    {"preparation", &AttentionType::preparation, 0.03, 1, Unit::none, false},
    {"compute", &AttentionType::compute, 0.15, 1, Unit::none},
    {"softmax", &AttentionType::softmax, 4e-12, 400e-12, Unit::seconds},
    {"decode_compute", &AttentionType::decode_compute, 0.02, 1, Unit::none},
    {"sequence", &AttentionType::sequence, 1e-8, 50e-6, Unit::seconds},
    {"row", &AttentionType::row, 1e-10, 1e-6, Unit::seconds, false},
    {"width", &AttentionType::width, 1e-8, 10e-6, Unit::seconds, false},
    {"loading", &AttentionType::loading, 10e9, 500e9, Unit::bytes_per_second, false},
    {"empty", &AttentionType::empty, 1e-8, 10e-6, Unit::seconds, false},
};

double positive_count(const Node& node) {
  const auto count = static_cast<double>(node.count());
  if (count == 0) {
    node.fail("must be more than nothing");
  }
  return count;
}

}  // namespace

std::vector<Parameter> parameters_of(AttentionFigures& figures) {
  std::vector<Parameter> all;
  add_parameters(all, attention_common_figures, "", figures);
  for (auto& [type, own] : figures.types) {
    add_parameters(all, attention_own_figures, fmt::format("types.{}.", to_string(type)), own);
  }
  return all;
}

AttentionFigures read_attention(const Document& document) {
  const Node root = document.root();
  root.at("description").text();
  AttentionFigures figures;
  figures.stack = root.at("stack").text();
  figures.tile = positive_count(root.at("tile"));
  figures.fewest_grouped = positive_count(root.at("fewest_grouped"));
  figures.most_grouped = positive_count(root.at("most_grouped"));
  read_parameters(attention_common_figures, root, figures);
  if (const auto rule = root.find("splits")) {
    figures.part_tokens = positive_count(rule->at("part_tokens"));
    figures.part_waves = positive_count(rule->at("part_waves"));
    figures.heads_at_once = positive_count(rule->at("heads_at_once"));
  }
  const Node types = root.at("types");
  for (const auto& [name, node] : types.entries()) {
    AttentionType& type = figures.types[parse_data_type(name, node.where())];
    read_parameters(attention_own_figures, node, type);
    if (const auto from = node.find("grouped_from")) {
      type.grouped_from = from->number();
    }
  }
  if (figures.types.empty()) {
    types.fail("there is no data type");
  }
  document.close();
  return figures;
}

std::optional<AttentionFigures> load_attention(std::string_view kind, std::string_view chip, std::string_view stack) {
  return load_calibrated<AttentionFigures>(kind, chip, stack, read_attention);
}

}  // namespace podium
