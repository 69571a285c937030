#include "sim/report/certainty.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sim/report/format.h"
#include "tests/report/example.h"

namespace podium {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::Not;

/// Of the first contest, and of the one whose winner a figure flips.
const Uncertainty& first(const ComparisonResult& result) { return result.uncertainties.at(0); }
const Uncertainty& last(const ComparisonResult& result) { return result.uncertainties.at(1); }

TEST(Certainty, SaysHowLikelyTheLeaderWinsWithoutAndWithTheModelsOwnError) {
  const ComparisonResult result = test::example_comparison();
  const Uncertainty& sure = last(result);
  const std::vector<std::string> said = certainty(result, sure);
  EXPECT_THAT(said, Contains(HasSubstr("NVIDIA GB200 NVL72 wins with a probability of " +
                                       probability(sure.by_figures.leader_wins))));
  EXPECT_THAT(said, Contains(HasSubstr(interval(sure.by_figures))));
  EXPECT_THAT(said, Contains(HasSubstr("model's own error")));
  EXPECT_THAT(said, Contains(HasSubstr(interval(sure.with_model_error))));
}

TEST(Certainty, NamesNoWinnerOfMachinesThatAreLevelWhateverIsDrawn) {
  const ComparisonResult result = test::example_comparison();
  Uncertainty level = last(result);
  level.ratio = 1;
  level.by_figures = level.with_model_error = {0.5, 1, 1};
  const std::vector<std::string> said = certainty(result, level);
  EXPECT_THAT(said, Contains("NVIDIA GB200 NVL72 and Huawei CloudMatrix384 are level, whatever is drawn."));
  EXPECT_THAT(said, Not(Contains(HasSubstr("win"))));
}

TEST(Certainty, NamesEachFigureThatAloneFlipsTheWinner) {
  const ComparisonResult result = test::example_comparison();
  const FigureEffect& flips = last(result).effects.at(0);
  ASSERT_LT(flips.at_low.value(), 1);
  EXPECT_THAT(certainty(result, last(result)),
              Contains(HasSubstr("makes Huawei CloudMatrix384 the winner: " + flips.file + " " + flips.figure.path +
                                 " at its low end, " + flips.figure.low + " (" + factor(*flips.at_low) + ")")));
  EXPECT_THAT(certainty(result, first(result)), Contains("No single figure flips the winner."));
}

TEST(Certainty, HoldsEachMachineAgainstWhatIsPublishedOfSuchWork) {
  const ComparisonResult result = test::example_comparison();
  const std::string training = anchors_sentence(result, last(result).workload, last(result).regime);
  EXPECT_THAT(training, HasSubstr("Huawei CloudMatrix384: nothing published to hold it against, a mean miss of " +
                                  percent(0.173) + " taken for it; NVIDIA GB200 NVL72: +" + percent(0.173) +
                                  " (GB200 training, NVFP4)."));
  const std::string serving = anchors_sentence(result, first(result).workload, first(result).regime);
  EXPECT_THAT(serving, HasSubstr("+" + percent(0.06) + " (CloudMatrix-384 decode); NVIDIA GB200 NVL72: -" +
                                 percent(0.013) + " (GB200 decode)"));
}

TEST(Certainty, DoubtsALeadThatIsNoLargerThanAMiss) {
  ComparisonResult result = test::example_comparison();
  Uncertainty& training = result.uncertainties.at(1);
  ASSERT_EQ(training.leader, "gb200-nvl72");
  training.ratio = 1.18;  // the miss is 1.173
  EXPECT_THAT(certainty(result, training), Not(Contains(HasSubstr("it is not sure"))));
  EXPECT_THAT(certainty_in_short(result), Not(HasSubstr("In 1 of 2")));
  training.ratio = 1.17;
  EXPECT_THAT(certainty(result, training),
              Contains(HasSubstr("no larger than the largest of these misses, " + factor(1.173))));
  EXPECT_THAT(certainty_in_short(result), HasSubstr("In 1 of 2 the lead is no larger than a miss"));
}

TEST(Certainty, CountsFiguresByWhatTheyDo) {
  const ComparisonResult result = test::example_comparison();
  EXPECT_THAT(certainty(result, first(result)), Contains(HasSubstr("2 figures with a range move the ratio by 0.5 % or "
                                                                   "more, 1 by less, and 21 not at all.")));
  EXPECT_EQ(effects_table(first(result)).rows.size(), 2U);
  EXPECT_EQ(effects_table(first(result), 1).rows.size(), 1U);
}

TEST(Certainty, SaysWhereNoPlanFits) {
  const ComparisonResult result = test::example_comparison();
  EXPECT_THAT(effects_table(last(result)).rows.at(1), Contains("no plan fits"));
}

TEST(Certainty, DoesNotClaimMoreThanDrawsCanTell) {
  EXPECT_EQ(probability(0.934), "93 %");
  EXPECT_EQ(probability(1), "over 99 %");
  EXPECT_EQ(probability(0.9901), "over 99 %");
  EXPECT_EQ(probability(0.001), "under 1 %");
}

TEST(Certainty, CutsSourcesAtAWord) {
  const ComparisonResult result = test::example_comparison();
  const std::string source = effects_table(first(result), 8, 30).rows.at(0).back();
  EXPECT_TRUE(source.ends_with(" ..."));
  EXPECT_EQ(first(result).effects[0].figure.source.find(source.substr(0, source.size() - 4) + " "), 0U);
}

TEST(Certainty, IsPartOfTheSummaryWhereItWasAsked) {
  ComparisonResult result = test::example_comparison();
  EXPECT_THAT(summary(result), Contains(HasSubstr("with a probability of 75 % to over 99 %.")));
  result.uncertainties.clear();
  EXPECT_THAT(summary(result), Not(Contains(HasSubstr("probability"))));
}

}  // namespace
}  // namespace podium
