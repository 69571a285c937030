#include "sim/network/level_queue.h"

#include <gtest/gtest.h>

#include <set>

#include "sim/core/rng.h"

namespace podium {
namespace {

TEST(LevelQueue, GivesWhatIsDueLevelByLevel) {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    Rng rng(seed, "levels");
    LevelQueue queue;
    std::multiset<std::pair<Level, std::uint32_t>> expected;
    const auto push = [&] {
      // near and far above the present level
      const Level level = queue.now() + (rng.below(3) == 0 ? rng.below(3) : rng.below(Level{1} << rng.below(60)));
      const auto index = static_cast<std::uint32_t>(rng.below(100));
      queue.push(level, index);
      expected.insert({level, index});
    };
    for (int i = 0; i < 50; ++i) {
      push();
    }
    std::size_t taken = 0;
    do {
      for (std::uint32_t index = 0; queue.take(index);) {
        ASSERT_EQ(expected.begin()->first, queue.now());
        const auto found = expected.find({queue.now(), index});
        ASSERT_NE(found, expected.end());
        expected.erase(found);
        if (++taken < 500) {
          push();
        }
      }
    } while (queue.rise());
    EXPECT_TRUE(expected.empty());
    EXPECT_GE(taken, 500U);
  }
}

TEST(LevelQueue, DropsWhatIsLeftAndBeginsAgain) {
  LevelQueue queue;
  queue.push(7, 1);
  queue.push(Level{1} << 63, 2);
  ASSERT_TRUE(queue.rise());
  EXPECT_EQ(queue.now(), 7U);
  std::set<std::uint32_t> dropped;
  queue.clear([&](std::uint32_t index) { dropped.insert(index); });
  EXPECT_EQ(dropped, (std::set<std::uint32_t>{1, 2}));
  EXPECT_EQ(queue.now(), 0U);
  EXPECT_FALSE(queue.rise());
  queue.push(3, 5);
  ASSERT_TRUE(queue.rise());
  EXPECT_EQ(queue.now(), 3U);
}

}  // namespace
}  // namespace podium
