// Fabrics against their closed forms.
#include "sim/topology/fabric.h"

#include <gtest/gtest.h>

#include "sim/topology/measure.h"
#include "tests/topology/networks.h"

namespace podium {
namespace {

using test::build;
using test::packing_of;
using test::plane_keys;
using test::yaml_of;

constexpr double port = 10e9;

PlaneMeasures only_plane(const Topology& topology) { return measure(topology).at(0); }

std::size_t nodes_of(const PlaneMeasures& measures, const std::string& tier) {
  for (const auto& [name, count] : measures.nodes_by_tier) {
    if (name == tier) {
      return count;
    }
  }
  return 0;
}

std::size_t switches_of(const Topology& topology, const std::string& tier) {
  std::size_t count = 0;
  for (const NetworkNode& node : topology.nodes) {
    count += node.tier == tier ? 1 : 0;
  }
  return count;
}

std::string clos_keys(int ports, const std::string& oversubscription, const std::string& cabling) {
  return plane_keys("clos", "system") + "    link_bandwidth: 10 GB/s\n    switch_ports: " + std::to_string(ports) +
         "\n    oversubscription: " + oversubscription + "\n    cabling: " + cabling + "\n";
}

TEST(Clos, IsOneLeafWhileItsPortsReach) {
  const PlaneMeasures measures = only_plane(build(yaml_of(packing_of(1, 4, 1), clos_keys(8, "1", "by_node"))));
  EXPECT_EQ(nodes_of(measures, "leaf"), 1U);
  EXPECT_EQ(nodes_of(measures, "spine"), 0U);
  EXPECT_EQ(measures.forwarders(), 1);
}

// Full two- and three-tier fat trees of k-port switches hold k^2/2 and k^3/4 end points (Al-Fares et al., 2008).
TEST(Clos, IsAFullFatTreeWithFullBisection) {
  const int k = 4;
  for (const int tiers : {2, 3}) {
    const int ends = tiers == 2 ? k * k / 2 : k * k * k / 4;
    const PlaneMeasures measures = only_plane(build(yaml_of(packing_of(1, 1, ends), clos_keys(k, "1", "by_node"))));
    EXPECT_EQ(nodes_of(measures, "leaf"), static_cast<std::size_t>(2 * ends / k));
    EXPECT_EQ(nodes_of(measures, "spine"), static_cast<std::size_t>(tiers == 2 ? ends / k : 2 * ends / k));
    EXPECT_EQ(nodes_of(measures, "core"), static_cast<std::size_t>(tiers == 2 ? 0 : ends / k));
    EXPECT_EQ(measures.forwarders(), 2 * tiers - 1);
    EXPECT_FALSE(measures.direct);
    EXPECT_EQ(measures.path_diversity, static_cast<std::size_t>(tiers == 2 ? k / 2 : k * k / 4));
    EXPECT_DOUBLE_EQ(measures.bisection.value(), ends / 2 * port);
  }
}

TEST(Clos, RefusesMoreEndPointsThanThreeTiersReach) {
  const int k = 4;
  EXPECT_THROW(build(yaml_of(packing_of(1, 1, k * k * k), clos_keys(k, "1", "by_node"))), InputError);
}

TEST(Clos, LosesTheBisectionThatItsLeavesAreOverSubscribedBy) {
  // 8-port leaves, 3:1: six ports down and two up
  const int ends = 6 * 8;
  const PlaneMeasures measures = only_plane(build(yaml_of(packing_of(1, 1, ends), clos_keys(8, "3", "by_node"))));
  EXPECT_DOUBLE_EQ(measures.bisection.value(), ends / 2 * port / 3);
}

// DGX SuperPOD B200: 64 scalable units of 32 nodes of 8 take 512 leaf, 512 spine and 256 core switches, two take 16
// and 8.
TEST(Clos, CablesRailsAsTheSuperPodDoes) {
  const auto built = [](std::uint32_t units) {
    return build(yaml_of(packing_of(1, 8, 1), clos_keys(64, "1", "by_rail")), 32 * units);
  };
  const Topology two = built(2);
  EXPECT_EQ(switches_of(two, "leaf"), 16U);
  EXPECT_EQ(switches_of(two, "spine"), 8U);
  const Topology sixty_four = built(64);
  EXPECT_EQ(switches_of(sixty_four, "leaf"), 512U);
  EXPECT_EQ(switches_of(sixty_four, "spine"), 512U);
  EXPECT_EQ(switches_of(sixty_four, "core"), 256U);
}

// 12 leaves of 64 ports up fill 6 switches of 128 ports, to each of which a leaf would have 64 / 6 cables: there are 8.
TEST(Clos, LaysWholeCablesFromEveryLeafToEverySpine) {
  const Topology topology = build(yaml_of(packing_of(1, 64, 12), clos_keys(128, "1", "by_node")));
  const PlaneMeasures measures = only_plane(topology);
  EXPECT_EQ(nodes_of(measures, "spine"), 8U);
  EXPECT_EQ(measures.links, 12U * 64U * 2U);
  EXPECT_EQ(measures.path_diversity, 8U * (64 / 8) * (64 / 8));
  EXPECT_DOUBLE_EQ(measures.bisection.value(), 12 * 64 / 2 * port);
  for (const Link& link : topology.links) {
    EXPECT_DOUBLE_EQ(link.bandwidth.value(), link.cables * port);
  }
}

TEST(Nvswitch, DealsLinksThatDoNotDivideEvenly) {
  const Topology topology = build(yaml_of(
      packing_of(1, 8, 1), plane_keys("nvswitch") + "    chips: 4\n    tier: NVSwitch\n    links_per_accelerator: 18\n"
                                                    "    link_bandwidth: 10 GB/s\n"));
  const PlaneMeasures measures = only_plane(topology);
  EXPECT_DOUBLE_EQ(measures.injection.value(), 8 * 18 * port);
  EXPECT_DOUBLE_EQ(measures.bisection.value(), 4 * 18 * port);
  EXPECT_EQ(measures.links, 8U * 18U);
  // 5, 5, 4 and 4 links to the chips: each up with each down
  EXPECT_EQ(measures.path_diversity, 2U * (5 * 5 + 4 * 4));
}

TEST(FullMesh, HasALinkForEveryPair) {
  const int n = 6;
  const PlaneMeasures measures =
      only_plane(build(yaml_of(packing_of(1, n, 1), plane_keys("full_mesh") + "    link_bandwidth: 10 GB/s\n")));
  EXPECT_EQ(measures.links, static_cast<std::size_t>(n * (n - 1) / 2));
  EXPECT_EQ(measures.diameter, 1);
  EXPECT_TRUE(measures.direct);
  // every pair across the halves has a link of its own, and detours take as much as they give
  EXPECT_DOUBLE_EQ(measures.bisection.value(), n / 2 * (n / 2) * port);
}

TEST(SingleSwitch, GivesHalfOfTheInjection) {
  const PlaneMeasures measures = only_plane(
      build(yaml_of(packing_of(1, 8, 1), plane_keys("switch") + "    tier: hub\n    link_bandwidth: 10 GB/s\n")));
  EXPECT_DOUBLE_EQ(measures.bisection.value(), measures.injection.value() / 2);
  EXPECT_DOUBLE_EQ(measures.injection.value(), 8 * port);
}

TEST(DieLink, IsANetworkInEachPackage) {
  const PlaneMeasures measures =
      only_plane(build(yaml_of(packing_of(2, 3, 2), plane_keys("die_link") + "    link_bandwidth: 10 GB/s\n")));
  EXPECT_EQ(measures.networks, 3U * 2U);
  EXPECT_DOUBLE_EQ(measures.bisection.value(), port);
  EXPECT_FALSE(measures.bisection_is_bound);
}

TEST(HostLink, JoinsAcceleratorsToTheirHostAndNotToEachOther) {
  const Topology topology =
      build(yaml_of(packing_of(1, 4, 2), plane_keys("host_link") + "    link_bandwidth: 10 GB/s\n", "2"));
  EXPECT_TRUE(measure(topology).empty());
  EXPECT_EQ(topology.links.size(), 2U * topology.accelerators);
  for (const Link& link : topology.links) {
    const NodeId accelerator = std::min(link.from, link.to);
    EXPECT_EQ(std::max(link.from, link.to), topology.host_of(accelerator.index()));
  }
}

TEST(HostNic, IsSharedByTheNode) {
  const PlaneMeasures measures = only_plane(
      build(yaml_of(packing_of(1, 4, 6),
                    plane_keys("host_nic", "system") + "    nic_bandwidth: 10 GB/s\n    host_bandwidth: 40 GB/s\n"
                                                       "    nic_tier: card\n    tier: cloud\n",
                    "2")));
  EXPECT_EQ(nodes_of(measures, "card"), 6U);
  EXPECT_DOUBLE_EQ(measures.bisection.value(), 6 / 2 * port);
  // accelerators have no cable to the card, but a way through a host: 2 hosts and a card's own port are cables
  EXPECT_EQ(measures.links, 6U * (2 + 1));
}

std::string ring_keys(int n, int across = 1) {
  std::string links = plane_keys("links") + "    links:\n";
  for (int i = 0; i < n; ++i) {
    links += "      - {between: [" + std::to_string(i * across % n) + ", " + std::to_string((i + 1) * across % n) +
             "], bandwidth: 10 GB/s}\n";
  }
  return links;
}

TEST(Links, BisectionOfFewIsSearchedThroughAndExact) {
  const PlaneMeasures measures = only_plane(build(yaml_of(packing_of(1, 8, 1), ring_keys(8))));
  EXPECT_DOUBLE_EQ(measures.bisection.value(), 2 * port);
  EXPECT_FALSE(measures.bisection_is_bound);
  EXPECT_EQ(measures.diameter, 8 / 2);
  EXPECT_TRUE(measures.direct);
  EXPECT_EQ(measures.path_diversity, 2U);
}

TEST(Links, BisectionOfManyIsAnUpperBound) {
  // numbered so that no order of ranks is natural
  const int n = 64;
  const PlaneMeasures measures = only_plane(build(yaml_of(packing_of(1, n, 1), ring_keys(n, 27))));
  EXPECT_TRUE(measures.bisection_is_bound);
  EXPECT_GE(measures.bisection.value(), 2 * port);
  EXPECT_LE(measures.bisection.value(), 4 * port);
}

TEST(Links, CountEachPairOnceWhicheverWayItGoes) {
  std::string keys = plane_keys("links") + "    links:\n";
  for (const char* const link : {"from: 0, to: 1", "from: 1, to: 2", "from: 2, to: 0", "between: [0, 3]"}) {
    keys += "      - {" + std::string(link) + ", bandwidth: 1 GB/s}\n";
  }
  EXPECT_EQ(only_plane(build(yaml_of(packing_of(1, 4, 1), keys))).links, 4U);
}

TEST(Links, RefuseBandwidthsBeyondWhatRatesCanTell) {
  const auto with = [](const char* bandwidth) {
    return yaml_of(packing_of(1, 2, 1),
                   plane_keys("links") + "    links:\n      - {between: [0, 1], bandwidth: " + bandwidth + "}\n");
  };
  EXPECT_NO_THROW(build(with("1e5 GB/s")));
  EXPECT_THROW(build(with("1e6 GB/s")), InputError);
}

TEST(Links, RefusesNodesThatAreNotThere) {
  const std::string keys = plane_keys("links") + "    switches: {spine0: spine}\n    links:\n";
  const auto with = [&keys](const std::string& link) {
    return yaml_of(packing_of(1, 2, 1), keys + "      - " + link + "\n");
  };
  EXPECT_NO_THROW(build(with("{between: [0, spine0], bandwidth: 1 GB/s}")));
  EXPECT_THROW(build(with("{between: [0, spine1], bandwidth: 1 GB/s}")), InputError);
  EXPECT_THROW(build(with("{between: [0, 2], bandwidth: 1 GB/s}")), InputError);
  EXPECT_THROW(build(with("{between: [0, 0], bandwidth: 1 GB/s}")), InputError);
  EXPECT_THROW(build(with("{between: [0, 1, spine0], bandwidth: 1 GB/s}")), InputError);
  EXPECT_THROW(build(with("{between: [0, 1], bandwidth: 1 GB}")), InputError);
}

TEST(Reach, BuildsANetworkInEachGroupOfRanks) {
  const int size = 3;
  const int stride = 4;
  // the last network of each stride has the ranks that are left
  for (const std::uint32_t ranks : {24U, 20U, 5U}) {
    const Topology topology = build(
        yaml_of(packing_of(1, 2, 1), plane_keys("full_mesh", "{ranks: 3, stride: 4}") + "    link_bandwidth: 1 GB/s\n"),
        (ranks + 1) / 2, ranks);
    const auto group = [&](std::uint32_t rank) { return std::pair(rank / (size * stride), rank % stride); };
    std::size_t pairs = 0;
    for (std::uint32_t a = 0; a < ranks; ++a) {
      for (std::uint32_t b = 0; b < ranks; ++b) {
        pairs += a != b && group(a) == group(b) ? 1 : 0;
      }
    }
    EXPECT_EQ(topology.links.size(), pairs);
    for (const Link& link : topology.links) {
      EXPECT_EQ(group(link.from.index()), group(link.to.index()));
    }
    EXPECT_TRUE(topology.planes[0].spans_domains);
  }
}

TEST(Topologies, RefuseWhatTheyDoNotKnow) {
  const std::string good = plane_keys("switch") + "    tier: hub\n    link_bandwidth: 10 GB/s\n";
  const auto refused = [](std::string text, const std::string& from, const std::string& to) {
    const std::size_t at = text.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    EXPECT_THROW(build(text.replace(at, from.size(), to)), InputError) << to;
  };
  const std::string text = yaml_of(packing_of(1, 8, 1), good);
  EXPECT_NO_THROW(build(text));
  refused(text, "fabric: switch", "fabric: swich");
  refused(text, "reach: domain", "reach: rack");
  refused(text, "per_package: 1", "per_package: 0");
  refused(text, "packages_per_node: 8", "packages_per_node: 800000000");
  refused(text, "near: 0.8", "near: 1.8");
  refused(text, "far: 0.5", "far: 0");
  refused(text, "far: 0.5", "far: {value: 0.5, low: 0, high: 0.6}");
  refused(text, "tier: hub", "tier: hub\n    colour: blue");
  refused(text, "10 GB/s", "10 GB");
  refused(text, "name: net", "nome: net");
  EXPECT_THROW(build(text + "  - {name: net, fabric: full_mesh, reach: domain, link_bandwidth: 1 GB/s, "
                            "payload_efficiency: 1, endpoint_latency: 1 us, switch_latency: 1 us, multicast: false}\n"),
               InputError);
  EXPECT_THROW(build(text, 0), InputError);
  EXPECT_THROW(build(text).plane_index("nat"), InputError);
}

}  // namespace
}  // namespace podium
