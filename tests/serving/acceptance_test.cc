// How many iterations speculation leaves of an answer.
#include <gtest/gtest.h>

#include <cmath>

#include "sim/serving/serve.h"

namespace podium {
namespace {

std::vector<std::uint32_t> draws(std::uint32_t output, int draft_tokens, double acceptance, std::size_t count = 4000) {
  InferencePlan plan;
  plan.draft_tokens = draft_tokens;
  plan.acceptance = acceptance;
  return draw_iterations(poisson_requests(count, 100, output, 1), plan, 7);
}

TEST(DrawIterations, IsOneForEachTokenWithoutSpeculation) {
  for (const std::uint32_t iterations : draws(5000, 0, 0, 10)) {
    EXPECT_EQ(iterations, 4999U);
  }
}

TEST(DrawIterations, HasTheMeanAndSpreadOfARenewalProcessForShortAndLongAnswers) {
  // two draft tokens, accepted at 0.7 each: 1 to 3 tokens with the chances 0.3, 0.21 and 0.49
  const double mean = 1 + 0.7 + 0.49, variance = 0.3 + 4 * 0.21 + 9 * 0.49 - mean * mean;
  for (const std::uint32_t output : {101U, 20'001U}) {
    const double tokens = output - 1;
    double sum = 0, squares = 0;
    const std::vector<std::uint32_t> all = draws(output, 2, 0.7);
    for (const std::uint32_t one : all) {
      sum += one;
      squares += double(one) * one;
    }
    const double found = sum / double(all.size());
    // Feller, An Introduction to Probability Theory, volume II, XI.3: of gains on whole numbers, started afresh
    const double expected = tokens / mean + (variance + mean * mean + mean) / (2 * mean * mean) - 1 / mean;
    const double spread = std::sqrt(variance * tokens / std::pow(mean, 3));
    EXPECT_NEAR(found, expected, 4 * spread / std::sqrt(double(all.size())) + 0.02) << output;
    EXPECT_NEAR(std::sqrt(squares / double(all.size()) - found * found), spread, 0.06 * spread) << output;
  }
}

TEST(DrawIterations, NeverDrawsMoreThanTheAnswerHas) {
  for (const std::uint32_t one : draws(1000, 1, 1, 10)) {
    EXPECT_EQ(one, 500U);
  }
}

}  // namespace
}  // namespace podium
