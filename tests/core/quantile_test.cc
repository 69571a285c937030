#include "sim/core/quantile.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <vector>

#include "sim/core/check.h"

namespace podium {
namespace {

TEST(Quantile, InterpolatesBetweenOrderStatistics) {
  std::vector<double> sample{40, 10, 30, 20};
  EXPECT_DOUBLE_EQ(quantile(sample, 0), 10);
  EXPECT_DOUBLE_EQ(quantile(sample, 1), 40);
  EXPECT_DOUBLE_EQ(quantile(sample, 0.5), (20 + 30) / 2.0);
  EXPECT_DOUBLE_EQ(quantile(sample, 1.0 / 3), 20);
  EXPECT_DOUBLE_EQ(quantile(sample, 0.9), 30 + 0.7 * (40 - 30));
}

TEST(Quantile, OfEquallySpacedValuesIsLinear) {
  std::vector<double> sample;
  for (int i = 100; i >= 0; --i) {
    sample.push_back(i);
  }
  for (const double q : {0.0, 0.25, 0.5, 0.95, 0.99, 1.0}) {
    EXPECT_NEAR(quantile(sample, q), 100 * q, 1e-12);
  }
}

TEST(Quantile, RefusesAnEmptySampleAndOrdersOutsideOfOne) {
  std::vector<double> empty;
  std::vector<double> one{5};
  EXPECT_THROW(quantile(empty, 0.5), Bug);
  EXPECT_THROW(mean(empty), Bug);
  EXPECT_THROW(quantile(one, -0.1), Bug);
  EXPECT_THROW(quantile(one, 1.1), Bug);
  EXPECT_DOUBLE_EQ(quantile(one, 0.3), 5);
}

RC_GTEST_PROP(Quantile, IsMonotoneAndInsideTheSample,
              (std::vector<int> values, std::uint8_t first, std::uint8_t second)) {
  RC_PRE(!values.empty());
  std::vector<double> sample(values.begin(), values.end());
  const double low = quantile(sample, std::min(first, second) / 255.0);
  const double high = quantile(sample, std::max(first, second) / 255.0);
  RC_ASSERT(sample.front() <= low && low <= high && high <= sample.back());
}

TEST(Mean, IsTheSumOverTheCount) { EXPECT_DOUBLE_EQ(mean(std::vector<double>{1, 2, 6}), (1 + 2 + 6) / 3.0); }

}  // namespace
}  // namespace podium
