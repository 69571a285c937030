// Grids and dragonflies against their closed forms.
#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

#include "sim/topology/measure.h"
#include "tests/topology/networks.h"

namespace podium {
namespace {

using test::build;
using test::packing_of;
using test::plane_keys;
using test::yaml_of;

constexpr double port_rate = 10e9;
using Sizes = std::vector<int>;

int product(const Sizes& sizes) { return std::accumulate(sizes.begin(), sizes.end(), 1, std::multiplies<>()); }

/// n! over the product of the factorials of `parts`, where n is their sum: the orders in which steps can be taken.
std::size_t orders(const Sizes& parts) {
  std::size_t ways = 1;
  int n = 0;
  for (const int part : parts) {
    for (int i = 1; i <= part; ++i) {
      ways = ways * static_cast<std::size_t>(++n) / static_cast<std::size_t>(i);
    }
  }
  return ways;
}

std::string grid_keys(const std::string& fabric, const Sizes& sizes) {
  std::string keys = plane_keys(fabric, "system") + "    dimensions:\n";
  for (const int size : sizes) {
    keys += "      - {size: " + std::to_string(size) + ", link_bandwidth: 10 GB/s}\n";
  }
  return keys;
}

PlaneMeasures measure_grid(const std::string& fabric, const Sizes& sizes) {
  return measure(build(yaml_of(packing_of(1, 1, product(sizes)), grid_keys(fabric, sizes)))).at(0);
}

const std::vector<Sizes> grids{{4}, {8}, {4, 4}, {6, 4}, {2, 4}, {3, 4}, {4, 4, 4}, {2, 3, 4}, {8, 4, 2}};

TEST(Torus, HasItsClosedForms) {
  for (const Sizes& sizes : grids) {
    SCOPED_TRACE(::testing::PrintToString(sizes));
    const int n = product(sizes);
    int links = 0;
    int diameter = 0;
    double bisection = n * port_rate;
    for (const int size : sizes) {
      links += size == 2 ? n / 2 : n;
      diameter += size / 2;
      bisection = size % 2 == 0 ? std::min(bisection, n / size * (size == 2 ? 1 : 2) * port_rate) : bisection;
    }
    const PlaneMeasures measures = measure_grid("torus", sizes);
    EXPECT_EQ(measures.links, static_cast<std::size_t>(links));
    EXPECT_EQ(measures.diameter, diameter);
    EXPECT_DOUBLE_EQ(measures.bisection.value(), bisection);
    EXPECT_FALSE(measures.bisection_is_bound);
  }
}

TEST(Torus, HasShortestPathsInAllOrdersAndBothWaysRound) {
  // two steps in each of three dimensions, each of them either way
  EXPECT_EQ(measure_grid("torus", {4, 4, 4}).path_diversity, orders({2, 2, 2}) * 2 * 2 * 2);
  EXPECT_EQ(measure_grid("torus", {3, 5}).path_diversity, orders({1, 2}));
}

TEST(Mesh, HasItsClosedForms) {
  for (const Sizes& sizes : grids) {
    SCOPED_TRACE(::testing::PrintToString(sizes));
    const int n = product(sizes);
    int links = 0;
    Sizes steps;
    double bisection = n * port_rate;
    for (const int size : sizes) {
      links += n / size * (size - 1);
      steps.push_back(size - 1);
      bisection = size % 2 == 0 ? std::min(bisection, n / size * port_rate) : bisection;
    }
    const PlaneMeasures measures = measure_grid("mesh", sizes);
    EXPECT_EQ(measures.links, static_cast<std::size_t>(links));
    EXPECT_EQ(measures.diameter, std::accumulate(steps.begin(), steps.end(), 0));
    EXPECT_EQ(measures.path_diversity, orders(steps));
    EXPECT_DOUBLE_EQ(measures.bisection.value(), bisection);
  }
}

// Ahn et al., HyperX, SC 2009: cutting a dimension of k in two cuts k^2 / 4 links of each of its rows.
TEST(FullMesh, OfManyDimensionsHasItsClosedForms) {
  for (const Sizes& sizes : grids) {
    SCOPED_TRACE(::testing::PrintToString(sizes));
    const int n = product(sizes);
    int links = 0;
    double bisection = n * n * port_rate;
    for (const int size : sizes) {
      links += n * (size - 1) / 2;
      bisection = size % 2 == 0 ? std::min(bisection, n / size * (size * size / 4) * port_rate) : bisection;
    }
    const PlaneMeasures measures = measure_grid("full_mesh", sizes);
    EXPECT_EQ(measures.links, static_cast<std::size_t>(links));
    EXPECT_EQ(measures.diameter, static_cast<int>(sizes.size()));
    EXPECT_EQ(measures.path_diversity, orders(Sizes(sizes.size(), 1)));
    EXPECT_DOUBLE_EQ(measures.bisection.value(), bisection);
  }
}

TEST(Hypercube, HasItsClosedForms) {
  for (int n = 1; n <= 7; ++n) {
    const int ends = 1 << n;
    const PlaneMeasures measures =
        measure(build(yaml_of(packing_of(1, ends, 1), plane_keys("hypercube") + "    link_bandwidth: 10 GB/s\n")))
            .at(0);
    EXPECT_EQ(measures.links, static_cast<std::size_t>(n * ends / 2));
    EXPECT_EQ(measures.diameter, n);
    EXPECT_EQ(measures.path_diversity, orders(Sizes(static_cast<std::size_t>(n), 1)));
    EXPECT_DOUBLE_EQ(measures.bisection.value(), ends / 2 * port_rate);
  }
}

TEST(Hypercube, MayBeIncomplete) {
  const int ends = 6;  // of eight: without 110 and 111, which take three links with others and one with each other
  const PlaneMeasures measures =
      measure(build(yaml_of(packing_of(1, ends, 1), plane_keys("hypercube") + "    link_bandwidth: 10 GB/s\n"))).at(0);
  EXPECT_EQ(measures.links, 3U * 8U / 2U - 2U * 2U - 1U);
}

TEST(Ring, HasItsClosedForms) {
  for (const int n : {3, 4, 7, 16, 33}) {
    const PlaneMeasures measures =
        measure(build(yaml_of(packing_of(1, n, 1), plane_keys("ring") + "    link_bandwidth: 10 GB/s\n"))).at(0);
    EXPECT_EQ(measures.links, static_cast<std::size_t>(n));
    EXPECT_EQ(measures.diameter, n / 2);
    EXPECT_DOUBLE_EQ(measures.bisection.value(), 2 * port_rate);
    EXPECT_FALSE(measures.bisection_is_bound);
  }
}

TEST(Grids, CutTheDimensionThatHasTheLeastBandwidth) {
  const std::string keys = plane_keys("torus") +
                           "    dimensions:\n      - {size: 4, link_bandwidth: 10 GB/s}\n"
                           "      - {size: 4, link_bandwidth: 2.5 GB/s}\n";
  const PlaneMeasures measures = measure(build(yaml_of(packing_of(1, 16, 1), keys))).at(0);
  EXPECT_DOUBLE_EQ(measures.bisection.value(), 2 * 4 * port_rate / 4);
}

TEST(Grids, SearchForHalvesWhereNoneIsNatural) {
  const PlaneMeasures odd = measure_grid("torus", {3, 5});
  EXPECT_TRUE(odd.bisection_is_bound);
  EXPECT_GE(odd.bisection.value(), 2 * 3 * port_rate);
  const PlaneMeasures few = measure_grid("mesh", {2, 3});
  EXPECT_FALSE(few.bisection_is_bound);
  EXPECT_DOUBLE_EQ(few.bisection.value(), 3 * port_rate);  // the even dimension is the natural one, though two would do
}

TEST(Grids, GrowInTheirLastDimension) {
  const std::string keys = plane_keys("torus", "system") +
                           "    dimensions:\n      - {size: 4, link_bandwidth: 10 GB/s}\n"
                           "      - {link_bandwidth: 10 GB/s}\n";
  for (const std::uint32_t domains : {1U, 2U, 3U}) {
    const PlaneMeasures measures = measure(build(yaml_of(packing_of(1, 4, 4), keys), domains)).at(0);
    EXPECT_EQ(measures.diameter, static_cast<int>(4 / 2 + 4 * domains / 2));
  }
}

TEST(Grids, KeepALastRowThatIsPartial) {
  // 4 x 4 less the last three: one chip at the end of its row
  const Topology topology = build(
      yaml_of(packing_of(1, 4, 4),
              grid_keys("mesh", {4, 4}).replace(grid_keys("mesh", {4, 4}).find("reach: system"), 13, "reach: domain")),
      1, 13);
  const PlaneMeasures measures = measure(topology).at(0);
  EXPECT_EQ(measures.links, 3U * 3U + 4U * 2U + 1U);
  EXPECT_EQ(measures.networks, 1U);
}

TEST(Grids, RefuseSizesThatDoNotHoldTheAccelerators) {
  EXPECT_NO_THROW(build(yaml_of(packing_of(1, 4, 4), grid_keys("torus", {4, 4}))));
  EXPECT_THROW(build(yaml_of(packing_of(1, 4, 4), grid_keys("torus", {4, 3}))), InputError);
  EXPECT_THROW(build(yaml_of(packing_of(1, 4, 4), grid_keys("torus", {4, 5}))), InputError);
  EXPECT_THROW(build(yaml_of(packing_of(1, 4, 4), grid_keys("torus", {16, 0}))), InputError);
  EXPECT_THROW(build(yaml_of(packing_of(1, 4, 4), plane_keys("torus") + "    dimensions: []\n")), InputError);
}

// Slices of TPU v4: Jouppi et al., ISCA 2023.
TEST(BlockTorus, IsAsNearToACubeAsItsBlocksLetItBe) {
  const std::string keys = plane_keys("block_torus", "system") + "    block: [4, 4, 4]\n    link_bandwidth: 10 GB/s\n";
  const std::vector<std::pair<std::uint32_t, Sizes>> slices{{1, {4, 4, 4}}, {2, {4, 4, 8}}, {3, {4, 4, 12}},
                                                            {4, {4, 8, 8}}, {8, {8, 8, 8}}, {12, {8, 8, 12}}};
  for (const auto& [blocks, sizes] : slices) {
    SCOPED_TRACE(blocks);
    const int n = product(sizes);
    const PlaneMeasures measures = measure(build(yaml_of(packing_of(1, 4, 16), keys), blocks)).at(0);
    EXPECT_EQ(measures.links, static_cast<std::size_t>(3 * n));
    EXPECT_EQ(measures.diameter, std::accumulate(sizes.begin(), sizes.end(), 0) / 2);
    EXPECT_DOUBLE_EQ(measures.bisection.value(), 2.0 * n / *std::max_element(sizes.begin(), sizes.end()) * port_rate);
  }
}

TEST(BlockTorus, KeepsTheRanksOfABlockTogether) {
  const std::string keys = plane_keys("block_torus", "system") + "    block: [2, 2]\n    link_bandwidth: 10 GB/s\n";
  const Topology topology = build(yaml_of(packing_of(1, 2, 2), keys), 4);
  // a 4 x 4 torus: each chip has two neighbours in its block, and two outside of it
  std::vector<int> within(topology.accelerators, 0);
  std::vector<int> outside(topology.accelerators, 0);
  for (const Link& link : topology.links) {
    ++(link.from.index() / 4 == link.to.index() / 4 ? within : outside)[link.from.index()];
  }
  EXPECT_EQ(within, std::vector<int>(16, 2));
  EXPECT_EQ(outside, std::vector<int>(16, 2));
}

std::string dragonfly_keys(int p, int a, int h) {
  return plane_keys("dragonfly", "system") + "    terminals_per_router: " + std::to_string(p) +
         "\n    routers_per_group: " + std::to_string(a) + "\n    global_links_per_router: " + std::to_string(h) +
         "\n    terminal_bandwidth: 10 GB/s\n    local_bandwidth: 10 GB/s\n    global_bandwidth: 10 GB/s\n";
}

PlaneMeasures measure_dragonfly(int p, int a, int h, int groups) {
  return measure(build(yaml_of(packing_of(1, p * a, 1), dragonfly_keys(p, a, h)), static_cast<std::uint32_t>(groups)))
      .at(0);
}

// Kim et al., ISCA 2008, section 3: a h + 1 groups at most, at most three router-to-router hops.
TEST(Dragonfly, HasItsClosedForms) {
  const int p = 2;
  const int a = 4;
  const int h = 2;
  for (const int groups : {2, 4, 8, a * h + 1}) {
    SCOPED_TRACE(groups);
    const int links_of_pair = a * h / (groups - 1);
    const PlaneMeasures measures = measure_dragonfly(p, a, h, groups);
    EXPECT_EQ(measures.links, static_cast<std::size_t>(groups * p * a + groups * a * (a - 1) / 2 +
                                                       groups * (groups - 1) / 2 * links_of_pair));
    EXPECT_LE(measures.forwarders(), 4);
    EXPECT_EQ(measures.bisection_is_bound, groups % 2 != 0);
    if (groups % 2 == 0) {
      const double global = groups / 2 * (groups / 2) * links_of_pair * port_rate;
      EXPECT_DOUBLE_EQ(measures.bisection.value(), std::min(global, groups * p * a / 2 * port_rate));
    }
  }
  EXPECT_EQ(measure_dragonfly(p, a, h, a * h + 1).forwarders(), 4);
}

TEST(Dragonfly, GivesEveryRouterNoMoreGlobalLinksThanItHasPorts) {
  const int h = 2;
  const Topology topology = build(yaml_of(packing_of(1, 8, 1), dragonfly_keys(2, 4, h)), 9);
  std::vector<int> global(topology.nodes.size(), 0);
  for (const Link& link : topology.links) {
    global[link.from.index()] += link.dimension;
  }
  for (const NodeId id : topology.nodes.ids()) {
    EXPECT_EQ(global[id.index()], topology.nodes[id].kind == NodeKind::network_switch ? h : 0);
  }
}

TEST(Dragonfly, RefusesMoreGroupsThanItCanJoin) {
  EXPECT_THROW(build(yaml_of(packing_of(1, 8, 1), dragonfly_keys(2, 4, 2)), 10), InputError);
  EXPECT_THROW(build(yaml_of(packing_of(1, 8, 1), dragonfly_keys(0, 4, 2)), 2), InputError);
}

}  // namespace
}  // namespace podium
