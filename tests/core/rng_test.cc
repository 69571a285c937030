#include "sim/core/rng.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <string>
#include <vector>

#include "sim/core/check.h"

namespace podium {
namespace {

constexpr int draws = 200'000;

struct Moments {
  double mean = 0;
  double variance = 0;
};

Moments moments(const std::function<double()>& draw) {
  double sum = 0;
  double squares = 0;
  for (int i = 0; i < draws; ++i) {
    const double x = draw();
    sum += x;
    squares += x * x;
  }
  const double mean = sum / draws;
  return {mean, squares / draws - mean * mean};
}

/// Holds the first two moments of a distribution to five standard errors. `kurtosis` is the fourth central moment over
/// the squared variance, which gives the error of the variance.
void expect_moments(const std::function<double()>& draw, double mean, double variance, double kurtosis) {
  const Moments found = moments(draw);
  EXPECT_NEAR(found.mean, mean, 5 * std::sqrt(variance / draws));
  EXPECT_NEAR(found.variance, variance, 5 * variance * std::sqrt((kurtosis - 1) / draws));
}

TEST(Rng, IsXoshiro256StarStarSeededBySplitMix64) {
  // the name is hashed into the seed, so that this seed with the empty name starts SplitMix64 at zero
  constexpr std::uint64_t hash_of_nothing = 0xcbf29ce484222325ULL;
  Rng rng(hash_of_nothing, "");
  // first output of the reference implementation (Blackman and Vigna) from SplitMix64's words of seed 0
  EXPECT_EQ(rng.next(), 0x99ec5f36cb75f2b4ULL);
}

TEST(Rng, RepeatsItself) {
  Rng first(7, "arrivals");
  Rng second(7, "arrivals");
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(first.next(), second.next());
  }
}

TEST(Rng, StreamsOfOtherNamesAndSeedsAreNotCorrelated) {
  const std::vector<std::pair<Rng, Rng>> pairs{{Rng(1, "arrivals"), Rng(1, "lengths")},
                                               {Rng(1, "arrivals"), Rng(2, "arrivals")},
                                               {Rng(0, "a"), Rng(0, "b")},
                                               {Rng(1, ""), Rng(0, "")}};
  for (auto [first, second] : pairs) {
    double products = 0;
    for (int i = 0; i < draws; ++i) {
      products += (first.uniform() - 0.5) * (second.uniform() - 0.5);
    }
    const double correlation = products / draws * 12;  // a uniform's variance is 1/12
    EXPECT_NEAR(correlation, 0, 5 / std::sqrt(draws));
  }
}

TEST(Rng, UniformFillsTheUnitIntervalEvenly) {
  Rng rng(3, "uniform");
  expect_moments([&] { return rng.uniform(); }, 1 / 2.0, 1 / 12.0, 9 / 5.0);
  for (int i = 0; i < draws; ++i) {
    const double x = rng.uniform();
    ASSERT_TRUE(x >= 0 && x < 1);
  }
}

TEST(Rng, BelowHitsEveryValueEquallyOften) {
  Rng rng(4, "below");
  constexpr std::uint64_t bound = 6;
  std::vector<double> hits(bound);
  for (int i = 0; i < draws; ++i) {
    hits.at(rng.below(bound)) += 1;
  }
  const double expected = draws / static_cast<double>(bound);
  double chi_squared = 0;
  for (const double count : hits) {
    chi_squared += (count - expected) * (count - expected) / expected;
  }
  EXPECT_LT(chi_squared, 20.5);  // the 99.9 % quantile with 5 degrees of freedom
}

TEST(Rng, BelowIsUnbiasedForBoundsThatDoNotDivideThePowerOfTwo) {
  // of 2^64 words, a plain remainder by 3 * 2^62 would hit the lower third twice as often
  Rng rng(5, "bias");
  constexpr std::uint64_t bound = 3ULL << 62;
  int low = 0;
  for (int i = 0; i < draws; ++i) {
    low += rng.below(bound) < bound / 3 ? 1 : 0;
  }
  EXPECT_NEAR(low / static_cast<double>(draws), 1 / 3.0, 5 * std::sqrt(2 / 9.0 / draws));
  EXPECT_EQ(rng.below(1), 0u);
  EXPECT_THROW(rng.below(0), Bug);
}

TEST(Rng, ExponentialHasMeanAndVarianceOne) {
  Rng rng(6, "exponential");
  expect_moments([&] { return rng.exponential(); }, 1, 1, 9);
}

TEST(Rng, NormalHasMeanZeroAndVarianceOne) {
  Rng rng(7, "normal");
  expect_moments([&] { return rng.normal(); }, 0, 1, 3);
}

TEST(Rng, GammaHasMeanAndVarianceOfItsShape) {
  for (const double k : {0.3, 1.0, 2.5, 20.0}) {
    Rng rng(8, "gamma" + std::to_string(k));
    expect_moments([&] { return rng.gamma(k); }, k, k, 3 + 6 / k);
  }
  Rng rng(8, "gamma");
  EXPECT_THROW(rng.gamma(0), Bug);
}

}  // namespace
}  // namespace podium
