#include <fmt/format.h>

#include <algorithm>

#include "sim/compute/tiled.h"

namespace podium {
namespace {

using Unit = TiledParameter::Unit;

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

/// A figure that is fitted, and what physics allows. What a library has no use for is left out of its file.
template <class Owner>
struct Entry {
  const char* name;
  double Owner::*value;
  double low, high;
  Unit unit;
  bool needed = true;

  bool given(const Owner& owner) const { return needed || owner.*value != Owner{}.*value; }
};

constexpr Entry<TiledFigures> common_figures[] = {
    {"start", &TiledFigures::start, 0.5e-6, 10e-6, Unit::seconds},
    {"split_start", &TiledFigures::split_start, 0.1e-6, 10e-6, Unit::seconds},
    {"memory", &TiledFigures::memory, 0.5, 0.95, Unit::none},
    {"cache_bandwidth", &TiledFigures::cache_bandwidth, 2e12, 60e12, Unit::bytes_per_second},
    {"sum_bandwidth", &TiledFigures::sum_bandwidth, 0.2e12, 60e12, Unit::bytes_per_second, false},
    {"activations_resident", &TiledFigures::activations_resident, 0.01, 1, Unit::none, false},
};

constexpr Entry<TiledType> own_figures[] = {
    {"compute", &TiledType::compute, 0.3, 1, Unit::none},
    {"sustained", &TiledType::sustained, 0.3, 0.99, Unit::none, false},
    {"exposed", &TiledType::exposed, 0.01, 1, Unit::none},
    {"store_bandwidth", &TiledType::store_bandwidth, 5e9, 5e12, Unit::bytes_per_second},
    {"drain", &TiledType::drain, 1e-9, 1e-6, Unit::seconds, false},
    {"weights_resident", &TiledType::weights_resident, 0.01, 1, Unit::none, false},
    {"padded", &TiledType::padded, 1e-6, 30e-6, Unit::seconds, false},
    {"preparation", &TiledType::preparation, 0.2e-6, 30e-6, Unit::seconds, false},
    {"passes", &TiledType::passes, 0.3, 6, Unit::none, false},
    {"row", &TiledType::row, 1e-9, 5e-6, Unit::seconds, false},
};

double read_figure(const Node& node, Unit unit) {
  switch (unit) {
    case Unit::none:
      return node.figure_number();
    case Unit::seconds:
      return node.figure<Seconds>().value();
    case Unit::bytes_per_second:
      return node.figure<BytesPerSecond>().value();
  }
  throw_bug("a figure has a unit", __FILE__, __LINE__, "");
}

template <class Owner>
void read_entry(const Entry<Owner>& entry, const Node& node, Owner& owner) {
  if (!entry.needed && !node.has(entry.name)) {
    return;
  }
  const Node own = node.at(entry.name);
  const double value = read_figure(own, entry.unit);
  constexpr double rounding = 1e-9;
  if (value < entry.low * (1 - rounding) || value > entry.high * (1 + rounding)) {
    own.fail(fmt::format("is outside of what physics allows, {:.3g} to {:.3g} in SI units", entry.low, entry.high));
  }
  owner.*entry.value = value;
}

}  // namespace

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

std::vector<TiledParameter> parameters_of(TiledFigures& figures) {
  std::vector<TiledParameter> all;
  const auto add = [&all](const std::string& place, const auto& entry, auto& owner) {
    if (entry.given(owner)) {
      all.push_back({place + entry.name, &(owner.*entry.value), entry.unit, entry.low, entry.high});
    }
  };
  for (const Entry<TiledFigures>& entry : common_figures) {
    add("", entry, figures);
  }
  for (auto& [type, own] : figures.types) {
    for (const Entry<TiledType>& entry : own_figures) {
      add(fmt::format("types.{}.", to_string(type)), entry, own);
    }
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
  for (const Entry<TiledFigures>& entry : common_figures) {
    read_entry(entry, root, figures);
  }
  const Node types = root.at("types");
  for (const auto& [name, node] : types.entries()) {
    TiledType& type = figures.types[parse_data_type(name, node.where())];
    type.tiles = read_tiles(node.at("tiles"));
    type.most_splits = node.at("most_splits").number();
    for (const Entry<TiledType>& entry : own_figures) {
      read_entry(entry, node, type);
    }
  }
  if (figures.types.empty()) {
    types.fail("there is no data type");
  }
  document.close();
  return figures;
}

TiledFigures load_tiled(std::string_view chip, std::string_view stack) {
  const auto load = [](std::string_view name) {
    const Document document = Document::load(find_file("configs/calibration", name));
    if (const auto same = document.root().find("same_as")) {
      document.root().at("description").text();
      const std::string other = same->text();
      document.close();
      return load_tiled(other);
    }
    return read_tiled(document);
  };
  TiledFigures best = load(chip);
  return stack.empty() || best.stack == stack ? best : load(fmt::format("{}-{}", chip, stack));
}

}  // namespace podium
