#include "sim/report/verdict.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>

#include "sim/report/format.h"
#include "sim/report/tables.h"
#include "tests/report/example.h"

namespace podium {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

TEST(Verdict, NamesTheLeaderAndTheFactor) {
  const ComparisonResult result = test::small_comparison({100, 250});
  EXPECT_THAT(verdict(result, contests(result).front()),
              HasSubstr("B gives " + factor(250.0 / 100) + " as much as A: 250 against 100 tokens/s."));
}

TEST(Verdict, HasTheStandingsOfEveryMeasureFromTheCases) {
  const ComparisonResult result = test::example_comparison();
  const std::vector<Contest> all = contests(result);
  ASSERT_EQ(all.size(), 4u);  // two workloads, two regimes
  for (const Contest& contest : all) {
    ASSERT_EQ(contest.cases.size(), 2u);
    const CaseResult& first = *contest.standings[3].places.at(0).of;
    const CaseResult& second = *contest.standings[3].places.at(1).of;
    EXPECT_EQ(contest.standings[3].measure, "per watt");
    EXPECT_GE(first.throughput.per_watt, second.throughput.per_watt);
    EXPECT_DOUBLE_EQ(contest.standings[3].places[1].behind, first.throughput.per_watt / second.throughput.per_watt);
  }
}

TEST(Verdict, SaysWhoLeadsWhereLeadersDifferByMeasure) {
  const ComparisonResult result = test::example_comparison();
  const Contest contest = contests(result).front();
  const double whole = result.cases[0].throughput.per_system / result.cases[1].throughput.per_system;
  const double chip = result.cases[1].throughput.per_chip / result.cases[0].throughput.per_chip;
  ASSERT_GT(whole, 1);
  ASSERT_GT(chip, 1);
  const std::string text = verdict(result, contest);
  EXPECT_THAT(text, HasSubstr("Huawei CloudMatrix384 gives " + factor(whole) + " as much as NVIDIA GB200 NVL72"));
  EXPECT_THAT(text, HasSubstr("NVIDIA GB200 NVL72 gives " + factor(chip) + " as much per chip"));
}

TEST(Verdict, CallsEqualSystemsLevel) {
  const ComparisonResult result = test::small_comparison({100, 100.1});
  EXPECT_THAT(verdict(result, contests(result).front()), HasSubstr("B gives as much as A"));
}

TEST(Verdict, ComparesTheLeaderWithEachOfMany) {
  const ComparisonResult result = test::small_comparison({100, 400, 200});
  const Contest contest = contests(result).front();
  std::vector<std::string> order;
  for (const Standing::Place& place : contest.standings.front().places) {
    order.push_back(place.of->system);
  }
  EXPECT_THAT(order, ElementsAre("B", "C", "A"));
  EXPECT_THAT(verdict(result, contest), HasSubstr("B gives 2.00× as much as C and 4.00× as much as A"));
}

TEST(Verdict, ListsMoreThanTwoOthersWithCommas) {
  const ComparisonResult result = test::small_comparison({100, 400, 200, 50});
  EXPECT_THAT(verdict(result, contests(result).front()),
              HasSubstr("2.00× as much as C, 4.00× as much as A and 8.00× as much as D: 400 against 200, 100 and 50"));
}

TEST(Verdict, CallsATieNoLead) {
  const ComparisonResult level = test::small_comparison({100, 100.9});  // within what a search for a rate can tell
  EXPECT_EQ(summary(level).at(1), "As a whole, none leads.");
  ComparisonResult mixed = test::small_comparison({100, 100.9});
  for (CaseResult& one : test::small_comparison({100, 250}).cases) {
    mixed.cases.push_back(one);
    mixed.cases.back().workload = "other work";
  }
  EXPECT_EQ(summary(mixed).at(1),
            "As a whole, B leads in 1 of 2 comparisons (" + factor(2.5) + "); in 1 the first two are level.");
}

TEST(Verdict, SaysBothOfTwoComparisons) {
  ComparisonResult result = test::small_comparison({100, 250});
  for (CaseResult& one : test::small_comparison({100, 200}).cases) {
    result.cases.push_back(one);
    result.cases.back().workload = "other work";
  }
  EXPECT_THAT(summary(result).at(1), HasSubstr("B leads in both comparisons (2.00× to 2.50×)"));
}

TEST(Verdict, NamesWhatThePlanThatComesNearestLacks) {
  ComparisonResult result = test::small_comparison({100, 0});
  result.cases[1].alternatives = {{"narrow", 0, "needs 90 GB of 8 GB", 90. / 8, Lack::memory},
                                  {"wide", 0, "needs 9 GB of 8 GB", 9. / 8, Lack::memory},
                                  {"odd", 0, "odd"}};
  EXPECT_EQ(refusal(result.cases[1]), "of 3 tried, the nearest is wide: needs 9 GB of 8 GB");
  result.cases[1].alternatives.push_back({"slow", 0, "takes 2 s of 1 s", 2, Lack::time});
  EXPECT_EQ(refusal(result.cases[1]), "of 4 tried, the nearest is slow: takes 2 s of 1 s") << "which fits";
  result.cases[1].alternatives.push_back({"pair", 0, "keeps the objective at no rate", 0, Lack::rate});
  EXPECT_EQ(refusal(result.cases[1]), "of 5 tried, the nearest is pair: keeps the objective at no rate");
}

TEST(Verdict, SaysWhyASystemHasNoResultAndDoesNotRankIt) {
  const ComparisonResult result = test::small_comparison({100, 0});
  const std::string text = verdict(result, contests(result).front());
  EXPECT_THAT(text, HasSubstr("A (1 chips) gives 100 tokens/s."));
  EXPECT_THAT(text, HasSubstr("B (1 chips) has no plan: of 3 tried, the nearest is wide: needs 9 GB of 8 GB."));
  EXPECT_EQ(contests(result).front().standings.front().places.size(), 1u);
}

TEST(Verdict, SaysSoWhereNobodyHasAResult) {
  const ComparisonResult result = test::small_comparison({0, 0});
  EXPECT_THAT(verdict(result, contests(result).front()), HasSubstr("A (1 chips) has no plan"));
  EXPECT_EQ(summary(result).size(), 1u);  // the machines only
}

TEST(Verdict, SumsUpHowOftenAndByWhatFactorsEachLeads) {
  const ComparisonResult result = test::example_comparison();
  std::size_t led = 0;
  double least = 1e9, most = 0;
  for (const Contest& contest : contests(result)) {
    const Standing& whole = contest.standings.front();
    if (whole.places[0].of->system == "cloudmatrix384") {
      ++led;
      least = std::min(least, whole.places[1].behind);
      most = std::max(most, whole.places[1].behind);
    }
  }
  const std::vector<std::string> sentences = summary(result);
  EXPECT_THAT(sentences.at(1), HasSubstr("Huawei CloudMatrix384 leads in " + std::to_string(led) +
                                         " of 4 comparisons (" + factor(least) + " to " + factor(most) + ")"));
  EXPECT_THAT(sentences.at(2), HasSubstr("NVIDIA GB200 NVL72 leads in all 4 comparisons"));
}

TEST(SweepVerdict, ComparesAtTheLargestCountThatAllHave) {
  SweepResult sweep = test::example_sweep();
  const std::string workload = sweep.points.front().workload;
  const auto at = [&](const std::string& system, std::uint32_t chips) -> SweepPoint& {
    for (SweepPoint& point : sweep.points) {
      if (point.workload == workload && point.system == system && point.chips == chips) {
        return point;
      }
    }
    throw std::out_of_range(system);
  };
  at("gb200-nvl72", 2048).refused = "none left";
  const Throughput& first = at("gb200-nvl72", 1024).throughput;
  const Throughput& second = at("cloudmatrix384", 1024).throughput;
  ASSERT_GT(first.per_system, second.per_system);
  const std::string text = summary(sweep).front();
  EXPECT_THAT(text, HasSubstr("at 1,024 chips, NVIDIA GB200 NVL72 gives " +
                              factor(first.per_system / second.per_system) + " as much as Huawei CloudMatrix384"));
  EXPECT_THAT(text, HasSubstr(percent(first.per_chip / at("gb200-nvl72", 8).throughput.per_chip)));
}

TEST(SweepVerdict, SaysNothingWhereNoCountIsCommon) {
  SweepResult sweep = test::example_sweep();
  for (SweepPoint& point : sweep.points) {
    point.refused = point.system == "gb200-nvl72" ? "none left" : point.refused;
  }
  EXPECT_TRUE(summary(sweep).empty());
}

TEST(Crossover, IsASentenceWhetherReachedOrNot) {
  const ComparisonResult result = test::example_comparison();
  const Crossover& reached = result.crossovers.front();
  EXPECT_THAT(sentence(result, reached), HasSubstr(count(*reached.chips) + " chips of Huawei CloudMatrix384"));
  EXPECT_THAT(sentence(result, reached), HasSubstr(factor(*reached.chips / 72.0)));
  const Crossover& missed = result.crossovers.back();
  ASSERT_FALSE(missed.chips);
  EXPECT_THAT(sentence(result, missed), HasSubstr("Even 384 chips of Huawei CloudMatrix384 do not reach"));
}

TEST(Crossover, SaysWhereItTakesMoreThanWhatIsCompared) {
  const ComparisonResult result = test::example_comparison();
  Crossover reached = result.crossovers.front();
  EXPECT_THAT(sentence(result, reached), Not(HasSubstr("compared")));
  reached.chips = 416;
  EXPECT_THAT(sentence(result, reached), HasSubstr("more than the 384 compared"));
}

TEST(Crossover, HasNothingToReachWhereTheReferenceHasNoPlan) {
  ComparisonResult result = test::example_comparison();
  Crossover& missed = result.crossovers.back();
  missed.reference_throughput = 0;
  EXPECT_EQ(sentence(result, missed), "NVIDIA GB200 NVL72 has no plan: there is nothing to reach.");
  EXPECT_THAT(crossover_table(result).rows.back(),
              ElementsAre(missed.workload, missed.regime, testing::_, testing::_, "no plan", testing::_, "-", "-"));
}

TEST(Crossover, SaysWhereThePlansOvershootWhatIsNeeded) {
  const ComparisonResult result = test::example_comparison();
  Crossover reached = result.crossovers.front();
  EXPECT_THAT(sentence(result, reached), Not(HasSubstr("no fewer")));
  reached.reference_throughput = 39'100;
  reached.throughput = 49'400;
  EXPECT_THAT(sentence(result, reached), HasSubstr("49,400 of 39,100 needed: one node less does not reach that"));
}

TEST(Utilisation, NamesThePeak) {
  CaseResult one;
  EXPECT_EQ(utilisation(one), "");
  one.model_flops_utilisation = 0.437;
  one.peak_type = "fp8";
  EXPECT_EQ(utilisation(one), "Model FLOPs utilisation " + percent(0.437) + " of the fp8 peak.");
}

TEST(DisplayName, IsTheDescriptionsBeginningOrTheName) {
  EXPECT_EQ(display_name(test::example_comparison().systems, "gb200-nvl72"), "NVIDIA GB200 NVL72");
  EXPECT_EQ(display_name({}, "gb200-nvl72"), "gb200-nvl72");
}

TEST(DisplayName, TellsSystemsApartThatAreDescribedAlike) {
  std::vector<SystemSummary> systems = test::example_comparison().systems;
  systems.push_back(systems.back());
  systems.back().name = "what-if";
  EXPECT_EQ(display_name(systems, "what-if"), "NVIDIA GB200 NVL72 (what-if)");
  EXPECT_EQ(display_name(systems, "gb200-nvl72"), "NVIDIA GB200 NVL72 (gb200-nvl72)");
  EXPECT_EQ(display_name(systems, "cloudmatrix384"), "Huawei CloudMatrix384");
}

}  // namespace
}  // namespace podium
