#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "sim/topology/fabric.h"

namespace podium {

/// How the nodes of one row of a grid are linked.
enum class Row : std::uint8_t {
  line,    ///< each to the next: a mesh
  ring,    ///< and the last to the first: a torus
  clique,  ///< each to every other: a full mesh
};

struct GridDimension {
  std::uint32_t size = 1;
  Row row = Row::ring;
  BytesPerSecond bandwidth;  ///< of a link
};

/// Reads `dimensions:`, a list of {size, link_bandwidth}. The size of the last may be left out: as many as the site's
/// accelerators need. InputError where the sizes do not hold just the accelerators of a whole site.
std::vector<GridDimension> read_grid(const Site& site, const Node& parameters, Row row);

using Coordinates = std::vector<std::uint32_t>;

/// The digits of a number, the first dimension fastest.
Coordinates digits(std::size_t number, std::span<const std::uint32_t> sizes);

/// Links the site's accelerators, whose coordinates are the digits of their number in the site, or are given for each
/// of them. Those that a partial site has not are left out with their links. A link that closes a ring is its dateline.
/// The halves are those of the dimension of an even size that is cheapest to cut; there are none where all sizes are
/// odd or the site is partial.
void connect_grid(Site& site, std::span<const GridDimension> dimensions);
void connect_grid(Site& site, std::span<const GridDimension> dimensions, const std::vector<Coordinates>& coordinates);

}  // namespace podium
