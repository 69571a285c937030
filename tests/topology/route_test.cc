#include "sim/topology/route.h"

#include <gtest/gtest.h>

#include <numeric>

#include "tests/topology/networks.h"

namespace podium {
namespace {

using test::build;
using test::packing_of;
using test::plane_keys;
using test::yaml_of;

constexpr double efficiency_near = 0.8;
constexpr double efficiency_far = 0.5;

/// Two nodes of two GPUs; 3 sub-planes with 2 L2 chips each.
Topology small_clos() {
  return build(yaml_of(packing_of(1, 2, 2),
                       plane_keys("ub_clos") +
                           "    sub_planes: 3\n    l1_tier: L1\n    l2_tier: L2\n    l2_per_sub_plane: 2\n"
                           "    links_per_accelerator_and_l1: 1\n    links_per_l1_and_l2: 1\n"
                           "    link_bandwidth: 10 GB/s\n    host_bandwidth: 30 GB/s\n",
                       "1"));
}

Topology with_links(const std::string& links, int accelerators, const std::string& switches = "{}",
                    const std::string& hosts = "") {
  return build(yaml_of(packing_of(1, accelerators, 1),
                       plane_keys("links", "domain", "true") + "    switches: " + switches + "\n    links:\n" + links,
                       hosts));
}

std::string between(const std::string& a, const std::string& b, const std::string& bandwidth = "10 GB/s") {
  return "      - {between: [" + a + ", " + b + "], bandwidth: " + bandwidth + "}\n";
}

double load_on(const Topology& topology, const Route& route, NodeId from, NodeId to) {
  double sum = 0;
  for (const LinkLoad& link : route.links) {
    const Link& there = topology.links[link.link];
    sum += there.from == from && there.to == to ? link.load : 0;
  }
  return sum;
}

/// What enters and leaves a node, in payload.
double balance(const Topology& topology, const Route& route, NodeId node, double efficiency) {
  double sum = 0;
  for (const LinkLoad& link : route.links) {
    sum += topology.links[link.link].to == node ? link.load : 0;
    sum -= topology.links[link.link].from == node ? link.load : 0;
  }
  return sum * efficiency;
}

TEST(Router, SpraysOverAllShortestPathsAndDividesByThePayloadEfficiency) {
  const Topology topology = small_clos();
  Router router(topology);
  const auto within = router.route(NodeId(0), NodeId(1));
  ASSERT_TRUE(within);
  EXPECT_EQ(within->switches, 1);
  EXPECT_EQ(within->links.size(), 3U * 2U);
  for (const LinkLoad& link : within->links) {
    EXPECT_NEAR(link.load, 1.0 / 3.0 / efficiency_near, 1e-14);
  }
  const auto across = router.route(NodeId(0), NodeId(2));
  ASSERT_TRUE(across);
  EXPECT_EQ(across->switches, 3);
  EXPECT_EQ(across->links.size(), 3U + 6U + 6U + 3U);
  for (const LinkLoad& link : across->links) {
    const Link& there = topology.links[link.link];
    const bool at_an_end = there.from == NodeId(0) || there.to == NodeId(2);
    EXPECT_NEAR(link.load, 1.0 / (at_an_end ? 3.0 : 6.0) / efficiency_far, 1e-14);
  }
}

TEST(Router, AddsUpTheLatencyOfEndPointsAndSwitches) {
  const Topology topology = small_clos();
  Router router(topology);
  const Plane& plane = topology.planes.front();
  EXPECT_DOUBLE_EQ(router.route(NodeId(0), NodeId(1))->latency.value(),
                   (plane.endpoint_latency + plane.switch_latency).value());
  EXPECT_DOUBLE_EQ(router.route(NodeId(0), NodeId(3))->latency.value(),
                   (plane.endpoint_latency + 3 * plane.switch_latency).value());
}

TEST(Router, AddsThePropagationOfLongLinksOnTheLongestPath) {
  // two ways of two links; the lower one is longer by 300 ns
  const std::string links =
      plane_keys("links") +
      "    switches: {a: switch, b: switch}\n    links:\n"
      "      - {between: [0, a], bandwidth: 10 GB/s, latency: 200 ns}\n      - {between: [a, 1], bandwidth: 10 GB/s}\n"
      "      - {between: [0, b], bandwidth: 10 GB/s, latency: 150 ns}\n"
      "      - {between: [b, 1], bandwidth: 10 GB/s, latency: 350 ns}\n";
  const Topology topology = build(yaml_of(packing_of(1, 2, 1), links));
  const auto latency_by = [&](const Routing& routing) {
    return Router(topology).route(NodeId(0), NodeId(1), 0, routing)->latency.value();
  };
  EXPECT_NEAR(latency_by({}), 1e-6 + 100e-9 + 500e-9, 1e-15);
  const double one = latency_by({.spread = Spread::fixed});
  EXPECT_TRUE(std::abs(one - 1.3e-6) < 1e-15 || std::abs(one - 1.6e-6) < 1e-15) << one;
  // by way of either switch, and back over the link that one came by
  EXPECT_GE(latency_by({.detour = Detour::valiant}), 1.6e-6);
}

TEST(Router, SendsToOneselfOverNothing) {
  const Topology topology = small_clos();
  const auto stays = Router(topology).route(NodeId(2), NodeId(2));
  ASSERT_TRUE(stays);
  EXPECT_TRUE(stays->links.empty());
  EXPECT_EQ(stays->latency, Seconds(0));
}

TEST(Router, ListsEachLinkOnceInAscendingOrderAndKeepsWhatItForwards) {
  const Topology topology = small_clos();
  Router router(topology);
  for (std::uint32_t from = 0; from < topology.accelerators + 2; ++from) {
    for (std::uint32_t to = 0; to < topology.accelerators + 2; ++to) {
      const auto route = router.route(NodeId(from), NodeId(to));
      ASSERT_TRUE(route);
      for (std::size_t i = 1; i < route->links.size(); ++i) {
        EXPECT_LT(route->links[i - 1].link, route->links[i].link);
      }
      const double efficiency = route->switches <= 1 ? efficiency_near : efficiency_far;
      for (const NodeId node : topology.nodes.ids()) {
        const double expected = from == to ? 0 : node == NodeId(from) ? -1 : node == NodeId(to) ? 1 : 0;
        EXPECT_NEAR(balance(topology, *route, node, efficiency), expected, 1e-12);
      }
    }
  }
}

TEST(Router, SharesByCapacityAndLeavesDeadLinksOut) {
  // two ways from 0 to 1: over a switch at 30 and one at 10 GB/s; a third is dead
  const Topology topology = with_links(between("0", "a", "30 GB/s") + between("a", "1", "30 GB/s") + between("0", "b") +
                                           between("b", "1") + between("0", "c", "0 GB/s") + between("c", "1"),
                                       2, "{a: switch, b: switch, c: switch}");
  const auto route = Router(topology).route(NodeId(0), NodeId(1));
  ASSERT_TRUE(route);
  const NodeId first_switch(2);
  EXPECT_NEAR(load_on(topology, *route, NodeId(0), first_switch), 0.75 / efficiency_near, 1e-14);
  EXPECT_NEAR(load_on(topology, *route, NodeId(0), NodeId(3)), 0.25 / efficiency_near, 1e-14);
  EXPECT_EQ(load_on(topology, *route, NodeId(0), NodeId(4)), 0);
}

TEST(Router, TakesTheShortWayRoundARingAndBothWaysToTheOppositeSide) {
  const Topology topology =
      with_links(between("0", "1") + between("1", "2") + between("2", "3") + between("3", "0"), 4);
  Router router(topology);
  EXPECT_EQ(router.route(NodeId(0), NodeId(3))->links.size(), 1U);
  EXPECT_EQ(router.route(NodeId(0), NodeId(3))->switches, 0);
  const auto opposite = router.route(NodeId(0), NodeId(2));
  EXPECT_EQ(opposite->links.size(), 4U);
  EXPECT_EQ(opposite->switches, 1);
  EXPECT_NEAR(load_on(topology, *opposite, NodeId(0), NodeId(1)), 0.5 / efficiency_near, 1e-14);
}

TEST(Router, NeverPassesThroughAHost) {
  const Topology topology = with_links(between("0", "host0") + between("host0", "1"), 2, "{}", "1");
  Router router(topology);
  EXPECT_FALSE(router.route(NodeId(0), NodeId(1)));
  EXPECT_TRUE(router.route(NodeId(0), topology.host_of(0)));
  EXPECT_TRUE(router.route(topology.host_of(0), NodeId(1)));
}

TEST(Router, FollowsOneWayLinksInTheirDirectionOnly) {
  const Topology topology = with_links("      - {from: 0, to: 1, bandwidth: 10 GB/s}\n", 2);
  Router router(topology);
  EXPECT_TRUE(router.route(NodeId(0), NodeId(1)));
  EXPECT_FALSE(router.route(NodeId(1), NodeId(0)));
}

TEST(Router, PrefersTheFirstPlaneThatJoinsTheTwo) {
  const std::string second =
      "  - name: far\n    fabric: switch\n    reach: system\n    multicast: false\n    tier: hub\n"
      "    link_bandwidth: 1 GB/s\n    payload_efficiency: 1\n    endpoint_latency: 1 us\n    switch_latency: 1 us\n";
  const Topology topology = build(
      yaml_of(packing_of(1, 2, 1), plane_keys("switch") + "    tier: hub\n    link_bandwidth: 10 GB/s\n" + second), 2);
  Router router(topology);
  EXPECT_EQ(router.route(NodeId(0), NodeId(1))->plane, topology.plane_index("net"));
  EXPECT_EQ(router.route(NodeId(1), NodeId(2))->plane, topology.plane_index("far"));
  EXPECT_EQ(router.route(NodeId(0), NodeId(1), topology.plane_index("far"))->plane, topology.plane_index("far"));
  EXPECT_FALSE(router.route(NodeId(1), NodeId(2), topology.plane_index("net")));
}

class Trees : public ::testing::Test {
 protected:
  const Topology topology_ =
      build(yaml_of(packing_of(1, 4, 1), plane_keys("nvswitch", "domain", "true") +
                                             "    chips: 2\n    tier: NVSwitch\n    links_per_accelerator: 2\n"
                                             "    link_bandwidth: 10 GB/s\n"));
  std::vector<NodeId> all_{NodeId(0), NodeId(1), NodeId(2), NodeId(3)};
  Router router_{topology_};
};

TEST_F(Trees, AMulticastLoadsEachLinkOnceWhateverTheNumberOfReceivers) {
  const auto tree = router_.multicast(NodeId(0), all_);
  ASSERT_TRUE(tree);
  // half of the bytes over each of two chips: up once, down to each of the four, the sender among them
  EXPECT_EQ(tree->links.size(), 2U + 2U * 4U);
  for (const LinkLoad& link : tree->links) {
    EXPECT_NEAR(link.load, 0.5 / efficiency_near, 1e-14);
  }
  EXPECT_EQ(tree->latency, router_.route(NodeId(0), NodeId(1))->latency);
}

TEST_F(Trees, LeaveOutTheRootWhereItIsNotAmongTheLeaves) {
  const std::vector<NodeId> others(all_.begin() + 1, all_.end());
  EXPECT_EQ(router_.multicast(NodeId(0), others)->links.size(), 2U + 2U * 3U);
  EXPECT_EQ(router_.reduce(others, NodeId(0))->links.size(), 2U + 2U * 3U);
}

TEST_F(Trees, AReductionIsAMulticastBackwards) {
  const auto out = router_.multicast(NodeId(1), all_);
  const auto in = router_.reduce(all_, NodeId(1));
  ASSERT_TRUE(out && in);
  ASSERT_EQ(in->links.size(), out->links.size());
  for (const LinkLoad& link : out->links) {
    const Link& there = topology_.links[link.link];
    EXPECT_NEAR(load_on(topology_, *in, there.to, there.from), link.load, 1e-14);
  }
}

TEST_F(Trees, NeedSwitchesThatCanCopy) {
  const Topology clos = small_clos();
  EXPECT_FALSE(Router(clos).multicast(NodeId(0), all_));
  EXPECT_FALSE(Router(clos).reduce(all_, NodeId(0), 0));
}

}  // namespace
}  // namespace podium
