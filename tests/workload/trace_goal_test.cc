// GOAL in: what begins with what.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/workload/traces.h"

namespace podium::test {
namespace {

using testing::ElementsAre;

/// Names of what the last node waits for.
std::set<std::string> last_waits_for(const std::string& requirements) {
  const Trace trace =
      trace_of("num_ranks 1\nrank 0 {\nl0: calc 1\nl1: calc 1 cpu 1\nl2: calc 1 cpu 2\nl3: calc 1 cpu 3\n" +
               requirements + "}\n");
  const TraceProgram& program = trace.programs.at(0);
  std::set<std::string> names;
  for (const std::uint32_t before : program.dependencies(program.nodes.back())) {
    names.insert(trace.names.at(program.nodes[before].name));
  }
  return names;
}

TEST(Goal, BeginsWithAnotherWhateverTheOrderOfTheLines) {
  EXPECT_THAT(last_waits_for("l1 requires l0\nl3 irequires l1\n"), ElementsAre("l0"));
  EXPECT_THAT(last_waits_for("l3 irequires l1\nl1 requires l0\n"), ElementsAre("l0"));
  EXPECT_THAT(last_waits_for("l3 irequires l2\nl2 irequires l1\nl1 requires l0\n"), ElementsAre("l0"));
  EXPECT_THAT(last_waits_for("l3 irequires l1\nl3 requires l2\nl1 requires l0\n"), ElementsAre("l0", "l2"));
}

TEST(Goal, RefusesOperationsThatBeginWithEachOther) {
  EXPECT_EQ(error_of([] { last_waits_for("l1 irequires l2\nl2 irequires l1\n"); }),
            "t:4: rank 0: node 2 ('l1'): it begins when another does, which begins when it does");
}

}  // namespace
}  // namespace podium::test
