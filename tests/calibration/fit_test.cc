#include "sim/calibration/fit.h"

#include <gtest/gtest.h>

#include <cmath>

namespace podium {
namespace {

/// Residuals of y = a x + b at x = 1 to 10 against a line, with the logarithms of `factors` added to the first ones.
Residuals line(const double& a, const double& b, double true_a, double true_b, std::vector<double> factors = {}) {
  return [&a, &b, true_a, true_b, factors] {
    std::vector<double> residuals;
    for (std::size_t i = 0; i < 10; ++i) {
      const double x = static_cast<double>(i) + 1;
      const double wrong = i < factors.size() ? factors[i] : 1;
      residuals.push_back(std::log((a * x + b) / ((true_a * x + true_b) * wrong)));
    }
    return residuals;
  };
}

TEST(Fit, FindsTheFiguresThatMadeTheRows) {
  double a = 1, b = 1;
  const std::vector<Unknown> unknowns{{&a, 0.01, 100}, {&b, 0.01, 100}};
  fit(unknowns, line(a, b, 7, 3));
  EXPECT_NEAR(a, 7, 1e-3);
  EXPECT_NEAR(b, 3, 1e-3);
}

TEST(Fit, StaysWithinTheBounds) {
  double a = 1, b = 1;
  const std::vector<Unknown> unknowns{{&a, 0.01, 5}, {&b, 0.01, 100}};
  fit(unknowns, line(a, b, 7, 3));
  EXPECT_LE(a, 5);
  EXPECT_NEAR(a, 5, 1e-6);
}

TEST(Fit, HeedsARowThatIsFarOffLittle) {
  double a = 1, b = 1;
  const std::vector<Unknown> unknowns{{&a, 0.01, 100}, {&b, 0.01, 100}};
  fit(unknowns, line(a, b, 7, 3, {1, 1, 1, 1, 20}));
  EXPECT_NEAR(7 * a + b, 7 * 7 + 3, 0.02 * (7 * 7 + 3));
}

}  // namespace
}  // namespace podium
