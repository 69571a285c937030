#include "sim/topology/symmetry.h"

#include <gtest/gtest.h>

#include "sim/topology/route.h"

namespace podium {
namespace {

Topology merged(const std::string& name, std::uint32_t domains = 1) {
  return merge_bundles(load_topology(name, domains));
}

bool holds(const Topology& topology, const Turn& turn) {
  return Symmetry(topology, static_cast<std::uint32_t>(topology.planes.size())).find(turn) != nullptr;
}

TEST(Symmetry, TurnsAnyUnitOfAHierarchyAndNothingAcrossItsBorders) {
  const Topology servers = merged("hgx-h100", 64);
  EXPECT_TRUE(holds(servers, {0, 512, 1, 4})) << "GPUs of each host";
  EXPECT_TRUE(holds(servers, {0, 512, 4, 2})) << "hosts of each server";
  EXPECT_FALSE(holds(servers, {0, 512, 1, 8})) << "GPUs of two hosts";
  EXPECT_TRUE(holds(servers, {0, 512, 8, 32})) << "servers under the same leaves";
  EXPECT_TRUE(holds(servers, {0, 512, 256, 2})) << "all servers of some leaves";
  EXPECT_TRUE(holds(servers, {256, 512, 8, 32})) << "the servers of some leaves alone";
  EXPECT_FALSE(holds(servers, {0, 512, 1, 16})) << "GPUs of two servers";
  EXPECT_FALSE(holds(servers, {0, 512, 8, 64})) << "servers under different leaves";
  EXPECT_FALSE(holds(servers, {0, 510, 1, 8})) << "a part of a server";
}

TEST(Symmetry, LooksAtNoMorePlanesThanItIsAskedTo) {
  const Topology supernode = merged("cloudmatrix384");
  const Turn nodes{0, 768, 16, 48};
  EXPECT_NE(Symmetry(supernode, supernode.plane_index("ub") + 1).find(nodes), nullptr);
  EXPECT_EQ(Symmetry(supernode, supernode.plane_index("roce") + 1).find(nodes), nullptr) << "leaves of 64";
}

TEST(Symmetry, TurnsATorusInEachDimension) {
  const Topology torus = merged("torus-2d");
  EXPECT_TRUE(holds(torus, {0, 128, 1, 8})) << "within rows";
  EXPECT_TRUE(holds(torus, {0, 128, 8, 16})) << "of rows";
  EXPECT_FALSE(holds(torus, {0, 128, 1, 128})) << "the end of a row is not beside the next";
}

TEST(Symmetry, IsBrokenByALinkThatIsOdd) {
  Topology servers = merged("hgx-h100", 64);
  servers.links[LinkId(0)].bandwidth = servers.links[LinkId(0)].bandwidth / 2;
  const Link odd = servers.links[LinkId(0)];
  ASSERT_LT(std::min(odd.from, odd.to).index(), 8U) << "in the first server";
  EXPECT_FALSE(holds(servers, {0, 512, 1, 4}));
  EXPECT_FALSE(holds(servers, {0, 512, 8, 32}));
  EXPECT_TRUE(holds(servers, {256, 512, 8, 32})) << "it moves others only";
}

TEST(Symmetry, IsKeptByTurnsThatHoldWhatIsOdd) {
  Topology servers = merged("hgx-h100", 64);
  for (const LinkId link : servers.links.ids()) {
    if (servers.links[link].from == NodeId(83)) {
      servers.links[link].bandwidth = servers.links[link].bandwidth / 2;
    }
  }
  const Symmetry symmetry(servers, static_cast<std::uint32_t>(servers.planes.size()));
  EXPECT_EQ(symmetry.odd_ranks(), std::vector<std::uint32_t>{83}) << "the third GPU of the eleventh server";
  EXPECT_TRUE(holds(servers, {0, 512, 1, 4, {3}}));
  EXPECT_TRUE(holds(servers, {0, 512, 8, 32, {10}}));
  EXPECT_FALSE(holds(servers, {0, 512, 8, 32, {9}})) << "the wrong one";
  EXPECT_FALSE(holds(servers, {0, 512, 8, 32})) << "none";
  const Turn turn{0, 512, 8, 32, {0, 10, 31}};
  EXPECT_EQ(turn.apply(7), 7U) << "held";
  EXPECT_EQ(turn.apply(8 * 9 + 1), 8U * 11 + 1) << "past what is held";
  EXPECT_EQ(turn.apply(8 * 30 + 1), 8U + 1) << "past the last and the first";
  EXPECT_EQ(turn.apply(256 + 8 * 30), 256U + 8);
}

TEST(Symmetry, CallsNoRankOddWhereMostAreDifferent) {
  Topology servers = merged("hgx-h100", 4);
  for (const LinkId link : servers.links.ids()) {
    if (servers.links[link].from.index() < 16) {
      servers.links[link].bandwidth = servers.links[link].bandwidth / 2;
    }
  }
  EXPECT_TRUE(Symmetry(servers, static_cast<std::uint32_t>(servers.planes.size())).odd_ranks().empty());
}

TEST(Symmetry, GivesARouteAndItsImageTheSameOrbitsAndLoads) {
  const Topology servers = merged("hgx-h100", 64);
  const std::vector<Turn> turns{{0, 512, 1, 4}, {0, 512, 4, 2}, {0, 512, 8, 32}, {0, 512, 256, 2}};
  Symmetry symmetry(servers, static_cast<std::uint32_t>(servers.planes.size()));
  NetworkOrbits& orbits = symmetry.orbits(turns);
  Router router(servers);
  const auto seen = [&](std::uint32_t from, std::uint32_t to) {
    std::vector<std::pair<LinkId, double>> links;
    const Route route = *router.route(NodeId(from), NodeId(to));
    for (const LinkLoad& load : route.links) {
      links.emplace_back(orbits.link(load.link).first, load.load);
    }
    std::sort(links.begin(), links.end());
    return links;
  };
  EXPECT_EQ(orbits.node(NodeId(511)).first, NodeId(0));
  EXPECT_EQ(orbits.node(NodeId(0)).size, 512U);
  for (const std::uint32_t to : {1U, 9U, 300U}) {
    for (const Turn& turn : turns) {
      EXPECT_EQ(seen(0, to), seen(turn.apply(0), turn.apply(to)));
    }
  }
}

TEST(Symmetry, CountsTheLinksOfAnOrbit) {
  const Topology mesh = merged("ub-mesh");
  Symmetry symmetry(mesh, 1);
  NetworkOrbits& orbits = symmetry.orbits({{0, 1024, 1, 8}, {0, 1024, 8, 8}, {0, 1024, 64, 4}, {0, 1024, 256, 4}});
  std::map<LinkId, std::uint32_t> members;
  for (const LinkId link : mesh.links.ids()) {
    if (mesh.links[link].plane == 0) {
      ++members[orbits.link(link).first];
    }
  }
  for (const auto& [first, count] : members) {
    EXPECT_EQ(orbits.link(first).size, count);
  }
  EXPECT_EQ(members.size(), 7U + 7 + 3 + 3) << "one for each neighbour of a rank";
}

/// Of a network that is large enough for routes to be looked for from both ends.
TEST(Router, FindsTheSameRoutesFromBothEndsAsByDistances) {
  const Topology servers = merged("hgx-h100", 640);
  Router router(servers);
  for (const std::uint32_t to : {1U, 8U, 264U, 5000U, 5119U}) {
    const Route first = *router.route(NodeId(0), NodeId(to));
    Route last = first;
    for (int i = 0; i < 100; ++i) {
      last = *router.route(NodeId(0), NodeId(to));
    }
    ASSERT_EQ(first.links.size(), last.links.size());
    for (std::size_t i = 0; i < first.links.size(); ++i) {
      EXPECT_EQ(first.links[i].link, last.links[i].link);
      EXPECT_NEAR(first.links[i].load, last.links[i].load, 1e-15);
    }
    EXPECT_EQ(first.latency, last.latency);
    EXPECT_EQ(first.switches, last.switches);
  }
}

}  // namespace
}  // namespace podium
