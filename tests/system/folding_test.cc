#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <rapidcheck/gtest.h>
#include <cmath>
#include <map>

#include "sim/system/folding_check.h"
#include "sim/topology/fault.h"
#include "tests/core/error_of.h"
#include "tests/system/graphs.h"

/// Representatives of classes of ranks do what every rank by itself does, to the picosecond.
namespace podium::test {
namespace {

using namespace literals;

Machine machine(const std::string& system, std::uint32_t ranks, std::vector<SlowChip> slow = {},
                const std::vector<std::string>& faults = {}) {
  Allocation allocation{.ranks = ranks, .slow = std::move(slow)};
  for (const std::string& fault : faults) {
    allocation.faults.push_back(parse_fault(fault));
  }
  return load_machine(system, allocation);
}

/// When each rank has done its last task, in picoseconds.
std::vector<long long> ends(const TaskGraph& graph, const Execution& execution) {
  std::vector<long long> result;
  for (const RankClass& one : execution.classes) {
    const Role& role = graph.roles()[one.role];
    for (std::uint32_t i = 0; i < (one.positions.empty() ? role.count : one.positions.size()); ++i) {
      const std::uint32_t rank = role.rank(one.positions.empty() ? i : one.positions[i]);
      result.resize(std::max<std::size_t>(result.size(), rank + 1));
      result[rank] = std::llround(one.end.value() * 1e12);
    }
  }
  return result;
}

Execution run_on(const Machine& machine, const TaskGraph& graph, Folding folding) {
  return Simulator(machine, {.folding = folding}).run(graph);
}

/// Two stages over pairs of halves of the ranks: groups of `tp` next to each other, and `dp` across them.
struct WovenStages {
  TaskGraph graph;
  RoleId first, second;
  CommunicatorId tp, dp;
  std::uint32_t half;
  std::uint32_t messages = 0;
  WovenStages(std::uint32_t ranks, std::uint32_t tensor) : half(ranks / 2) {
    first = graph.add_role({"stage 0", 0, half});
    second = graph.add_role({"stage 1", half, half});
    tp = graph.add_communicator({"tp", 1, tensor});
    dp = graph.add_communicator({"dp", tensor, half / tensor});
    graph.add_label("work");
    graph.add_label("talk");
  }
  void work(RoleId role, double m) { graph.add(role, 0, 0, ComputeTask{graph.add_kernels({product(m)})}); }
  void talk(RoleId role, CommunicatorId among, CollectiveKind kind, Bytes bytes, std::uint16_t stream = 0) {
    graph.add(role, stream, 1, CollectiveTask{among, kind, bytes});
  }
  void hand_over(Bytes bytes) {
    graph.add(first, 0, 1, SendTask{second, messages, bytes});
    graph.add(second, 0, 1, ReceiveTask{first, messages++});
  }
  void block(RoleId role, std::uint32_t repeat) {
    TaskGraph inner;
    const RoleId all = inner.add_role({"block", 0, half});
    const CommunicatorId joined = inner.add_communicator(graph.communicators()[tp]);
    const std::uint16_t label = inner.add_label("work");
    inner.add(all, 0, label, ComputeTask{inner.add_kernels({product(512)})});
    inner.add(all, 0, label, CollectiveTask{joined, CollectiveKind::all_reduce, 1_MiB});
    graph.add(role, 0, 0, BlockTask{graph.add_block(std::move(inner)), repeat});
  }
};

TEST(Folding, KeepsRanksThatAreAlikeInOneClass) {
  WovenStages s(16, 4);
  s.work(s.first, 1024);
  s.talk(s.first, s.tp, CollectiveKind::all_reduce, 1_MiB);
  s.hand_over(1_MiB);
  s.talk(s.second, s.dp, CollectiveKind::all_gather, 1_MiB);
  EXPECT_EQ(run_on(machine("hgx-h100", 16), s.graph, Folding::exact).classes.size(), 2);
  EXPECT_EQ(run_on(machine("hgx-h100", 16), s.graph, Folding::off).classes.size(), 16);
}

TEST(Folding, ASlowChipHoldsUpOnlyThoseThatWaitForIt) {
  WovenStages s(32, 4);
  s.work(s.first, 2048);
  s.talk(s.first, s.tp, CollectiveKind::all_reduce, 1_MiB);
  const std::vector<long long> fast = ends(s.graph, run_on(machine("hgx-h100", 32), s.graph, Folding::exact));
  const Execution execution = run_on(machine("hgx-h100", 32, {{5, 2}}), s.graph, Folding::exact);
  const std::vector<long long> slow = ends(s.graph, execution);
  const Seconds lost = kernel_time(product(2048));
  for (std::uint32_t rank = 0; rank < 16; ++rank) {
    const double expected = static_cast<double>(fast[rank]) + (rank / 4 == 1 ? lost.value() * 1e12 : 0);
    EXPECT_NEAR(static_cast<double>(slow[rank]), expected, 2) << "rank " << rank;
  }
}

TEST(Folding, ASlowChipInABlockHoldsUpItsGroupUntilOthersWaitForThat) {
  WovenStages s(32, 4);
  s.block(s.first, 10);
  const std::vector<long long> slow =
      ends(s.graph, run_on(machine("hgx-h100", 32, {{5, 1.5}}), s.graph, Folding::exact));
  EXPECT_EQ(slow[4], slow[7]);
  EXPECT_GT(slow[4], slow[0]);
  EXPECT_EQ(slow[0], slow[15]);

  s.talk(s.first, s.dp, CollectiveKind::all_reduce, 1_MiB);
  const std::vector<long long> joined =
      ends(s.graph, run_on(machine("hgx-h100", 32, {{5, 1.5}}), s.graph, Folding::exact));
  EXPECT_GT(joined[0], slow[4]);
}

TEST(Folding, RefusesAChipThatIsFasterThanItself) {
  EXPECT_THROW(machine("hgx-h100", 8, {{3, 0.5}}), Bug);
  EXPECT_THROW(machine("hgx-h100", 8, {{8, 2}}), InputError);
}

TEST(Folding, CountsWhatWasSimulatedForWhat) {
  WovenStages s(16, 4);
  s.talk(s.first, s.tp, CollectiveKind::all_to_all, 1_MiB);
  const FoldingUse folded = run_on(machine("hgx-h100", 16), s.graph, Folding::exact).folding;
  const FoldingUse full = run_on(machine("hgx-h100", 16), s.graph, Folding::off).folding;
  EXPECT_EQ(folded.ranks, 16U);
  EXPECT_EQ(folded.classes, 2U) << "two stages";
  EXPECT_EQ(folded.messages, 2 * 4 * 3U) << "to three others in each of two groups";
  EXPECT_EQ(folded.bundles, 1U);
  EXPECT_EQ(folded.links, 8 * 2U) << "a way in and one out";
  EXPECT_EQ(folded.link_classes, 1U) << "of one bandwidth and load";
  EXPECT_EQ(full.classes, 16U);
  EXPECT_EQ(full.bundles, full.messages);
  EXPECT_EQ(full.link_classes, full.links);
  EXPECT_EQ(describe(folded),
            "16 ranks as 2 classes (8 times fewer), 24 messages as 1 bundle (24 times fewer), 16 links as 1 class (16 "
            "times fewer)");
}

TEST(Folding, ChecksItselfAgainstEveryRank) {
  WovenStages s(16, 4);
  s.work(s.first, 1024);
  s.block(s.first, 3);
  s.hand_over(1_MiB);
  const Machine one = machine("hgx-h100", 16, {{5, 2}});
  EXPECT_EQ(Simulator(one, {.check_folding = true}).run(s.graph).time, run_on(one, s.graph, Folding::exact).time);
  EXPECT_THROW(Simulator(one, {.network = "packet", .check_folding = true}), InputError);
}

TEST(Folding, NamesTheRankAndTheTaskThatEndsAtAnotherTime) {
  WovenStages s(16, 4);
  s.work(s.first, 1024);
  s.talk(s.first, s.tp, CollectiveKind::all_reduce, 1_MiB);
  const auto run = [&](std::vector<SlowChip> slow) {
    return Simulator(machine("hgx-h100", 16, std::move(slow)), {.keep_task_ends = true}).run(s.graph);
  };
  const Execution even = run({}), odd = run({{2, 2}});
  EXPECT_EQ(difference_between(s.graph, even, even), "");
  EXPECT_THAT(
      difference_between(s.graph, even, odd),
      testing::MatchesRegex("folding is wrong: rank 2 of 'stage 0' has done 'work' \\(task 0\\) after [0-9]+ ps, "
                            "and after [0-9]+ ps where every rank runs by itself"));
}

/// A cable of the network by the names of its ends, with half of it left, or less.
std::string some_fault(const Topology& network) {
  const Link& link = network.links[LinkId(*rc::gen::inRange<std::size_t>(0, network.links.size()))];
  std::string from, to;
  for (const auto& [name, node] : name_nodes(network, link.plane)) {
    from = node == link.from ? name : from;
    to = node == link.to ? name : to;
  }
  return network.planes[link.plane].name + ":" + from + "-" + to + "=" + std::to_string(*rc::gen::inRange(10, 95)) +
         "%";
}

RC_GTEST_PROP(Folding, EndsEveryRankWhenItWouldByItself, ()) {
  const std::string system = *rc::gen::element<std::string>("hgx-h100", "cloudmatrix384", "gb200-nvl72");
  const auto ranks = *rc::gen::element(8U, 16U, 32U, 64U);
  const auto tensor = *rc::gen::element(1U, 2U, 4U);
  std::map<std::uint32_t, double> slow_ranks;  // no rank is slow twice
  for (int i = *rc::gen::inRange(0, 3); i > 0; --i) {
    slow_ranks[*rc::gen::inRange(0U, ranks)] = *rc::gen::element(1.25, 2.0);
  }
  std::vector<SlowChip> slow;
  for (const auto& [rank, slowdown] : slow_ranks) {
    slow.push_back({rank, slowdown});
  }
  std::vector<std::string> faults;
  const Machine whole = load_machine(system, {.ranks = ranks, .bundles = Bundles::apart});
  for (int i = *rc::gen::inRange(0, 3); i > 0; --i) {
    faults.push_back(some_fault(whole.network()));
  }
  WovenStages s(ranks, tensor);
  for (int i = *rc::gen::inRange(1, 8); i > 0; --i) {
    const RoleId role = *rc::gen::element(s.first, s.second);
    const auto kind = *rc::gen::element(CollectiveKind::all_reduce, CollectiveKind::all_gather,
                                        CollectiveKind::all_to_all, CollectiveKind::dispatch);
    const Bytes bytes = *rc::gen::inRange(0, 64) * 64_KiB;
    switch (*rc::gen::inRange(0, 5)) {
      case 0:
        s.work(role, *rc::gen::inRange(1, 2000));
        break;
      case 1:
        s.talk(role, s.tp, kind, bytes, 1);
        break;
      case 2:
        s.talk(role, s.dp, kind, bytes);
        break;
      case 3:
        s.hand_over(bytes);
        break;
      default:
        s.block(role, *rc::gen::inRange(1U, 4U));
    }
  }
  const Machine one = machine(system, ranks, slow, faults);
  const Execution folded = run_on(one, s.graph, Folding::exact);
  const Execution full = run_on(one, s.graph, Folding::off);
  RC_CLASSIFY(folded.classes.size() > 2, "asymmetric");
  RC_ASSERT(full.classes.size() == ranks);
  RC_ASSERT(ends(s.graph, folded) == ends(s.graph, full));
  Simulator(one, {.check_folding = true}).run(s.graph);  // of every task, too
}

}  // namespace
}  // namespace podium::test
