#include "sim/report/why.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sim/report/format.h"
#include "tests/report/example.h"

namespace podium {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(WhySentence, SplitsATrainingLeadIntoPeakAndUse) {
  ComparisonResult result = test::small_comparison({100, 240});
  const double used[] = {0.5, 0.4};
  for (std::size_t i = 0; i < 2; ++i) {
    result.cases[i].model_flops_utilisation = used[i];
    result.cases[i].peak_type = i == 0 ? "bf16" : "fp8";
  }
  EXPECT_EQ(why_sentence(result, contests(result).front()),
            "B runs on " + factor(240 / 0.4 / (100 / 0.5)) +
                " the peak (fp8 against bf16) and makes 40.0 % of it into the model's FLOPs, against 50.0 % of A: " +
                factor(240 / 0.4 / (100 / 0.5)) + " by " + factor(0.4 / 0.5) + ".");
}

TEST(WhySentence, SaysOfServingWhatTheMachinesHaveAndWhatTheyUseOfIt) {
  const ComparisonResult result = test::example_comparison();
  const Contest contest = contests(result).front();
  EXPECT_EQ(
      why_sentence(result, contest),
      "Huawei CloudMatrix384 has " + factor(768 * 752e12 / (72 * 5e15)) + " the peak (int8 against fp8) and " +
          factor(768 * 1.6e12 / (72 * 8e12)) +
          " the memory bandwidth. What steps use of peak and bandwidth: Huawei CloudMatrix384 prefill (416 of 768 "
          "dies) 38.0 % and 12.0 %, decode (320) 14.0 % and 49.0 %; NVIDIA GB200 NVL72 prefill (40 of 72 GPUs) "
          "31.0 % and 10.0 %, decode (32) 9.0 % and 44.0 %.");
}

TEST(WhySentence, IsEmptyWhereNobodyIsBehind) {
  const ComparisonResult result = test::small_comparison({100, 0});
  EXPECT_EQ(why_sentence(result, contests(result).front()), "");
}

TEST(LimitSentence, NamesTheLatencyAtItsLimitOrNeither) {
  ComparisonResult result = test::small_comparison({100, 200});
  const auto percentiles = [](double seconds) {
    return Percentiles{Seconds(seconds / 2), Seconds(seconds), Seconds(seconds * 2)};
  };
  EXPECT_EQ(limit_sentence(result, contests(result).front()), "");
  for (CaseResult& one : result.cases) {
    const Seconds ttft(one.system == "A" ? 1.99 : 1);
    one.objective = Objective{0.75, Seconds(2), Seconds(0.05), {ttft, Seconds(0.049)}, {1.02 * ttft, Seconds(0.05)}};
    one.ttft = percentiles(5);
    one.tpot = percentiles(5);
  }
  const std::string text = limit_sentence(result, contests(result).front());
  EXPECT_THAT(text, HasSubstr("A is held by TTFT (1.99 s of 2 s, 2.03 s at a rate a hundredth higher); B is held by "
                              "neither latency yet"));
  EXPECT_THAT(text, Not(HasSubstr("TPOT"))) << "which is near its limit, but does not hold the rate";
  result.cases.front().objective->above.tpot.reset();
  result.cases.front().objective->seen.tpot.reset();
  EXPECT_EQ(limit_sentence(result, contests(result).front()), text) << "answers of one token have none";
}

TEST(FoldingSentence, SaysWhatStoodForWhatWhereThatIsKnown) {
  ComparisonResult result = test::example_comparison();
  PhaseResult& decode = result.cases.front().phases.back();
  EXPECT_EQ(folding_sentence(result, contests(result).front(), decode.name), "");
  decode.folding = {320, 2, 102'080, 4, 1000, 5};
  EXPECT_EQ(folding_sentence(result, contests(result).front(), decode.name),
            "Simulated by one of each that are exactly alike, of one decode step: Huawei CloudMatrix384 320 ranks as 2 "
            "classes (160 times fewer), 102,080 messages as 4 bundles (25,520 times fewer), 1,000 links as 5 classes "
            "(200 times fewer).");
}

TEST(TimeSentence, SumsSharesByKindAndTheyMakeTheWhole) {
  const ComparisonResult result = test::example_comparison();
  const CaseResult& one = result.cases.front();
  const PhaseResult& decode = one.phases.back();
  double exposed = 0;
  for (const auto& [part, time] : decode.breakdown) {
    exposed += part.starts_with("exposed") ? time / decode.time : 0;
  }
  EXPECT_THAT(time_sentence(result, contests(result).front(), decode.name),
              HasSubstr(percent(exposed) + " on exposed communication"));
  EXPECT_EQ(time_sentence(result, contests(result).front(), "no such phase"), "");
}

}  // namespace
}  // namespace podium
