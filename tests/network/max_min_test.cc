#include "sim/network/max_min.h"

#include <gtest/gtest.h>

#include <limits>
#include <vector>

#include "sim/core/check.h"
#include "tests/network/problems.h"

namespace podium {
namespace {

using testing::problem_of;
using testing::Share;

TEST(MaxMin, SplitsOneLinkEvenly) {
  const double capacity = 12;
  const std::vector<double> rates = max_min_rates(problem_of({capacity}, {{{{0, 1}}}, {{{0, 1}}}, {{{0, 1}}}}));
  EXPECT_EQ(rates, std::vector<double>(3, capacity / 3));
}

TEST(MaxMin, GivesNothingToNobody) { EXPECT_TRUE(max_min_rates(problem_of({1, 2}, {})).empty()); }

TEST(MaxMin, GivesWhatACrowdedPathCannotUseToTheOthers) {
  // two flows on the narrow link, one of which shares the wide link with a third
  const double narrow = 2;
  const double wide = 10;
  const std::vector<double> rates =
      max_min_rates(problem_of({narrow, wide}, {{{{0, 1}}}, {{{0, 1}, {1, 1}}}, {{{1, 1}}}}));
  EXPECT_EQ(rates, (std::vector<double>{narrow / 2, narrow / 2, wide - narrow / 2}));
}

TEST(MaxMin, GivesTheLongFlowOfAParkingLotItsEvenShareOfTheFullestLink) {
  // the parking lot: one flow over all links, and k flows of one link each on link k
  const double capacity = 6;
  const std::vector<double> rates = max_min_rates(
      problem_of({capacity, capacity, capacity},
                 {{{{0, 1}, {1, 1}, {2, 1}}}, {{{0, 1}}}, {{{1, 1}}}, {{{1, 1}}}, {{{2, 1}}}, {{{2, 1}}}, {{{2, 1}}}}));
  const double length = capacity / 4;
  EXPECT_EQ(rates, (std::vector<double>{length, capacity - length, (capacity - length) / 2, (capacity - length) / 2,
                                        length, length, length}));
}

TEST(MaxMin, FillsTheLinksAroundTheFullestAfterIt) {
  // a chain of three links: three flows cross the middle one, and those at the ends take what these leave
  const double capacity = 1;
  const std::vector<double> rates = max_min_rates(problem_of(
      {capacity, capacity, capacity}, {{{{1, 1}, {2, 1}}}, {{{0, 1}, {1, 1}}}, {{{1, 1}}}, {{{2, 1}}}, {{{0, 1}}}}));
  const double third = capacity / 3;
  EXPECT_EQ(rates, (std::vector<double>{third, third, third, capacity - third, capacity - third}));
}

TEST(MaxMin, SharesByWeight) {
  const double capacity = 12;
  Share light{{{0, 1}}, 1};
  Share heavy{{{0, 1}}, 3};
  const std::vector<double> rates = max_min_rates(problem_of({capacity}, {light, heavy}));
  EXPECT_EQ(rates, (std::vector<double>{capacity * 1 / (1 + 3), capacity * 3 / (1 + 3)}));
}

TEST(MaxMin, HoldsAFlowAtItsCapAndGivesTheRestAway) {
  const double capacity = 12;
  const double cap = 2;
  Share capped{{{0, 1}}, 1, cap};
  Share open{{{0, 1}}};
  EXPECT_EQ(max_min_rates(problem_of({capacity}, {open, capped, open})),
            (std::vector<double>{(capacity - cap) / 2, cap, (capacity - cap) / 2}));
}

TEST(MaxMin, LeavesALinkIdleWhereAllItsFlowsAreCapped) {
  const double cap = 2;
  EXPECT_EQ(max_min_rates(problem_of({100}, {{{{0, 1}}, 1, cap}, {{{0, 1}}, 5, cap}})),
            (std::vector<double>{cap, cap}));
}

TEST(MaxMin, TakesACapForALinkOfOnesOwn) {
  EXPECT_EQ(max_min_rates(problem_of({}, {{{}, 1, 5}})), std::vector<double>{5});
  EXPECT_THROW(max_min_rates(problem_of({}, {{{}}})), Bug);
}

TEST(MaxMin, CountsFractionsOfFlowsThatAreSprayed) {
  // half of each of two flows on each of two links: as one link of their summed capacity
  const double capacity = 3;
  const Share sprayed{{{0, 0.5}, {1, 0.5}}};
  EXPECT_EQ(max_min_rates(problem_of({capacity, capacity}, {sprayed, sprayed})), (std::vector<double>(2, capacity)));
}

TEST(MaxMin, TakesABundleForItsMembers) {
  // a bundle of five members on one representative link, beside a single flow: a sixth each
  const double capacity = 12;
  EXPECT_EQ(max_min_rates(problem_of({capacity}, {{{{0, 5}}}, {{{0, 1}}}})), (std::vector<double>(2, capacity / 6)));
}

TEST(MaxMin, StopsFlowsOnALinkWithoutCapacityAndNoOthers) {
  const double capacity = 8;
  EXPECT_EQ(max_min_rates(problem_of({0, capacity}, {{{{0, 1}, {1, 1}}}, {{{1, 1}}}})),
            (std::vector<double>{0, capacity}));
}

TEST(MaxMin, KeepsCountOfTheLightBesideTheHeavy) {
  // a million times heavier flows leave the link first; what is left goes to the light one, to the last bit
  const double capacity = 1;
  const double heavy = 1e6;
  const double cap = 0.25;
  const std::vector<double> rates = max_min_rates(problem_of(
      {capacity}, {{{{0, heavy}}, 1, cap / heavy}, {{{0, heavy}}, 1, cap / heavy}, {{{0, 1.0 / 1024}}, 1e-3}}));
  EXPECT_NEAR(rates[2] / ((capacity - 2 * cap) * 1024), 1, 1e-15);
}

TEST(MaxMin, RefusesProblemsThatDoNotFitTogether) {
  MaxMinProblem problem = problem_of({1}, {{{{0, 1}}}});
  problem.cap.clear();
  EXPECT_THROW(max_min_rates(problem), Bug);
}

}  // namespace
}  // namespace podium
