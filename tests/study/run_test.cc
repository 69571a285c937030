// Comparisons and sweeps: the same for any number of threads, and crossovers against brute force.
#include "sim/study/run.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sim/study/evaluate.h"
#include "sim/study/parallel.h"
#include "tests/core/error_of.h"
#include "tests/study/studies.h"

namespace podium::test {
namespace {

using namespace std::string_literals;
using testing::HasSubstr;

RunOptions threads(int count) {
  RunOptions options;
  options.threads = count;
  return options;
}

/// Servers of H100 against three of H200, on a step whose batch many widths divide.
std::string toy_text(std::uint32_t servers) {
  std::string text = quick_look();
  const std::size_t begin = text.find("  - name: Qwen3"), end = text.find("  - name: Llama");
  text.erase(begin, end - begin);
  text = replaced(text, "{name: hgx-h200, domains: 1}", "{name: hgx-h200, domains: 3}");
  text = replaced(text, "{name: hgx-h100, domains: 2}", "{name: hgx-h100, domains: " + std::to_string(servers) + "}");
  text = replaced(text, "global_batch: 64", "global_batch: 192");
  text = replaced(text, "tp: [1, 2, 4]", "tp: [1, 2]");
  text = replaced(text, "pp: [1, 2]", "pp: [1]");
  return replaced(text, "micro_batch: [1, 2]", "micro_batch: [1]");
}

Study toy(std::uint32_t servers) { return study_of(toy_text(servers)); }

/// The toy with a second regime, in which the H200 does the same and the H100 recomputes all.
Study two_regimes() {
  const std::string second = R"(      - name: again
        systems:
          hgx-h200: *step
          hgx-h100: {matrix: bf16, attention: bf16, tp: [2], pp: [1], micro_batch: [1], recompute: [full]}
)";
  return study_of(toy_text(2) + second);
}

TEST(RunComparison, RunsCasesThatAreAlikeOnce) {
  const Study study = two_regimes();
  EXPECT_EQ(first_alike(study), (std::vector<std::size_t>{0, 1, 0, 3}));
  const ComparisonResult result = run_comparison(study);
  const std::vector<CaseId> cases = cases_of(study);
  for (std::size_t i = 0; i < cases.size(); ++i) {
    const CaseResult alone = evaluator_of(study, cases[i])->on(result.cases[i].chips);
    EXPECT_EQ(result.cases[i].regime, alone.regime);
    EXPECT_EQ(result.cases[i].plan, alone.plan);
    EXPECT_EQ(result.cases[i].throughput.per_system, alone.throughput.per_system);
    EXPECT_EQ(result.cases[i].signature, alone.signature);
  }
  EXPECT_EQ(result.crossovers.at(1).regime, "again");
}

TEST(RunComparison, IsTheSameForAnyNumberOfThreads) {
  const Study study = study_of(quick_look());
  const ComparisonResult one = run_comparison(study, threads(1));
  for (const int count : {1, 2, 5}) {
    const ComparisonResult other = run_comparison(study, threads(count));
    EXPECT_EQ(one.signature, other.signature);
    ASSERT_EQ(one.cases.size(), other.cases.size());
    for (std::size_t i = 0; i < one.cases.size(); ++i) {
      EXPECT_EQ(one.cases[i].plan, other.cases[i].plan);
      EXPECT_EQ(one.cases[i].throughput.per_system, other.cases[i].throughput.per_system);
    }
    for (std::size_t i = 0; i < one.crossovers.size(); ++i) {
      EXPECT_EQ(one.crossovers[i].chips, other.crossovers[i].chips);
      EXPECT_EQ(one.crossovers[i].throughput, other.crossovers[i].throughput);
    }
  }
}

TEST(RunComparison, IsSlowerOnANetworkWithFaultsAndSaysSo) {
  const std::string text = replaced(quick_look(), "tp: [1, 2, 4]", "tp: [4]");
  const ComparisonResult whole = run_comparison(study_of(text));
  const ComparisonResult faulty = run_comparison(study_of(
      replaced(text, "{name: hgx-h100, domains: 2}", "{name: hgx-h100, domains: 2, faults: [\"NVSwitch[0..2]\"]}")));
  for (std::size_t i = 0; i < whole.cases.size(); ++i) {
    const bool has_faults = whole.cases[i].system == "hgx-h100";
    EXPECT_EQ(faulty.cases[i].throughput.per_system < whole.cases[i].throughput.per_system, has_faults);
    EXPECT_THAT(faulty.cases[i].notes,
                testing::Contains(HasSubstr("the network has a fault: NVSwitch[0..2]")).Times(has_faults ? 1 : 0));
  }
}

TEST(RunComparison, IsSlowerWithASlowChipAndSaysSo) {
  const std::string text = replaced(quick_look(), "tp: [1, 2, 4]", "tp: [4]");
  const ComparisonResult whole = run_comparison(study_of(text));
  const ComparisonResult slowed = run_comparison(
      study_of(replaced(text, "{name: hgx-h100, domains: 2}", "{name: hgx-h100, domains: 2, slow: [\"13=80%\"]}")));
  for (std::size_t i = 0; i < whole.cases.size(); ++i) {
    const double speed = slowed.cases[i].throughput.per_system / whole.cases[i].throughput.per_system;
    if (slowed.cases[i].system == "hgx-h100") {
      EXPECT_LT(speed, 1);
      if (!slowed.cases[i].objective) {  // served requests wait in queues, too
        EXPECT_GE(speed, 0.8 * (1 - 1e-9)) << "a step waits no longer than for kernels at 80 %";
      }
      EXPECT_THAT(slowed.cases[i].notes, testing::Contains(testing::HasSubstr("slow chips: 13=80%")));
    } else {
      EXPECT_EQ(speed, 1);
    }
  }
}

TEST(RunComparison, HasACaseForEachSystemOfEachRegimeInTheStudysOrder) {
  const ComparisonResult result = run_comparison(study_of(quick_look()));
  std::vector<std::string> cases;
  for (const CaseResult& one : result.cases) {
    cases.push_back(one.workload + " on " + one.system);
  }
  EXPECT_EQ(cases,
            (std::vector<std::string>{"Qwen3-30B-A3B serving on hgx-h200", "Qwen3-30B-A3B serving on hgx-h100",
                                      "Llama 3.1 8B training on hgx-h200", "Llama 3.1 8B training on hgx-h100"}));
  EXPECT_EQ(result.cases[1].chips, 16U) << "two servers";
  EXPECT_FALSE(result.sources.empty());
  EXPECT_THAT(result.assumptions, testing::Contains("Experts are perfectly balanced."));
}

TEST(RunComparison, TellsHowFarItIs) {
  const Study study = toy(2);
  std::vector<std::pair<std::size_t, std::size_t>> told;
  RunOptions options = threads(2);
  options.progress = [&](std::size_t done, std::size_t of) { told.emplace_back(done, of); };
  run_comparison(study, options);
  EXPECT_EQ(told, (std::vector<std::pair<std::size_t, std::size_t>>{{1, 3}, {2, 3}, {3, 3}}))
      << "two cases and a crossover";
}

TEST(Crossover, IsTheFewestServersThatDoAsMuch) {
  const std::uint32_t servers = 8;
  const Study study = toy(servers);
  const ComparisonResult result = run_comparison(study);
  ASSERT_EQ(result.crossovers.size(), 1U);
  const Crossover& found = result.crossovers[0];
  const double wanted = result.cases[0].throughput.per_system;
  EXPECT_EQ(found.reference_throughput, wanted);

  const auto& workload = std::get<TrainingWorkload>(study.workloads[0]);
  const TrainingRegime& regime = workload.regimes[0];
  std::uint32_t fewest = 0;
  for (std::uint32_t count = servers; count > 0; --count) {
    const double throughput =
        training_evaluator(study, workload, regime, regime.systems[1])->on(8 * count).throughput.per_system;
    fewest = throughput >= wanted ? 8 * count : fewest;
  }
  ASSERT_GT(fewest, 24U) << "an H100 does less than an H200";
  ASSERT_LT(fewest, 8 * servers);
  EXPECT_EQ(found.chips, fewest);
  EXPECT_GE(found.throughput, wanted);
}

TEST(Crossover, LooksBeyondTheServersThatAreCompared) {
  const Study study = toy(2);
  const ComparisonResult result = run_comparison(study);
  const Crossover& found = result.crossovers.at(0);
  EXPECT_EQ(found.compared_chips, 16U);
  ASSERT_LT(result.cases[1].throughput.per_system, found.reference_throughput);
  const auto evaluator = evaluator_of(study, cases_of(study)[1]);
  std::uint32_t fewest = 24;
  while (evaluator->on(fewest).throughput.per_system < found.reference_throughput) {
    fewest += 8;
  }
  EXPECT_EQ(found.chips, fewest);
  EXPECT_EQ(found.throughput, evaluator->on(fewest).throughput.per_system);
}

TEST(Crossover, SaysSoWhereManyMoreChipsDoNotReachItEither) {
  const std::string few = replaced(toy_text(1), "global_batch: 192", "global_batch: 1");
  const ComparisonResult result = run_comparison(study_of(few));
  EXPECT_EQ(result.crossovers.at(0).chips, std::nullopt) << "a batch of one sequence keeps one replica busy";
  EXPECT_EQ(result.crossovers[0].largest, 64U);
}

TEST(RunSweep, HasAPointForEachCountInTheStudysOrderForAnyNumberOfThreads) {
  const Study study = study_of(replaced(quick_look(), "seed: 1", "seed: 1\nchips: [8, 1, 4]"));
  const SweepResult one = run_sweep(study, threads(1)), two = run_sweep(study, threads(2));
  EXPECT_EQ(one.signature, two.signature);
  ASSERT_EQ(one.points.size(), 4U * 3);
  for (std::size_t i = 0; i < one.points.size(); ++i) {
    EXPECT_EQ(one.points[i].chips, study.chips[i % 3]);
    EXPECT_EQ(one.points[i].plan, two.points[i].plan);
    EXPECT_EQ(one.points[i].throughput.per_system, two.points[i].throughput.per_system);
    EXPECT_EQ(one.points[i].plan.empty(), !one.points[i].refused.empty());
  }
  EXPECT_THAT(one.points[1].refused, HasSubstr("in one domain, which has 1")) << "one GPU does not hold the model";
}

TEST(RunSweep, TellsHowMuchMemoryThePlanLacksThatNeedsLeast) {
  const std::string large = replaced(quick_look(), "model: llama-3.1-8b", "model: llama-3.1-405b");
  const Study study = study_of(replaced(large, "seed: 1", "seed: 1\nchips: [8]"));
  const auto& workload = std::get<TrainingWorkload>(study.workloads[1]);
  const TrainingRegime& regime = workload.regimes[0];
  const CaseResult tried = training_evaluator(study, workload, regime, regime.systems[0])->on(8);
  const auto least = std::min_element(tried.alternatives.begin(), tried.alternatives.end(),
                                      [](const Alternative& a, const Alternative& b) { return a.excess < b.excess; });
  ASSERT_LT(least->excess, tried.alternatives.front().excess);
  const SweepResult swept = run_sweep(study, threads(1));
  EXPECT_EQ(swept.points[2].refused, least->refused);
}

TEST(ParallelFor, ThrowsTheFirstOfSeveralErrorsByIndex) {
  for (const int count : {1, 3}) {
    const auto run = [&] {
      parallel_for(20, threads(count), [](std::size_t i) {
        if (i % 7 == 6) {
          throw InputError("at " + std::to_string(i));
        }
      });
    };
    EXPECT_EQ(error_of(run), "at 6");
  }
}

TEST(ParallelFor, CallsEachIndexOnce) {
  std::vector<int> calls(1000);
  parallel_for(calls.size(), threads(4), [&](std::size_t i) { ++calls[i]; });
  EXPECT_THAT(calls, testing::Each(1));
}

}  // namespace
}  // namespace podium::test
