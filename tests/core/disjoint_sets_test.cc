#include "sim/core/disjoint_sets.h"

#include <gtest/gtest.h>

#include "sim/core/rng.h"

namespace podium {
namespace {

TEST(DisjointSets, HasEachMemberAloneAtFirst) {
  DisjointSets sets(3);
  EXPECT_EQ(sets.size(), 3U);
  for (const std::uint32_t member : {0U, 1U, 2U}) {
    EXPECT_EQ(sets.first(member), member);
  }
}

TEST(DisjointSets, NamesAPartByItsLeastMemberWhateverTheOrderOfJoining) {
  Rng rng(1, "joins");
  for (int round = 0; round < 100; ++round) {
    DisjointSets sets(20);
    std::vector<std::uint32_t> least(20);  // found by looking at all members at each join
    std::iota(least.begin(), least.end(), 0U);
    for (int join = 0; join < 15; ++join) {
      const auto a = static_cast<std::uint32_t>(rng.below(20)), b = static_cast<std::uint32_t>(rng.below(20));
      sets.join(a, b);
      const std::uint32_t from = std::max(least[a], least[b]), to = std::min(least[a], least[b]);
      std::replace(least.begin(), least.end(), from, to);
    }
    for (std::uint32_t member = 0; member < 20; ++member) {
      EXPECT_EQ(sets.first(member), least[member]);
    }
  }
}

}  // namespace
}  // namespace podium
