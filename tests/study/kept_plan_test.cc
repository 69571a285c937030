// Kept plans, run again where figures differ.
#include "sim/study/uncertainty.h"

#include <gtest/gtest.h>

#include "sim/study/evaluate.h"
#include "tests/study/studies.h"

namespace podium::test {
namespace {

std::optional<double> again(const Study& study, const ComparisonResult& result, std::size_t one, Depth depth) {
  return pinned_throughput(study, cases_of(study)[one], result.cases[one].kept, depth);
}

TEST(KeptPlan, GivesAgainWhatItsCaseGave) {
  const Study study = study_of(quick_look());
  const ComparisonResult result = run_comparison(study);
  for (std::size_t one = 0; one < result.cases.size(); ++one) {
    EXPECT_EQ(again(study, result, one, Depth::simulated), result.cases[one].throughput.per_system)
        << result.cases[one].workload << " on " << result.cases[one].system;
  }
}

TEST(KeptPlan, OfTrainingIsPredictedByShorterSteps) {
  const Study study = study_of(replaced(replaced(quick_look(), "global_batch: 64", "global_batch: 256"),
                                        "micro_batch: [1, 2]", "micro_batch: [1]"));
  const ComparisonResult result = run_comparison(study);
  for (const std::size_t one : {2U, 3U}) {
    const double simulated = result.cases[one].throughput.per_system;
    EXPECT_NEAR(again(study, result, one, Depth::predicted).value(), simulated, 2e-3 * simulated);
  }
}

TEST(KeptPlan, OfTrainingIsTheBestThatFitsWhereMemoryIsSmaller) {
  const Study study = training_study();
  const ComparisonResult result = run_comparison(study);
  const Bytes need = result.cases[0].phases.at(0).memory.total();
  const std::string less = std::to_string(0.999 * need.value() / 1e9) + " GB";
  const Study smaller = changed(study, {{"chips/h200-sxm", {{"memory.size", less}}}});
  const CaseResult searched = evaluator_of(smaller, cases_of(smaller)[0])->on(result.cases[0].chips);
  EXPECT_NE(searched.plan, result.cases[0].plan);
  EXPECT_EQ(again(smaller, result, 0, Depth::simulated), searched.throughput.per_system);
  const Study none = changed(study, {{"chips/h200-sxm", {{"memory.size", "5 GB"}}}});
  EXPECT_EQ(again(none, result, 0, Depth::simulated), std::nullopt);
}

TEST(KeptPlan, TakesTimeInProportionToWhatAFigureSlows) {
  // a step of products that are bound by computing: its time is a straight line over 1 / efficiency
  const Study study = training_study();
  const ComparisonResult result = run_comparison(study);
  const auto time = [&](double efficiency) {
    const Study there =
        changed(study, {{"chips/h100-sxm", {{"achieved.gemm.default.compute", std::to_string(efficiency)}}}});
    return 1 / again(there, result, 1, Depth::simulated).value();
  };
  const double slope = (time(0.5) - time(0.6)) / (1 / 0.5 - 1 / 0.6);
  EXPECT_GT(slope, 0);
  EXPECT_NEAR((time(0.6) - time(0.75)) / (1 / 0.6 - 1 / 0.75), slope, 0.02 * slope);
}

TEST(KeptPlan, ReadsAStudysOwnFiguresAnew) {
  const std::string fair = "{tp: 1, dp: 4, ep: 4, chunk_tokens: [64]}";
  const std::string skewed =
      "{tp: 1, dp: 4, ep: 4, chunk_tokens: [64], expert_imbalance: {value: 1, low: 1, high: 1.5, source: {text: x, "
      "grade: assumed}}}";
  const Study study = study_of(replaced(quick_look(), fair, skewed));
  const std::string place = ".decode.0.expert_imbalance", start = "workloads.0.regimes.0.systems.";
  const Study other = changed(study, {{"studies/quick-look", {{start + "hgx-h100" + place, "1.5"}}}});
  const auto& systems = serving(other).regimes.at(0).systems;
  EXPECT_EQ(systems.at(0).decode.at(0).plan.expert_imbalance, 1);
  EXPECT_EQ(systems.at(1).decode.at(0).plan.expert_imbalance, 1.5);
}

}  // namespace
}  // namespace podium::test
