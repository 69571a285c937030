// Serving cases that are searched at length: on many chips, for long, and of several templates.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/study/serving_cases.h"

namespace podium::test {
namespace {

using testing::HasSubstr;

TEST(ServingCase, IsTheSameForAChipOnceAPartStandsForTheWhole) {
  // two to a server, so that a hundred and two hundred servers are simulated as the same part
  const std::string text = one_template("{tp: 4, dp: 1, ep: 4, chunk_tokens: [512]}");
  const Study study = study_of(replaced(text, "{name: hgx-h100, domains: 2}", "{name: hgx-h100, domains: 256}"));
  const CaseResult some = serve_on(study, 8 * 64), many = serve_on(study, 8 * 256);
  EXPECT_NEAR(many.throughput.per_chip, some.throughput.per_chip, 0.02 * some.throughput.per_chip);
  EXPECT_NEAR(double(many.requests), double(some.requests), 0.05 * double(some.requests));
  EXPECT_THAT(many.notes, testing::Contains(HasSubstr("stands for the whole")));
}

TEST(ServingRate, IsTheSameHoweverLongIsMeasured) {
  std::vector<double> rates;
  for (const char* const measured : {"measured: 10 s", "measured: 100 s", "measured: 1000 s"}) {
    const std::string text =
        replaced(one_template("{tp: 1, dp: 1, ep: 1, chunk_tokens: [512]}"), "measured: 20 s", measured);
    rates.push_back(serve_on(study_of(text), 16).request_rate);
  }
  const auto [lowest, highest] = std::minmax_element(rates.begin(), rates.end());
  EXPECT_LT(*highest, 1.06 * *lowest) << "no part with fewer queues stands for the whole";
}

TEST(ServingRate, MeasuresEnoughRequestsOfASmallSystemThatItsRateIsNoMatterOfLuck) {
  // two requests a second in 20 s would be forty
  const std::string text = replaced(replaced(one_template("{tp: 2, dp: 1, ep: 2, chunk_tokens: [512]}"),
                                             "input: 2048, output: 256", "input: 8192, output: 1024"),
                                    "ttft: 500 ms", "ttft: 2 s");
  std::vector<double> rates;
  for (const char* seed : {"seed: 1\n", "seed: 2\n", "seed: 3\n", "seed: 4\n"}) {
    const CaseResult result = serve_on(study_of(replaced(text, "seed: 1\n", seed)), 2);
    rates.push_back(result.throughput.per_system);
    EXPECT_NEAR(double(result.requests), 10'000, 1) << seed;
  }
  const auto [lowest, highest] = std::minmax_element(rates.begin(), rates.end());
  EXPECT_LT(*highest, 1.06 * *lowest) << "the last twentieth of 10,000, which queue together, and 1 % of the search";
}

TEST(ServingRate, SaysSoWhereNoRateKeepsTheObjectiveHoweverSlowTheDeployment) {
  const std::string text = replaced(one_template("{tp: 2, dp: 1, ep: 2, chunk_tokens: [512]}"),
                                    "input: 2048, output: 256", "input: 2048, output: 8192");
  const auto with_tpot = [&](double microseconds) {
    return serve_on(study_of(replaced(text, "tpot: 20 ms", fmt::format("tpot: {} us", microseconds))), 2);
  };
  // what a token takes after the prompt, and no later one: with the answer the cache grows
  const double first = with_tpot(1).alternatives.at(0).excess;
  const CaseResult result = with_tpot(1.0001 * first);
  EXPECT_EQ(result.plan, "");
  EXPECT_THAT(reasons(result), HasSubstr("keeps the objective at no rate"));
}

TEST(ServingTrace, SustainsInBurstsWhatTheBestDeploymentDoesThoughLessIsPredictedOfIt) {
  // forty prompts of many lengths at once, every other second: the mean tells little of what waits
  auto bursts = std::make_shared<std::vector<Request>>();
  for (int i = 0; i < 4000; ++i) {
    bursts->push_back({Seconds(2.0 * (i / 40)), i % 8 == 0 ? 6000U : 300U, 64U, {}});
  }
  const auto sustained = [&](const std::string& templates) {
    Study study = study_of(replaced(one_template(templates), "ttft: 500 ms, tpot: 20 ms", "ttft: 4 s, tpot: 200 ms"));
    std::get<ServingWorkload>(study.workloads.at(0)).arrivals.recorded = bursts;
    return serve_on(study, 8).request_rate;
  };
  const std::vector<std::string> templates{
      "{tp: 1, dp: 8, ep: 8, chunk_tokens: [512, 4096]}", "{tp: 2, dp: 1, ep: 2, chunk_tokens: [512, 4096]}",
      "{tp: 4, dp: 1, ep: 4, chunk_tokens: [512, 4096]}", "{tp: 4, dp: 2, ep: 8, chunk_tokens: [512, 4096]}"};
  const double all = sustained(fmt::format("{}", fmt::join(templates, ", ")));
  EXPECT_GT(all, 0);
  for (const std::string& one : templates) {
    EXPECT_GE(all, 0.99 * sustained(one)) << one;
  }
}

TEST(ServingTrace, OfATraceAPartDoesPerChipWhatTheWholeDoes) {
  // bursts that last as long for a part of the machine as for the whole
  const std::string plan = "{tp: 1, dp: 1, ep: 1, chunk_tokens: [1024]}";
  const auto per_chip = [&](const std::string& measured) {
    std::string text = replaced(one_template(plan), "ttft: 500 ms, tpot: 20 ms", "ttft: 4 s, tpot: 200 ms");
    text = replaced(replaced(text, "measured: 20 s", "measured: " + measured), "{name: hgx-h100, domains: 2}",
                    "{name: hgx-h100, domains: 8}");
    Study study = study_of(text);
    std::get<ServingWorkload>(study.workloads.at(0)).arrivals.recorded =
        std::get<ServingWorkload>(on_uneven_trace(plan, 1000).workloads.at(0)).arrivals.recorded;
    return serve_on(study, 64);
  };
  const CaseResult whole = per_chip("5 s"), part = per_chip("400 s");
  EXPECT_THAT(whole.notes, testing::Not(testing::Contains(HasSubstr("simulated as a part"))));
  EXPECT_THAT(part.notes, testing::Contains(HasSubstr("simulated as a part")));
  EXPECT_NEAR(part.request_rate, whole.request_rate, 0.04 * whole.request_rate);
}

}  // namespace
}  // namespace podium::test
