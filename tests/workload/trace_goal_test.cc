// GOAL in and out: what begins with what, and what a trace of another format becomes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "sim/workload/trace_write.h"
#include "tests/workload/traces.h"

namespace podium::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

/// Names of the work that l3 waits for, through beginnings of others.
std::set<std::string> last_waits_for(const std::string& requirements) {
  const Trace trace =
      trace_of("num_ranks 1\nrank 0 {\nl0: calc 1\nl1: calc 1 cpu 1\nl2: calc 1 cpu 2\nl3: calc 1 cpu 3\n" +
               requirements + "}\n");
  const TraceProgram& program = trace.programs.at(0);
  std::set<std::string> names;
  const auto is_last = [&](const TraceNode& node) { return trace.names.at(node.name) == "l3"; };
  std::vector<const TraceNode*> left{&*std::ranges::find_if(program.nodes, is_last)};
  while (!left.empty()) {
    const TraceNode& node = *left.back();
    left.pop_back();
    for (const std::uint32_t before : program.dependencies(node)) {
      const TraceNode& other = program.nodes[before];
      if (other.operation == TraceOperation::nothing) {
        left.push_back(&other);
      } else {
        names.insert(trace.names.at(other.name));
      }
    }
  }
  return names;
}

TEST(Goal, BeginsWithAnotherWhateverTheOrderOfTheLines) {
  EXPECT_THAT(last_waits_for("l1 requires l0\nl3 irequires l1\n"), ElementsAre("l0"));
  EXPECT_THAT(last_waits_for("l3 irequires l1\nl1 requires l0\n"), ElementsAre("l0"));
  EXPECT_THAT(last_waits_for("l3 irequires l2\nl2 irequires l1\nl1 requires l0\n"), ElementsAre("l0"));
  EXPECT_THAT(last_waits_for("l3 irequires l1\nl3 requires l2\nl1 requires l0\n"), ElementsAre("l0", "l2"));
}

TEST(Names, AreKeptOnceHoweverMany) {
  NameTable names;
  const auto text = [](std::uint32_t i) { return "name " + std::to_string(i); };
  constexpr std::uint32_t count = 1000;
  for (std::uint32_t i = 0; i < 2 * count; ++i) {
    EXPECT_EQ(names.add(text(i % count)), i % count);
  }
  EXPECT_EQ(names.at(7), text(7));
  EXPECT_EQ(names.find(text(count - 1)), count - 1);
  EXPECT_EQ(names.find(text(count)), std::nullopt);
}

TEST(Goal, KnowsALabelOfItsOwnRankAlone) {
  EXPECT_THAT(message_of("num_ranks 2\nrank 0 {\na: calc 1\n}\nrank 1 {\nb: calc 1\nb requires a\n}\n"),
              testing::HasSubstr("t:7: no operation of rank 1 has the label 'a'"));
}

TEST(Goal, RefusesOperationsThatBeginWithEachOther) {
  EXPECT_THAT(error_of([] { last_waits_for("l1 irequires l2\nl2 irequires l1\n"); }),
              HasSubstr("its dependencies are a cycle of 2: 5 ('the beginning of l1') waits for 6 ('the beginning of "
                        "l2') waits for 5"));
}

TEST(Goal, KeepsLongChainsOfBeginningsShort) {
  std::string text = "num_ranks 1\nrank 0 {\n";
  constexpr int count = 3000;
  for (int i = 0; i < count; ++i) {
    text += "l" + std::to_string(i) + ": calc 10\n";
  }
  for (int i = 1; i < count; ++i) {
    text += "l" + std::to_string(i) + " irequires l" + std::to_string(i - 1) + "\n";
  }
  for (int i = 7; i < count; ++i) {
    text += "l" + std::to_string(i) + " requires l" + std::to_string(i - 7) + "\n";
  }
  EXPECT_LT(trace_of(text + "}\n").programs.at(0).after.size(), 4U * count);
}

TEST(WriteGoal, KeepsTheOrderOfTheFile) {
  const Trace trace = trace_of(
      "num_ranks 1\nrank 0 {\na: calc 5\nb: calc 3\nd: calc 1 cpu 2\nc: calc 1 cpu 1\na requires c\nb requires d\n}\n");
  std::set<std::string> notes;
  const std::string text = goal_text(trace, notes);
  EXPECT_LT(text.find("calc 5"), text.find("calc 3"));
  EXPECT_LT(text.find("calc 3"), text.find("calc 1"));
}

/// What a trace in Chakra's JSON becomes; `notes` as GOAL's writer has them.
std::string goal_of(const TraceFiles& files, std::set<std::string>& notes) { return goal_text(files.load(), notes); }

TEST(WriteGoal, GivesEachStreamACpuAndReceivesTheirBytes) {
  TraceFiles files;
  files.add("x.0.json", R"({"workload_graph": [
    {"id": 1, "type": 4, "is_cpu_op": true, "runtime": 100}, {"id": 2, "type": 4, "runtime": 50},
    {"id": 3, "type": 1, "data_deps": [1, 2]}, {"id": 4, "type": 2, "tensor_size": 8, "runtime": 3},
    {"id": 5, "type": 5, "comm_dst": 1, "comm_size": 64, "data_deps": [3, 4]}]})");
  files.add("x.1.json", R"({"workload_graph": [{"id": 1, "type": 6, "comm_src": 0}]})");
  std::set<std::string> notes;
  EXPECT_EQ(goal_of(files, notes),
            "num_ranks 2\n"
            "\nrank 0 {\nl1: calc 100000 cpu 1\nl2: calc 50000\nl3: calc 0 cpu 2\nl4: calc 3000 cpu 3\n"
            "l5: send 64b to 1 tag 0\n"
            "l3 requires l1\nl3 requires l2\nl5 requires l3\nl5 requires l4\n}\n"
            "\nrank 1 {\nl1: recv 64b from 0 tag 0\n}\n");
  EXPECT_THAT(notes, ElementsAre(HasSubstr("1 nodes do nothing: they are calc 0"),
                                 HasSubstr("work of the host and of memory has cpus of its own")));
}

TEST(WriteGoal, SaysOfHowManyNodesItKnowsNoTime) {
  TraceFiles files;
  files.add("x.0.json", R"({"workload_graph": [{"id": 1, "type": 4, "num_ops": 1000},
    {"id": 2, "type": 3, "tensor_size": 8000}, {"id": 3, "type": 4, "num_ops": 1000, "runtime": 5}]})");
  std::set<std::string> notes;
  EXPECT_THAT(goal_of(files, notes), HasSubstr("l1: calc 0\nl2: calc 0 cpu 1\nl3: calc 5000\n"));
  EXPECT_THAT(notes, testing::Contains(HasSubstr("2 nodes have counts of operations or bytes and no time")));
}

TEST(WriteGoal, RefusesATagThatGoalDoesNotHave) {
  TraceFiles files;
  files.add("x.0.json", R"({"workload_graph": [{"id": 1, "type": 5, "comm_dst": 1, "comm_size": 8, "comm_tag": -2}]})");
  files.add("x.1.json", R"({"workload_graph": [{"id": 1, "type": 6, "comm_src": 0, "comm_tag": -2}]})");
  std::set<std::string> notes;
  EXPECT_THAT(error_of([&] { goal_of(files, notes); }), HasSubstr("its tag is -2, and GOAL's are 0 to 4294967295"));
}

}  // namespace
}  // namespace podium::test
