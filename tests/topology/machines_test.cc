// The two machines of the founding case against their published closed forms.
#include <gtest/gtest.h>

#include <algorithm>

#include "sim/topology/measure.h"
#include "sim/topology/route.h"

namespace podium {
namespace {

using namespace literals;

PlaneMeasures measured(const Topology& topology, const std::string& plane) {
  const std::vector<PlaneMeasures> all = measure(topology);
  const auto found =
      std::find_if(all.begin(), all.end(), [&plane](const PlaneMeasures& one) { return one.plane == plane; });
  if (found == all.end()) {
    throw Bug("plane " + plane + " was not measured");
  }
  return *found;
}

std::size_t count_of(const PlaneMeasures& measures, const std::string& tier) {
  for (const auto& [name, count] : measures.nodes_by_tier) {
    if (name == tier) {
      return count;
    }
  }
  return 0;
}

std::size_t links_of(const PlaneMeasures& measures, const std::string& lower, const std::string& upper) {
  for (const TierLinks& links : measures.links_by_tier) {
    if (links.lower == lower && links.upper == upper) {
      return links.count;
    }
  }
  return 0;
}

BytesPerSecond leaving(const Topology& topology, NodeId node, std::uint32_t plane) {
  BytesPerSecond sum;
  for (const Link& link : topology.links) {
    sum += link.from == node && link.plane == plane ? link.bandwidth : BytesPerSecond(0);
  }
  return sum;
}

/// The most payload that one transfer alone can move: no link over its capacity.
BytesPerSecond alone(const Topology& topology, const Route& route) {
  BytesPerSecond most = topology.links[route.links.front().link].bandwidth / route.links.front().load;
  for (const LinkLoad& link : route.links) {
    most = std::min(most, topology.links[link.link].bandwidth / link.load);
  }
  return most;
}

class CloudMatrix : public ::testing::Test {
 protected:
  static constexpr std::size_t nodes = 48;
  static constexpr std::size_t dies_per_node = 16;
  static constexpr std::size_t dies = nodes * dies_per_node;
  static constexpr std::size_t sub_planes = 7;
  static constexpr std::size_t l2_per_sub_plane = 16;

  const Topology topology_ = load_topology("cloudmatrix384");
  const std::uint32_t ub_ = topology_.plane_index("ub");
  const BytesPerSecond link_ = 28_GBps;
  const NodeId die_{0};
  const NodeId in_the_same_node_{2};
  const NodeId in_another_node_{dies_per_node};
};

// arXiv 2506.12708, sections 3.2 and 3.3.3
TEST_F(CloudMatrix, HasThePublishedChipsAndLinks) {
  const PlaneMeasures ub = measured(topology_, "ub");
  EXPECT_EQ(count_of(ub, "die"), dies);
  EXPECT_EQ(count_of(ub, "cpu"), 192U);
  EXPECT_EQ(count_of(ub, "L1"), 336U);
  EXPECT_EQ(count_of(ub, "L2"), 112U);
  EXPECT_EQ(links_of(ub, "L1", "L2"), 5376U);
  EXPECT_EQ(links_of(ub, "die", "L1"), dies * sub_planes);
  EXPECT_EQ(links_of(ub, "die", "L1") + links_of(ub, "cpu", "L1") + links_of(ub, "L1", "L2"), ub.links);
}

TEST_F(CloudMatrix, JoinsDiesOfDifferentNodesByThreeSwitchesOnEveryL2Chip) {
  const PlaneMeasures ub = measured(topology_, "ub");
  EXPECT_EQ(ub.forwarders(), 3);
  EXPECT_EQ(ub.path_diversity, sub_planes * l2_per_sub_plane);
}

TEST_F(CloudMatrix, HasFullBisection) {
  const PlaneMeasures ub = measured(topology_, "ub");
  const BytesPerSecond injection = static_cast<double>(dies * sub_planes) * link_;
  EXPECT_DOUBLE_EQ(ub.injection.value(), injection.value());
  EXPECT_DOUBLE_EQ(ub.bisection.value(), injection.value() / 2);
  EXPECT_FALSE(ub.bisection_is_bound);
}

// 400 Gb/s a node, whatever its dies' own links to the card (arXiv 2506.12708, section 3.2)
TEST_F(CloudMatrix, InjectsNoMoreIntoTheVpcPlaneThanTheCardsOfTheNodesPassOn) {
  const BytesPerSecond card = 50_GBps;
  EXPECT_DOUBLE_EQ(measured(topology_, "vpc").injection.value(), card.value() * nodes);
  EXPECT_DOUBLE_EQ(injection(topology_, topology_.plane_index("vpc")).value(), card.value() * nodes);
  EXPECT_DOUBLE_EQ(injection_of_one(topology_, topology_.plane_index("vpc")).value(), card.value());
}

TEST_F(CloudMatrix, KeepsTheCpusOutOfTheUplinkBudget) {
  const BytesPerSecond of_dies = static_cast<double>(dies_per_node * sub_planes) * link_;
  BytesPerSecond uplinks;
  BytesPerSecond downlinks;
  for (const Link& link : topology_.links) {
    if (link.plane == ub_ && topology_.nodes[link.from].tier == "L1" && topology_.nodes[link.from].domain == 0) {
      uplinks += topology_.nodes[link.to].tier == "L2" ? link.bandwidth : BytesPerSecond(0);
      downlinks += topology_.nodes[link.to].tier == "L2" ? BytesPerSecond(0) : link.bandwidth;
    }
  }
  const BytesPerSecond cpu = 160_GBps;
  EXPECT_DOUBLE_EQ(leaving(topology_, topology_.host_of(0), ub_).value(), cpu.value());
  EXPECT_DOUBLE_EQ(uplinks.value(), of_dies.value() * nodes);
  EXPECT_NEAR(downlinks / ((of_dies + 4 * cpu) * nodes), 1, 1e-12);
}

// A 512 B read, there and back, takes 1.2 us within and 1.9 us across nodes (arXiv 2506.12708 v1).
TEST_F(CloudMatrix, SendsOneWayInHalfTheTimeOfAMeasuredRead) {
  Router router(topology_);
  const Seconds within = 1.2_us / 2;
  const Seconds across = 1.9_us / 2;
  EXPECT_NEAR(router.route(die_, in_the_same_node_, ub_)->latency.value(), within.value(), 1e-15);
  EXPECT_NEAR(router.route(die_, in_another_node_, ub_)->latency.value(), across.value(), 1e-15);
}

// 167 and 164 GB/s of a die's 196 (arXiv 2506.12708 v1), here to two digits of efficiency.
TEST_F(CloudMatrix, GivesOneDieAloneTheMeasuredBandwidth) {
  Router router(topology_);
  const BytesPerSecond raw = sub_planes * link_;
  const BytesPerSecond within = alone(topology_, *router.route(die_, in_the_same_node_, ub_));
  const BytesPerSecond across = alone(topology_, *router.route(die_, in_another_node_, ub_));
  EXPECT_NEAR(within / raw, 0.85, 1e-12);
  EXPECT_NEAR(across / raw, 0.84, 1e-12);
  EXPECT_NEAR(within / 167_GBps, 1, 0.01);
  EXPECT_NEAR(across / 164_GBps, 1, 0.01);
}

TEST_F(CloudMatrix, TakesTheDieLinkWithinAPackageAndRoceBetweenSupernodes) {
  const Topology two = load_topology("cloudmatrix384", 2);
  Router router(two);
  EXPECT_EQ(router.route(NodeId(0), NodeId(1))->plane, two.plane_index("die_link"));
  EXPECT_EQ(router.route(NodeId(1), NodeId(2))->plane, ub_);
  const auto between = router.route(NodeId(0), NodeId(dies));
  EXPECT_EQ(between->plane, two.plane_index("roce"));
  EXPECT_DOUBLE_EQ(leaving(two, NodeId(0), between->plane).value(), 200e9 / 8);
}

class Nvl72 : public ::testing::Test {
 protected:
  static constexpr std::size_t gpus = 72;
  static constexpr std::size_t chips = 18;

