#include "sim/network/deadlines.h"

#include <gtest/gtest.h>

#include "sim/core/rng.h"

namespace podium {
namespace {

TEST(Deadlines, HasNoneAtFirst) { EXPECT_EQ(Deadlines().least(), Time::max()); }

TEST(Deadlines, KnowsTheLeastAndWhatIsMetAfterAnyChanges) {
  Rng rng(1, "deadlines");
  const std::uint32_t count = 300;  // some blocks
  std::vector<Time> expected(count, Time::max());
  Deadlines deadlines;
  for (int step = 0; step < 2000; ++step) {
    const auto index = static_cast<std::uint32_t>(rng.below(count));
    expected[index] =
        rng.below(4) == 0 ? Time::max() : Time::from_picoseconds(static_cast<std::int64_t>(rng.below(500)));
    deadlines.set(index, expected[index]);
    if (rng.below(3) == 0) {
      ASSERT_EQ(deadlines.least(), *std::min_element(expected.begin(), expected.end()));
    }
    const Time now = Time::from_picoseconds(static_cast<std::int64_t>(rng.below(500)));
    std::vector<std::uint32_t> met;
    deadlines.collect(now, met);
    std::vector<std::uint32_t> due;
    for (std::uint32_t i = 0; i < count; ++i) {
      if (expected[i] <= now) {
        due.push_back(i);
      }
    }
    ASSERT_EQ(met, due);
  }
}

}  // namespace
}  // namespace podium
