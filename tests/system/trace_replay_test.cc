// Traces, run: what comes out of them, and that what is written out comes back the same.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <map>

#include "sim/system/simulator.h"
#include "sim/workload/trace_graph.h"
#include "sim/workload/trace_write.h"
#include "tests/config/temporary_folder.h"
#include "tests/core/error_of.h"
#include "tests/system/graphs.h"
#include "tests/workload/traces.h"

namespace podium::test {
namespace {

using namespace literals;

Execution replay(const Trace& trace, TraceTimes times = {}, const std::string& network = "flow") {
  const Machine machine = load_machine("hgx-h100", {.ranks = trace.ranks()});
  if (times.chip.name.empty()) {
    times.chip = machine.chip();
  }
  const TraceMatch match = match_ranks(trace);
  return Simulator(machine, {.network = network}).run(to_task_graph(trace, match, times).graph);
}

/// Computing for so many us, then an all-reduce of all ranks.
std::string step(std::uint64_t microseconds, std::int64_t bytes = 1 << 20) {
  return ChakraFile()
      .add({.id = 1, .name = "matmul", .microseconds = microseconds})
      .add({.id = 2, .type = 7, .after = {1}, .attributes = {{"comm_type", 0}, {"comm_size", bytes}}})
      .bytes();
}

Trace load(const std::vector<std::string>& files) {
  const TemporaryFolder folder;
  for (std::size_t rank = 0; rank < files.size(); ++rank) {
    std::ofstream(folder.path() / ("x." + std::to_string(rank) + ".et"), std::ios::binary) << files[rank];
  }
  return load_trace({folder.path().string()});
}

TEST(Replay, TakesTheSameTimeByRanksAsByOneRoleOfAll) {
  const Execution together = replay(load({step(50), step(50), step(50), step(50)}));
  ASSERT_EQ(together.by_role.size(), 1U);  // equal files are one role
  const Execution apart = replay(load({step(50), step(50), step(50), step(40)}));
  ASSERT_EQ(apart.by_role.size(), 4U);
  EXPECT_EQ(apart.time, together.time);  // the collective waits for the slowest
  EXPECT_NEAR(apart.by_role[3].part("bubble").value(), 10e-6, 1e-11);
  EXPECT_NEAR(together.account.part("compute").value(), 50e-6, 1e-11);
}

TEST(Replay, ScalesRecordedTimesByTheRatioOfPeaks) {
  const Trace trace = trace_of(ChakraFile().add({.id = 1, .microseconds = 100}).bytes());
  TraceTimes times{.compute = TraceTimes::Compute::scaled, .chip = load_chip("h100-sxm")};
  times.recorded_on = times.chip;
  for (auto& [type, peak] : times.recorded_on->matrix_peak) {
    peak *= 0.5;
  }
  EXPECT_NEAR(replay(trace, times).time.value(), 50e-6, 1e-11);
}

TEST(Replay, ScalesByTheRatioOfMemoriesWhatMovesForLongerThanItComputes) {
  TraceTimes times{.compute = TraceTimes::Compute::scaled, .chip = load_chip("h100-sxm")};
  times.recorded_on = times.chip;
  times.recorded_on->memory_bandwidth *= 0.25;
  const auto bytes = static_cast<std::int64_t>(times.chip.memory_bandwidth.value() * 1e-3);
  const auto time_of = [&](std::int64_t operations, std::int64_t moved) {
    const ChakraFile::Node node{
        .id = 1, .microseconds = 100, .attributes = {{"num_ops", operations}, {"tensor_size", moved}}};
    return replay(trace_of(ChakraFile().add(node).bytes()), times).time.value();
  };
  EXPECT_NEAR(time_of(10, bytes), 25e-6, 1e-11);
  EXPECT_NEAR(time_of(1'000'000'000'000, 10), 100e-6, 1e-11);
}

TEST(Replay, PredictsFromCountsWhereTheyWereRecorded) {
  const ChipSpec chip = load_chip("h100-sxm");
  const auto bytes = static_cast<std::int64_t>(chip.memory_bandwidth.value() * 1e-3);
  const Trace trace = trace_of(
      ChakraFile().add({.id = 1, .microseconds = 7, .attributes = {{"num_ops", 10}, {"tensor_size", bytes}}}).bytes());
  EXPECT_NEAR(replay(trace).time.value(), 7e-6, 1e-11);
  const TraceTimes times{.compute = TraceTimes::Compute::predicted, .chip = chip};
  EXPECT_NEAR(replay(trace, times).time.value(), 1e-3, 1e-9);
}

TEST(Replay, CountsWorkAsThatOfWhatBoundsIt) {
  const ChipSpec chip = load_chip("h100-sxm");
  const auto bytes = static_cast<std::int64_t>(chip.memory_bandwidth.value() * 1e-3);
  const Trace moving = trace_of(
      ChakraFile().add({.id = 1, .microseconds = 7, .attributes = {{"num_ops", 10}, {"tensor_size", bytes}}}).bytes());
  EXPECT_NEAR(replay(moving).account.part("memory").value(), 7e-6, 1e-11);
  const Trace computing = trace_of(
      ChakraFile()
          .add({.id = 1, .microseconds = 7, .attributes = {{"num_ops", 1'000'000'000'000}, {"tensor_size", 8}}})
          .bytes());
  EXPECT_NEAR(replay(computing).account.part("compute").value(), 7e-6, 1e-11);
  EXPECT_NEAR(replay(computing).flops.value(), 1e12, 1);
}

TEST(Replay, TakesLongerForRecordedWorkOfASlowChipAndNotOfItsHost) {
  const std::string text = "num_ranks 1\nrank 0 {\na: calc 1000\n}\n";
  Allocation slow{.ranks = 1};
  slow.slow = {{0, 2}};
  const Machine machine = load_machine("hgx-h100", slow);
  const auto time = [&](const Trace& trace) {
    const TraceTimes times{.chip = machine.chip()};
    return Simulator(machine, {}).run(to_task_graph(trace, match_ranks(trace), times).graph).time.value();
  };
  Trace trace = trace_of(text);
  EXPECT_NEAR(time(trace), 2e-6, 1e-12);
  trace.programs[0].nodes[0].place = TracePlace::host;
  EXPECT_NEAR(time(trace), 1e-6, 1e-12);
}

TEST(Replay, TellsRanksApartWhoseProductsDiffer) {
  Trace trace = trace_of(ChakraFile().add({.id = 1, .microseconds = 10}).bytes());
  trace.kernels = {Gemm{.type = DataType::bf16, .m = 128, .n = 128, .k = 128},
                   Gemm{.type = DataType::bf16, .m = 16384, .n = 16384, .k = 16384}};
  trace.programs.push_back(trace.programs[0]);
  trace.programs[1].base = 1;
  const TraceTimes times{.compute = TraceTimes::Compute::predicted, .chip = load_chip("h100-sxm")};
  const auto with = [&](std::uint32_t first, std::uint32_t second) {
    trace.programs[0].nodes[0].kernel = first;
    trace.programs[1].nodes[0].kernel = second;
    return replay(trace, times);
  };
  EXPECT_EQ(with(0, 0).by_role.size(), 1U);
  EXPECT_EQ(with(0, 1).by_role.size(), 2U);
  EXPECT_EQ(with(0, 1).time, with(1, 0).time);
  EXPECT_EQ(with(0, 1).time, with(1, 1).time);
}

TEST(Replay, LetsAProcessorTakeTheFirstThatCan) {
  // c comes after a in the file, and a waits for a message that c's own answer brings
  const Trace trace = trace_of(
      "num_ranks 2\n"
      "rank 0 {\nr: recv 8b from 1\na: calc 100\na requires r\nc: calc 100\ns: send 8b to 1\ns requires c\n}\n"
      "rank 1 {\nr: recv 8b from 0\ns: send 8b to 0\ns requires r\n}\n");
  check_progress(trace, match_ranks(trace));
  const Execution execution = replay(trace);
  EXPECT_EQ(execution.spans.size(), 0U);
  EXPECT_GT(execution.time.value(), 200e-9);
}

TEST(Replay, LetsAProcessorDoOneThingAtATimeInTheOrderOfTheFileOfWhatCan) {
  Builder b(1);
  const TaskId first = b.delay(TaskGraph::first_come, 2_us);
  b.delay(1, 1_us);
  const TaskId late = b.delay(TaskGraph::first_come, 3_us, {TaskId(1)}), early = b.delay(TaskGraph::first_come, 5_us);
  const Execution execution = run(b.graph, {.keep_spans = true});
  std::map<TaskId, Time> begun;
  for (const Span& span : execution.spans) {
    begun[span.task] = span.begin;
  }
  EXPECT_EQ(begun[first], Time());
  EXPECT_EQ(begun[late], Time() + 2_us) << "it could begin at 1 us, and was added before the other";
  EXPECT_EQ(begun[early], Time() + 5_us);
  EXPECT_EQ(execution.time, 10_us);
}

TEST(Replay, TakesTheFirstInTheFileWhereverWhatItWaitsForStands) {
  const auto time = [](const std::string& lines) {
    return replay(trace_of("num_ranks 1\nrank 0 {\n" + lines + "w: calc 90000 cpu 2\nw requires x\n}\n")).time;
  };
  const std::string x = "x: calc 10000\n", p = "p: calc 100000\n", y = "y: calc 50000\n", z = "z: calc 40000 cpu 1\n";
  EXPECT_EQ(time(x + p + y + z + "x requires z\n"), 200_us) << "x can begin at 40 us, and is taken at 100";
  EXPECT_EQ(time(z + x + p + y + "x requires z\n"), 200_us);
  EXPECT_EQ(time(x + p + y + "z: calc 100000 cpu 1\nn: calc 0 cpu 3\nn requires z\nx requires n\n"), 200_us)
      << "what takes no time is through at once";
}

TEST(Replay, LetsWhatTakesNoTimePassWhoeverElseWaits) {
  // a and b end at once: what the one lets go takes no time and leads to y, the other lets x go
  const auto time = [](const std::string& first, const std::string& second) {
    return replay(trace_of("num_ranks 1\nrank 0 {\n" + first + second +
                           "y: calc 1000\nx: calc 100000\nz: calc 0\nw: calc 50000 cpu 3\n"
                           "x requires b\nz requires a\ny requires z\nw requires y\n}\n"))
        .time;
  };
  const std::string a = "a: calc 10000 cpu 1\n", b = "b: calc 10000 cpu 2\n";
  EXPECT_EQ(time(a, b), 111_us);
  EXPECT_EQ(time(b, a), 111_us);
}

TEST(Replay, RunsNodesOfOneStreamInOrderAndMessagesAtOnce) {
  const Trace trace = trace_of(
      "num_ranks 2\n"
      "rank 0 {\na: calc 1000 cpu 0\nb: calc 1000 cpu 0\nc: calc 1500 cpu 1\ns: send 1b to 1\n}\n"
      "rank 1 {\nr: recv 1b from 0\n}\n");
  const Execution execution = replay(trace);
  EXPECT_GE(execution.time.value(), 2e-6 * (1 - 1e-9));
  EXPECT_LT(execution.time.value(), 3.5e-6 + 20e-6);
}

TEST(WriteGoal, ComesBackAndRefusesCollectives) {
  const std::string text =
      "num_ranks 2\n"
      "\nrank 0 {\nl1: calc 100 cpu 1\nl2: send 8b to 1 tag 3\nl2 requires l1\n}\n"
      "\nrank 1 {\nl1: recv 8b from 0 tag 3\n}\n";
  std::set<std::string> notes;
  EXPECT_EQ(goal_text(trace_of(text), notes), text);
  EXPECT_THAT(notes, testing::IsEmpty());
  EXPECT_THAT(error_of([&] {
                goal_text(load({step(1), step(2)}), notes);
              }),
              testing::HasSubstr("GOAL has no collectives"));
}

}  // namespace
}  // namespace podium::test
