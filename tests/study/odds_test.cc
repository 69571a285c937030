// Odds against closed forms of triangular distributions.
#include "sim/study/odds.h"

#include <gtest/gtest.h>

#include <cmath>

namespace podium::test {
namespace {

/// Of shares estimated from 20,000 draws: four standard errors at most.
constexpr double by_chance = 4 * 0.5 / 141;

Rng rng() { return {1, "test"}; }

/// Where a share of a triangular distribution lies below.
double triangular_quantile(double share, double low, double value, double high) {
  const double below = (value - low) / (high - low);
  return share < below ? low + std::sqrt(share * (high - low) * (value - low))
                       : high - std::sqrt((1 - share) * (high - low) * (high - value));
}

TEST(Odds, AreCertainWhereNothingIsUncertain) {
  const Odds odds = draw_odds({3, 2}, {}, rng());
  EXPECT_EQ(odds.leader_wins, 1);
  EXPECT_EQ(odds.low, 1.5);
  EXPECT_EQ(odds.high, 1.5);
}

TEST(Odds, ShareTheWinWhereContendersDrawLevel) {
  const Influence shared{0.5, {0.5, 0.5, 1}, {2, 2, 1}};
  const Odds odds = draw_odds({3, 3, 1}, {shared}, rng());
  EXPECT_DOUBLE_EQ(odds.leader_wins, 0.5);
  EXPECT_EQ(odds.low, 1);
  EXPECT_EQ(odds.high, 1);
}

TEST(Odds, FollowTheFigureThatALeadersThroughputIsInProportionTo) {
  const double low = 0.4, value = 0.79, high = 0.83, ratio = 1.2;
  const Influence figure{(value - low) / (high - low), {low / value, 1}, {high / value, 1}};
  const Odds odds = draw_odds({ratio, 1}, {figure}, rng());
  EXPECT_NEAR(odds.low, ratio / value * triangular_quantile(0.05, low, value, high), 0.01);
  EXPECT_NEAR(odds.high, ratio / value * triangular_quantile(0.95, low, value, high), 0.01);
  // the leader loses below value / ratio, which lies on the lower side
  const double lost = (value / ratio - low) * (value / ratio - low) / ((high - low) * (value - low));
  EXPECT_NEAR(odds.leader_wins, 1 - lost, by_chance);
}

TEST(Odds, AddUpFiguresThatAreIndependent) {
  // a symmetric triangle is the sum of two equal rectangles, and two of them that of four: Irwin and Hall's
  // distribution, whose upper twentieth begins at 4 - (24 / 20)^(1/4) but for a part in ten thousand
  const double width = 0.01, upper = (4 - std::pow(24 * 0.05, 0.25) - 2) * width;
  const Influence mine{0.5, {1 - width, 1}, {1 + width, 1}}, theirs{0.5, {1, 1 - width}, {1, 1 + width}};
  const Odds odds = draw_odds({2, 2}, {mine, theirs}, rng());
  EXPECT_NEAR(odds.high, 1 + upper, 0.02 * width);
  EXPECT_NEAR(odds.low, 1 - upper, 0.02 * width + width * width);
  EXPECT_NEAR(odds.leader_wins, 0.5, by_chance);
}

TEST(Odds, DoNotCareForWhatAllContendersShare) {
  const Influence shared{0.25, {0.5, 0.5}, {1.25, 1.25}};
  const Odds odds = draw_odds({3, 2}, {shared}, rng());
  EXPECT_EQ(odds.leader_wins, 1);
  EXPECT_DOUBLE_EQ(odds.low, 1.5);
  EXPECT_DOUBLE_EQ(odds.high, 1.5);
}

TEST(Odds, DoNotCareForAFigureWithoutEffect) {
  const Influence none{0.5, {1, 1}, {1, 1}};
  const Odds odds = draw_odds({3, 2}, {none, none}, rng());
  EXPECT_EQ(odds.low, 1.5);
  EXPECT_EQ(odds.high, 1.5);
}

TEST(Odds, CountOnlyWinsOverAllContenders) {
  // the third is ahead of the leader wherever the figure is above its value, which is everywhere
  const Influence third{0, {1, 1, 1}, {1, 1, 2}};
  const Odds odds = draw_odds({3, 2, 2.999}, {third}, rng());
  EXPECT_LT(odds.leader_wins, by_chance);
  EXPECT_EQ(odds.low, 1.5) << "the ratio is that to the next";
}

}  // namespace
}  // namespace podium::test
