#include <algorithm>

#include "sim/topology/grid.h"

namespace podium {
namespace {

/// The prime factors of a number, the greatest first.
std::vector<std::uint32_t> prime_factors(std::uint32_t number) {
  std::vector<std::uint32_t> factors;
  for (std::uint32_t prime = 2; prime * prime <= number; ++prime) {
    for (; number % prime == 0; number /= prime) {
      factors.push_back(prime);
    }
  }
  if (number > 1) {
    factors.push_back(number);
  }
  std::reverse(factors.begin(), factors.end());
  return factors;
}

/// Blocks in each dimension: each factor goes where the torus is shortest, the last of equals.
std::vector<std::uint32_t> arrange(std::uint32_t blocks, const std::vector<std::uint32_t>& block) {
  std::vector<std::uint32_t> counts(block.size(), 1);
  for (const std::uint32_t factor : prime_factors(blocks)) {
    std::size_t shortest = 0;
    for (std::size_t d = 1; d < block.size(); ++d) {
      shortest = block[d] * counts[d] <= block[shortest] * counts[shortest] ? d : shortest;
    }
    counts[shortest] *= factor;
  }
  return counts;
}

/// Equal blocks of accelerators, joined by optical switches into one torus that is as near to a cube as their number
/// lets it be, with the rings closed in every dimension: TPU v4's slices of 4 x 4 x 4 chips (Jouppi et al., ISCA 2023,
/// arXiv 2304.01433: 4x4x8, 4x8x8, 8x8x8 … 16x16x16). An optical switch is a fixed mirror during a run, so it is part
/// of the link. Ranks are numbered block by block.
void block_torus(Site& site, const Node& parameters) {
  const auto bandwidth = positive_figure<BytesPerSecond>(parameters.at("link_bandwidth"));
  const std::size_t accelerators = site.accelerators().size();
  std::vector<std::uint32_t> block;
  std::size_t per_block = 1;
  for (const Node& size : parameters.at("block").items()) {
    if (size.figure_count() < 1 || size.figure_count() > 1 << 12) {
      size.fail("a block is 1 to 4,096 long in each dimension");
    }
    block.push_back(static_cast<std::uint32_t>(size.figure_count()));
    per_block *= block.back();
  }
  if (block.empty() || block.size() > 4) {
    parameters.at("block").fail("a block has 1 to 4 dimensions");
  }
  const std::vector<std::uint32_t> counts =
      arrange(static_cast<std::uint32_t>((accelerators + per_block - 1) / per_block), block);
  std::vector<GridDimension> dimensions;
  for (std::size_t d = 0; d < block.size(); ++d) {
    dimensions.push_back({block[d] * counts[d], Row::ring, bandwidth});
  }
  std::vector<Coordinates> coordinates;
  for (std::size_t i = 0; i < accelerators; ++i) {
    Coordinates place = digits(i % per_block, block);
    const Coordinates of_block = digits(i / per_block, counts);
    for (std::size_t d = 0; d < block.size(); ++d) {
      place[d] += of_block[d] * block[d];
    }
    coordinates.push_back(std::move(place));
  }
  connect_grid(site, dimensions, coordinates);
}

const Fabrics::Entry block_torus_entry{"block_torus", "torus of equal blocks, as near to a cube as can be (TPU pods)",
                                       block_torus};

}  // namespace
}  // namespace podium
