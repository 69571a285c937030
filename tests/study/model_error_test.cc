// How far off predictions are, by kind of work.
#include "sim/study/model_error.h"

#include <gtest/gtest.h>

namespace podium {
namespace {

/// Serving is missed by 1 % on average and training by 12 %; all by 6.5 %.
std::vector<Validated> published() {
  return {{"decode", "one", false, 0.99, 0.01},
          {"prefill", "other", false, 1.01, 0.01},
          {"step", "one", true, 1.06, 0.06},
          {"step", "one", true, 1.18, 0.18}};
}

TEST(ExpectedMiss, IsThatOfTheKindOfWork) { EXPECT_DOUBLE_EQ(expected_miss(published(), "one", true), 0.12); }

TEST(ExpectedMiss, IsNoLessThanThatOfAllWork) { EXPECT_DOUBLE_EQ(expected_miss(published(), "one", false), 0.065); }

TEST(ExpectedMiss, IsTheLargestOfItsKindWhereNothingIsPublishedOfTheMachine) {
  EXPECT_DOUBLE_EQ(expected_miss(published(), "other", true), 0.18);
  EXPECT_DOUBLE_EQ(expected_miss(published(), "third", false), 0.065) << "at least that of all work";
}

TEST(ExpectedMiss, IsTheLargestOfAllWhereNothingIsPublishedOfTheKind) {
  std::vector<Validated> serving = published();
  serving.resize(2);
  EXPECT_DOUBLE_EQ(expected_miss(serving, "one", true), 0.01);
}

}  // namespace
}  // namespace podium
