#include "sim/system/simulator.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sim/collective/library.h"
#include "tests/system/graphs.h"

namespace podium::test {
namespace {

using namespace literals;

TEST(Simulator, RunsTasksOfAStreamOneAfterTheOther) {
  Builder b;
  b.delay(0, 3_us);
  b.delay(0, 4_us);
  EXPECT_NEAR(run(b.graph).time.value(), (7_us).value(), picosecond);
}

TEST(Simulator, DoesCollectivesAsTheLibraryWasMeasuredWhereItIsAskedTo) {
  const auto library = load_library("hgx-h100");
  ASSERT_TRUE(library);
  const CommunicationCosts costs = communication_costs(server().system(), server().chip(), server().network());
  Router router(server().network());
  LibraryTimes times(*library, server().network(), router, costs);
  Placement all{{{}}};
  for (std::uint32_t rank = 0; rank < 8; ++rank) {
    all.groups.front().push_back(server().node(rank));
  }
  // large ones go in the switches, whose copies wait for the first sums: a prediction takes both to begin at once
  for (const auto& [bytes, filling] : {std::pair(Bytes(64_KiB), 0.0), std::pair(Bytes(64_MiB), 0.4e-6)}) {
    Builder b;
    b.all_reduce(0, bytes);
    SimulatorOptions options;
    options.use_library = true;
    const double measured = run(b.graph, options).time.value();
    const double predicted = times.time(CollectiveKind::all_reduce, all, bytes)->value();
    EXPECT_GE(measured, predicted - picosecond);
    EXPECT_LE(measured, predicted + filling + picosecond);
    EXPECT_NE(measured, run(b.graph).time.value());
    options.algorithm = "ring";
    EXPECT_NE(measured, run(b.graph, options).time.value()) << "a schedule, where one is named";
  }
}

TEST(Simulator, RunsStreamsSideBySideUnlessATaskWaitsForAnother) {
  Builder b;
  b.delay(0, 3_us);
  b.delay(1, 4_us);
  EXPECT_NEAR(run(b.graph).time.value(), (4_us).value(), picosecond);

  Builder c;
  const TaskId first = c.delay(0, 3_us);
  c.delay(1, 4_us, {first});
  EXPECT_NEAR(run(c.graph).time.value(), (7_us).value(), picosecond);
}

TEST(Simulator, TakesKernelTimesFromTheChipsComputeModel) {
  Builder b;
  b.compute(0, product(512));
  b.compute(0, product(4096));
  const Seconds expected = kernel_time(product(512)) + kernel_time(product(4096));
  const Execution execution = run(b.graph);
  EXPECT_NEAR(execution.time.value(), expected.value(), 2 * picosecond);
  EXPECT_DOUBLE_EQ(execution.flops.value(), 8 * 2.0 * (512 + 4096) * 4096 * 4096);
}

TEST(Simulator, GivesAStreamTheCoresThatTheGraphSays) {
  Builder b;
  b.graph.share_cores(b.role, 0, {0.5, 0.5});
  b.compute(0, product(4096));
  EXPECT_NEAR(run(b.graph).time.value(), kernel_time(product(4096), {0.5, 0.5}).value(), picosecond);
}

TEST(Simulator, StreamsShareTheBandwidthOfTheMemory) {
  const MemoryOp copy{"copy", 5_GiB, 5_GiB, {}};
  const Seconds alone = kernel_time(copy);
  const Seconds start = server().chip().achieves(KernelFamily::memory, DataType::bf16).start;
  Builder two;
  two.compute(0, copy);
  two.compute(1, copy);
  const Execution both = run(two.graph);
  EXPECT_NEAR(both.time.value(), 2 * (alone - start).value(), 10 * picosecond);
  EXPECT_GT(both.time, 20_GiB / server().chip().memory_bandwidth);
  EXPECT_NEAR(both.account.part("memory").value(), (both.time - start / 2).value(), start.value());
  EXPECT_NEAR(both.account.total().value(), both.time.value(), 10 * picosecond);

  // what asks for little gets it, and the other what is left
  const Gemm small_demand = product(131072);
  Builder unlike;
  unlike.compute(0, small_demand);
  unlike.compute(1, copy);
  const Execution mixed = run(unlike.graph, {.keep_spans = true});
  ASSERT_GT(kernel_time(small_demand), alone);
  EXPECT_NEAR(mixed.time.value(), kernel_time(small_demand).value(), picosecond);
  EXPECT_GT(mixed.spans.front().end, Time() + alone);
}

TEST(Simulator, AccountsForAllOfTheTime) {
  Builder b;
  b.delay(0, 5_us);
  const TaskId computed = b.compute(0, product(1024));
  const TaskId reduced = b.all_reduce(1, 64_MiB, {computed});
  b.compute(0, product(2048));
  b.compute(0, product(16), {reduced});
  const Execution execution = run(b.graph);
  EXPECT_NEAR(execution.account.total().value(), execution.time.value(), 10 * picosecond);
  EXPECT_NEAR(execution.account.part("host").value(), (5_us).value(), picosecond);
  EXPECT_GT(execution.account.part("exposed talk").value(), 0);
}

TEST(Simulator, CommunicationThatComputeHidesIsNotExposed) {
  Builder alone;
  alone.all_reduce(1, 1_MiB);
  const Seconds talk = run(alone.graph).time;
  EXPECT_NEAR(run(alone.graph).account.part("exposed talk").value(), talk.value(), picosecond);

  Builder hidden;
  hidden.all_reduce(1, 1_MiB);
  hidden.compute(0, product(65536));
  ASSERT_GT(kernel_time(product(65536)), talk);
  const Execution execution = run(hidden.graph);
  EXPECT_EQ(execution.account.part("exposed talk").value(), 0);
  // while it lasts it takes its share of the cores from the part of the kernel that computes
  const Seconds whole = kernel_time(product(65536));
  const Seconds computing = whole - server().chip().achieves(KernelFamily::gemm, DataType::bf16).start;
  const double share = server().protocol(server().network().plane_index("nvlink")).core_share;
  ASSERT_GT(share, 0);
  const double pace = whole / (whole + computing * (1 / (1 - share) - 1));
  EXPECT_NEAR(execution.time.value(), (whole + talk * (1 - pace)).value(), 4 * picosecond);
  EXPECT_NEAR(execution.account.total().value(), execution.time.value(), 10 * picosecond);
}

TEST(Simulator, ABlockSharesItsCoresWithACollectiveAsItsTasksDo) {
  const auto beside = [](bool in_block, int collectives) {
    Builder inner, b;
    for (int i = 0; i < collectives; ++i) {
      b.all_reduce(static_cast<std::uint16_t>(1 + i), 1_GiB);
    }
    inner.compute(0, product(1024));
    if (in_block) {
      b.graph.add(b.role, 0, 0, BlockTask{b.graph.add_block(inner.graph), 2});
    } else {
      b.compute(0, product(1024));
      b.compute(0, product(1024));
    }
    const Execution execution = run(b.graph, {.keep_spans = true});
    return since_start(execution.spans.at(in_block ? 0 : 1).end);  // the computing ends first
  };
  const Seconds alone = 2 * kernel_time(product(1024));
  EXPECT_NEAR(beside(true, 0).value(), alone.value(), 10 * picosecond);
  for (const int collectives : {1, 2}) {
    EXPECT_NEAR(beside(true, collectives).value(), beside(false, collectives).value(), 10 * picosecond);
  }
  const double share = server().protocol(server().network().plane_index("nvlink")).core_share;
  const Seconds computing =
      alone - 2 * server().chip().achieves(KernelFamily::gemm, DataType::bf16).start;  // launches need no cores
  const double left = (1 - share) * (1 - share);
  EXPECT_NEAR(beside(false, 2).value(), (alone + computing * (1 / left - 1)).value(), 10 * picosecond);
}

TEST(Simulator, ABlockRunsAsLongAsItsTasksWrittenOut) {
  const auto write = [](Builder& b) {
    const TaskId computed = b.compute(0, product(1024));
    const TaskId reduced = b.all_reduce(1, 8_MiB, {computed});
    b.compute(0, product(512), {reduced});
  };
  Builder block, outer, flat;
  write(block);
  const BlockId id = outer.graph.add_block(block.graph);
  outer.graph.add(outer.role, 0, 0, BlockTask{id, 3});
  TaskId last;
  for (int i = 0; i < 3; ++i) {
    const std::vector<TaskId> after = i == 0 ? std::vector<TaskId>{} : std::vector<TaskId>{last};
    const TaskId computed = flat.compute(0, product(1024), after);
    const TaskId reduced = flat.all_reduce(1, 8_MiB, {computed});
    last = flat.compute(0, product(512), {reduced});
  }
  const Execution one = run(outer.graph);
  const Execution other = run(flat.graph);
  EXPECT_NEAR(one.time.value(), other.time.value(), 10 * picosecond);
  EXPECT_NEAR(one.account.total().value(), one.time.value(), 10 * picosecond);
  EXPECT_NEAR(one.account.part("exposed talk").value(), other.account.part("exposed talk").value(), 10 * picosecond);
  EXPECT_DOUBLE_EQ(one.flops.value(), other.flops.value());
}

TEST(Simulator, RunsOneOfEachClassOfMessagesAsItWouldRunAll) {
  Builder b;
  b.all_reduce(0, 8_MiB);
  b.all_reduce(1, 1_MiB);
  const Execution all = run(b.graph, {.folding = Folding::off});
  EXPECT_EQ(run(b.graph).time, all.time);
}

TEST(Simulator, RunsPacketsOverRealLinks) {
  const Machine apart = load_machine("hgx-h100", {.ranks = 8, .bundles = Bundles::apart});
  Builder talks, works;
  const TaskId reduced = talks.all_reduce(0, 8_MiB);
  talks.compute(0, product(1024), {reduced});
  works.compute(0, product(1024));
  const auto on = [&apart](const TaskGraph& graph, const std::string& network) {
    return Simulator(apart, {.network = network, .algorithm = "direct"}).run(graph).time;
  };
  const Seconds flow = on(talks.graph, "flow");
  const Seconds packet = on(talks.graph, "packet");
  EXPECT_GT(packet, flow) << "a packet is not divided among links";
  EXPECT_LT(packet, 1.05 * flow);
  EXPECT_EQ(on(works.graph, "packet"), on(works.graph, "flow"));
}

/// Two stages of four ranks each; the first sends to the second.
struct TwoStages {
  TaskGraph graph;
  RoleId first, second;
  std::uint16_t label;
  TwoStages() {
    first = graph.add_role({"stage 0", 0, 4});
    second = graph.add_role({"stage 1", 4, 4});
    label = graph.add_label("pp");
  }
};

TEST(Simulator, AReceiveEndsWhenItsMessageIsThere) {
  TwoStages s;
  s.graph.add(s.first, 0, s.label, DelayTask{10_us});
  s.graph.add(s.first, 1, s.label, SendTask{s.second, 7, 1_MiB});
  s.graph.add(s.second, 1, s.label, ReceiveTask{s.first, 7});
  const Execution sent_at_once = run(s.graph);
  EXPECT_GT(sent_at_once.by_role[1].part("exposed pp").value(), 0);

  TwoStages later;
  const TaskId before = later.graph.add(later.first, 0, later.label, DelayTask{1_ms});
  later.graph.add(later.first, 1, later.label, SendTask{later.second, 7, 1_MiB}, std::vector{before});
  later.graph.add(later.second, 1, later.label, ReceiveTask{later.first, 7});
  const Execution execution = run(later.graph);
  EXPECT_NEAR(execution.by_role[1].part("bubble").value(), (1_ms).value(), picosecond);
  EXPECT_NEAR(execution.by_role[1].part("exposed pp").value(), sent_at_once.by_role[1].part("exposed pp").value(),
              2 * picosecond);
}

TEST(Simulator, NamesTheSendThatNobodyMakes) {
  TwoStages s;
  s.graph.add(s.second, 1, s.label, ReceiveTask{s.first, 42});
  try {
    run(s.graph);
    FAIL() << "a receive without a send ended";
  } catch (const RunError& error) {
    const std::string text = error.what();
    EXPECT_NE(text.find("stage 1"), std::string::npos) << text;
    EXPECT_NE(text.find("stage 0"), std::string::npos) << text;
    EXPECT_NE(text.find("42"), std::string::npos) << text;
  }
}

TEST(Simulator, RefusesTwoSendsWithOneTag) {
  TwoStages s;
  s.graph.add(s.first, 0, s.label, SendTask{s.second, 1, 1_KiB});
  s.graph.add(s.first, 1, s.label, SendTask{s.second, 1, 1_KiB});
  EXPECT_THROW(run(s.graph), RunError);
}

TEST(Simulator, TakesANamedAlgorithmWhereItSuitsAndSaysWhereItDoesNot) {
  const auto exchange = [](CollectiveKind kind) {
    Builder b;
    b.graph.add(b.role, 0, 1, CollectiveTask{b.all, kind, 64_MiB});
    return b;
  };
  const Execution suits = run(exchange(CollectiveKind::all_gather).graph, {.algorithm = "ring"});
  EXPECT_GT(suits.time, run(exchange(CollectiveKind::all_gather).graph).time) << "a ring has more steps than direct";
  EXPECT_TRUE(suits.notes.empty());
  const Builder other = exchange(CollectiveKind::all_to_all);
  const Execution named = run(other.graph, {.algorithm = "ring"}), best = run(other.graph);
  EXPECT_EQ(named.time, best.time);
  ASSERT_EQ(named.notes.size(), 1U);
  EXPECT_NE(named.notes.begin()->find("ring cannot do all_to_all among 8 ranks: "), std::string::npos);
  EXPECT_TRUE(best.notes.empty());
  Builder outer;
  outer.graph.add(outer.role, 0, 0, BlockTask{outer.graph.add_block(other.graph), 1});
  EXPECT_EQ(run(outer.graph, {.algorithm = "ring"}).notes, named.notes);
  EXPECT_THROW(run(other.graph, {.algorithm = "rung"}), InputError);
}

TEST(Simulator, ForgetsNothingAndRemembersNothingWrong) {
  Builder b;
  const TaskId computed = b.compute(0, product(1024));
  b.all_reduce(1, 64_MiB, {computed});
  Simulator simulator(server());
  const Execution first = simulator.run(b.graph);
  Builder other;
  other.all_reduce(1, 1_KiB);
  simulator.run(other.graph);
  const Execution again = simulator.run(b.graph);
  EXPECT_EQ(first.time, again.time);
  EXPECT_EQ(first.signature, again.signature);
  EXPECT_EQ(first.signature, run(b.graph).signature);
}

TEST(Simulator, TellsSpansWhereTheyAreAskedFor) {
  Builder b;
  const TaskId first = b.delay(0, 2_us);
  const TaskId second = b.delay(0, 3_us);
  EXPECT_TRUE(run(b.graph).spans.empty());
  SimulatorOptions options;
  options.keep_spans = true;
  const Execution execution = run(b.graph, options);
  ASSERT_EQ(execution.spans.size(), 2U);
  EXPECT_EQ(execution.spans[0].task, first);
  EXPECT_EQ(execution.spans[1].task, second);
  EXPECT_EQ(execution.spans[1].begin, execution.spans[0].end);
}

TEST(Machine, RefusesMoreThanItsDomainsHold) {
  EXPECT_THROW(load_machine("hgx-h100", {8, 9}), InputError);
  EXPECT_THROW(load_machine("hgx-h100", {0, 0}), InputError);
  EXPECT_THROW(load_machine("hgx-h100", {1'000'000, 8}), InputError);
}

TEST(Machine, LeavesRanksOfADomainIdleWhereAskedTo) {
  const Machine machine = load_machine("hgx-h100", {12, 6});
  EXPECT_EQ(machine.domains(), 2U);
  EXPECT_EQ(machine.node(5), NodeId(5));
  EXPECT_EQ(machine.node(6), NodeId(8));
}

TEST(Simulator, SaysThatBytesNeverArriveWhereALinkIsAsGoodAsNone) {
  Builder b;
  b.all_reduce(0, 1_MiB);
  Machine machine = server().improved({Resource::Kind::bandwidth, "nvlink"}, 1e-15);
  try {
    Simulator(machine).run(b.graph);
    ADD_FAILURE() << "it ended";
  } catch (const RunError& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr("bytes of 1 are under way and never arrive: a link of theirs has no "
                                                 "bandwidth, or so little that"));
  }
}

}  // namespace
}  // namespace podium::test
