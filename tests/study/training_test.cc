// Training cases: laws that hold whatever the model says.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <set>

#include "sim/study/evaluate.h"
#include "sim/study/training_plans.h"
#include "tests/study/studies.h"

namespace podium::test {
namespace {

using testing::HasSubstr;

/// The quick look's training on its second system.
std::unique_ptr<Evaluator> trainer(const Study& study) { return evaluator_of(study, {1, 0, 1}); }

CaseResult train_on(const Study& study, std::uint32_t chips) { return trainer(study)->on(chips); }

TEST(TrainingCase, DoesNoLessWithMoreChips) {
  const Study study = study_of(quick_look());
  double before = 0;
  for (const std::uint32_t chips : {1U, 2U, 3U, 4U, 6U, 8U, 12U, 16U}) {
    const double throughput = train_on(study, chips).throughput.per_system;
    EXPECT_GE(throughput, before) << chips << " chips";
    before = throughput;
  }
  EXPECT_GT(before, 0);
}

/// Steps so short that a server more costs more than it brings.
TEST(TrainingCase, LeavesDomainsIdleThatWouldCostMoreThanTheyBring) {
  const std::string text =
      replaced(replaced(quick_look(), "global_batch: 64", "global_batch: 48"), "sequence: 8192", "sequence: 256");
  const Study study = study_of(text);
  double before = 0;
  for (const std::uint32_t chips : {8U, 16U, 24U, 32U, 40U}) {
    const CaseResult result = train_on(study, chips);
    EXPECT_GE(result.throughput.per_system, before) << chips << " chips";
    EXPECT_EQ(result.ranks, chips);
    EXPECT_EQ(result.domains, chips / 8);
    EXPECT_DOUBLE_EQ(result.throughput.per_rank * result.ranks, result.throughput.per_system);
    before = result.throughput.per_system;
  }
}

/// Context parallelism is within the blocks alone: outside, both plans send the same messages.
TEST(TrainingCase, TellsPlansApartThatDifferInWhatTheirBlocksJoin) {
  std::string text =
      replaced(replaced(quick_look(), "global_batch: 64", "global_batch: 72"), "sequence: 8192", "sequence: 4096");
  text = replaced(replaced(text, "tp: [1, 2, 4]", "tp: [1]\n            cp: [1, 2]"), "pp: [1, 2]", "pp: [2]");
  const CaseResult result = train_on(study_of(replaced(text, "micro_batch: [1, 2]", "micro_batch: [1]")), 24);
  for (const Alternative& one : result.alternatives) {
    EXPECT_EQ(one.refused.empty(), one.throughput > 0) << one.plan << ": " << one.refused;
  }
  EXPECT_GT(result.throughput.per_system, 0);
}

TEST(TrainingCase, KeepsTheFastestOfItsPlans) {
  const CaseResult result = train_on(study_of(quick_look()), 8);
  double most = 0;
  for (const Alternative& alternative : result.alternatives) {
    EXPECT_EQ(alternative.throughput > 0, alternative.refused.empty()) << alternative.plan;
    most = std::max(most, alternative.throughput);
  }
  EXPECT_EQ(result.alternatives.size(), 3U * 2 * 2 * 3) << "tp x pp x micro-batch x recompute";
  EXPECT_EQ(result.throughput.per_system, most);
}

TEST(TrainingCase, AccountsForItsStepAndItsMemory) {
  const Study study = study_of(quick_look());
  const CaseResult result = train_on(study, 8);
  ASSERT_EQ(result.phases.size(), 1U);
  const PhaseResult& step = result.phases[0];
  Seconds sum;
  for (const auto& [part, time] : step.breakdown) {
    sum += time;
  }
  EXPECT_NEAR(sum.value(), step.time.value(), 1e-9 * step.time.value());
  EXPECT_LE(step.memory.total(), step.memory_size);
  EXPECT_DOUBLE_EQ(result.throughput.per_system * step.time.value(), 64.0 * 8192) << "tokens of the batch";
  EXPECT_GT(*result.model_flops_utilisation, 0);
  EXPECT_LT(*result.model_flops_utilisation, 1);
}

TEST(TrainingCase, ComparesItsFlopsWithThePeakOfItsMatrixType) {
  const Study study = study_of(replaced(quick_look(), "matrix: bf16", "matrix: fp8"));
  const CaseResult result = train_on(study, 8);
  const TrainingOptions& options = training(study).regimes[0].systems[1];
  const ChipSpec chip = load_chip(load_system(result.system).chip);
  const Flops flops = training_flops(load_model(training(study).model), options.base);
  const FlopsPerSecond peak = chip.peak(DataType::fp8) * result.ranks;
  EXPECT_EQ(result.phases[0].peak_type, "fp8");
  EXPECT_NEAR(*result.model_flops_utilisation, flops / result.phases[0].time / peak, 1e-9);
}

TEST(TrainingCase, TriesEachOfTheTypesThatAreListed) {
  const auto with = [](const std::string& types) {
    return train_on(study_of(replaced(quick_look(), "matrix: bf16", "matrix: " + types)), 8);
  };
  const CaseResult wide = with("bf16"), narrow = with("fp8"), both = with("[bf16, fp8]");
  EXPECT_EQ(both.alternatives.size(), wide.alternatives.size() + narrow.alternatives.size());
  EXPECT_EQ(both.throughput.per_system, std::max(wide.throughput.per_system, narrow.throughput.per_system));
  EXPECT_EQ(both.phases[0].peak_type, "fp8");
}

TEST(TrainingCase, NamesEachPlanOnceAndTheOneItChose) {
  Study study = study_of(quick_look());
  std::get<TrainingWorkload>(study.workloads[1]).regimes[0].systems[1].ranks_per_domain = {4, 8};
  const CaseResult result = train_on(study, 8);
  std::set<std::string> plans;
  for (const Alternative& tried : result.alternatives) {
    EXPECT_TRUE(plans.insert(tried.plan).second) << tried.plan;
    EXPECT_EQ(tried.plan.find("DP0"), std::string::npos) << tried.plan;
    if (tried.refused.starts_with("needs ")) {
      const std::string need = tried.refused.substr(6, tried.refused.find(" of ") - 6);
      EXPECT_EQ(tried.refused.find(need, 7), std::string::npos) << tried.refused;
    }
  }
  EXPECT_EQ(plans.count(result.plan), 1U) << result.plan;
}

TEST(TrainingCase, AnswersTheSameWhateverItWasAskedBefore) {
  const Study study = study_of(quick_look());
  const auto evaluator = trainer(study);
  evaluator->on(16);
  const CaseResult again = evaluator->on(6), fresh = train_on(study, 6);
  EXPECT_EQ(again.signature, fresh.signature);
  EXPECT_EQ(again.throughput.per_system, fresh.throughput.per_system);
}

/// All that a result says of the best plan.
void expect_same_best(const CaseResult& one, const CaseResult& other) {
  EXPECT_EQ(one.plan.substr(0, one.plan.find(" ranks a domain")),
            other.plan.substr(0, other.plan.find(" ranks a domain")));
  EXPECT_EQ(one.throughput.per_system, other.throughput.per_system);
  EXPECT_EQ(one.ranks, other.ranks);
  EXPECT_EQ(one.domains, other.domains);
  EXPECT_EQ(one.signature, other.signature);
}

TEST(TrainingCase, FindsTheSameBestPlanWithFewerRuns) {
  const Study study = study_of(quick_look());
  std::size_t all = 0, some = 0;
  for (const std::uint32_t chips : {1U, 3U, 6U, 8U, 12U, 16U}) {
    const CaseResult best = trainer(study)->best_on(chips);
    const CaseResult every = train_on(study, chips);
    expect_same_best(best, every);
    all += every.alternatives.size();
    some += best.alternatives.size();
  }
  EXPECT_LT(some, all);
}

TEST(TrainingCase, TellsWhetherThereIsAPlanThatIsFastEnough) {
  const Study study = study_of(quick_look());
  const CaseResult every = train_on(study, 8);
  const double best = every.throughput.per_system;
  for (const double enough : {0.5 * best, best}) {
    expect_same_best(trainer(study)->best_on(8, enough), every);
  }
  const auto evaluator = trainer(study);
  EXPECT_LT(evaluator->best_on(8, 2 * best).throughput.per_system, 2 * best);
  expect_same_best(evaluator->on(8), every);
}

TEST(TrainingCase, RunsAPlanThatWasTooLargeForFewerChips) {
  const Study study = study_of(quick_look());
  const auto evaluator = trainer(study);
  evaluator->on(1);
  for (const std::uint32_t chips : {2U, 4U, 8U}) {
    const CaseResult later = evaluator->on(chips), fresh = train_on(study, chips);
    EXPECT_EQ(later.alternatives, fresh.alternatives) << chips;
    EXPECT_EQ(later.plan, fresh.plan) << chips;
    EXPECT_EQ(later.throughput.per_system, fresh.throughput.per_system) << chips;
  }
}

TEST(TrainingCase, SaysWhyAPlanIsRefused) {
  const Study large = study_of(replaced(quick_look(), "model: llama-3.1-8b", "model: llama-3.1-405b"));
  const CaseResult result = train_on(large, 8);
  EXPECT_EQ(result.plan, "");
  for (const Alternative& alternative : result.alternatives) {
    EXPECT_THAT(alternative.refused, HasSubstr(" of " + to_text(load_chip("h100-sxm").memory_size) + " a rank"));
  }
  EXPECT_THAT(train_on(large, 1).alternatives.back().refused, HasSubstr("a replica takes 8 ranks, and there are 1"));
  EXPECT_THAT(train_on(large, 1'000'000).alternatives.front().refused, HasSubstr("1000000 chips asked for"));
}

TEST(WidestDp, IsTheLargestThatTheRanksHoldAndTheBatchDividesBy) {
  TrainingPlan plan;
  plan.global_batch = 48;
  plan.tp = 2;
  plan.pp = 2;
  for (std::uint32_t ranks = 1; ranks < 300; ++ranks) {
    std::uint32_t expected = 0;
    for (std::uint32_t dp = 1; dp * 4 <= ranks; ++dp) {
      expected = 48 % dp == 0 ? dp : expected;
    }
    EXPECT_EQ(widest_dp(plan, ranks), expected) << ranks;
  }
  plan.ep = 8;  // two ranks a stage and replica: dp in fours
  EXPECT_EQ(widest_dp(plan, 4 * 13), 12U);
  EXPECT_EQ(widest_dp(plan, 4 * 3), 0U);
}

}  // namespace
}  // namespace podium::test