  const Topology topology_ = load_topology("gb200-nvl72");
  const BytesPerSecond link_ = 50_GBps;
};

// NVIDIA DGX SuperPOD reference architecture with DGX GB200
TEST_F(Nvl72, HasThePublishedChipsAndLinks) {
  const PlaneMeasures nvlink = measured(topology_, "nvlink");
  EXPECT_EQ(count_of(nvlink, "GPU"), gpus);
  EXPECT_EQ(count_of(nvlink, "NVSwitch"), chips);
  EXPECT_EQ(nvlink.links, gpus * chips);
  EXPECT_EQ(topology_.accelerators / topology_.accelerators_per_node, 18U);
  for (const Link& link : topology_.links) {
    EXPECT_TRUE(link.plane != topology_.plane_index("nvlink") || link.bandwidth == link_);
  }
}

// half of what a Grace has for its two GPUs, one way
TEST_F(Nvl72, GivesEachGpuItsLinkToAGrace) {
  EXPECT_DOUBLE_EQ(injection_of_one(topology_, topology_.plane_index("c2c")).value(), (900_GBps / 2 / 2).value());
}

TEST_F(Nvl72, IsOneSwitchWideWithAPathOverEachChip) {
  const PlaneMeasures nvlink = measured(topology_, "nvlink");
  EXPECT_EQ(nvlink.forwarders(), 1);
  EXPECT_EQ(nvlink.path_diversity, chips);
}

TEST_F(Nvl72, HasFullBisection) {
  const PlaneMeasures nvlink = measured(topology_, "nvlink");
  EXPECT_DOUBLE_EQ(nvlink.injection.value(), (gpus * chips * link_).value());
  EXPECT_DOUBLE_EQ(nvlink.bisection.value(), (gpus / 2 * chips * link_).value());
}

TEST_F(Nvl72, FillsThePartialRackOfASweepTo3072) {
  const std::uint32_t racks = 43;
  const std::uint32_t wanted = 3072;
  const Topology topology = load_topology("gb200-nvl72", racks, wanted);
  EXPECT_EQ(topology.accelerators, wanted);
  const std::uint32_t in_last = wanted - (racks - 1) * gpus;
  const NodeId last(wanted - 1);
  EXPECT_EQ(topology.nodes[last].domain, racks - 1);
  EXPECT_EQ(topology.nodes[NodeId(wanted - in_last)].domain, racks - 1);
  EXPECT_EQ(topology.nodes[NodeId(wanted - in_last - 1)].domain, racks - 2);
  Router router(topology);
  EXPECT_EQ(router.route(NodeId(wanted - in_last), last)->plane, topology.plane_index("nvlink"));
  EXPECT_EQ(router.route(NodeId(0), last)->plane, topology.plane_index("infiniband"));
  EXPECT_THROW(load_topology("gb200-nvl72", racks, wanted + gpus), InputError);
  EXPECT_THROW(load_topology("gb200-nvl72", racks, wanted - gpus), InputError);
}

}  // namespace
}  // namespace podium
