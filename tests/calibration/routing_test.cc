#include "sim/calibration/routing.h"

#include <gtest/gtest.h>

#include <cmath>

#include "sim/core/check.h"

namespace podium {
namespace {

TEST(Routing, AtRandomLeavesEachExpertOutWithTheChanceThatNoTokenChoosesIt) {
  const ExpertRouting routing{4, 6, 160, 4};
  const Reached found = reached(routing, "");
  EXPECT_DOUBLE_EQ(found.rows, 4 * 6 / 4.0);
  EXPECT_NEAR(found.touched, 40 * (1 - std::pow(1 - 6 / 160.0, 4)), 1e-12);
}

TEST(Routing, BalancedReachesEachExpertOnceBeforeAnyTwice) {
  EXPECT_EQ(reached({1, 8, 256, 64}, "balanced").rows, 1);
  EXPECT_EQ(reached({16, 8, 256, 1}, "balanced").touched, 16 * 8);
  const Reached full = reached({256, 8, 256, 8}, "balanced");
  EXPECT_EQ(full.touched, 256 / 8);
  EXPECT_EQ(full.rows, 256 * 8 / 8);
  EXPECT_EQ(full.spread, RowSpread::even);
}

TEST(Routing, ByTheBestGroupsOfEvenTokensReachesTheFirstHalfAndFillsUpWithTheFirst) {
  const double tokens = 96;
  const Reached all = reached({tokens, 8, 160, 1, true}, "balanced"),
                half = reached({tokens, 8, 160, 2, true}, "balanced");
  EXPECT_EQ(all.touched, 160 / 2);
  EXPECT_NEAR(all.rows, tokens * 8, 1e-9);
  EXPECT_NEAR(half.rows, all.rows, 1e-9);
  // of 16 tokens, 4 choose one of the first four experts; each has 4 choices left, which go there where it can
  EXPECT_DOUBLE_EQ(reached({16, 8, 128, 32, true}, "balanced").rows, 4 + 12 * 4 + 4 * 3);
}

TEST(Routing, ByAPowerLawHasAllRowsOnOneRankAndMoreThanItsPartOnTheFullestOfMany) {
  for (const double tokens : {1, 7, 64, 3000}) {
    const double all = tokens * 8;
    EXPECT_NEAR(reached({tokens, 8, 256, 1}, "power_law_1.2").rows, all, 1e-9 * all) << tokens;
    const Reached fullest = reached({tokens, 8, 256, 16}, "power_law_1.2");
    EXPECT_GT(fullest.rows, all / 16) << tokens;
    EXPECT_LE(fullest.touched, std::min(fullest.rows, 16.0)) << tokens;
    EXPECT_EQ(fullest.spread, RowSpread::skewed);
  }
}

TEST(Routing, RefusesADistributionThatItDoesNotKnow) {
  EXPECT_THROW(reached({1, 1, 8, 1}, "zipf"), InputError);
  EXPECT_THROW(reached({1, 1, 8, 1}, "power_law_1"), InputError);
}

}  // namespace
}  // namespace podium
