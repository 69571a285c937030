#include "sim/topology/deadlock.h"

#include <gtest/gtest.h>

#include "tests/topology/networks.h"

namespace podium {
namespace {

using test::build;
using test::packing_of;
using test::plane_keys;
using test::yaml_of;

Topology mesh_of(const std::string& fabric, int width, int height) {
  return build(yaml_of(packing_of(1, width, height),
                       plane_keys(fabric) + "    dimensions:\n      - {size: " + std::to_string(width) +
                           ", link_bandwidth: 10 GB/s}\n      - {size: " + std::to_string(height) +
                           ", link_bandwidth: 10 GB/s}\n"));
}

Topology ring(int n) {
  return build(yaml_of(packing_of(1, n, 1), plane_keys("ring") + "    link_bandwidth: 10 GB/s\n"));
}

Topology dragonfly() {
  return build(yaml_of(packing_of(1, 8, 1),
                       plane_keys("dragonfly", "system") +
                           "    terminals_per_router: 2\n    routers_per_group: 4\n    global_links_per_router: 2\n"
                           "    terminal_bandwidth: 10 GB/s\n    local_bandwidth: 10 GB/s\n"
                           "    global_bandwidth: 10 GB/s\n"),
               9);
}

Topology fat_tree() {
  return build(yaml_of(packing_of(1, 4, 4), plane_keys("clos") + "    link_bandwidth: 10 GB/s\n    switch_ports: 4\n"
                                                                 "    oversubscription: 1\n    cabling: by_node\n"));
}

constexpr Routing shortest{};
constexpr Routing by_dimension{.order = WayOrder::dimension_ordered};
constexpr Routing one_global{.order = WayOrder::one_global};
constexpr Routing up_then_down{.order = WayOrder::up_down};

Routing with_channels(Routing routing, std::uint32_t channels) {
  routing.virtual_channels = channels;
  return routing;
}

bool is_free(const Topology& topology, const Routing& routing) {
  return check_deadlock(topology, 0, routing).cycle.empty();
}

/// Each channel's link ends where the next one's begins, and the last one's where the first begins.
void expect_closed(const Topology& topology, const std::vector<VirtualChannel>& cycle) {
  ASSERT_GE(cycle.size(), 2U);
  for (std::size_t i = 0; i < cycle.size(); ++i) {
    EXPECT_EQ(topology.links[cycle[i].link].to, topology.links[cycle[(i + 1) % cycle.size()].link].from);
  }
}

// Dally and Seitz, 1987: the classical example.
TEST(Deadlock, ThreatensARingWithoutADateline) {
  const Topology topology = ring(8);
  const DeadlockCheck check = check_deadlock(topology, 0);
  EXPECT_EQ(check.cycle.size(), 8U);
  EXPECT_EQ(check.enough, 2U);
  expect_closed(topology, check.cycle);
  EXPECT_TRUE(is_free(topology, with_channels(shortest, 2)));
}

TEST(Deadlock, IsFarFromARingOfThreeWhereNobodyGoesFurtherThanOneHop) {
  EXPECT_TRUE(is_free(ring(3), shortest));
  EXPECT_FALSE(is_free(ring(4), shortest));
}

TEST(Deadlock, ThreatensAMeshUnlessItsTurnsAreOrdered) {
  const Topology mesh = mesh_of("mesh", 4, 4);
  const DeadlockCheck check = check_deadlock(mesh, 0, shortest);
  EXPECT_EQ(check.cycle.size(), 4U);  // round a square
  expect_closed(mesh, check.cycle);
  EXPECT_TRUE(is_free(mesh, by_dimension));
  EXPECT_TRUE(is_free(mesh, up_then_down));
}

TEST(Deadlock, ThreatensATorusInDimensionOrderUnlessItHasTwoVirtualChannels) {
  const Topology torus = mesh_of("torus", 5, 4);
  const DeadlockCheck check = check_deadlock(torus, 0, by_dimension);
  expect_closed(torus, check.cycle);
  EXPECT_EQ(check.enough, 2U);
  EXPECT_TRUE(is_free(torus, with_channels(by_dimension, 2)));
  EXPECT_TRUE(is_free(torus, up_then_down));
}

TEST(Deadlock, LeavesANDimensionalFullMeshThatCountsItsStepsBack) {
  const Topology mesh = mesh_of("full_mesh", 4, 4);
  EXPECT_EQ(check_deadlock(mesh, 0, shortest).enough, 2U);
  EXPECT_TRUE(is_free(mesh, by_dimension));
}

TEST(Deadlock, IsFarFromAFatTree) {
  EXPECT_TRUE(is_free(fat_tree(), up_then_down));
  EXPECT_TRUE(is_free(fat_tree(), shortest));  // which goes up and down of itself
}

// Kim et al., ISCA 2008, section 4.2: two virtual channels for minimal routing.
TEST(Deadlock, LeavesADragonflyWithAVirtualChannelBehindItsGlobalLink) {
  const Topology topology = dragonfly();
  const DeadlockCheck check = check_deadlock(topology, 0, one_global);
  expect_closed(topology, check.cycle);
  EXPECT_EQ(check.enough, 2U);
  EXPECT_TRUE(is_free(topology, up_then_down));
  // two global links in succession are as short as a local, a global and a local one, and make cycles through groups
  EXPECT_EQ(check_deadlock(topology, 0, shortest).enough, 0U);
}

TEST(Deadlock, ThreatensValiantsDetoursUnlessEachLegHasChannelsOfItsOwn) {
  const Routing valiant{.order = WayOrder::dimension_ordered, .detour = Detour::valiant};
  const Topology mesh = mesh_of("mesh", 4, 4);
  const DeadlockCheck on_mesh = check_deadlock(mesh, 0, valiant);
  expect_closed(mesh, on_mesh.cycle);
  EXPECT_EQ(on_mesh.enough, 2U);
  EXPECT_EQ(check_deadlock(mesh_of("torus", 5, 4), 0, valiant).enough, 4U);
  EXPECT_EQ(check_deadlock(dragonfly(), 0, {.order = WayOrder::one_global, .detour = Detour::valiant}).enough, 4U);
}

// A one-way ring: nobody can avoid the way round.
TEST(Deadlock, IsFoundInListsOfLinks) {
  const std::string links = plane_keys("links") +
                            "    links:\n      - {from: 0, to: 1, bandwidth: 1 GB/s}\n"
                            "      - {from: 1, to: 2, bandwidth: 1 GB/s}\n"
                            "      - {from: 2, to: 0, bandwidth: 1 GB/s}\n";
  const Topology topology = build(yaml_of(packing_of(1, 3, 1), links));
  const DeadlockCheck check = check_deadlock(topology, 0);
  EXPECT_EQ(check.cycle.size(), 3U);
  EXPECT_EQ(check.enough, 0U);  // there is no dateline that could part them
}

TEST(Deadlock, IsTheSameOnTheMergedNetwork) {
  const Topology whole = fat_tree();
  for (const Routing& routing : {shortest, up_then_down}) {
    EXPECT_EQ(is_free(whole, routing), is_free(merge_bundles(whole), routing));
  }
}

}  // namespace
}  // namespace podium
