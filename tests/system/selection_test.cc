#include "sim/collective/select.h"

#include <gtest/gtest.h>

#include "sim/system/machine.h"
#include "sim/system/simulator.h"

namespace podium {
namespace {

/// Rank 8 lies on rank 0's leaf switch and rank 9 behind the spine: latencies show no tiers, planes do.
TEST(Selection, LeavesServersByAllRailsAtOnce) {
  const Machine machine = load_machine("hgx-h100", {24, 0});
  const CommunicationCosts costs = communication_costs(machine.system(), machine.chip(), machine.network());
  Router router(machine.network());
  Placement placement{{{}}};
  for (std::uint32_t rank = 0; rank < 24; ++rank) {
    placement.groups.front().push_back(machine.node(rank));
  }
  const std::vector<Tier> tiers{{8, 1}, {3, 8}};
  EXPECT_EQ(shape_of(placement, {}, router, costs).tiers, tiers);
  Selector selector(machine.network(), router, costs);
  const double bytes = 8e9, adapter = 50e9, sent = 2.0 * 23 / 24 * bytes / 8;
  for (const CollectiveKind kind :
       {CollectiveKind::all_reduce, CollectiveKind::all_gather, CollectiveKind::reduce_scatter}) {
    const double bound = sent / adapter * (kind == CollectiveKind::all_reduce ? 1 : 0.5);
    EXPECT_NEAR(selector.rank(kind, placement, Bytes(bytes)).front().predicted.value(), bound, 0.12 * bound)
        << to_string(kind);
  }
}

/// Machines of several servers or racks, the last of them in part: as many rails as it has are used.
TEST(Selection, LeavesUnequalServersByAllTheRailsOfTheSmallest) {
  struct Case {
    const char* system;
    std::uint32_t ranks, rails;
    std::vector<std::uint32_t> units;
  };
  for (const Case& c : {Case{"hgx-h100", 12, 4, {8, 4}}, Case{"gb200-nvl72", 200, 56, {72, 72, 56}}}) {
    const Machine machine = load_machine(c.system, {c.ranks, 0});
    const CommunicationCosts costs = communication_costs(machine.system(), machine.chip(), machine.network());
    Router router(machine.network());
    Placement placement{{{}}};
    for (std::uint32_t rank = 0; rank < c.ranks; ++rank) {
      placement.groups.front().push_back(machine.node(rank));
    }
    EXPECT_EQ(shape_of(placement, {}, router, costs).units, c.units);
    Selector selector(machine.network(), router, costs);
    const double bytes = 8e9, adapter = 50e9, port = c.ranks > 72 ? 900e9 : 450e9;
    const double bound = std::max(bytes / c.rails / adapter, 2 * bytes / port);
    for (const CollectiveKind kind : {CollectiveKind::all_reduce, CollectiveKind::broadcast, CollectiveKind::reduce}) {
      EXPECT_LT(selector.rank(kind, placement, Bytes(bytes)).front().predicted.value(), 1.35 * bound)
          << to_string(kind);
    }
  }
}

/// The four switches of an HGX H100 have four or five links to a GPU; packets take trees over equal ones.
TEST(Selection, LeavesUnequalSwitchesOutWhereLinksAreReal) {
  TaskGraph graph;
  const RoleId role = graph.add_role({"ranks", 0, 8});
  const CommunicatorId all = graph.add_communicator({"tp", 1, 8});
  graph.add(role, 0, graph.add_label("tp"), CollectiveTask{all, CollectiveKind::all_reduce, Bytes(1 << 28)});
  const auto run = [&](const char* system, const char* network) {
    const Machine machine = load_machine(system, {.ranks = 8, .bundles = Bundles::apart});
    return Simulator(machine, {.network = network, .keep_spans = true, .packet_scale = 256}).run(graph);
  };
  EXPECT_EQ(run("hgx-h100", "flow").algorithms, std::vector<std::string>{"in_switch"});
  EXPECT_EQ(run("gb200-nvl72", "packet").algorithms, std::vector<std::string>{"in_switch"});
  for (const char* network : {"packet", "congestion_aware"}) {
    const Execution execution = run("hgx-h100", network);
    EXPECT_NE(execution.algorithms, std::vector<std::string>{"in_switch"}) << network;
    EXPECT_TRUE(execution.notes.contains("switches of nvlink are not alike: this network does no collective in them"));
  }
}

}  // namespace
}  // namespace podium
