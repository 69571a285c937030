#include "sim/collective/select.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/collective/networks.h"

namespace podium {
namespace {

using namespace literals;
using test::consecutive;
using test::operation;

Protocol bench_protocol() {
  Protocol result;
  result.launch = 5_us;
  result.bulk_efficiency = 0.9;
  result.in_switch_launch = 8_us;
  result.in_switch_efficiency = 0.7;
  result.step = 2_us;
  result.per_peer = 0.25_us;
  result.in_switch_reduction = true;
  return result;
}

/// A network, its costs and what chooses on it.
struct Bench {
  Topology topology;
  CommunicationCosts costs = test::costs(topology, bench_protocol());
  Router router{topology};
  Selector selector{topology, router, costs};

  explicit Bench(Topology of) : topology(std::move(of)) {}
  /// The same with switches that only pass on.
  static Bench without_reduction(Topology of) {
    of.planes[0].multicast = false;
    return Bench(std::move(of));
  }
  std::vector<Candidate> rank(CollectiveKind kind, std::uint32_t ranks, Bytes bytes) {
    return selector.rank(kind, {{consecutive(0, ranks)}}, bytes);
  }
};

/// By how much the steps of a stage begin apart, at most: in between they share no link.
Seconds overlap(const FoldedFabric& fabric, const CollectiveCall& call, const CommunicationCosts& costs) {
  const FoldedOperation& operation = fabric.operations.front();
  Seconds most;
  for (std::size_t s = 0; s < operation.schedule.stages.size(); ++s) {
    for (std::size_t i = 0; i < operation.schedule.stages[s].size(); ++i) {
      const Step& step = operation.schedule.stages[s][i];
      const Protocol& protocol = costs.protocol(operation.plane);
      const Seconds fill = fill_time(
          step, operation.schedule.ranks, fabric.patterns[operation.patterns[s][i]], fabric.capacities,
          call.bytes * call.imbalance * step.share / efficiency(step, protocol), step_time(call.kind, protocol));
      most = std::max(most, operation.schedule.stages[s].size() > 1 ? fill : Seconds());
    }
  }
  return most;
}

/// The law of the closed form: for every algorithm and kind, never more than what is played, and equal where all
/// messages of a stage meet one bottleneck.
void expect_bound(Topology topology, std::uint32_t ranks, double slack) {
  Bench bench(std::move(topology));
  for (const CollectiveKind kind : all_collective_kinds()) {
    const GroupShape shape{.ranks = ranks, .in_switch_reduction = true};
    for (const std::string& name : suitable_algorithms(kind, shape)) {
      SCOPED_TRACE(name + " " + std::string(to_string(kind)));
      const Operation one = operation(name, kind, {consecutive(0, ranks)}, true);
      const FoldedFabric fabric = fold(bench.topology, bench.router, {&one, 1});
      for (const Bytes bytes : {0_B, 1000_B, 1_MiB, 64_MiB}) {
        const CollectiveCall call{0, kind, bytes, 1.25};
        const double played = time_alone(call, fabric, bench.costs, "flow").value();
        const double predicted = predict(call, fabric, bench.costs).value();
        const double rounding = 8.0 * ranks * 0.5e-12;  // half a picosecond an event
        EXPECT_LE(predicted, played + rounding);
        EXPECT_GE(predicted, played * (1 - slack) - overlap(fabric, call, bench.costs).value() - rounding);
      }
    }
  }
}

TEST(Prediction, IsWhatIsPlayedBehindOneSwitch) { expect_bound(test::star(8, 100_GBps), 8, 0); }

TEST(Prediction, IsNeverMoreThanWhatIsPlayedBehindNarrowUplinks) {
  expect_bound(test::tree(2, 8, 100_GBps, 130_GBps), 16, 0.1);
  expect_bound(test::tree(3, 4, 100_GBps, 50_GBps), 10, 0.25);
}

TEST(Selection, TakesFewStepsForSmallMessagesAndTheBandwidthOptimumForLarge) {
  Bench bench = Bench::without_reduction(test::tree(4, 4, 100_GBps, 100_GBps));
  const auto small = bench.rank(CollectiveKind::all_gather, 16, 1000_B);
  EXPECT_EQ(small.front().algorithm, "direct") << "one step";
  const auto large = bench.rank(CollectiveKind::all_gather, 16, 1_GiB);
  EXPECT_EQ(large.front().algorithm, "ring") << "crosses each narrow uplink once";
}

TEST(Selection, RanksByTimeAndLeavesNoneOut) {
  Bench bench(test::star(8, 100_GBps));
  const auto candidates = bench.rank(CollectiveKind::all_reduce, 8, 1_MiB);
  EXPECT_EQ(candidates.size(),
            suitable_algorithms(CollectiveKind::all_reduce, {.ranks = 8, .in_switch_reduction = true}).size());
  for (std::size_t i = 1; i < candidates.size(); ++i) {
    EXPECT_LE(candidates[i - 1].predicted, candidates[i].predicted);
  }
}

TEST(Selection, UsesTheSwitchesWherePlaneAndProtocolSaySo) {
  Bench bench(test::star(8, 100_GBps));
  const Placement all{{consecutive(0, 8)}};
  EXPECT_TRUE(shape_of(all, {}, bench.router, bench.costs).in_switch_reduction);
  EXPECT_EQ(bench.rank(CollectiveKind::all_reduce, 8, 1_GiB).front().algorithm, "in_switch");
  bench.costs.protocols[0]->in_switch_reduction = false;
  EXPECT_FALSE(shape_of(all, {}, bench.router, bench.costs).in_switch_reduction);
  Bench plain = Bench::without_reduction(test::star(8, 100_GBps));
  EXPECT_FALSE(shape_of(all, {}, plain.router, plain.costs).in_switch_reduction);
}

TEST(Selection, TakesANamedAlgorithmAsItIs) {
  Bench bench(test::star(8, 100_GBps));
  const Placement all{{consecutive(0, 8)}};
  EXPECT_EQ(bench.selector.choose("ring", CollectiveKind::all_reduce, all, 1_MiB).algorithm, "ring");
  EXPECT_EQ(bench.selector.choose("auto", CollectiveKind::all_reduce, all, 1_MiB).algorithm,
            bench.rank(CollectiveKind::all_reduce, 8, 1_MiB).front().algorithm);
  EXPECT_THROW(bench.selector.choose("pairwise", CollectiveKind::all_reduce, all, 1_MiB), InputError);
}

TEST(Selection, HasNothingToChooseForAGroupOfOne) {
  Bench bench(test::star(8, 100_GBps));
  EXPECT_TRUE(bench.selector.choose("auto", CollectiveKind::all_reduce, {{{NodeId(2)}}}, 1_MiB).stages.empty());
}

TEST(Selection, LeavesOutWhatSendsTooManyMessages) {
  Bench bench = Bench::without_reduction(test::star(1100, 100_GBps));
  const auto candidates = bench.rank(CollectiveKind::all_gather, 1100, 1_MiB);
  EXPECT_FALSE(candidates.empty());
  for (const Candidate& candidate : candidates) {
    EXPECT_NE(candidate.algorithm, "direct");
    EXPECT_LE(make_schedule(candidate.algorithm, CollectiveKind::all_gather, {.ranks = 1100}).messages(), 1U << 20);
  }
}

TEST(Selection, ChoosesSecondsAfterTheFirstFromWhatItKept) {
  Bench bench(test::star(64, 100_GBps));
  const double first = bench.rank(CollectiveKind::all_to_all, 64, 1_MiB).front().predicted.value();
  const double again = bench.rank(CollectiveKind::all_to_all, 64, 1_MiB).front().predicted.value();
  const double larger = bench.rank(CollectiveKind::all_to_all, 64, 2_MiB).front().predicted.value();
  EXPECT_EQ(first, again);
  EXPECT_GT(larger, first);
}

}  // namespace
}  // namespace podium
