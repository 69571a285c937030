// Reduction and multicast by the switches of a scale-out fabric, tier by tier, as NVIDIA SHARP does in InfiniBand.
#include <gtest/gtest.h>

#include "sim/collective/select.h"
#include "tests/collective/networks.h"

namespace podium {
namespace {

using namespace literals;

constexpr std::uint32_t leaves = 4, per_leaf = 8, all_leaves = leaves * per_leaf;
constexpr CollectiveKind all_reduce = CollectiveKind::all_reduce;

Seconds time_on(BytesPerSecond uplink, std::string_view algorithm, Bytes bytes, std::vector<std::vector<NodeId>> groups,
                Table<LinkId, Seconds>* busy = nullptr) {
  const Topology topology = test::tree(leaves, per_leaf, 100_GBps, uplink);
  Protocol free;
  free.in_switch_reduction = true;
  const CommunicationCosts costs = test::costs(topology, free);
  Router router(topology);
  const Operation operation = test::operation(algorithm, all_reduce, std::move(groups), algorithm == "in_switch");
  const FoldedFabric fabric = fold(topology, router, {&operation, 1}, Folding::off);
  const CollectiveCall call{0, all_reduce, bytes};
  if (busy != nullptr) {
    *busy = busy_times(call, fabric, costs);
  }
  return time_alone(call, fabric, costs, "flow");
}

/// Of the whole machine, with all else than bandwidth taken off: the difference between two sizes.
Seconds wire_time(BytesPerSecond uplink, std::string_view algorithm, Bytes bytes) {
  const std::vector<std::vector<NodeId>> all{test::consecutive(0, all_leaves)};
  return time_on(uplink, algorithm, 2 * bytes, all) - time_on(uplink, algorithm, bytes, all);
}

TEST(TreeReduction, PutsTheBytesOnceOnEachUplinkHoweverManyRanksAreBehindIt) {
  // of each part a leaf sends up what its ranks have added up, or its own ranks' results: all bytes once
  const Bytes bytes = 256_MiB;
  EXPECT_NEAR(wire_time(10_GBps, "in_switch", bytes) / (bytes / 10_GBps), 1, 1e-3);
  // without the switches, for each of eight ranks and in each direction what is for the other leaves: 12 times
  const double copies = 2.0 * per_leaf * (all_leaves - per_leaf) / all_leaves;
  EXPECT_NEAR(wire_time(10_GBps, "direct", bytes) / (copies * bytes / 10_GBps), 1, 1e-3);
  EXPECT_DOUBLE_EQ(copies, 12);
}

TEST(TreeReduction, IsHeldUpByPortsWhereUplinksAreFast) {
  const Bytes bytes = 256_MiB;
  EXPECT_NEAR(wire_time(400_GBps, "in_switch", bytes) / ((all_leaves + 1.0) / all_leaves * bytes / 100_GBps), 1, 1e-3)
      << "own parts go to the switches too";
}

TEST(TreeReduction, LoadsAllUplinksAlikeBothWays) {
  Table<LinkId, Seconds> busy;
  const Bytes bytes = 64_MiB;
  time_on(50_GBps, "in_switch", bytes, {test::consecutive(0, all_leaves)}, &busy);
  const Topology topology = test::tree(leaves, per_leaf, 100_GBps, 50_GBps);
  std::size_t uplinks = 0;
  for (const LinkId link : topology.links.ids()) {
    if (topology.links[link].bandwidth == 50_GBps) {
      ++uplinks;
      EXPECT_NEAR(busy[link] / (bytes / 50_GBps), 1, 1e-9);
    }
  }
  EXPECT_EQ(uplinks, 2 * leaves);
}

TEST(TreeReduction, NeedsNoUplinkWithinALeaf) {
  const Bytes bytes = 64_MiB;
  const std::vector<std::vector<NodeId>> leaf{test::consecutive(0, per_leaf)};
  EXPECT_EQ(time_on(1_GBps, "in_switch", bytes, leaf), time_on(400_GBps, "in_switch", bytes, leaf));
}

}  // namespace
}  // namespace podium
