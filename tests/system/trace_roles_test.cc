// Which ranks of a trace are run as one, and what work that was counted shares with what runs beside it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ctime>
#include <functional>
#include <map>

#include "sim/system/simulator.h"
#include "sim/workload/trace_graph.h"
#include "tests/core/error_of.h"
#include "tests/system/graphs.h"
#include "tests/workload/traces.h"

namespace podium::test {
namespace {

using namespace literals;
using Groups = std::map<std::string, std::vector<std::uint32_t>>;

TaskGraph graph_of(const Trace& trace) {
  return to_task_graph(trace, match_ranks(trace), {.chip = server().chip()}).graph;
}

Execution on_server(const Trace& trace) {
  return Simulator(load_machine("hgx-h100", {.ranks = trace.ranks()})).run(graph_of(trace));
}

/// A millisecond on the device, a call, another call that waits for nothing, and a millisecond on the host after that;
/// each rank's calls are of the groups that are named.
Trace of_calls(const std::vector<std::pair<std::string, std::string>>& by_rank, const Groups& groups,
               bool more_on_last = false) {
  TraceFiles files;
  for (std::size_t rank = 0; rank < by_rank.size(); ++rank) {
    const auto& [first, second] = by_rank[rank];
    const std::vector<std::pair<std::string, std::int64_t>> sum{{"comm_type", 0}, {"comm_size", 1000}};
    ChakraFile file;
    file.add({.id = 1, .microseconds = 1000});
    file.add({.id = 2, .type = 7, .after = {1}, .attributes = sum, .group = first});
    file.add({.id = 3, .type = 7, .attributes = sum, .group = second});
    file.add({.id = 4, .after = {3}, .microseconds = 1000, .attributes = {{"is_cpu_op", 1}}});
    if (more_on_last && rank + 1 == by_rank.size()) {
      file.add({.id = 5, .type = 1});
    }
    files.add("x." + std::to_string(rank) + ".et", file.bytes());
  }
  return files.load({.groups = groups});
}

TEST(RolesOfATrace, AreApartWhereGroupsDoNotCorrespondOneToOne) {
  const Groups groups{{"A", {0, 1}}, {"B", {0, 1}}, {"C", {2, 3}}};
  const std::pair<std::string, std::string> two{"A", "B"}, one{"C", "C"};
  // the second call of C waits for the first, and that of B does not wait for A
  const Execution run = on_server(of_calls({two, two, one, one}, groups));
  EXPECT_EQ(run.by_role.size(), 4U);
  EXPECT_GT(run.time, 2_ms);
  EXPECT_EQ(run.time, on_server(of_calls({two, two, one, one}, groups, true)).time);
  const Groups turned{{"A", {2, 3}}, {"B", {2, 3}}, {"C", {0, 1}}};
  EXPECT_EQ(on_server(of_calls({one, one, two, two}, turned)).time, run.time);
}

TEST(RolesOfATrace, AreApartWhereCallsThatMeetStandInOtherPlaces) {
  const Groups groups{{"A", {0, 1}}, {"B", {0, 1}}};
  const Execution run = on_server(of_calls({{"A", "B"}, {"B", "A"}}, groups));
  EXPECT_EQ(run.by_role.size(), 2U);
  EXPECT_GT(run.time, 2_ms);
}

TEST(RolesOfATrace, AreOneWhereGroupsCorrespond) {
  const Groups groups{{"A", {0, 1}}, {"B", {0, 1}}, {"C", {2, 3}}, {"D", {2, 3}}};
  const auto trace = [&](bool more) {
    return of_calls({{"A", "B"}, {"A", "B"}, {"C", "D"}, {"C", "D"}}, groups, more);
  };
  const Execution together = on_server(trace(false)), apart = on_server(trace(true));
  EXPECT_EQ(together.by_role.size(), 1U);
  EXPECT_EQ(apart.by_role.size(), 4U);
  EXPECT_EQ(together.time, apart.time);
}

TEST(RolesOfATrace, KeepTheOrderInWhichAGroupListsItsRanks) {
  const std::vector<std::pair<std::string, std::string>> calls(8, {"A", "A"});
  EXPECT_EQ(on_server(of_calls(calls, {{"A", {0, 4, 1, 5, 2, 6, 3, 7}}})).by_role.size(), 8U)
      << "an algorithm may go by the order";
  EXPECT_EQ(on_server(of_calls(calls, {{"A", {0, 1, 2, 3, 4, 5, 6, 7}}})).by_role.size(), 1U);
}

/// What of a millisecond each the memory, or the cores, are busy with.
constexpr double millisecond = 1e-3;
std::int64_t moved() { return static_cast<std::int64_t>(server().chip().memory_bandwidth.value() * millisecond); }

TEST(CountedWork, SharesTheMemoryWithWhatElseIsCounted) {
  ChakraFile file;
  file.add({.id = 1, .attributes = {{"num_ops", 1}, {"tensor_size", moved()}}});
  file.add({.id = 2, .type = 2, .attributes = {{"tensor_size", moved()}}});
  const Execution both = on_server(trace_of(file.bytes()));
  EXPECT_NEAR(both.time.value(), 2 * millisecond, 1e-9);
  EXPECT_NEAR(both.account.part("memory").value(), 2 * millisecond, 1e-9);
}

TEST(CountedWork, ThatComputesIsSlowedByHowMuchItMovesAlone) {
  const double peak = server().chip().peak(DataType::bf16).value();
  ChakraFile file;  // computes a millisecond and moves for half of it, beside a load of one
  file.add({.id = 1,
            .attributes = {{"num_ops", static_cast<std::int64_t>(peak * millisecond)}, {"tensor_size", moved() / 2}}});
  file.add({.id = 2, .type = 2, .attributes = {{"tensor_size", moved()}}});
  const Execution both = on_server(trace_of(file.bytes()));
  // each has half of the memory: the first is through after 1 ms, half of the load is left
  EXPECT_NEAR(both.time.value(), 1.5 * millisecond, 1e-9);
  EXPECT_NEAR(both.account.part("compute").value(), millisecond, 1e-9);
}

TEST(CountedWork, SharesTheMemoryWithKernels) {
  Builder b;
  const Gemm thin = product(16);
  const Seconds alone = kernel_time(thin);
  b.compute(0, thin);
  b.graph.add(b.role, 1, 0, DelayTask{alone, Worker::memory, {}, {}, Demands{{}, alone, {}}});
  const Execution beside = run(b.graph);
  EXPECT_GT(beside.time, 1.5 * alone);
  EXPECT_LE(beside.time, 2.0001 * alone);
}

TEST(CountedWork, LeavesRecordedTimesAsTheyAre) {
  ChakraFile file;
  file.add({.id = 1, .microseconds = 1000, .attributes = {{"num_ops", 1}, {"tensor_size", moved()}}});
  file.add({.id = 2, .type = 2, .microseconds = 1000, .attributes = {{"tensor_size", moved()}}});
  EXPECT_NEAR(on_server(trace_of(file.bytes())).time.value(), millisecond, 1e-9);
}

TEST(CountedWork, BeyondWhatCanBeSimulatedIsRefusedWithItsNode) {
  const auto message = [](const Trace& trace) { return error_of([&] { graph_of(trace); }); };
  EXPECT_THAT(message(trace_of(R"({"workload_graph": [{"id": 7, "name": "far", "type": 4, "num_ops": 1e30}]})")),
              testing::HasSubstr("t: rank 0: node 7 ('far'): with what its stream does before, it ends after"));
  EXPECT_THAT(
      message(trace_of("num_ranks 1\nrank 0 {\na: calc 9007199254740992\nb: calc 9007199254740992\n}\n")),
      testing::HasSubstr("t:4: rank 0: node 2 ('b'): with what its stream does before, it ends after 1.8e+07 s, "
                         "beyond the 106 days that can be simulated"));
}

/// The processor's time that something takes.
double seconds_of(const std::function<void()>& what) {
  const std::clock_t start = std::clock();
  what();
  return static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
}

TEST(Executor, TakesTimeInProportionToTasksThatAreOpenAtOnce) {
  const auto time = [](int tasks) {
    Builder b(1);
    const TaskId first = b.delay(0, 1_us);
    for (int i = 0; i < tasks; ++i) {
      b.delay(TaskGraph::unordered, 1_us, {first});
    }
    return seconds_of([&] { EXPECT_EQ(run(b.graph).time, 2_us); });
  };
  time(1000);
  EXPECT_LT(time(80'000), 40 * (time(10'000) + 1e-3)) << "8 would be even, and 64 the square";
}

TEST(OrderOfNodes, TakesTimeInProportionToThoseThatAreCounted) {
  // two circles of sends to one rank, one after the other in the file, each against the order of its nodes
  const auto time = [](int nodes) {
    std::string text = "num_ranks 2\nrank 0 {\n", requires_lines;
    for (const std::string circle : {"a", "b"}) {
      for (int i = 0; i < nodes; ++i) {
        text += circle + std::to_string(i) + ": send 8b to 1\n";
        if (i > 0) {
          requires_lines.append(circle).append(std::to_string(i - 1)).append(" requires ").append(circle);
          requires_lines.append(std::to_string(i)).append("\n");
        }
      }
    }
    text += requires_lines + "}\nrank 1 {\n}\n";
    return seconds_of(
        [&] { EXPECT_EQ(trace_of(text).programs.at(0).nodes.front().id, static_cast<std::uint64_t>(nodes)); });
  };
  time(100);
  EXPECT_LT(time(16'000), 20 * (time(2'000) + 1e-3)) << "8 would be even, and 64 the square";
}

}  // namespace
}  // namespace podium::test
