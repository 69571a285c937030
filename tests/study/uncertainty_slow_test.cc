// How sure a comparison is: what is said of it where figures differ.
#include "sim/study/uncertainty.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "sim/study/ranged_figures.h"
#include "tests/study/studies.h"

namespace podium::test {
namespace {

ComparisonResult surely(int threads) {
  const Study study = training_study();
  RunOptions options;
  options.threads = threads;
  ComparisonResult result = run_comparison(study, options);
  const std::uint64_t signature = result.signature;
  add_uncertainty(study, result, options);
  EXPECT_EQ(result.signature, signature) << "results are what they were";
  return result;
}

/// The same for all tests, as it takes a second.
const ComparisonResult& surely() {
  static const ComparisonResult result = surely(2);
  return result;
}

TEST(Uncertainty, TellsWhatEachFigureDoesAndHowManyDoNothing) {
  const ComparisonResult& result = surely();
  ASSERT_EQ(result.uncertainties.size(), 1U);
  const Uncertainty& sure = result.uncertainties[0];
  EXPECT_EQ(sure.ratio, result.cases[1].throughput.per_system / result.cases[0].throughput.per_system)
      << "16 H100 lead";
  EXPECT_EQ(sure.leader, "hgx-h100");
  EXPECT_EQ(sure.effects.size() + sure.without_effect, ranged_figures(result.sources).size());
  const auto effect = [&](const std::string& file, const std::string& path) {
    return std::find_if(sure.effects.begin(), sure.effects.end(),
                        [&](const FigureEffect& one) { return one.file == file && one.figure.path == path; });
  };
  EXPECT_EQ(effect("chips/h100-sxm", "achieved.mla_decode.default.memory"), sure.effects.end());
  EXPECT_EQ(effect("systems/hgx-h100", "power_per_domain"), sure.effects.end());
  const auto mine = effect("chips/h100-sxm", "achieved.gemm.default.compute");
  ASSERT_NE(mine, sure.effects.end());
  EXPECT_TRUE(mine->simulated) << "one of the widest";
  EXPECT_LT(mine->at_low.value(), sure.ratio);
  EXPECT_GT(mine->at_high.value(), sure.ratio);
  const auto theirs = effect("chips/h200-sxm", "achieved.gemm.default.compute");
  ASSERT_NE(theirs, sure.effects.end());
  EXPECT_GT(theirs->at_low.value(), sure.ratio);
  EXPECT_EQ(theirs->systems, std::vector<std::string>{"hgx-h200"});
}

TEST(Uncertainty, AddsTheModelsOwnErrorToThatOfTheFigures) {
  const ComparisonResult& result = surely();
  EXPECT_GT(result.validated.size(), 0U);
  const Uncertainty& sure = result.uncertainties.at(0);
  EXPECT_LT(sure.by_figures.low, sure.ratio);
  EXPECT_LT(sure.with_model_error.low, sure.by_figures.low);
  EXPECT_GT(sure.with_model_error.high, sure.by_figures.high);
  EXPECT_LE(sure.with_model_error.leader_wins, sure.by_figures.leader_wins);
}

TEST(Uncertainty, TakesMachinesOfOneChipToBeMispredictedAlike) {
  const Study study = training_study();
  ComparisonResult result = run_comparison(study);
  for (CaseResult& one : result.cases) {
    one.system = "hgx-h100";
    one.throughput = result.cases.at(1).throughput;
    one.kept = result.cases.at(1).kept;
  }
  result.sources.clear();
  add_uncertainty(study, result);
  EXPECT_EQ(result.uncertainties.at(0).with_model_error.low, 1);
  EXPECT_EQ(result.uncertainties.at(0).with_model_error.high, 1);
}

TEST(Uncertainty, IsTheSameForAnyNumberOfThreads) {
  const Uncertainty one = surely(1).uncertainties.at(0);
  const Uncertainty& two = surely().uncertainties.at(0);
  EXPECT_EQ(one.with_model_error.low, two.with_model_error.low);
  EXPECT_EQ(one.by_figures.high, two.by_figures.high);
  ASSERT_EQ(one.effects.size(), two.effects.size());
  for (std::size_t i = 0; i < one.effects.size(); ++i) {
    EXPECT_EQ(one.effects[i].figure.path, two.effects[i].figure.path);
    EXPECT_EQ(one.effects[i].at_low, two.effects[i].at_low);
    EXPECT_EQ(one.effects[i].at_high, two.effects[i].at_high);
  }
}

TEST(Uncertainty, OfACaseThatIsAlikeInAnotherRegimeIsTheSameThere) {
  const auto with = [](const std::string& regimes) {
    std::string text = quick_look();
    const std::size_t begin = text.find("  - name: Qwen3"), end = text.find("  - name: Llama");
    text.erase(begin, end - begin);
    text = replaced(replaced(replaced(text, "pp: [1, 2]", "pp: [1]"), "tp: [1, 2, 4]", "tp: [2]"),
                    "micro_batch: [1, 2]", "micro_batch: [1]");
    text = replaced(text, "global_batch: 64", "global_batch: 16");
    const Study study = study_of(replaced(text, "          hgx-h100: *step\n", regimes));
    ComparisonResult result = run_comparison(study);
    add_uncertainty(study, result);
    return result.uncertainties;
  };
  const std::string own = "          hgx-h100: {matrix: bf16, attention: bf16, tp: [4], recompute: [full]}\n";
  const std::vector<Uncertainty> alone = with(own);
  const std::vector<Uncertainty> both =
      with("          hgx-h100: *step\n      - name: again\n        systems:\n          hgx-h200: *step\n" + own);
  ASSERT_EQ(alone.size(), 1U);
  ASSERT_EQ(both.size(), 2U);
  EXPECT_NE(both[0].ratio, both[1].ratio);
  ASSERT_EQ(both[1].effects.size(), alone[0].effects.size());
  for (std::size_t i = 0; i < alone[0].effects.size(); ++i) {
    EXPECT_EQ(both[1].effects[i].figure.path, alone[0].effects[i].figure.path);
    EXPECT_EQ(both[1].effects[i].at_low, alone[0].effects[i].at_low);
    EXPECT_EQ(both[1].effects[i].at_high, alone[0].effects[i].at_high);
  }
}

TEST(Uncertainty, IsNotAskedWhereNobodyCompetes) {
  std::string text = quick_look();
  text = replaced(text, "          hgx-h100: *server\n", "");
  text = replaced(text, "          hgx-h100: *step\n", "");
  text = replaced(text, "  - {name: hgx-h100, domains: 2}\n", "");
  text = replaced(text, "crossovers:\n  - {challenger: hgx-h100, reference: hgx-h200}\n", "");
  const Study study = study_of(text);
  ComparisonResult result = run_comparison(study);
  add_uncertainty(study, result);
  EXPECT_TRUE(result.uncertainties.empty());
}

}  // namespace
}  // namespace podium::test
