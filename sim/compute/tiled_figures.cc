#include <fmt/format.h>

#include <algorithm>

#include "sim/compute/calibration_file.h"
#include "sim/compute/tiled.h"

namespace podium {
namespace {

using Unit = Parameter::Unit;

constexpr ParameterEntry<TiledFigures> tiled_common_figures[] = {
    {"start", &TiledFigures::start, 0.5e-6, 20e-6, Unit::seconds},
    {"split_start", &TiledFigures::split_start, 0.1e-6, 10e-6, Unit::seconds},
    {"memory", &TiledFigures::memory, 0.5, 0.95, Unit::none},
    {"cache_bandwidth", &TiledFigures::cache_bandwidth, 2e12, 60e12, Unit::bytes_per_second},
    {"sum_bandwidth", &TiledFigures::sum_bandwidth, 0.2e12, 60e12, Unit::bytes_per_second, false},
    {"activations_resident", &TiledFigures::activations_resident, 0.01, 1, Unit::none, false},
    {"settling", &TiledFigures::settling, 10e-6, 20e-3, Unit::seconds, false},
};

constexpr ParameterEntry<TiledType> tiled_own_figures[] = {
    {"compute", &TiledType::compute, 0.3, 1, Unit::none},
    {"sustained", &TiledType::sustained, 0.3, 0.99, Unit::none, false},
    {"burst", &TiledType::burst, 0.3, 0.99, Unit::none, false},
    {"exposed", &TiledType::exposed, 0.01, 1, Unit::none},
    {"exposed_once", &TiledType::exposed_once, 0.001, 1, Unit::none, false},
    {"store_bandwidth", &TiledType::store_bandwidth, 5e9, 5e12, Unit::bytes_per_second},
    {"drain", &TiledType::drain, 1e-9, 1e-6, Unit::seconds, false},
    {"weights_resident", &TiledType::weights_resident, 0.01, 1, Unit::none, false},
    {"padded", &TiledType::padded, 1e-6, 30e-6, Unit::seconds, false},
    {"preparation", &TiledType::preparation, 0.2e-6, 30e-6, Unit::seconds, false},
    {"passes", &TiledType::passes, 0.3, 6, Unit::none, false},
    {"row", &TiledType::row, 1e-9, 5e-6, Unit::seconds, false},
};

}  // namespace

std::vector<Tile> read_tiles(const Node& node) {
  std::vector<Tile> tiles;
  for (const Node& item : node.items()) {
    const std::vector<Node> sides = item.items();
    if (sides.size() != 2 || sides[0].count() == 0 || sides[1].count() == 0) {
      item.fail("a tile is two counts, rows and columns: [128, 256]");
    }
    tiles.push_back({static_cast<double>(sides[0].count()), static_cast<double>(sides[1].count())});
  }
  if (tiles.empty()) {
    node.fail("there is no tile");
  }
  return tiles;
}

const TiledType& TiledFigures::of(DataType type) const {
  const auto bits = [](DataType other) { return size_of(other) >= Bytes(2) ? 16 : size_of(other) >= Bytes(1) ? 8 : 4; };
  for (const DataType candidate : {type, multiplied_as(type)}) {
    if (const auto found = types.find(candidate); found != types.end()) {
      return found->second;
    }
  }
  for (const auto& [candidate, figures] : types) {
    if (bits(candidate) == bits(type)) {
      return figures;
    }
  }
  return types.begin()->second;
}

std::vector<Parameter> parameters_of(TiledFigures& figures) {
  std::vector<Parameter> all;
  add_parameters(all, tiled_common_figures, "", figures);
  for (auto& [type, own] : figures.types) {
    add_parameters(all, tiled_own_figures, fmt::format("types.{}.", to_string(type)), own);
  }
  return all;
}

TiledFigures read_tiled(const Document& document) {
  const Node root = document.root();
  root.at("description").text();
  TiledFigures figures;
  figures.stack = root.at("stack").text();
  figures.in_turn = root.at("in_turn").number();
  figures.step = root.at("step").number();
  read_parameters(tiled_common_figures, root, figures);
  const Node types = root.at("types");
  for (const auto& [name, node] : types.entries()) {
    TiledType& type = figures.types[parse_data_type(name, node.where())];
    type.tiles = read_tiles(node.at("tiles"));
    type.most_splits = node.at("most_splits").number();
    read_parameters(tiled_own_figures, node, type);
  }
  if (figures.types.empty()) {
    types.fail("there is no data type");
  }
  document.close();
  return figures;
}

TiledFigures load_tiled(std::string_view chip, std::string_view stack) {
  const auto load = [](std::string_view name) { return Document::load(find_file("configs/calibration", name)); };
  const Document document = load(chip);
  if (const auto same = document.root().find("same_as")) {
    document.root().at("description").text();
    const std::string other = same->text();
    document.close();
    return load_tiled(other, stack);
  }
  TiledFigures figures = read_tiled(document);
  if (!stack.empty() && figures.stack != stack) {
    figures = read_tiled(load(fmt::format("{}-{}", chip, stack)));
  }
  figures.chip = chip;
  figures.attention = load_attention("attention", chip, stack);
  figures.mla = load_attention("mla", chip, stack);
  figures.memory_bound = load_memory(chip, stack);
  if (auto grouped = load_calibrated<TiledFigures>("grouped_gemm", chip, stack, read_tiled)) {
    figures.grouped = std::make_shared<const TiledFigures>(std::move(*grouped));
  }
  return figures;
}

}  // namespace podium
