// Serving cases: laws that hold whatever the model says.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "sim/core/quantile.h"
#include "sim/serving/serve.h"
#include "sim/serving/step_times.h"
#include "sim/study/evaluate.h"
#include "sim/study/serving_candidate.h"
#include "tests/study/serving_cases.h"

namespace podium::test {
namespace {

using testing::HasSubstr;

TEST(ServingCase, DoesNoLessWithMoreChips) {
  const Study study = study_of(quick_look());
  double before = 0;
  for (const std::uint32_t chips : {2U, 4U, 6U, 8U, 16U}) {
    const double throughput = serve_on(study, chips).throughput.per_system;
    EXPECT_GE(throughput, before * 0.99) << chips << " chips; rates are found to 1 %";
    before = throughput;
  }
  EXPECT_GT(before, 0);
}

TEST(ServingCase, DoesOnManyDomainsNoLessThanCopiesOfWhatOneDoes) {
  const Study study = study_of(replaced(quick_look(), "{name: hgx-h100, domains: 2}", "{name: hgx-h100, domains: 16}"));
  const double one = serve_on(study, 8).throughput.per_system;
  for (const std::uint32_t domains : {2U, 3U, 6U, 12U}) {
    const CaseResult result = serve_on(study, 8 * domains);
    EXPECT_GE(result.throughput.per_system, domains * one * 0.99) << domains << " domains; rates are found to 1 %";
  }
}

TEST(ServingCase, SustainsWithAllTemplatesWhatTheBestOfThemDoesThoughLessIsPredictedOfIt) {
  // a mixed instance takes chunks beside what it decodes, of which means tell too little
  std::string text = replaced(one_template("{tp: 1, dp: 8, ep: 8, chunk_tokens: [1024]}"), "input: 2048, output: 256",
                              "input: 512, output: 64");
  text = replaced(text, "ttft: 500 ms, tpot: 20 ms", "ttft: 2 s, tpot: 50 ms");
  const double mixed = serve_on(study_of(text), 8).request_rate;
  const std::string pair =
      "transfer_plane: nvlink\n            prefill: [{tp: 1, dp: 1, ep: 1, chunk_tokens: [1024]}]\n            decode: "
      "[{tp: 1, dp: 1, ep: 1, chunk_tokens: [1]}]\n            mixed:";
  const double both = serve_on(study_of(replaced(text, "mixed:", pair)), 8).request_rate;
  EXPECT_GT(mixed, 0);
  EXPECT_GE(both, 0.98 * mixed);
}

TEST(ServingCase, DoesNotTakeAMachineThatFillsUpSlowlyForOneWhoseQueuesGrow) {
  // near its TPOT a bigger batch takes longer steps, which make it bigger still: it settles after many stays
  const Study study = study_of(R"(
name: slow-filling
title: Answers of 512 tokens
question: What do three servers sustain that are told apart from one only by their number?
network: flow
seed: 1
systems: [{name: hgx-h200, domains: 3}]
chips: [8, 24]
workloads:
  - name: answers
    kind: serving
    model: qwen3-30b-a3b
    arrivals: {input: 4096, output: 512}
    slo: {quantile: 0.95, ttft: 500 ms, tpot: 20 ms}
    warm_up: 10 s
    measured: 20 s
    common: {weights: bf16, experts: bf16, attention: bf16, cache: bf16}
    regimes:
      - name: bf16
        systems:
          hgx-h200:
            transfer_plane: nvlink
            prefill: [{tp: 2, dp: 1, ep: 2, chunk_tokens: [4096]}]
            decode: [{tp: 1, dp: 4, ep: 4, chunk_tokens: [64]}]
)");
  const double one = serve_on(study, 8, 0).throughput.per_system, three = serve_on(study, 24, 0).throughput.per_system;
  EXPECT_GE(three, 0.98 * 3 * one) << "rates are found to 1 %";
}

TEST(ServingCase, TakesAllInstancesIntoAccountWhereOneKindNeedsMany) {
  // long answers: one instance prefills for many that decode
  const std::string text = replaced(quick_look(), "input: 2048, output: 256", "input: 256, output: 4096");
  const std::size_t mixed = text.find("            mixed:"), end = text.find("          hgx-h100: *server");
  const Study study = study_of(replaced(text.substr(0, mixed) + text.substr(end), "{name: hgx-h100, domains: 2}",
                                        "{name: hgx-h100, domains: 4}"));
  const double one = serve_on(study, 8).throughput.per_system;
  EXPECT_GE(serve_on(study, 32).throughput.per_system, 4 * one * 0.98);
}

TEST(ServingCase, RefusesWhatHasNoWayFromPrefillToDecodeAndServesOtherwise) {
  const Study study = study_of(replaced(quick_look(), "{name: hgx-h100, domains: 2}",
                                        "{name: hgx-h100, domains: 2, faults: ['NVSwitch[0..3]']}"));
  const CaseResult result = serve_on(study, 8);
  EXPECT_THAT(reasons(result), HasSubstr("plane 'nvlink' carries nothing from prefill to decode"));
  EXPECT_THAT(result.plan, HasSubstr("mixed"));
  EXPECT_GT(result.throughput.per_system, 0);
}

/// Prompts that are no whole number of chunks: where one ends within a chunk the next begins.
TEST(ServingCase, SplitsChipsForPromptsOfOneTokenMoreThanAChunkAsForThoseThatFillIt) {
  const auto serve = [](const char* lengths) {
    std::string text = replaced(quick_look(), "input: 2048, output: 256", lengths);
    const std::size_t begin = text.find("            transfer_plane"), end = text.find("          hgx-h100: *server");
    text = text.substr(0, begin) +
           "            transfer_plane: nvlink\n            prefill: [{tp: 1, dp: 1, chunk_tokens: [256]}]\n"
           "            decode: [{tp: 1, dp: 1, chunk_tokens: [64]}]\n" +
           text.substr(end);
    return serve_on(study_of(text), 8);
  };
  const CaseResult filled = serve("input: 256, output: 160"), over = serve("input: 257, output: 160");
  EXPECT_EQ(over.plan, filled.plan);
  EXPECT_GT(over.request_rate, 0.97 * filled.request_rate);
}

TEST(ServingCase, SendsACacheNoFasterThanTheOneWhoTakesItCan) {
  // one chip takes what four send, over a port as wide as theirs: no faster than from one
  const auto tpot_from = [](const char* prefill) {
    std::string text = replaced(quick_look(), "input: 2048, output: 256", "input: 32768, output: 16");
    const std::size_t begin = text.find("            transfer_plane"), end = text.find("          hgx-h100: *server");
    text = text.substr(0, begin) + "            transfer_plane: infiniband\n            prefill: [" + prefill +
           "]\n            decode: [{tp: 1, dp: 1, chunk_tokens: [64]}]\n" + text.substr(end);
    text = replaced(replaced(text, "ttft: 500 ms", "ttft: 20 s"), "tpot: 20 ms", "tpot: 500 ms");
    return serve_on(study_of(text), 8).tpot->p50.value();
  };
  EXPECT_NEAR(tpot_from("{tp: 4, dp: 1, ep: 4, chunk_tokens: [4096]}"),
              tpot_from("{tp: 1, dp: 1, chunk_tokens: [4096]}"),
              1e-3 * tpot_from("{tp: 1, dp: 1, chunk_tokens: [4096]}"));
}

TEST(ServingCase, AnswersTheSameWhateverItWasAskedBefore) {
  const Study study = study_of(quick_look());
  const auto evaluator = evaluator_of(study, {0, 0, 1});
  evaluator->on(16);
  const CaseResult again = evaluator->on(4), fresh = serve_on(study, 4);
  EXPECT_EQ(again.signature, fresh.signature);
  EXPECT_EQ(again.throughput.per_system, fresh.throughput.per_system);
}

TEST(ServingCase, FindsOfADeploymentTheSameRateWhateverElseIsListed) {
  const std::string mixed = "{tp: 1, dp: 8, ep: 8, chunk_tokens: [512]}",
                    worse = "{tp: 8, dp: 1, ep: 8, chunk_tokens: [64]}";
  const std::string pair =
      "transfer_plane: nvlink\n            prefill: [{tp: 4, dp: 1, ep: 4, chunk_tokens: [1024]}]\n            decode: "
      "[{tp: 4, dp: 1, ep: 4, chunk_tokens: [64]}]\n            mixed:";
  const CaseResult alone = serve_on(study_of(one_template(mixed)), 8);
  for (const std::string& text : {one_template(worse + ", " + mixed), replaced(one_template(mixed), "mixed:", pair)}) {
    const CaseResult among_others = serve_on(study_of(text), 8);
    EXPECT_EQ(among_others.plan, alone.plan);
    EXPECT_EQ(among_others.request_rate, alone.request_rate);
    EXPECT_EQ(among_others.signature, alone.signature);
  }
}

TEST(ServingCase, TakesOfEqualRatesThePlanWithWhichRequestsAreThroughSooner) {
  const std::string narrow = "{tp: 1, dp: 2, ep: 2, chunk_tokens: [64]}",
                    wide = "{tp: 2, dp: 1, ep: 2, chunk_tokens: [64]}";
  const auto serve = [](const std::string& decode) {  // long prompts: prefill sets the rate
    std::string text = replaced(one_template("{tp: 8, dp: 1, ep: 8, chunk_tokens: [64]}"), "input: 2048, output: 256",
                                "input: 8192, output: 32");
    text = replaced(text, "ttft: 500 ms, tpot: 20 ms", "ttft: 2 s, tpot: 100 ms");
    const std::size_t begin = text.find("            mixed:");
    text = text.substr(0, begin) +
           "            transfer_plane: nvlink\n            prefill: [{tp: 2, dp: 1, ep: 2, chunk_tokens: [8192]}]\n"
           "            decode: [" +
           decode + "]\n" + text.substr(text.find('\n', begin) + 1);
    return serve_on(study_of(text), 8);
  };
  const CaseResult first = serve(narrow), second = serve(wide);
  ASSERT_EQ(first.request_rate, second.request_rate);
  const CaseResult& sooner = first.tpot->p50 < second.tpot->p50 ? first : second;
  EXPECT_EQ(serve(narrow + ", " + wide).plan, sooner.plan);
  EXPECT_EQ(serve(wide + ", " + narrow).plan, sooner.plan);
}

TEST(ServingCase, AccountsForItsStepsAndItsMemory) {
  const CaseResult result = serve_on(study_of(quick_look()), 8);
  ASSERT_EQ(result.phases.size(), 2U) << result.plan;
  for (const PhaseResult& phase : result.phases) {
    Seconds sum;
    for (const auto& [part, time] : phase.breakdown) {
      EXPECT_GE(time.value(), 0) << part;
      sum += time;
    }
    EXPECT_NEAR(sum.value(), phase.time.value(), 1e-9 * phase.time.value()) << phase.name;
    EXPECT_GT(phase.memory.weights.value(), 0);
    EXPECT_LE(phase.memory.total(), phase.memory_size) << phase.name;
  }
}

TEST(ServingCase, TellsIterationsWithPromptsFromThoseThatOnlyDecode) {
  const CaseResult result = serve_on(study_of(one_template("{tp: 2, dp: 1, ep: 2, chunk_tokens: [2048]}")), 2);
  ASSERT_EQ(result.phases.size(), 2U);
  EXPECT_EQ(result.phases[0].name, "mixed step");
  EXPECT_EQ(result.phases[1].name, "decode step");
  EXPECT_NEAR(result.phases[0].time_share + result.phases[1].time_share, 1, 1e-9);
  EXPECT_GT(result.phases[0].time, 1.5 * result.phases[1].time) << "a prompt of 2,048 tokens beside";
  const auto& shape = std::get<Iteration>(result.phases[1].step.work).shape;
  EXPECT_EQ(shape.prefill_sequences, 0);
}

TEST(ServingCase, LetsALoneSequenceDecodeBesideNoPrompt) {
  // chunks take longer than a token may, but half of the requests meet none
  std::string text = replaced(one_template("{tp: 2, dp: 1, ep: 2, chunk_tokens: [1024]}"), "input: 2048, output: 256",
                              "input: 8000, output: 5");
  text = replaced(text, "{quantile: 0.95, ttft: 500 ms, tpot: 20 ms}", "{quantile: 0.5, ttft: 2 s, tpot: 14 ms}");
  EXPECT_GT(serve_on(study_of(text), 2).request_rate, 0);
}

TEST(ServingCase, NamesPlansOfDenseModelsByTheTypeOfTheirWeights) {
  const auto named = [](const std::string& types) {
    const std::string text = replaced(
        replaced(one_template("{tp: 8, dp: 1, chunk_tokens: [1024], " + types + "}"), "qwen3-30b-a3b", "llama-3.1-8b"),
        "experts: bf16, ", "");
    return serving(study_of(text)).regimes.at(0).systems.at(1).mixed.at(0).plan.name;
  };
  EXPECT_EQ(named("weights: fp8"), "TP8 fp8");
  EXPECT_EQ(named("weights: bf16, experts: fp8"), "TP8 bf16") << "it has none";
}

TEST(ServingCase, ComputesExpertsInTheTypeOfTheWeightsWhereNothingElseIsSaid) {
  const std::string text =
      replaced(one_template("{tp: 2, dp: 1, ep: 2, chunk_tokens: [1024], weights: fp8}"), "experts: bf16, ", "");
  const InferencePlan plan = serving(study_of(text)).regimes.at(0).systems.at(1).mixed.at(0).plan;
  EXPECT_EQ(plan.experts(), DataType::fp8);
  EXPECT_EQ(plan.name, "TP2 EP2 fp8");
}

TEST(ServingCase, KeepsMemoryForTheStepOfAsManySequencesAsItHolds) {
  // prompts and answers so long that the cache, and not the limit of the batcher, decides
  const Study study = study_of(replaced(quick_look(), "input: 2048, output: 256", "input: 8192, output: 4096"));
  const ServingWorkload& workload = serving(study);
  const std::vector<Request> none;
  const MeanRequest request = mean_request(workload, none);
  const ModelSpec model = load_model(workload.model);
  const SystemSpec system = load_system("hgx-h100");
  Candidates candidates(study, workload, none, model, system, workload.regimes.at(0).systems.at(1));
  std::size_t decoding = 0;
  for (Candidates::Entry& entry : candidates.entries()) {
    const ServingCandidate* c = candidates.get(entry);
    if (c == nullptr || c->stage != Stage::decode) {
      continue;
    }
    ++decoding;
    const auto room = [&](double sequences) {
      const StepShape step{sequences, request.context, 1, c->chunk, 0};
      return cache_capacity(model, candidates.chip(), c->plan, step, request.context);
    };
    EXPECT_LT(c->sequences, most_sequences);
    EXPECT_DOUBLE_EQ(c->cache_tokens, room(c->sequences));
    EXPECT_GE(c->cache_tokens, c->sequences * request.context);
    EXPECT_LT(room(c->sequences + 1.0), (c->sequences + 1.0) * request.context) << "one more would not fit";
  }
  EXPECT_GT(decoding, 0U);
}

TEST(ServingCase, ReportsAStepThatBearsItsRate) {
  // two prompts a step, one a micro-batch
  const std::string text = replaced(quick_look(), "{tp: 2, dp: 1, ep: 2, chunk_tokens: [4096]}",
                                    "{tp: 1, dp: 4, ep: 4, micro_batches: 2, chunk_tokens: [4096]}");
  const std::string alone = replaced(replaced(text, "            mixed:\n", ""),
                                     "              - {tp: 1, dp: 8, ep: 8, chunk_tokens: [512]}\n"
                                     "              - {tp: 2, dp: 1, ep: 2, chunk_tokens: [512, 1024]}\n",
                                     "");
  const CaseResult result = serve_on(study_of(alone), 16);
  ASSERT_EQ(result.phases.size(), 2U) << result.plan;
  const double instances = std::stod(result.plan.substr(std::string("prefill ").size()));
  const PhaseResult& prefill = result.phases[0];
  EXPECT_LE(result.request_rate, 1.03 * instances * prefill.batch / prefill.time.value()) << result.plan;
}

TEST(ServingCase, DividesItsThroughput) {
  const Study study = study_of(quick_look());
  const CaseResult result = serve_on(study, 8);
  EXPECT_DOUBLE_EQ(result.throughput.per_chip * 8, result.throughput.per_system);
  EXPECT_DOUBLE_EQ(result.throughput.per_watt * result.power.value(), result.throughput.per_system);
  // every request brings so many tokens
  EXPECT_DOUBLE_EQ(result.throughput.per_system, result.request_rate * serving(study).arrivals.output);
}

/// The quantile that the objective is about, of TTFT and TPOT, of the requests after the warm-up.
std::pair<double, double> seen(const Served& served, const ServingWorkload& workload) {
  std::vector<double> ttft, tpot;
  const Time from = Time() + workload.warm_up, until = from + workload.measured;
  for (const Outcome& outcome : served.outcomes) {
    if (outcome.arrival >= from && outcome.arrival < until) {
      ttft.push_back(outcome.ttft().value());
      tpot.push_back(outcome.tpot().value());
    }
  }
  return {quantile(ttft, workload.slo.quantile), quantile(tpot, workload.slo.quantile)};
}

TEST(ServingCase, KeepsTheObjectiveAtItsRateAndBreaksItAboveIt) {
  const Study study = study_of(one_template("{tp: 2, dp: 1, ep: 2, chunk_tokens: [512]}"));
  const ServingWorkload& workload = serving(study);
  const CaseResult result = serve_on(study, 4);
  ASSERT_EQ(result.plan, "mixed 2 x TP2 EP2 bf16, chunks of 512");
  EXPECT_LE(result.ttft->p95, workload.slo.ttft);
  EXPECT_LE(result.tpot->p95, workload.slo.tpot);

  // the same deployment, put together by hand
  const InferencePlan& plan = workload.regimes[0].systems[1].mixed[0].plan;
  const ModelSpec model = load_model(workload.model);
  const Machine machine = load_machine("hgx-h100", {plan.ranks(), 0});
  Simulator simulator(machine);
  StepTimes steps(simulator, model, plan);
  Deployment deployment;
  deployment.decode.plan = plan;
  deployment.decode.step_time = [&](const StepShape& shape) { return steps.time(shape); };
  deployment.decode.instances = 2;
  deployment.decode.chunk_tokens = 512;
  deployment.decode.max_sequences = 1024;
  deployment.decode.cache_tokens = 1e9;
  const auto keeps = [&](double rate) {
    const double length = (workload.warm_up + workload.measured).value() + 6;
    const auto requests = poisson_requests(static_cast<std::size_t>(rate * length), 2048, 256, study.seed);
    const auto [ttft, tpot] = seen(*serve(deployment, requests, rate, study.seed), workload);
    return ttft <= workload.slo.ttft.value() && tpot <= workload.slo.tpot.value();
  };
  EXPECT_TRUE(keeps(0.95 * result.request_rate));
  EXPECT_FALSE(keeps(1.3 * result.request_rate));
}

TEST(ServingCase, DoesNoLessUnderALooserObjectiveAndAsMuchInALongerRun) {
  const auto throughput = [](const std::string& slo, const std::string& measured) {
    std::string text = one_template("{tp: 2, dp: 1, ep: 2, chunk_tokens: [512]}");
    text = replaced(text, "ttft: 500 ms, tpot: 20 ms", slo);
    return serve_on(study_of(replaced(text, "measured: 20 s", measured)), 4).throughput.per_system;
  };
  const double strict = throughput("ttft: 500 ms, tpot: 20 ms", "measured: 20 s");
  const double loose = throughput("ttft: 5 s, tpot: 50 ms", "measured: 20 s");
  const double looser = throughput("ttft: 1 h, tpot: 1 h", "measured: 20 s");
  EXPECT_GT(strict, 0);
  EXPECT_GE(loose, 0.98 * strict);
  EXPECT_GE(looser, 0.98 * loose);
  EXPECT_NEAR(throughput("ttft: 5 s, tpot: 50 ms", "measured: 80 s"), loose, 0.05 * loose) << "of 2,000 requests";
}

TEST(ServingCase, SustainsPromptsWithAnswersOfOneToken) {
  const std::string text =
      replaced(one_template("{tp: 2, dp: 1, ep: 2, chunk_tokens: [512]}"), "output: 256", "output: 1");
  EXPECT_GT(serve_on(study_of(text), 4).throughput.per_system, 0);
}

TEST(ServingCase, AsksNoTimePerTokenOfAnswersOfOneToken) {
  const std::string text = replaced(one_template("{tp: 2, dp: 1, ep: 2, chunk_tokens: [512]}"),
                                    "input: 2048, output: 256", "input: 512, output: 1");
  const double loose = serve_on(study_of(text), 4).throughput.per_system;
  EXPECT_GT(loose, 0);
  EXPECT_EQ(serve_on(study_of(replaced(text, "tpot: 20 ms", "tpot: 100 us")), 4).throughput.per_system, loose);
}

TEST(ServingCase, SustainsAnswersOfOneTokenWherePrefillIsApart) {
  std::string text = replaced(quick_look(), "output: 256", "output: 1");
  const std::size_t begin = text.find("            mixed:"), end = text.find("          hgx-h100: *server");
  const CaseResult result = serve_on(study_of(text.erase(begin, end - begin)), 8);
  EXPECT_GT(result.throughput.per_system, 0);
  ASSERT_EQ(result.phases.size(), 1U) << "nothing is decoded";
  EXPECT_EQ(result.phases[0].name, "prefill step");
}

TEST(ServingCase, SaysWhyAPlanIsRefused) {
  const auto refused = [](const Study& study, std::uint32_t chips) {
    const CaseResult result = serve_on(study, chips);
    EXPECT_EQ(result.plan, "");
    EXPECT_EQ(result.throughput.per_system, 0);
    return reasons(result);
  };
  const std::string whole = one_template("{tp: 2, dp: 1, ep: 2, chunk_tokens: [512]}");
  EXPECT_THAT(refused(study_of(whole), 1), HasSubstr("needs 2 ranks in one domain, which has 1"));
  EXPECT_THAT(refused(study_of(replaced(whole, "tpot: 20 ms", "tpot: 100 us")), 8),
              HasSubstr("one sequence alone takes"));
  EXPECT_THAT(refused(study_of(replaced(quick_look(), "ttft: 500 ms", "ttft: 100 us")), 8),
              HasSubstr("a prompt of 2,048 tokens alone takes"));
  const std::string large =
      replaced(one_template("{tp: 8, dp: 1, chunk_tokens: [512]}"), "qwen3-30b-a3b", "llama-3.1-405b");
  EXPECT_THAT(refused(study_of(large), 8), HasSubstr("no room for the cache of one request"));
  EXPECT_THAT(refused(study_of(whole), 1'000'000), HasSubstr("1000000 chips asked for"));
}

TEST(ServingCase, CountsOfAPromptsLastChunkNoMoreThanItFills) {
  const std::string late = replaced(quick_look(), "ttft: 500 ms", "ttft: 100 us");
  const auto excess_of = [&](const std::string& chunk) {
    const CaseResult result = serve_on(study_of(replaced(late, "chunk_tokens: [4096]", "chunk_tokens: " + chunk)), 8);
    const auto prefill = std::find_if(result.alternatives.begin(), result.alternatives.end(), [](const Alternative& a) {
      return a.refused.find("a prompt of 2,048 tokens alone") != std::string::npos;
    });
    return prefill == result.alternatives.end() ? 0 : prefill->excess;
  };
  const double whole = excess_of("[2048]");
  EXPECT_GT(whole, 1);
  EXPECT_GT(excess_of("[2000]"), whole);
  EXPECT_LT(excess_of("[2000]"), 1.6 * whole) << "48 tokens are no second chunk of 2,000";
}

TEST(ServingCase, SaysSoWherePrefillAndDecodeDoNotFitSideBySide) {
  std::string text = quick_look();
  const std::size_t begin = text.find("            mixed:"), end = text.find("          hgx-h100: *server");
  const Study study = study_of(text.erase(begin, end - begin));
  EXPECT_THAT(reasons(serve_on(study, 4)), HasSubstr("no instances of prefill and decode fit side by side"));
  EXPECT_GT(serve_on(study, 6).throughput.per_system, 0);
}

TEST(ServingCase, ServesTheRequestsOfATrace) {
  const StudyFile file(replaced(quick_look(), "{input: 2048, output: 256}", "{trace: requests.csv}"));
  std::string trace = "arrival,input,output\n";
  for (int i = 0; i < 50; ++i) {
    trace += std::to_string(i) + ",512," + std::to_string(i % 2 == 0 ? 96 : 32) + "\n";
  }
  file.add("requests.csv", trace);
  const CaseResult result = serve_on(file.load(), 8);
  EXPECT_NEAR(result.throughput.per_system / result.request_rate, 64, 0.1 * 64) << "the mean answer of the trace";
}

TEST(ServingCase, ServesMoreWherePromptsBeginAlikeAndPrefixesAreReused) {
  std::string trace;
  for (int i = 0; i < 200; ++i) {  // 20 conversations; each turn begins with the 4,096 tokens of the one before
    const int first = 1000 * (i % 20);
    std::string ids;
    for (int block = 0; block < 8; ++block) {
      ids += std::to_string(first + block) + ",";
    }
    trace += "{\"timestamp\": " + std::to_string(i) +
             ", \"input_length\": 4600, \"output_length\": 32, \"hash_ids\": [" + ids + std::to_string(100'000 + i) +
             "]}\n";
  }
  const auto served = [&](const std::string& setting) {
    const StudyFile file(replaced(quick_look(), "{input: 2048, output: 256}", "{trace: requests.jsonl}" + setting));
    file.add("requests.jsonl", trace);
    return serve_on(file.load(), 8);
  };
  const CaseResult off = served(""), on = served("\n    prefix_reuse: replica");
  EXPECT_FALSE(off.reused_prompt_share);
  EXPECT_GT(on.reused_prompt_share.value(), 0.4);
  EXPECT_LT(on.reused_prompt_share.value(), 0.9 * 4096 / 4600 + 0.01) << "a tenth of the prompts are first ones";
  EXPECT_GT(on.throughput.per_system, 1.2 * off.throughput.per_system);
}

TEST(ServingCase, CountsRequestsThatAreTurnedAwayAgainstTheObjective) {
  // weights leave two of a server's GPUs room for the cache of fewer tokens than the model takes
  const std::string text =
      replaced(one_template("{tp: 2, dp: 1, chunk_tokens: [512]}"), "qwen3-30b-a3b", "llama-3.1-70b");
  const StudyFile file(
      replaced(replaced(text, "tpot: 20 ms", "tpot: 100 ms"), "{input: 2048, output: 256}", "{trace: requests.csv}"));
  const auto plan = [&](int each) {
    std::string trace = "arrival,input,output\n";
    for (int i = 0; i < 200; ++i) {
      trace += std::to_string(i) + (i % each == 0 ? ",130000,8\n" : ",512,64\n");
    }
    file.add("requests.csv", trace);
    return serve_on(file.load(), 8).plan;
  };
  EXPECT_EQ(plan(10), "") << "one in ten finds no room, one in twenty may";
  EXPECT_NE(plan(40), "");
}

}  // namespace
}  // namespace podium::test
