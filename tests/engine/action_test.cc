#include "sim/engine/action.h"

#include <gtest/gtest.h>

#include <array>
#include <memory>

namespace podium {
namespace {

TEST(Action, FitsACacheLineWithRoomForASlot) { EXPECT_LE(sizeof(Action) + 8, 64U); }

TEST(Action, CallsWhatItHoldsEachTime) {
  int calls = 0;
  Action action = [&calls] { ++calls; };
  action();
  action();
  EXPECT_EQ(calls, 2);
}

TEST(Action, HoldsFortyEightBytesOfCaptures) {
  std::array<std::int64_t, 5> numbers{1, 2, 3, 4, 5};
  std::int64_t sum = 0;
  Action action = [numbers, &sum] {
    for (const std::int64_t number : numbers) {
      sum += number;
    }
  };
  action();
  EXPECT_EQ(sum, 1 + 2 + 3 + 4 + 5);
}

TEST(Action, IsEmptyUntilGivenSomethingAndAfterItWasMovedFrom) {
  Action empty;
  EXPECT_FALSE(empty);
  Action action = [] {};
  EXPECT_TRUE(action);
  empty = std::move(action);
  EXPECT_TRUE(empty);
  EXPECT_FALSE(action);  // NOLINT(bugprone-use-after-move): that it is empty is the claim
}

TEST(Action, DestroysItsCapturesOnceWhereverTheyWent) {
  const auto held = std::make_shared<int>(7);
  {
    Action first = [held] {};
    EXPECT_EQ(held.use_count(), 2);
    Action second = std::move(first);
    EXPECT_EQ(held.use_count(), 2);
    Action third = [held] {};
    EXPECT_EQ(held.use_count(), 3);
    third = std::move(second);
    EXPECT_EQ(held.use_count(), 2);
    Action& self = third;
    third = std::move(self);
    EXPECT_EQ(held.use_count(), 2);
  }
  EXPECT_EQ(held.use_count(), 1);
}

TEST(Action, TakesWhatCanOnlyBeMoved) {
  int seen = 0;
  Action action = [owned = std::make_unique<int>(41), &seen] { seen = ++*owned; };
  Action moved = std::move(action);
  moved();
  EXPECT_EQ(seen, 42);
}

}  // namespace
}  // namespace podium
