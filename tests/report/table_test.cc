#include "sim/report/table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sim/report/tables.h"
#include "tests/report/example.h"

namespace podium {
namespace {

const TextTable table{{{"name"}, {"value", Align::right}}, {{"a", "1.5"}, {"µs × 2", "10"}, {"short"}}};

TEST(PlainTable, AlignsColumnsByCharactersAndEndsNoLineWithBlanks) {
  EXPECT_EQ(plain(table, 1),
            " name    value\n"
            " ------  -----\n"
            " a         1.5\n"
            " µs × 2     10\n"
            " short\n");
}

TEST(MarkdownTable, SaysHowColumnsAreAlignedAndEscapesBars) {
  EXPECT_EQ(markdown(table),
            "| name | value |\n"
            "|---|---:|\n"
            "| a | 1.5 |\n"
            "| µs × 2 | 10 |\n"
            "| short |  |\n");
  EXPECT_EQ(escape_markdown("a|b *c* <d>\ne"), "a\\|b \\*c\\* \\<d\\> e");
}

TEST(TimeTable, HasOneColumnOfSharesASystemAndTheWholeLast) {
  const ComparisonResult result = test::example_comparison();
  const TextTable times = time_table(result, contests(result).front(), "decode step");
  ASSERT_EQ(times.columns.size(), 1 + 2 * 2u);
  EXPECT_EQ(times.rows.back(), (std::vector<std::string>{"all", "74.9 ms", "100.0 %", "56.7 ms", "100.0 %"}));
}

TEST(TimeTable, OrdersPartsAlikeWhateverTheirOrderInTheResult) {
  const ComparisonResult result = test::example_comparison();
  EXPECT_THAT(
      time_parts(contests(result).front(), "prefill step"),
      testing::ElementsAre("compute", "memory", "launch", "host", "exposed combine", "exposed dispatch", "bubble"));
}

TEST(GainsTable, ListsWhatHasAnEffectOnSomeMachine) {
  ComparisonResult result = test::example_comparison();
  PhaseResult& first = result.cases[0].phases[0];
  PhaseResult& second = result.cases[1].phases[0];
  first.gains = {{"memory bandwidth", 0.95}, {"host latency", 1}, {"link latency", 1}};
  second.gains = {{"memory bandwidth", 1}, {"host latency", 1 - 1e-6}, {"link latency", 0.999}};
  const TextTable table = gains_table(result, contests(result)[0], first.name);
  ASSERT_EQ(table.rows.size(), 2U);
  EXPECT_EQ(table.rows[0], (std::vector<std::string>{"memory bandwidth", "-5.00 % of time", "no effect"}));
  EXPECT_EQ(table.rows[1], (std::vector<std::string>{"link latency", "no effect", "-0.10 % of time"}));
}

TEST(SystemsTable, PutsAFactOfOneSystemWhereItStandsThere) {
  const TextTable facts =
      systems_table({{"a", "", "x", 1, 1, 1, "GPU", {{"bf16", "1"}, {"power", "2"}}},
                     {"b", "", "y", 1, 1, 1, "GPU", {{"bf16", "3"}, {"fp8", "4"}, {"power", "5"}}}});
  std::vector<std::string> names;
  for (const auto& row : facts.rows) {
    names.push_back(row.front());
  }
  EXPECT_THAT(names, testing::ElementsAre("chip", "chips", "dies or GPUs", "bf16", "fp8", "power"));
  EXPECT_EQ(facts.rows[4], (std::vector<std::string>{"fp8", "-", "4"}));
}

TEST(AlternativesTable, PutsTheBestFirstAndMarksTheChosen) {
  const CaseResult one = test::example_comparison().cases.front();
  const TextTable tried = alternatives_table(one);
  EXPECT_EQ(tried.rows.front().front(), one.plan);
  EXPECT_EQ(tried.rows.front().back(), "chosen");
  EXPECT_EQ(tried.rows.back().back(), one.alternatives.back().refused);
}

TEST(AlternativesTable, DoesNotCallSlowerWhatTheSearchCannotTellApart) {
  CaseResult one = test::example_comparison().cases.front();
  const double best = one.throughput.per_system;
  one.alternatives = {{one.plan, best, ""}, {"equal", best, ""}, {"near", 0.995 * best, ""}, {"less", 0.98 * best, ""}};
  const TextTable tried = alternatives_table(one);
  std::vector<std::string> reasons;
  for (const auto& row : tried.rows) {
    reasons.push_back(row.back());
  }
  EXPECT_THAT(reasons, testing::ElementsAre("chosen", "as fast, to 1 %", "as fast, to 1 %", "slower"));
}

}  // namespace
}  // namespace podium
