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

/// A figure of a parameter, within what physics allows.
void read_parameter(const TiledParameter& parameter, const Node& node) {
  switch (parameter.unit) {
    case Unit::none:
      *parameter.value = node.figure_number();
      break;
    case Unit::seconds:
      *parameter.value = node.figure<Seconds>().value();
      break;
    case Unit::bytes_per_second:
      *parameter.value = node.figure<BytesPerSecond>().value();
      break;
  }
  constexpr double rounding = 1e-9;
  if (*parameter.value < parameter.low * (1 - rounding) || *parameter.value > parameter.high * (1 + rounding)) {
    node.fail(
        fmt::format("is outside of what physics allows, {:.3g} to {:.3g} in SI units", parameter.low, parameter.high));
  }
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
  const auto add = [&all](std::string name, double& value, Unit unit, double low, double high) {
    all.push_back({std::move(name), &value, unit, low, high});
  };
  add("start", figures.start, Unit::seconds, 0.5e-6, 10e-6);
  add("split_start", figures.split_start, Unit::seconds, 0.1e-6, 5e-6);
  add("memory", figures.memory, Unit::none, 0.5, 1);
  add("cache_bandwidth", figures.cache_bandwidth, Unit::bytes_per_second, 2e12, 60e12);
  add("sum_bandwidth", figures.sum_bandwidth, Unit::bytes_per_second, 0.5e12, 50e12);
  add("store_bandwidth", figures.store_bandwidth, Unit::bytes_per_second, 5e9, 2e12);
  add("ramp", figures.ramp, Unit::seconds, 1e-9, 5e-6);
  add("boost", figures.boost, Unit::none, 1e-3, 0.6);
  add("resident", figures.resident, Unit::none, 0.05, 0.8);
  for (auto& [type, own] : figures.types) {
    const std::string place = fmt::format("types.{}.", to_string(type));
    add(place + "compute", own.compute, Unit::none, 0.3, 1);
    add(place + "core_bandwidth", own.core_bandwidth, Unit::bytes_per_second, 10e9, 500e9);
    if (own.preparation > 0) {
      add(place + "preparation", own.preparation, Unit::seconds, 0.2e-6, 30e-6);
      add(place + "passes", own.passes, Unit::none, type == DataType::w8a8 ? 1 : 0.3, 6);
    }
    if (own.row > 0) {
      add(place + "row", own.row, Unit::seconds, 1e-9, 5e-6);
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
  const Node types = root.at("types");
  for (const auto& [name, node] : types.entries()) {
    TiledType& type = figures.types[parse_data_type(name, node.where())];
    type.tiles = read_tiles(node.at("tiles"));
    type.most_splits = node.at("most_splits").number();
    type.preparation = node.has("preparation") ? 1 : 0;  // there, and read below
    type.row = node.has("row") ? 1 : 0;
  }
  if (figures.types.empty()) {
    types.fail("there is no data type");
  }
  for (const TiledParameter& parameter : parameters_of(figures)) {
    if (!parameter.name.starts_with("types.")) {
      read_parameter(parameter, root.at(parameter.name));
    }
  }
  for (const auto& [name, node] : types.entries()) {
    const std::string place = fmt::format("types.{}.", to_string(parse_data_type(name)));
    for (const TiledParameter& parameter : parameters_of(figures)) {
      if (parameter.name.starts_with(place)) {
        read_parameter(parameter, node.at(parameter.name.substr(place.size())));
      }
    }
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
