// Orders of ways, single paths and detours; links that fail.
#include "sim/topology/routing.h"

#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <set>

#include "sim/core/rng.h"
#include "sim/topology/route.h"
#include "tests/topology/networks.h"

namespace podium {
namespace {

using test::build;
using test::packing_of;
using test::plane_keys;
using test::yaml_of;

constexpr double near_share = 0.8;
constexpr double far_share = 0.5;

Topology grid(const std::string& fabric, int width, int height, const std::string& more = "") {
  const std::string row = ", link_bandwidth: 10 GB/s}\n";
  return build(yaml_of(packing_of(1, width, height),
                       plane_keys(fabric) + "    dimensions:\n      - {size: " + std::to_string(width) + row +
                           "      - {size: " + std::to_string(height) + row + more));
}

/// A full two-tier fat tree of k-port switches, k^2 / 2 accelerators.
Topology fat_tree(int k, const std::string& more = "") {
  return build(yaml_of(packing_of(1, k / 2, k),
                       plane_keys("clos") + "    link_bandwidth: 10 GB/s\n    switch_ports: " + std::to_string(k) +
                           "\n    oversubscription: 1\n    cabling: by_node\n" + more));
}

double efficiency(const Route& route) { return route.switches <= 1 ? near_share : far_share; }

/// Payload shares by link.
std::map<LinkId, double> shares(const Route& route) {
  std::map<LinkId, double> all;
  for (const LinkLoad& link : route.links) {
    all[link.link] = link.load * efficiency(route);
  }
  return all;
}

/// The nodes of a single path, in order.
std::vector<std::uint32_t> path(const Topology& topology, const Route& route, NodeId from) {
  std::map<NodeId, NodeId> next;
  for (const LinkLoad& link : route.links) {
    EXPECT_TRUE(next.emplace(topology.links[link.link].from, topology.links[link.link].to).second) << "no single path";
  }
  std::vector<std::uint32_t> nodes{from.index()};
  for (auto step = next.find(from); step != next.end(); step = next.find(step->second)) {
    nodes.push_back(step->second.index());
  }
  EXPECT_EQ(nodes.size(), route.links.size() + 1);
  return nodes;
}

constexpr Routing sprayed{};
constexpr Routing dimension_ordered{.order = WayOrder::dimension_ordered};
constexpr Routing up_down{.order = WayOrder::up_down};
constexpr Routing hashed{.spread = Spread::hashed};
constexpr Routing fixed{.spread = Spread::fixed};
constexpr Routing adaptive{.spread = Spread::adaptive};

TEST(DimensionOrder, TakesTheFirstDimensionToItsEndBeforeTheNext) {
  const Topology mesh = grid("mesh", 4, 4);
  Router router(mesh);
  const auto route = router.route(NodeId(1), NodeId(4 * 2 + 3), 0, dimension_ordered);
  ASSERT_TRUE(route);
  EXPECT_EQ(path(mesh, *route, NodeId(1)), (std::vector<std::uint32_t>{1, 2, 3, 7, 11}));
}

TEST(DimensionOrder, IsAsShortAsShortestWaysOnAGrid) {
  for (const char* fabric : {"mesh", "torus", "full_mesh"}) {
    const Topology topology = grid(fabric, 5, 4);
    Router router(topology);
    for (std::uint32_t to = 1; to < topology.accelerators; ++to) {
      EXPECT_EQ(router.route(NodeId(0), NodeId(to), 0, dimension_ordered)->switches,
                router.route(NodeId(0), NodeId(to), 0, sprayed)->switches);
    }
  }
}

TEST(UpDown, IsTheSameAsShortestWaysInAFatTree) {
  const Topology tree = fat_tree(4);
  Router router(tree);
  for (std::uint32_t to = 1; to < tree.accelerators; ++to) {
    EXPECT_EQ(shares(*router.route(NodeId(0), NodeId(to), 0, up_down)),
              shares(*router.route(NodeId(0), NodeId(to), 0, sprayed)));
  }
}

// The ring's links away from the first node lead down: nobody goes through the node opposite to it.
TEST(UpDown, JoinsAllOnARingAndNeverTurnsUpAgain) {
  const std::uint32_t n = 8;
  const Topology ring = build(yaml_of(packing_of(1, n, 1), plane_keys("ring") + "    link_bandwidth: 10 GB/s\n"));
  Router router(ring);
  for (std::uint32_t from = 0; from < n; ++from) {
    for (std::uint32_t to = 0; to < n; ++to) {
      const auto route = router.route(NodeId(from), NodeId(to), 0, up_down);
      ASSERT_TRUE(route);
      const auto through = [&](std::uint32_t node) {
        double sum = 0;
        for (const auto& [link, share] : shares(*route)) {
          sum += ring.links[link].from == NodeId(node) ? share : 0;
        }
        return from == node ? 0 : sum;
      };
      EXPECT_EQ(through(n / 2), 0);
    }
  }
  EXPECT_EQ(router.route(NodeId(n / 2 - 1), NodeId(n / 2 + 1), 0, up_down)->switches, static_cast<int>(n) - 3);
}

TEST(OneGlobalLink, KeepsOutOfThirdGroups) {
  const Topology topology = build(
      yaml_of(packing_of(1, 8, 1),
              plane_keys("dragonfly", "system") +
                  "    terminals_per_router: 2\n    routers_per_group: 4\n    global_links_per_router: 2\n"
                  "    terminal_bandwidth: 10 GB/s\n    local_bandwidth: 10 GB/s\n    global_bandwidth: 10 GB/s\n"),
      9);
  Router router(topology);
  const auto global_links = [&topology](const Route& route) {
    double sum = 0;
    for (const auto& [link, share] : shares(route)) {
      sum += topology.links[link].dimension * share;
    }
    return sum;
  };
  std::size_t over_third_groups = 0;
  for (std::uint32_t to = 8; to < topology.accelerators; ++to) {
    const auto route = router.route(NodeId(0), NodeId(to), 0, {.order = WayOrder::one_global});
    ASSERT_TRUE(route);
    EXPECT_DOUBLE_EQ(global_links(*route), 1);
    EXPECT_LE(route->switches, 4);
    over_third_groups += global_links(*router.route(NodeId(0), NodeId(to), 0, sprayed)) > 1 ? 1 : 0;
  }
  EXPECT_GT(over_third_groups, 0U);  // two global links are as short as a local and a global one
}

TEST(Hashed, TakesOnePathThatDependsOnTheFlowAndTheSeedOnly) {
  const Topology tree = fat_tree(8);
  Router router(tree);
  std::set<std::vector<std::uint32_t>> seen;
  for (std::uint64_t flow = 0; flow < 64; ++flow) {
    const auto route = router.route(NodeId(0), NodeId(31), 0, hashed, flow);
    ASSERT_TRUE(route);
    seen.insert(path(tree, *route, NodeId(0)));
    EXPECT_EQ(shares(*route), shares(*Router(tree).route(NodeId(0), NodeId(31), 0, hashed, flow)));
  }
  EXPECT_EQ(seen.size(), 8U / 2U);  // all spines, sooner or later
  Routing other = hashed;
  other.seed = 1;
  const auto differs = [&](std::uint64_t flow) {
    return shares(*router.route(NodeId(0), NodeId(31), 0, hashed, flow)) !=
           shares(*router.route(NodeId(0), NodeId(31), 0, other, flow));
  };
  EXPECT_TRUE(differs(0) || differs(1) || differs(2) || differs(3) || differs(4) || differs(5));
}

TEST(Hashed, SpreadsManyFlowsByCapacity) {
  const std::string links =
      plane_keys("links") +
      "    switches: {a: switch, b: switch}\n    links:\n"
      "      - {between: [0, a], bandwidth: 30 GB/s}\n      - {between: [a, 1], bandwidth: 30 GB/s}\n"
      "      - {between: [0, b], bandwidth: 10 GB/s}\n      - {between: [b, 1], bandwidth: 10 GB/s}\n";
  const Topology topology = build(yaml_of(packing_of(1, 2, 1), links));
  Router router(topology);
  const int flows = 4000;
  std::map<LinkId, double> sum;
  for (int flow = 0; flow < flows; ++flow) {
    for (const auto& [link, share] :
         shares(*router.route(NodeId(0), NodeId(1), 0, hashed, static_cast<std::uint64_t>(flow)))) {
      sum[link] += share / flows;
    }
  }
  const double deviation = std::sqrt(0.75 * 0.25 / flows);
  for (const auto& [link, share] : shares(*router.route(NodeId(0), NodeId(1), 0, sprayed))) {
    EXPECT_NEAR(sum[link], share, 4 * deviation);
  }
}

// Zahavi, D-Mod-K routing providing non-blocking traffic for shift permutations (2010).
TEST(Fixed, KeepsShiftPermutationsApartInAFatTree) {
  const int k = 8;
  const Topology tree = fat_tree(k);
  Router router(tree);
  const std::uint32_t n = tree.accelerators;
  for (std::uint32_t shift = 1; shift < n; ++shift) {
    std::map<LinkId, double> sum;
    for (std::uint32_t from = 0; from < n; ++from) {
      for (const auto& [link, share] : shares(*router.route(NodeId(from), NodeId((from + shift) % n), 0, fixed))) {
        sum[link] += share;
      }
    }
    for (const auto& [link, share] : sum) {
      EXPECT_NEAR(share, 1, 1e-12) << "shift " << shift;
    }
  }
}

TEST(Adaptive, DealsUplinksEvenlyWhereHashesCollide) {
  const int k = 8;
  const Topology tree = fat_tree(k);
  const auto fullest_uplink = [&](const Routing& routing) {
    Router router(tree);
    std::map<LinkId, double> sum;
    double most = 0;
    for (std::uint32_t from = 0; from < tree.accelerators; ++from) {
      for (const auto& [link, share] :
           shares(*router.route(NodeId(from), NodeId((from + k) % tree.accelerators), 0, routing))) {
        sum[link] += share;
        most = std::max(most, tree.nodes[tree.links[link].to].tier == "spine" ? sum[link] : 0);
      }
    }
    return most;
  };
  EXPECT_NEAR(fullest_uplink(adaptive), 1, 1e-12);
  EXPECT_GT(fullest_uplink(hashed), 1.5);
}

TEST(Adaptive, TakesLinksByTheirCapacityAndForgetsWhenOneFails) {
  const std::string links =
      plane_keys("links") +
      "    switches: {a: switch, b: switch}\n    links:\n"
      "      - {between: [0, a], bandwidth: 30 GB/s}\n      - {between: [a, 1], bandwidth: 30 GB/s}\n"
      "      - {between: [0, b], bandwidth: 10 GB/s}\n      - {between: [b, 1], bandwidth: 10 GB/s}\n";
  const Topology topology = build(yaml_of(packing_of(1, 2, 1), links));
  Router router(topology);
  const auto over = [&](const std::string& bandwidth) {
    int count = 0;
    for (int flow = 0; flow < 8; ++flow) {
      const auto route = router.route(NodeId(0), NodeId(1), 0, adaptive);
      count += topology.links[route->links.front().link].bandwidth == parse_quantity<BytesPerSecond>(bandwidth, {});
    }
    return count;
  };
  EXPECT_EQ(over("30 GB/s"), 6);
  // one that is half as fast gets half as many
  for (const LinkId link : topology.links.ids()) {
    if (topology.links[link].bandwidth == parse_quantity<BytesPerSecond>("30 GB/s", {})) {
      router.set_capacity(link, parse_quantity<BytesPerSecond>("5 GB/s", {}));
    }
  }
  EXPECT_NEAR(over("10 GB/s"), 8.0 * 2 / 3, 1);
}

TEST(Valiant, IsTheMeanOfTheWaysOverAllRelays) {
  const Topology torus = grid("torus", 4, 3);
  Router router(torus);
  const NodeId from(1);
  const NodeId to(6);
  std::map<LinkId, double> expected;
  int longest = 0;
  for (std::uint32_t relay = 0; relay < torus.accelerators; ++relay) {
    int hops = 0;
    for (const auto& [a, b] : {std::pair(from, NodeId(relay)), std::pair(NodeId(relay), to)}) {
      const auto leg = router.route(a, b, 0, sprayed);
      for (const auto& [link, share] : shares(*leg)) {
        expected[link] += share / torus.accelerators;
      }
      hops += a == b ? 0 : leg->switches + 1;
    }
    longest = std::max(longest, hops);
  }
  const auto route = router.route(from, to, 0, {.detour = Detour::valiant});
  ASSERT_TRUE(route);
  EXPECT_EQ(route->switches, longest - 1);
  const auto found = shares(*route);
  ASSERT_EQ(found.size(), expected.size());
  for (const auto& [link, share] : expected) {
    EXPECT_NEAR(found.at(link), share, 1e-12);
  }
}

// Valiant and Brebner, 1981: whatever the permutation, no link of a hypercube carries more than random traffic twice.
TEST(Valiant, MakesThePermutationsOfAHypercubeAlike) {
  const int bits = 6;
  const std::uint32_t n = 1U << bits;
  const Topology cube = build(yaml_of(packing_of(1, n, 1), plane_keys("hypercube") + "    link_bandwidth: 10 GB/s\n"));
  Router router(cube);
  const auto heaviest = [&](const Routing& routing) {
    std::map<LinkId, double> sum;
    for (std::uint32_t from = 0; from < n; ++from) {
      // the transposition: the worst that dimension order knows
      const std::uint32_t to = (from >> (bits / 2)) | (from << (bits / 2) & (n - 1));
      for (const auto& [link, share] : shares(*router.route(NodeId(from), NodeId(to), 0, routing))) {
        sum[link] += share;
      }
    }
    double most = 0;
    for (const auto& [link, share] : sum) {
      most = std::max(most, share);
    }
    return most;
  };
  // random traffic, from all to all, loads each of the n x bits one-way links with n^2 (bits / 2) / (n bits) / n
  EXPECT_LE(heaviest({.order = WayOrder::dimension_ordered, .detour = Detour::valiant}), 2 * 0.5 + 1e-9);
  EXPECT_GE(heaviest(dimension_ordered), 2);
}

TEST(Failures, LeaveWhatIsLeftOfTheCapacity) {
  const Topology tree = fat_tree(8);
  Router router(tree);
  const auto before = shares(*router.route(NodeId(0), NodeId(31)));
  // an uplink of the first leaf
  LinkId uplink;
  for (const auto& [link, share] : before) {
    uplink = tree.nodes[tree.links[link].to].tier == "spine" ? link : uplink;
  }
  router.set_capacity(uplink, tree.links[uplink].bandwidth / 2);
  EXPECT_NEAR(shares(*router.route(NodeId(0), NodeId(31))).at(uplink), 0.5 / 3.5, 1e-14);
  router.set_capacity(uplink, BytesPerSecond(0));
  const auto without = shares(*router.route(NodeId(0), NodeId(31)));
  EXPECT_FALSE(without.contains(uplink));
  EXPECT_EQ(without.size(), before.size() - 2);
  router.set_capacity(uplink, tree.links[uplink].bandwidth);
  EXPECT_EQ(shares(*router.route(NodeId(0), NodeId(31))), before);
}

TEST(Failures, TakeTheLongWayRoundARingOrNoneAtAll) {
  const Topology ring = build(yaml_of(packing_of(1, 4, 1), plane_keys("ring") + "    link_bandwidth: 10 GB/s\n"));
  Router router(ring);
  const auto fail = [&](std::uint32_t a, std::uint32_t b) {
    for (const LinkId link : ring.links.ids()) {
      if (ring.links[link].from == NodeId(a) && ring.links[link].to == NodeId(b)) {
        router.set_capacity(link, BytesPerSecond(0));
      }
    }
  };
  fail(0, 1);
  EXPECT_EQ(router.route(NodeId(0), NodeId(1))->switches, 2);
  EXPECT_EQ(router.route(NodeId(1), NodeId(0))->switches, 0);
  fail(0, 3);
  EXPECT_FALSE(router.route(NodeId(0), NodeId(1)));
}

TEST(Failures, CanBeWrittenInAFile) {
  const Topology whole = fat_tree(8);
  const Topology degraded = fat_tree(8,
                                     "    degraded:\n      - {between: [leaf0, spine1], bandwidth: 0 GB/s}\n"
                                     "      - {between: [3, leaf0], bandwidth: 1 GB/s}\n");
  Router broken(whole);
  for (const LinkId link : whole.links.ids()) {
    const BytesPerSecond left = degraded.links[link].bandwidth;
    if (left != whole.links[link].bandwidth) {
      broken.set_capacity(link, left);
    }
  }
  Router router(degraded);
  for (std::uint32_t to = 1; to < whole.accelerators; ++to) {
    EXPECT_EQ(shares(*router.route(NodeId(0), NodeId(to))), shares(*broken.route(NodeId(0), NodeId(to))));
  }
  EXPECT_THROW(fat_tree(8, "    degraded: [{between: [leaf0, leaf1], bandwidth: 0 GB/s}]\n"), InputError);
  EXPECT_THROW(fat_tree(8, "    degraded: [{between: [leaf0, spine9], bandwidth: 0 GB/s}]\n"), InputError);
  EXPECT_THROW(fat_tree(8, "    degraded: [{between: [leaf0, spine1], bandwidth: 90 GB/s}]\n"), InputError);
}

TEST(Routing, IsReadFromThePlane) {
  const Topology topology = grid("torus", 4, 4,
                                 "    routing: {order: dimension_ordered, spread: hashed, detour: valiant, seed: 7, "
                                 "virtual_channels: 4}\n");
  const Routing& routing = topology.planes.front().routing;
  EXPECT_EQ(to_text(routing), "dimension-ordered, hashed, with Valiant's detours");
  EXPECT_EQ(routing.seed, 7U);
  EXPECT_EQ(routing.virtual_channels, 4U);
  Router router(topology);
  EXPECT_EQ(shares(*router.route(NodeId(0), NodeId(5), 0U, 3)),
            shares(*router.route(NodeId(0), NodeId(5), 0, routing, 3)));
  EXPECT_THROW(grid("torus", 4, 4, "    routing: {order: downhill}\n"), InputError);
  EXPECT_THROW(grid("torus", 4, 4, "    routing: {virtual_channels: 0}\n"), InputError);
}

/// Every topology file under every routing.
class Routes : public ::testing::TestWithParam<std::string> {};

TEST_P(Routes, LoseNothingOnTheWay) {
  const Topology topology = load_topology(GetParam());
  Router router(topology);
  Rng rng(1, "pairs");
  for (const WayOrder order :
       {WayOrder::shortest, WayOrder::dimension_ordered, WayOrder::one_global, WayOrder::up_down}) {
    for (const Spread spread : {Spread::sprayed, Spread::hashed, Spread::fixed, Spread::adaptive}) {
      for (const Detour detour : {Detour::none, Detour::valiant}) {
        if (detour == Detour::valiant && topology.accelerators > 512) {
          continue;
        }
        const NodeId from(rng.below(topology.accelerators));
        const NodeId to(rng.below(topology.accelerators));
        const auto route = router.route(from, to, 0, Routing{.order = order, .spread = spread, .detour = detour});
        if (!route || from == to) {
          continue;  // not every order joins all on every network
        }
        std::map<NodeId, double> balance{{from, 1}, {to, -1}};
        const Plane& plane = topology.planes.front();
        const double payload = route->switches <= 1 ? plane.payload_efficiency_near : plane.payload_efficiency_far;
        for (const LinkLoad& link : route->links) {
          EXPECT_GT(link.load, 0);
          balance[topology.links[link.link].from] -= link.load * payload;
          balance[topology.links[link.link].to] += link.load * payload;
        }
        for (const auto& [node, rest] : balance) {
          EXPECT_NEAR(rest, 0, 1e-9) << to_text(Routing{order, spread, detour});
        }
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Topologies, Routes, ::testing::ValuesIn(list_files("topologies")), test::word_of);

}  // namespace
}  // namespace podium
