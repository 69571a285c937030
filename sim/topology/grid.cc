#include "sim/topology/grid.h"

#include <algorithm>
#include <map>
#include <optional>

#include "sim/core/text.h"

namespace podium {
namespace {

std::size_t capacity_of(std::span<const GridDimension> dimensions) {
  std::size_t places = 1;
  for (const GridDimension& dimension : dimensions) {
    places *= dimension.size;
  }
  return places;
}

/// What one row, cut into halves, loses in one direction.
BytesPerSecond cut_of_row(const GridDimension& dimension) {
  const std::uint32_t half = dimension.size / 2;
  const double links = dimension.row == Row::clique ? static_cast<double>(half) * (dimension.size - half)
                       : dimension.row == Row::ring && dimension.size > 2 ? 2
                                                                          : 1;
  return links * dimension.bandwidth;
}

/// A row of an odd size can be halved only where it is the only one.
std::optional<std::size_t> cheapest_cut(std::span<const GridDimension> dimensions) {
  std::optional<std::size_t> cheapest;
  BytesPerSecond least;
  for (std::size_t d = 0; d < dimensions.size(); ++d) {
    const BytesPerSecond cut = cut_of_row(dimensions[d]) / static_cast<double>(dimensions[d].size);
    const bool can_be_halved = dimensions[d].size % 2 == 0 || dimensions[d].size == capacity_of(dimensions);
    if (can_be_halved && (!cheapest || cut < least)) {
      cheapest = d;
      least = cut;
    }
  }
  return cheapest;
}

void name_grid_halves(Site& site, std::span<const GridDimension> dimensions,
                      const std::vector<Coordinates>& coordinates) {
  const auto cut = cheapest_cut(dimensions);
  std::vector<std::uint8_t> halves;
  if (cut && coordinates.size() == capacity_of(dimensions)) {
    for (const Coordinates& place : coordinates) {
      halves.push_back(place[*cut] < (dimensions[*cut].size + 1) / 2 ? 0 : 1);
    }
  }
  site.name_halves(halves);
}

/// The coordinates above `here` in one row to which a node is linked, those of rings' closing links too.
std::vector<std::uint32_t> linked_above(const GridDimension& dimension, std::uint32_t here) {
  std::vector<std::uint32_t> above;
  for (std::uint32_t there = here + 1; there < dimension.size; ++there) {
    const bool closes = dimension.row == Row::ring && here == 0 && there + 1 == dimension.size;
    if (there == here + 1 || closes || dimension.row == Row::clique) {
      above.push_back(there);
    }
  }
  return above;
}

}  // namespace

std::vector<GridDimension> read_grid(const Site& site, const Node& parameters, Row row) {
  const Node list = parameters.at("dimensions");
  const std::vector<Node> items = list.items();
  constexpr std::size_t most = 16;
  if (items.empty() || items.size() > most) {
    list.fail("a grid has 1 to " + std::to_string(most) + " dimensions");
  }
  const std::size_t whole = site.topology.planes[site.plane].group_size;
  std::vector<GridDimension> dimensions;
  for (const Node& item : items) {
    GridDimension dimension{1, row, positive_figure<BytesPerSecond>(item.at("link_bandwidth"))};
    const std::size_t so_far = capacity_of(dimensions);
    if (item.has("size") || dimensions.size() + 1 < items.size()) {
      const std::int64_t size = item.at("size").figure_count();
      if (size < 1 || static_cast<std::size_t>(size) > whole) {
        item.at("size").fail("a size from 1 to the accelerators there are, " +
                             with_commas(static_cast<long long>(whole)) + ", is expected");
      }
      dimension.size = static_cast<std::uint32_t>(size);
    } else {
      dimension.size = static_cast<std::uint32_t>((whole + so_far - 1) / so_far);
    }
    dimensions.push_back(dimension);
  }
  const std::size_t places = capacity_of(dimensions);
  const bool last_is_open = !items.back().has("size");
  if (last_is_open ? places < whole : places != whole) {
    list.fail("the sizes hold " + with_commas(static_cast<long long>(places)) + " accelerators, but there are " +
              with_commas(static_cast<long long>(whole)));
  }
  return dimensions;
}

Coordinates digits(std::size_t number, std::span<const std::uint32_t> sizes) {
  Coordinates place;
  for (const std::uint32_t size : sizes) {
    place.push_back(static_cast<std::uint32_t>(number % size));
    number /= size;
  }
  return place;
}

void connect_grid(Site& site, std::span<const GridDimension> dimensions) {
  std::vector<std::uint32_t> sizes;
  for (const GridDimension& dimension : dimensions) {
    sizes.push_back(dimension.size);
  }
  std::vector<Coordinates> coordinates;
  for (std::size_t number = 0; number < site.accelerators().size(); ++number) {
    coordinates.push_back(digits(number, sizes));
  }
  connect_grid(site, dimensions, coordinates);
}

void connect_grid(Site& site, std::span<const GridDimension> dimensions, const std::vector<Coordinates>& coordinates) {
  const std::vector<NodeId> all = site.accelerators();
  PODIUM_CHECK(coordinates.size() == all.size(), "a place for each accelerator");
  std::map<Coordinates, NodeId> at;
  for (std::size_t i = 0; i < all.size(); ++i) {
    at.emplace(coordinates[i], all[i]);
  }
  for (std::size_t i = 0; i < all.size(); ++i) {
    for (std::size_t d = 0; d < dimensions.size(); ++d) {
      for (const std::uint32_t other : linked_above(dimensions[d], coordinates[i][d])) {
        Coordinates there = coordinates[i];
        there[d] = other;
        const bool closes = dimensions[d].row == Row::ring && other != coordinates[i][d] + 1;
        if (const auto neighbour = at.find(there); neighbour != at.end()) {
          site.connect(all[i], neighbour->second, dimensions[d].bandwidth, {static_cast<std::uint8_t>(d), closes});
        }
      }
    }
  }
  name_grid_halves(site, dimensions, coordinates);
}

}  // namespace podium
