#include "sim/collective/fold.h"

#include <gtest/gtest.h>

#include <random>

#include "sim/collective/select.h"
#include "sim/topology/fault.h"
#include "tests/collective/networks.h"

namespace podium {
namespace {

using namespace literals;
using test::consecutive;
using test::operation;

FoldedFabric fold_on(const Topology& topology, const std::vector<Operation>& operations,
                     Folding folding = Folding::exact) {
  Router router(topology);
  return fold(topology, router, operations, folding);
}

/// When each operation ends, if operation i begins at its i-th instant, all on one network.
std::vector<Time> ends(const Topology& topology, const std::vector<Operation>& operations,
                       const std::vector<Seconds>& begins, Bytes bytes, Folding folding) {
  const FoldedFabric fabric = fold_on(topology, operations, folding);
  const CommunicationCosts costs = test::costs(topology);
  Engine engine;
  const auto network = Networks::find("flow")(engine, fabric.capacities);
  Player player(engine, *network, fabric, costs);
  std::vector<Time> result(operations.size());
  for (std::uint32_t i = 0; i < operations.size(); ++i) {
    engine.after(begins[i], [&, i] {
      player.play({i, CollectiveKind::all_reduce, bytes}, [&result, &engine, i] { result[i] = engine.now(); });
    });
  }
  engine.run();
  return result;
}

void expect_folding_changes_nothing(const Topology& topology, const std::vector<Operation>& operations,
                                    const std::vector<Seconds>& begins, Bytes bytes) {
  const auto folded = ends(topology, operations, begins, bytes, Folding::exact);
  const auto unfolded = ends(topology, operations, begins, bytes, Folding::off);
  for (std::size_t i = 0; i < operations.size(); ++i) {
    EXPECT_EQ(folded[i].picoseconds(), unfolded[i].picoseconds()) << "operation " << i;
    EXPECT_GT(folded[i].picoseconds(), 0);
  }
}

TEST(Folding, MakesOneBundleOfAnExchangeBehindOneSwitch) {
  const std::uint32_t n = 8;
  const FoldedFabric fabric =
      fold_on(test::star(n, 100_GBps), {operation("direct", CollectiveKind::all_to_all, {consecutive(0, n)})});
  ASSERT_EQ(fabric.bundles, 1U);
  EXPECT_EQ(fabric.messages, n * (n - 1));
  const Bundle& bundle = fabric.patterns.at(fabric.operations[0].patterns[0][0])[0];
  EXPECT_EQ(bundle.multiplicity, n * (n - 1));
  ASSERT_EQ(fabric.capacities.size(), 1U) << "up and down links carry the same";
  EXPECT_EQ(fabric.members[LinkId(0)], 2 * n);
  EXPECT_EQ(bundle.route.links[0].total(), n - 1) << "each port carries n - 1 messages each way";
}

TEST(Folding, LeavesEachMessageAndLinkAloneWhenOff) {
  const std::uint32_t n = 8;
  const Topology topology = test::star(n, 100_GBps);
  const FoldedFabric fabric =
      fold_on(topology, {operation("direct", CollectiveKind::all_to_all, {consecutive(0, n)})}, Folding::off);
  EXPECT_EQ(fabric.bundles, n * (n - 1));
  ASSERT_EQ(fabric.capacities.size(), topology.links.size());
  for (const LinkId link : topology.links.ids()) {
    EXPECT_EQ(fabric.classes[link], link) << "links keep their ids, whether they are used or not";
  }
}

TEST(Folding, GivesLinksThatNothingCrossesNoClass) {
  const Topology topology = test::tree(3, 4, 100_GBps, 100_GBps);
  const FoldedFabric fabric = fold_on(topology, {operation("ring", CollectiveKind::all_reduce, {consecutive(0, 4)})});
  std::size_t used = 0;
  for (const LinkId link : topology.links.ids()) {
    if (fabric.classes[link]) {
      ++used;
      EXPECT_EQ(fabric.capacities.at(*fabric.classes[link]), topology.links[link].bandwidth);
    }
  }
  EXPECT_EQ(used, 2 * 4U) << "the ports of the four";
}

TEST(Folding, ExpandsStepsThatSendTheSameMessagesOnce) {
  const Topology topology = test::star(8, 100_GBps);
  const Operation reduce = operation("recursive_halving_doubling", CollectiveKind::all_reduce, {consecutive(0, 8)});
  const FoldedFabric fabric = fold_on(topology, {reduce, reduce});
  EXPECT_EQ(reduce.schedule.stages.size(), 6U);
  EXPECT_EQ(fabric.patterns.size(), 3U) << "one for each partner, for both directions and both operations";
  EXPECT_EQ(fabric.operations[0].patterns, fabric.operations[1].patterns);
}

TEST(Folding, ConservesWhatCrossesTheLinksToTheLastBit) {
  Topology topology = test::tree(3, 4, 100_GBps, 150_GBps);
  topology.planes[0].payload_efficiency_near = 0.85;
  topology.planes[0].payload_efficiency_far = 0.83;
  const std::vector<Operation> operations{operation("direct", CollectiveKind::all_gather, {consecutive(1, 9)})};
  const auto total = [&](Folding folding) {
    const FoldedFabric fabric = fold_on(topology, operations, folding);
    double sum = 0;
    for (const Bundle& bundle : fabric.patterns[0]) {
      for (const LinkLoad& link : bundle.route.links) {
        sum += link.total() * fabric.members[link.link];
      }
    }
    return sum;
  };
  EXPECT_EQ(total(Folding::exact), total(Folding::off));
}

TEST(Folding, TakesSendsBetweenRolesAsPairs) {
  const Topology topology = test::star(8, 100_GBps);
  std::vector<std::pair<NodeId, NodeId>> pairs;
  for (std::uint32_t i = 0; i < 4; ++i) {
    pairs.emplace_back(NodeId(i), NodeId(4 + i));
  }
  const FoldedFabric fabric = fold_on(topology, {make_sends(pairs)});
  ASSERT_EQ(fabric.bundles, 1U);
  EXPECT_EQ(fabric.patterns[0][0].multiplicity, 4);
  EXPECT_EQ(fabric.patterns[0][0].route.links[0].total(), 1);
}

TEST(Folding, TakesASendToOneselfAsACopyOnTheSpot) {
  const std::vector<std::pair<NodeId, NodeId>> pairs{{NodeId(2), NodeId(2)}};
  const FoldedFabric fabric = fold_on(test::star(8, 100_GBps), {make_sends(pairs)});
  EXPECT_TRUE(fabric.patterns[0][0].route.links.empty());
}

TEST(Folding, RefusesARankTwiceInAGroup) {
  try {
    fold_on(test::star(8, 100_GBps),
            {operation("ring", CollectiveKind::all_reduce, {{NodeId(0), NodeId(5), NodeId(3), NodeId(5)}})});
    FAIL();
  } catch (const InputError& error) {
    EXPECT_NE(std::string(error.what()).find("rank 5 is twice"), std::string::npos) << error.what();
  }
}

TEST(Folding, RefusesRanksThatNoPlaneJoins) {
  Topology topology = test::star(4, 100_GBps);
  const NodeId lonely = test::add_node(topology, NodeKind::accelerator);
  EXPECT_THROW(fold_on(topology, {operation("ring", CollectiveKind::all_reduce, {{NodeId(0), lonely}})}), InputError);
}

TEST(Folding, RefusesMoreMessagesThanItCanHold) {
  const Operation huge = operation("direct", CollectiveKind::all_to_all, {consecutive(0, 4096)});
  Topology topology = test::star(4096, 100_GBps);
  EXPECT_EQ(fold_on(topology, {huge}).messages, 4096U * 4095) << "one rank's messages stand for all";
  topology.links[LinkId(2)].bandwidth = 50_GBps;  // a rank's port
  EXPECT_LT(fold_on(topology, {huge}).looked_at, 4U * 4095) << "one of the others stands for these";
  for (const LinkId link : topology.links.ids()) {
    topology.links[link].bandwidth = 50_GBps + link.index() * 1_GBps;
  }
  EXPECT_THROW(fold_on(topology, {huge}), InputError);
}

TEST(Folding, ChangesNoTimeOnSymmetricGroups) {
  const Topology topology = test::tree(4, 4, 100_GBps, 123_GBps);
  const std::vector<std::vector<NodeId>> rows{consecutive(0, 4), consecutive(4, 4), consecutive(8, 4),
                                              consecutive(12, 4)};
  const std::vector<std::vector<NodeId>> columns{consecutive(0, 4, 4), consecutive(1, 4, 4), consecutive(2, 4, 4),
                                                 consecutive(3, 4, 4)};
  expect_folding_changes_nothing(
      topology,
      {operation("ring", CollectiveKind::all_reduce, rows), operation("direct", CollectiveKind::all_to_all, columns),
       operation("in_switch", CollectiveKind::all_reduce, rows, true),
       operation("direct", CollectiveKind::all_gather, {consecutive(0, 16)})},
      {0_us, 3_us, 3_us, 7_us}, 1_MiB);
}

TEST(Folding, RoundsWhatEachMemberAsksForByItself) {
  for (const std::uint32_t n : {7U, 12U, 48U, 128U}) {
    SCOPED_TRACE(n);
    Topology topology = test::tree(n / 4 + 1, 4, 100_GBps, 77_GBps);
    topology.planes[0].payload_efficiency_near = 0.83;
    topology.planes[0].payload_efficiency_far = 0.71;
    // a root's n - 1 messages weigh 1 / (n - 1) each; in minutes the last of 40 bits would be many picoseconds
    expect_folding_changes_nothing(topology, {operation("direct", CollectiveKind::broadcast, {consecutive(0, n)})},
                                   {0_us}, Bytes(1e11));
  }
}

TEST(Folding, ChangesNoTimeOnRandomNetworksAndGroups) {
  for (unsigned seed = 0; seed < 60; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 generator(seed);
    const auto random = [&] { return static_cast<std::uint32_t>(generator()); };
    const std::uint32_t leaves = 2 + random() % 3;
    const std::uint32_t per_leaf = 2 + random() % 4;
    Topology topology = test::tree(leaves, per_leaf, 100_GBps, BytesPerSecond(1e9 * (50 + random() % 200)));
    if (random() % 2 == 0) {  // one slow cable breaks the symmetry
      const std::size_t slow = random() % topology.links.size();
      topology.links[LinkId(slow)].bandwidth = BytesPerSecond(31e9);
    }
    const std::uint32_t all = leaves * per_leaf;
    const std::uint32_t some = 2 + random() % (all - 1);
    const std::uint32_t half = all / 2;
    std::vector<std::pair<NodeId, NodeId>> pairs;
    for (std::uint32_t i = 0; i < half; ++i) {
      pairs.emplace_back(NodeId(i), NodeId(half + i));
    }
    expect_folding_changes_nothing(
        topology,
        {operation("direct", CollectiveKind::all_to_all, {consecutive(0, some)}),
         operation("ring", CollectiveKind::all_reduce, {consecutive(0, half), consecutive(half, half)}),
         operation("pairwise", CollectiveKind::all_to_all, {consecutive(0, all)}), make_sends(pairs)},
        {0_us, Seconds(1e-9 * static_cast<double>(random() % 5000)), 2_us,
         Seconds(1e-9 * static_cast<double>(random() % 5000))},
        Bytes(static_cast<double>(1 + random() % 3000000)));
  }
}

TEST(Folding, LooksAtThePlanesThatMessagesTake) {
  // without its switches a server's GPUs go by their own ports, one of which is slow, and not over the hosts between
  const Topology topology = merge_bundles(
      apply_faults(load_topology("hgx-h100", 1), {parse_fault("NVSwitch[0..3]"), parse_fault("2-leaf2=10%")})
          .back()
          .network);
  for (const CollectiveKind kind : {CollectiveKind::gather, CollectiveKind::all_gather, CollectiveKind::all_to_all}) {
    expect_folding_changes_nothing(topology, {operation("direct", kind, {consecutive(0, 4)})}, {0_us}, 1_GiB);
  }
}

TEST(Folding, FillsThePipelineOfEachGroupAsIfItWereAlone) {
  const Topology topology = test::tree(2, 4, 100_GBps, 100_GBps);
  const std::vector<NodeId> even = consecutive(0, 4, 2), odd = consecutive(1, 4, 2);  // both over the same uplinks
  const auto together =
      ends(topology, {operation("ring", CollectiveKind::broadcast, {even, odd})}, {0_us}, 64_MiB, Folding::exact);
  const auto apart =
      ends(topology,
           {operation("ring", CollectiveKind::broadcast, {even}), operation("ring", CollectiveKind::broadcast, {odd})},
           {0_us, 0_us}, 64_MiB, Folding::off);
  EXPECT_EQ(together[0].picoseconds(), apart[0].picoseconds());
}

TEST(Folding, IsNotForPathsThatDependOnThoseBefore) {
  Topology topology = test::tree(2, 4, 100_GBps, 100_GBps);
  EXPECT_EQ(unfoldable("flow", topology), "");
  EXPECT_EQ(unfoldable("packet", topology), "the packet network");
  topology.planes[0].routing.spread = Spread::adaptive;
  EXPECT_EQ(unfoldable("flow", topology), "adaptive paths");
}

TEST(Folding, TellsAnyNumberOfLatenciesApart) {
  const std::uint32_t n = 260;
  Topology topology = test::star(n, 100_GBps);
  std::mt19937 generator(1);
  for (const LinkId link : topology.links.ids()) {
    topology.links[link].latency = Seconds(1e-15 * static_cast<double>(generator()));
  }
  const FoldedFabric fabric = fold_on(topology, {operation("direct", CollectiveKind::all_to_all, {consecutive(0, n)})});
  EXPECT_EQ(fabric.bundles, n * (n - 1));
}

TEST(Folding, ChangesNoTimeOnThePublishedMachines) {
  for (const char* name : {"cloudmatrix384", "gb200-nvl72"}) {
    SCOPED_TRACE(name);
    const Topology topology = merge_bundles(load_topology(name));
    expect_folding_changes_nothing(topology,
                                   {operation("direct", CollectiveKind::dispatch, {consecutive(0, 36)}),
                                    operation("ring", CollectiveKind::all_reduce, {consecutive(0, 64)})},
                                   {0_us, 5_us}, 1_MiB);
  }
}

TEST(Folding, ChangesNoTimeOfAnyAlgorithm) {
  const Topology topology = merge_bundles(load_topology("cloudmatrix384"));
  Router router(topology);
  const CommunicationCosts costs = test::costs(topology);
  const Placement placement{{consecutive(0, 32)}};
  const GroupShape shape = shape_of(placement, {}, router, costs);
  for (const CollectiveKind kind :
       {CollectiveKind::all_reduce, CollectiveKind::all_gather, CollectiveKind::reduce_scatter,
        CollectiveKind::all_to_all, CollectiveKind::broadcast}) {
    for (const std::string& name : suitable_algorithms(kind, shape)) {
      SCOPED_TRACE(name + " of " + std::string(to_string(kind)));
      expect_folding_changes_nothing(topology, {{make_schedule(name, kind, shape), placement, {}}}, {0_us}, 3_MiB);
    }
  }
}

TEST(Folding, CostsByAsymmetryAndNotBySize) {
  const Topology topology = merge_bundles(load_topology("cloudmatrix384"));
  const FoldedFabric fabric = fold_on(topology, {operation("direct", CollectiveKind::dispatch, {consecutive(0, 320)})});
  EXPECT_EQ(fabric.messages, 320U * 319);
  EXPECT_EQ(fabric.bundles, 3U) << "to the other die of the package, within the node, and across nodes";
}

}  // namespace
}  // namespace podium
