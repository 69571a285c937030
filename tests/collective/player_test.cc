#include "sim/collective/player.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/collective/networks.h"

namespace podium {
namespace {

using namespace literals;
using test::consecutive;
using test::operation;

constexpr std::uint32_t n = 8;
constexpr BytesPerSecond port = 100_GBps;
const Seconds latency = 1.5_us;  // end points and one switch of test::star

Protocol protocol() {
  Protocol result;
  result.launch = 5_us;
  result.in_switch_launch = 4_us;
  result.step = 2_us;
  result.send_launch = 3_us;
  result.dispatch_launch = 7_us;
  result.combine_launch = 9_us;
  result.per_peer = 0.25_us;
  return result;
}

/// Alone on a star of n ports, all ranks in one group, on a fabric of its own.
Seconds run(const Operation& operation, CollectiveCall call, const CommunicationCosts& costs,
            std::string_view network = "flow") {
  const Topology topology = test::star(n, port);
  Router router(topology);
  const FoldedFabric fabric = fold(topology, router, {&operation, 1});
  return time_alone(call, fabric, costs, network);
}

Seconds run(std::string_view algorithm, CollectiveKind kind, Bytes bytes, const Protocol& with = protocol(),
            double imbalance = 1) {
  const CommunicationCosts costs = test::costs(test::star(n, port), with);
  const std::uint32_t ranks = kind == CollectiveKind::send ? 2 : n;
  return run(operation(algorithm, kind, {consecutive(0, ranks)}, true), {0, kind, bytes, imbalance}, costs);
}

/// Half a picosecond for each of so many events in a row.
void expect_time(Seconds actual, Seconds expected, double events = 20) {
  EXPECT_NEAR(actual.value(), expected.value(), events * 0.5e-12);
}

TEST(Player, SendsInLaunchLatencyAndBytes) {
  expect_time(run("direct", CollectiveKind::send, 1_MiB), protocol().send_launch + latency + 1_MiB / port);
}

/// Step after step, however often they are repeated.
Seconds play(const CollectiveCall& call, const FoldedFabric& fabric, const CommunicationCosts& costs,
             std::string_view network_name) {
  Engine engine;
  const std::unique_ptr<Network> network = make_network(network_name, engine, fabric, {});
  Player player(engine, *network, fabric, costs);
  Time end;
  player.play(call, [&] { end = engine.now(); });
  engine.run();
  return since_start(end);
}

TEST(Player, TakesAloneWhatAllOfItsStepsTake) {
  const Topology topology = merge_bundles(load_topology("hgx-h100", 3));
  Router router(topology);
  Protocol with = protocol();
  with.splits = 3;
  const CommunicationCosts costs = test::costs(topology, with);
  std::vector<NodeId> ranks;
  for (std::uint32_t rank = 0; rank < topology.accelerators; ++rank) {
    ranks.push_back(topology.accelerator(rank));
  }
  for (const auto& [algorithm, kind] :
       {std::pair("ring", CollectiveKind::all_reduce), std::pair("ring", CollectiveKind::all_gather),
        std::pair("pairwise", CollectiveKind::all_to_all)}) {
    const Operation operation{
        make_schedule(algorithm, kind, {.ranks = topology.accelerators}), {{ranks}}, std::nullopt};
    for (const char* network : {"flow", "analytic"}) {
      for (const Folding folding : {Folding::exact, Folding::off}) {
        const FoldedFabric fabric = fold(topology, router, {&operation, 1}, folding);
        for (const double bytes : {1.0, 1234567.0, 8e9}) {
          const CollectiveCall call{0, kind, Bytes(bytes), 1.3};
          EXPECT_EQ(time_alone(call, fabric, costs, network), play(call, fabric, costs, network))
              << algorithm << " " << bytes << " " << network;
        }
      }
    }
  }
}

TEST(Player, RunsARingStepByStep) {
  const Seconds step = protocol().step + latency + 1_MiB / n / port;
  expect_time(run("ring", CollectiveKind::all_gather, 1_MiB), protocol().launch + (n - 1) * step, 4 * n);
  expect_time(run("ring", CollectiveKind::all_reduce, 1_MiB), protocol().launch + 2 * (n - 1) * step, 8 * n);
}

TEST(Player, HalvesAndDoublesInTwiceTheLogarithmOfSteps) {
  const Seconds expected = protocol().launch + 2 * 3 * (protocol().step + latency) + 2.0 * (n - 1) / n * 1_MiB / port;
  expect_time(run("recursive_halving_doubling", CollectiveKind::all_reduce, 1_MiB), expected);
}

TEST(Player, DoesASplitAfterTheOther) {
  Protocol with = protocol();
  with.splits = 4;
  const Seconds step = with.step + latency + 1_MiB / 4 / n / port;
  expect_time(run("ring", CollectiveKind::all_gather, 1_MiB, with), 4 * (with.launch + (n - 1) * step), 16 * n);
}

TEST(Player, AddsUpAfterTheMessagesOfAStepWhereTheProtocolSaysSo) {
  Protocol with = protocol();
  with.sum_bandwidth = 1500_GBps;
  // 1 MiB / 8 over 1500 bytes a nanosecond is 87.4 ns, of which the rest is cut off, in the first half of the steps
  const Seconds sums = 3 * 87_ns;
  const Seconds step = with.step + latency + 1_MiB / n / port;
  expect_time(run("ring", CollectiveKind::all_reduce, 1_MiB, with), with.launch + 2 * (n - 1) * step + (n - 1) * sums,
              12 * n);
  expect_time(run("ring", CollectiveKind::all_gather, 1_MiB, with), with.launch + (n - 1) * step, 4 * n);
}

TEST(Player, ExchangesDirectlyInOneStep) {
  const Seconds wire = latency + (n - 1.0) / n * 1_MiB / port;
  expect_time(run("direct", CollectiveKind::all_to_all, 1_MiB), protocol().launch + protocol().step + wire);
}

TEST(Player, LaunchesOneSidedExchangesByPeerAndWaitsForNobody) {
  const Seconds wire = latency + (n - 1.0) / n * 1_MiB / port;
  const Seconds peers = protocol().per_peer * (n - 1);
  expect_time(run("direct", CollectiveKind::dispatch, 1_MiB), protocol().dispatch_launch + peers + wire);
  expect_time(run("direct", CollectiveKind::combine, 1_MiB), protocol().combine_launch + peers + wire);
}

TEST(Player, FillsThePipelineOfABroadcastByTheBestChunks) {
  // k chunks take n - 2 more hops than one: (n - 2 + k) (hop + wire / k), the least of which is at k^2 = (n - 2) wire /
  // hop
  const double hop = (protocol().step + latency).value();
  const double wire = (1_MiB / port).value();
  const double chunks = std::sqrt((n - 2) * wire / hop);
  const double by_chunks = (n - 2 + chunks) * (hop + wire / chunks);
  const Seconds time = run("ring", CollectiveKind::broadcast, 1_MiB) - protocol().launch;
  EXPECT_NEAR(time.value(), by_chunks + hop, 1e-9);
  expect_time(run("ring", CollectiveKind::broadcast, 0_B), protocol().launch + (n - 1) * (protocol().step + latency));
}

TEST(Player, SendsLittleMoreThanEachByteOnceWhereTheSwitchesReduce) {
  // out of a port go its n contributions and its part of the result, into it come the sum of its part and all n parts
  const Seconds step = protocol().step + latency;
  const Seconds all = run("in_switch", CollectiveKind::all_reduce, 64_MiB) - protocol().in_switch_launch;
  const Seconds wire = (n + 1.0) / n * 64_MiB / port;
  EXPECT_GE(all, step + wire);
  EXPECT_LE(all, 2 * step + wire);
  expect_time(run("in_switch", CollectiveKind::all_gather, 1_MiB), protocol().in_switch_launch + step + 1_MiB / port);
}

TEST(Player, SendsNoFasterThanARankCanOverAllItsLinksTogether) {
  Protocol slow = protocol();
  slow.injection = port / 4;
  const Seconds sent = 3.0 * (n - 1) / n * 1_MiB / port;  // beyond the wire's own time
  expect_time(run("direct", CollectiveKind::all_to_all, 1_MiB, slow),
              run("direct", CollectiveKind::all_to_all, 1_MiB) + sent - latency);
  slow.injection = 2 * port;
  expect_time(run("direct", CollectiveKind::all_to_all, 1_MiB, slow), run("direct", CollectiveKind::all_to_all, 1_MiB));
}

TEST(Player, SendsWhatTheFullestRankHas) {
  expect_time(run("direct", CollectiveKind::dispatch, 1_MiB, protocol(), 1.5),
              run("direct", CollectiveKind::dispatch, 1.5 * 1_MiB));
}

TEST(Player, ReachesTheBulkEfficiencyOfTheWire) {
  Protocol lossy = protocol();
  lossy.bulk_efficiency = 0.8;
  expect_time(run("direct", CollectiveKind::all_to_all, 1_MiB, lossy),
              run("direct", CollectiveKind::all_to_all, 1_MiB / 0.8));
}

TEST(Player, ReachesAnEfficiencyOfItsOwnInTheSwitches) {
  Protocol lossy = protocol();
  lossy.bulk_efficiency = 0.8;
  lossy.in_switch_efficiency = 0.6;
  expect_time(run("in_switch", CollectiveKind::all_reduce, 1_MiB, lossy),
              run("in_switch", CollectiveKind::all_reduce, 1_MiB / 0.6));
  expect_time(run("ring", CollectiveKind::all_reduce, 1_MiB, lossy),
              run("ring", CollectiveKind::all_reduce, 1_MiB / 0.8), 8 * n);
}

TEST(Player, TakesLaunchAndLatencyForNothingAtAll) {
  expect_time(run("ring", CollectiveKind::all_gather, 0_B), protocol().launch + (n - 1) * (protocol().step + latency),
              4 * n);
}

TEST(Player, WaitsForTheReductionWhereMemoryIsSlowerThanTheWire) {
  CommunicationCosts costs = test::costs(test::star(n, port), protocol());
  costs.memory_bandwidth = 10_GBps;
  const Operation ring = operation("ring", CollectiveKind::reduce_scatter, {consecutive(0, n)});
  const Seconds step = protocol().step + 3 * (1_MiB / n) / costs.memory_bandwidth;  // two reads and a write
  expect_time(run(ring, {0, CollectiveKind::reduce_scatter, 1_MiB}, costs), protocol().launch + (n - 1) * step, 4 * n);
}

TEST(Player, HidesTheReductionBehindASlowerWire) {
  CommunicationCosts costs = test::costs(test::star(n, port), protocol());
  const Operation ring = operation("ring", CollectiveKind::reduce_scatter, {consecutive(0, n)});
  const Seconds without = run(ring, {0, CollectiveKind::reduce_scatter, 1_MiB}, costs);
  costs.memory_bandwidth = 400_GBps;  // more than three times the port
  EXPECT_EQ(run(ring, {0, CollectiveKind::reduce_scatter, 1_MiB}, costs), without);
}

TEST(Player, IsDoneAtOnceWithAGroupOfOne) {
  const CommunicationCosts costs = test::costs(test::star(n, port), protocol());
  for (const CollectiveKind kind : all_collective_kinds()) {
    EXPECT_EQ(run(operation("direct", kind, {{NodeId(3)}}), {0, kind, 1_MiB}, costs), Seconds());
  }
}

TEST(Player, AgreesOnFlowAndAnalyticNetworksWhereNothingElseRuns) {
  const CommunicationCosts costs = test::costs(test::star(n, port), protocol());
  for (const char* algorithm : {"ring", "recursive_halving_doubling", "direct"}) {
    const Operation all = operation(algorithm, CollectiveKind::all_reduce, {consecutive(0, n)});
    const CollectiveCall call{0, CollectiveKind::all_reduce, 1_MiB};
    expect_time(run(all, call, costs, "flow"), run(all, call, costs, "analytic"), 8 * n);
  }
}

TEST(Player, SharesLinksBetweenCallsAtTheSameTime) {
  const Topology topology = test::star(n, port);
  const CommunicationCosts costs = test::costs(topology);
  Router router(topology);
  const std::vector<Operation> operations{operation("direct", CollectiveKind::all_to_all, {consecutive(0, n)})};
  const FoldedFabric fabric = fold(topology, router, operations);
  Engine engine;
  const auto network = Networks::find("flow")(engine, fabric.capacities);
  Player player(engine, *network, fabric, costs);
  int done = 0;
  for (int i = 0; i < 2; ++i) {
    player.play({0, CollectiveKind::all_to_all, 1_MiB}, [&done] { ++done; });
  }
  engine.run();
  EXPECT_EQ(done, 2);
  expect_time(since_start(engine.now()), latency + 2 * (n - 1.0) / n * 1_MiB / port);
}

/// How long a send between two ranks takes while a collective among all keeps every port busy for longer.
Seconds send_beside(std::string_view algorithm, CollectiveKind kind, Bytes bytes) {
  const Topology topology = test::star(n, port);
  const CommunicationCosts costs = test::costs(topology);
  Router router(topology);
  const std::vector<std::pair<NodeId, NodeId>> pair{{NodeId(0), NodeId(3)}};
  const std::vector<Operation> operations{operation(algorithm, kind, {consecutive(0, n)}, true), make_sends(pair)};
  const FoldedFabric fabric = fold(topology, router, operations);
  Engine engine;
  const auto network = Networks::find("flow")(engine, fabric.capacities);
  Player player(engine, *network, fabric, costs);
  Seconds sent;
  player.play({0, kind, 100 * bytes}, [] {});
  player.play({1, CollectiveKind::send, bytes}, [&] { sent = since_start(engine.now()); });
  engine.run();
  return sent;
}

TEST(Player, GivesAStepOneShareOfAPortHoweverManyItsPeers) {
  const Seconds half = latency + 2 * 1_MiB / port;
  expect_time(send_beside("direct", CollectiveKind::all_to_all, 1_MiB), half);
  expect_time(send_beside("ring", CollectiveKind::all_gather, 1_MiB), half);
  expect_time(send_beside("in_switch", CollectiveKind::reduce_scatter, 1_MiB), half);
  expect_time(send_beside("in_switch", CollectiveKind::all_gather, 1_MiB), half);
}

TEST(Player, PlaysOneCallAfterTheOtherFromTheirEnds) {
  const Topology topology = test::star(n, port);
  const CommunicationCosts costs = test::costs(topology, protocol());
  Router router(topology);
  const std::vector<Operation> operations{operation("ring", CollectiveKind::all_reduce, {consecutive(0, n)})};
  const FoldedFabric fabric = fold(topology, router, operations);
  Engine engine;
  const auto network = Networks::find("flow")(engine, fabric.capacities);
  Player player(engine, *network, fabric, costs);
  const CollectiveCall call{0, CollectiveKind::all_reduce, 1_MiB};
  Seconds first;
  player.play(call, [&] {
    first = since_start(engine.now());
    player.play(call, [] {});
  });
  engine.run();
  expect_time(since_start(engine.now()), 2 * first);
}

TEST(Player, EndsWhenTheSlowestGroupHas) {
  Topology topology = test::star(n, port);
  topology.links[LinkId(2)].bandwidth = port / 4;  // the first link out of rank 0, after the switch's own two
  ASSERT_EQ(topology.links[LinkId(2)].from, NodeId(0));
  const CommunicationCosts costs = test::costs(topology);
  Router router(topology);
  const std::uint32_t half = n / 2;
  const std::vector<Operation> operations{
      operation("ring", CollectiveKind::all_gather, {consecutive(0, half), consecutive(half, half)})};
  const FoldedFabric fabric = fold(topology, router, operations);
  const Seconds time = time_alone({0, CollectiveKind::all_gather, 1_MiB}, fabric, costs, "flow");
  expect_time(time, (half - 1) * (latency + 1_MiB / half / (port / 4)), 4 * n);
}

TEST(Player, TakesTheCostsOfTheFarthestPlane) {
  Topology topology = test::star(4, port);
  Plane far = topology.planes[0];
  far.name = "far";
  topology.planes.push_back(far);
  const NodeId outside = test::add_node(topology, NodeKind::accelerator);
  const NodeId other = test::add_node(topology, NodeKind::network_switch);
  test::connect(topology, NodeId(0), other, port, 1);
  test::connect(topology, outside, other, port, 1);
  CommunicationCosts costs = test::costs(topology, protocol());
  costs.protocols[1]->send_launch = 40_us;
  Router router(topology);
  const std::vector<std::pair<NodeId, NodeId>> near_pair{{NodeId(0), NodeId(1)}};
  const std::vector<std::pair<NodeId, NodeId>> far_pair{{NodeId(0), outside}};
  const std::vector<Operation> operations{make_sends(near_pair), make_sends(far_pair)};
  const FoldedFabric fabric = fold(topology, router, operations);
  const Seconds near_time = time_alone({0, CollectiveKind::send, 0_B}, fabric, costs, "flow");
  const Seconds far_time = time_alone({1, CollectiveKind::send, 0_B}, fabric, costs, "flow");
  expect_time(far_time - near_time, 40_us - protocol().send_launch);
  costs.protocols[1].reset();
  EXPECT_THROW(time_alone({1, CollectiveKind::send, 0_B}, fabric, costs, "flow"), InputError);
}

TEST(Player, SaysSoWhenALinkThatItNeedsHasNoCapacity) {
  const Topology topology = test::star(n, port);
  const CommunicationCosts costs = test::costs(topology);
  Router router(topology);
  const std::vector<Operation> operations{operation("ring", CollectiveKind::all_gather, {consecutive(0, n)})};
  FoldedFabric fabric = fold(topology, router, operations);
  fabric.capacities[LinkId(0)] = BytesPerSecond(0);
  EXPECT_THROW(time_alone({0, CollectiveKind::all_gather, 1_MiB}, fabric, costs, "flow"), RunError);
}

}  // namespace
}  // namespace podium
