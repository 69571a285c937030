// The search for the highest rate: what it finds is what queueing theory says, however long and by whatever draws.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/study/serving_cases.h"

namespace podium::test {
namespace {

using testing::HasSubstr;

/// One instance whose requests are one chunk and one token each: M/D/1.
std::string one_queue(const std::string& ttft) {
  return replaced(replaced(one_template("{tp: 8, dp: 1, ep: 8, chunk_tokens: [2048]}"), "input: 2048, output: 256",
                           "input: 2048, output: 1"),
                  "ttft: 500 ms", "ttft: " + ttft);
}

TEST(ServingRate, IsThatOfOneQueueWithAFixedTimeOfService) {
  for (const char* const seed : {"seed: 1\n", "seed: 2\n", "seed: 3\n"}) {
    const auto load = [&](double services) {
      const double service = serve_on(study_of(one_queue("500 ms")), 8).phases.at(0).time.value();
      const std::string text = one_queue(fmt::format("{} us", services * service * 1e6));
      return serve_on(study_of(replaced(text, "seed: 1\n", seed)), 8).request_rate * service;
    };
    // 95 % of requests are through in 7.05 services at a load of 0.783, and in 70.5 at 0.981 (Lindley's recursion over
    // 400,000 requests)
    EXPECT_NEAR(load(7.05), 0.783, 0.025) << seed;
    EXPECT_NEAR(load(70.5), 0.981, 0.019) << seed << "and never above saturation";
  }
}

TEST(ServingRate, CanBeHeldByACapOnSequences) {
  const CaseResult result =
      serve_on(study_of(one_template("{tp: 2, dp: 1, ep: 2, chunk_tokens: [512], max_sequences: [4, 8]}")), 2);
  EXPECT_THAT(result.plan, HasSubstr("chunks of 512, at most 8 sequences a replica"));
  EXPECT_LE(result.phases.front().batch, 8);
  ASSERT_EQ(result.alternatives.size(), 2U);
  EXPECT_THAT(result.alternatives.front().plan, HasSubstr("at most "));
}

}  // namespace
}  // namespace podium::test
