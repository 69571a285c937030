// Steps of kept plans on other networks: what is chosen, and how the fidelities agree.
#include "sim/study/simulate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sim/study/case_choice.h"
#include "sim/system/packet_work.h"
#include "tests/core/error_of.h"
#include "tests/study/studies.h"

namespace podium::test {
namespace {

using testing::HasSubstr;

/// One iteration of eight GPUs whose two micro-batches exchange at the same time: one among pairs, the other with all.
PlannedStep prefill() {
  InferencePlan plan;
  plan.name = "TP2 DP4 EP8";
  plan.tp = 2;
  plan.dp = 4;
  plan.ep = 8;
  plan.micro_batches = 2;
  plan.sequence_parallel = true;
  return {"hgx-h100",
          "qwen3-30b-a3b",
          {.ranks = plan.ranks()},
          Iteration{plan, {.prefill_sequences = 2, .prefill_tokens = 512}}};
}

/// Two stages of a small training step on eight GPUs.
PlannedStep training_step() {
  TrainingPlan plan;
  plan.global_batch = 4;
  plan.sequence = 512;
  plan.tp = 2;
  plan.dp = 2;
  plan.pp = 2;
  return {"hgx-h100", "llama-3.1-8b", {.ranks = plan.ranks()}, plan};
}

Seconds exposed(const StepRun& run) {
  Seconds sum;
  for (const auto& [part, time] : run.breakdown) {
    sum += part.starts_with("exposed") ? time : Seconds();
  }
  return sum;
}

StepRun on(const PlannedStep& step, const std::string& network, double packet_scale = 1) {
  StepOptions options;
  options.network = network;
  options.packet_scale = packet_scale;
  return execute(step, options);
}

TEST(StepRun, TakesNoLessTimeTheMoreANetworkKnowsOfSharing) {
  for (const PlannedStep& step : {prefill(), training_step()}) {
    const StepRun analytic = on(step, "analytic"), flow = on(step, "flow"), packet = on(step, "packet", 32);
    // packets know no rounding of loads: within a thousandth they may be ahead
    EXPECT_LE(analytic.time, flow.time * 1.0001);
    EXPECT_LE(flow.time, packet.time * 1.001);
    EXPECT_LT(packet.time, 1.25 * flow.time);
    for (const StepRun* run : {&analytic, &packet}) {
      ASSERT_EQ(run->tiers.size(), flow.tiers.size());
      for (std::size_t i = 0; i < flow.tiers.size(); ++i) {
        EXPECT_NEAR(run->tiers[i].sum.bytes.value(), flow.tiers[i].sum.bytes.value(),
                    1e-3 * flow.tiers[i].sum.bytes.value())
            << "but for the headers of packets that are not full";
      }
    }
  }
}

TEST(StepRun, ServesMessagesInTurnWherePacketsShareAPort) {
  // beside an exchange with seven others, that with one other gets half a port by flows, and an eighth by packets
  const PlannedStep step = prefill();
  const StepRun analytic = on(step, "analytic"), flow = on(step, "flow"), packet = on(step, "packet", 4);
  EXPECT_LT(exposed(analytic), exposed(flow));
  EXPECT_LT(exposed(flow), exposed(packet));
}

TEST(StepRun, HardlyDependsOnTheSizeOfPackets) {
  const StepRun real = on(training_step(), "packet", 64), large = on(training_step(), "packet", 256);
  EXPECT_NEAR(large.time.value(), real.time.value(), 0.02 * real.time.value());
  EXPECT_LT(large.packet_hops, real.packet_hops / 3);
  EXPECT_NEAR(large.real_packet_hops, real.real_packet_hops, 1e-5 * real.real_packet_hops);
  EXPECT_NEAR(static_cast<double>(real.packet_hops), real.real_packet_hops / 64, 0.05 * real.real_packet_hops);
}

TEST(StepRun, IsTheSameFoldedOrNot) {
  StepOptions all;
  all.folding = Folding::off;
  EXPECT_FALSE(folds(all));
  for (const PlannedStep& step : {prefill(), training_step()}) {
    const StepRun one = on(step, "flow"), other = execute(step, all);
    EXPECT_EQ(one.time, other.time);
    ASSERT_EQ(one.breakdown.size(), other.breakdown.size());
    for (std::size_t i = 0; i < one.breakdown.size(); ++i) {  // of the mean rank: a sum over all ranks, or over classes
      EXPECT_EQ(one.breakdown[i].first, other.breakdown[i].first);
      EXPECT_NEAR(one.breakdown[i].second / other.breakdown[i].second, 1, 1e-12);
    }
  }
}

TEST(StepRun, RunsWithDefectsThatItsPlanKnowsNothingOf) {
  StepOptions slow, faulty, elsewhere;
  slow.slow = {"5=80%"};
  slow.check_folding = true;
  faulty.faults = {"NVSwitch[0]"};
  elsewhere.slow = {"8..9=50%"};
  const StepRun whole = on(training_step(), "flow");
  EXPECT_GT(execute(training_step(), slow).time, whole.time);
  EXPECT_LE(execute(training_step(), slow).time, whole.time / 0.8);
  EXPECT_GT(execute(training_step(), faulty).time, whole.time);
  const StepRun same = execute(training_step(), elsewhere);
  EXPECT_EQ(same.time, whole.time);
  EXPECT_THAT(same.notes, testing::Contains(HasSubstr("slow chips 8..9=50%: the step runs on ranks 0 to 7")));
}

TEST(StepRun, SaysWhichPortsWereHowBusy) {
  const StepRun run = on(prefill(), "packet", 8);
  ASSERT_EQ(run.tiers.size(), 2U);
  for (const PortTier& tier : run.tiers) {
    EXPECT_EQ(tier.plane, "nvlink");
    EXPECT_EQ(tier.links, 8 * 4U) << "eight GPUs with a link to each of four switches";
    EXPECT_EQ(tier.used, tier.links);
    EXPECT_LE(tier.mean_utilisation, tier.busiest.front().utilisation);
    EXPECT_LT(tier.busiest.front().utilisation, 1);
    EXPECT_GE(tier.busiest.front().utilisation, tier.busiest.back().utilisation);
    EXPECT_NEAR(tier.busiest.front().did.busy / run.time, tier.busiest.front().utilisation, 1e-4)
        << "a port sends at the link's whole bandwidth";
    EXPECT_GT(tier.sum.queue_most, Bytes());
    EXPECT_EQ(tier.sum.drops, 0U);
  }
  EXPECT_THAT(run.tiers.back().busiest.front().name,
              testing::MatchesRegex("(GPU|NVSwitch)\\[[0-7]\\] to (GPU|NVSwitch)\\[[0-7]\\]"));
}

Study served() { return choose(study_of(quick_look()), {.workload = "serving"}); }

TEST(FindSteps, KeepsTheStepsThatTheSearchExecuted) {
  SimulationResult result = find_steps(study_of(quick_look()), {});
  execute_steps(result);
  ASSERT_EQ(result.cases.size(), 4U);
  EXPECT_EQ(result.cases[0].steps.size(), 2U) << "prefill and decode";
  EXPECT_EQ(result.cases[2].steps.size(), 1U) << "training";
  for (const SimulatedCase& one : result.cases) {
    for (const SimulatedStep& step : one.steps) {
      EXPECT_NEAR(step.run.time.value(), step.phase.time.value(), 1e-9) << "on links that are not merged";
      EXPECT_EQ(step.run.signature, step.planned.signature);
    }
  }
}

TEST(FindSteps, KeepsTheLibraryThatTheStudyTimesCollectivesBy) {
  const Study study = study_of(replaced(quick_look(), "network: flow", "network: flow\nlibrary: true"));
  SimulationResult result = find_steps(choose(study, {.workload = "serving", .system = "h100"}), {});
  execute_steps(result);
  for (const SimulatedStep& step : result.cases.at(0).steps) {
    EXPECT_NEAR(step.planned.time.value(), step.phase.time.value(), 1e-9);
    EXPECT_EQ(step.run.time, step.planned.time);
  }
}

TEST(FindSteps, KeepsTheFaultsOfTheStudysSystems) {
  const Study study = study_of(replaced(quick_look(), "{name: hgx-h100, domains: 2}",
                                        "{name: hgx-h100, domains: 2, faults: [\"NVSwitch[0]\"]}"));
  const SimulationResult result = find_steps(choose(study, {.workload = "serving", .system = "h100"}), {});
  for (const SimulatedStep& step : result.cases.at(0).steps) {
    EXPECT_NEAR(step.planned.time.value(), step.phase.time.value(), 1e-9);
    for (const PortTier& tier : step.planned.tiers) {
      EXPECT_EQ(tier.used, 3 * step.phase.step.allocation.ranks) << "three of four switches are left";
    }
  }
}

TEST(ExecuteSteps, IsTheSameForAnyNumberOfThreads) {
  std::vector<std::uint64_t> signatures;
  for (const int count : {1, 2}) {
    RunOptions threads;
    threads.threads = count;
    StepOptions options;
    options.network = "packet";
    SimulationResult result = find_steps(served(), options, threads);
    EXPECT_GT(packet_hops(result), 0);
    execute_steps(result, threads);
    signatures.push_back(result.signature);
  }
  EXPECT_EQ(signatures[0], signatures[1]);
}

TEST(FindSteps, ChoosesPacketsThatKeepTheWorkWithinLimits) {
  StepOptions options;
  options.network = "packet";
  const SimulationResult result = find_steps(study_of(quick_look()), options);
  const SimulatedStep &small = result.cases[0].steps[0], &large = result.cases[2].steps[0];
  ASSERT_LT(small.planned.real_packet_hops, most_packet_hops);
  EXPECT_EQ(small.packet_scale, 1);
  ASSERT_GT(large.planned.real_packet_hops, most_packet_hops);
  EXPECT_LE(large.planned.real_packet_hops / large.packet_scale, most_packet_hops);
  EXPECT_GT(2 * large.planned.real_packet_hops / large.packet_scale, most_packet_hops) << "no larger than need be";
  EXPECT_EQ(find_steps(served(), {}).cases[0].steps[0].packet_scale, 1) << "flows have none";
}

TEST(Choose, TakesPartsOfNamesThatOnlyOneHas) {
  const Study whole = study_of(quick_look());
  const Study one = choose(whole, {.workload = "llama", .regime = "bf16", .system = "H100"});
  ASSERT_EQ(one.workloads.size(), 1U);
  EXPECT_EQ(name_of(one.workloads[0]), "Llama 3.1 8B training");
  ASSERT_EQ(one.systems.size(), 1U);
  EXPECT_EQ(one.systems[0].name, "hgx-h100");
  EXPECT_EQ(std::get<TrainingWorkload>(one.workloads[0]).regimes[0].systems.size(), 1U);
  EXPECT_TRUE(one.crossovers.empty());
  EXPECT_EQ(choose(whole, {}).workloads.size(), 2U);
}

TEST(Choose, RefusesNamesThatNoneHasOrSeveralHave) {
  const Study whole = study_of(quick_look());
  EXPECT_EQ(choose(whole, {.system = "hgx-h20"}).systems[0].name, "hgx-h200");
  EXPECT_THAT(error_of([&] { choose(whole, {.system = "hgx-h300"}); }),
              HasSubstr("--system: unknown system of this study 'hgx-h300' (did you mean 'hgx-h200'?)"));
  EXPECT_THAT(error_of([&] { choose(whole, {.system = "hgx"}); }),
              HasSubstr("--system: 'hgx' may be any of: hgx-h200, hgx-h100"));
  EXPECT_THAT(error_of([&] { choose(whole, {.workload = "finetuning"}); }), HasSubstr("--workload: unknown workload"));
  EXPECT_THAT(error_of([&] { choose(whole, {.regime = "fp8"}); }), HasSubstr("--regime: unknown regime"));
}

TEST(Study, RefusesToSearchWithANetworkOfRealLinks) {
  EXPECT_THAT(error_of([] { study_of(replaced(quick_look(), "network: flow", "network: packet")); }),
              HasSubstr("podium simulate STUDY --network packet"));
}

}  // namespace
}  // namespace podium::test
