// Serving cases on recorded traces.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sim/study/serving_candidate.h"
#include "tests/study/serving_cases.h"

namespace podium::test {
namespace {

using testing::HasSubstr;

/// Light requests alone, of which every so-many-th has a prompt of so many tokens.
Study with_every(std::size_t nth, std::uint32_t input) {
  Study study = on_uneven_trace("{tp: 2, dp: 1, ep: 2, chunk_tokens: [1024]}", 200);
  Arrivals& arrivals = std::get<ServingWorkload>(study.workloads.at(0)).arrivals;
  std::vector<Request> requests = *arrivals.recorded;
  for (std::size_t i = 0; i < requests.size(); i += nth) {
    requests[i].input = input;
  }
  arrivals.recorded = std::make_shared<const std::vector<Request>>(requests);
  return study;
}

TEST(ServingTrace, IsMeasuredByTheSameRequestsWhateverTheSize) {
  const Study study = on_uneven_trace("{tp: 2, dp: 1, ep: 2, chunk_tokens: [1024]}", 1000);
  for (const std::uint32_t chips : {2U, 16U}) {
    const CaseResult result = serve_on(study, chips);
    EXPECT_GT(result.request_rate, 0);
    EXPECT_EQ(result.requests % 3000, 0U) << "whole passes";
    EXPECT_NEAR(result.throughput.per_system, 32 * result.request_rate, 1e-9 * result.throughput.per_system);
  }
}

TEST(ServingTrace, SaysThatATraceIsKeptAtNoRateHoweverLongItWouldTake) {
  Study study = on_uneven_trace("{tp: 2, dp: 1, ep: 2, chunk_tokens: [1024]}", 200);
  std::get<ServingWorkload>(study.workloads.at(0)).slo.ttft = Seconds(0.011);
  EXPECT_THAT(reasons(serve_on(study, 2)), testing::Not(testing::IsEmpty()));
  EXPECT_EQ(serve_on(study, 2).request_rate, 0);
}

TEST(ServingTrace, IsNotShapedByRequestsThatAreTurnedAway) {
  // a mean over all would make room for so few that a third of the rate is lost
  EXPECT_GT(serve_on(with_every(30, 2'000'000), 2).request_rate, 0.95 * serve_on(with_every(30, 200), 2).request_rate);
}

TEST(ServingTrace, DoesNotGainByTurningRequestsAway) {
  // one in 25 is longer than the cache: as if as many were late, which leaves one in a hundred
  const CaseResult turned_away = serve_on(with_every(25, 100'000'000), 2);
  EXPECT_EQ(turned_away.refused_requests * 25, turned_away.requests + turned_away.refused_requests);
  EXPECT_LT(turned_away.request_rate, 1.05 * serve_on(with_every(25, 200), 2).request_rate);
  EXPECT_NEAR(turned_away.throughput.per_system, 0.96 * 32 * turned_away.request_rate,
              1e-6 * turned_away.throughput.per_system);
}

TEST(ServingTrace, RefusesPlansWhoseCacheIsTooSmallForMoreRequestsThanMayBeLate) {
  const Study study = on_uneven_trace("{tp: 2, dp: 1, ep: 2, chunk_tokens: [1024]}", 100'000'000);
  EXPECT_THAT(reasons(serve_on(study, 2)), HasSubstr("no room for the cache of one request"));
  EXPECT_THAT(reasons(serve_on(with_every(10, 1'500'000), 2)), HasSubstr("1 in 20 requests has more than 1,500,034"));
}

/// A dense model on one chip an instance, with prefill apart and without, for these requests.
Study on_single_chips(const std::string& slo, std::vector<Request> requests) {
  const std::string one = "{tp: 1, dp: 1, chunk_tokens: ";
  std::string text = replaced(one_template(one + "[2048]}"), "            mixed:",
                              "            transfer_plane: nvlink\n            prefill: [" + one +
                                  "[2048]}]\n            decode: [" + one + "[64]}]\n            mixed:");
  text = replaced(replaced(text, "qwen3-30b-a3b", "llama-3.1-8b"), "experts: bf16, ", "");
  Study study = study_of(replaced(text, "ttft: 500 ms, tpot: 20 ms", slo));
  std::get<ServingWorkload>(study.workloads.at(0)).arrivals.recorded =
      std::make_shared<const std::vector<Request>>(std::move(requests));
  return study;
}

/// The candidates of the study's server with one stage, made.
struct Made {
  explicit Made(Study of_requests) : study(std::move(of_requests)) {}

  const ServingCandidate* of(Stage stage) {
    const auto entry = std::ranges::find(candidates.entries(), stage, &Candidates::Entry::stage);
    const ServingCandidate* made = candidates.get(*entry);
    EXPECT_NE(made, nullptr) << entry->refused;
    return made;
  }

  Study study;
  const ServingWorkload& workload = serving(study);
  Candidates candidates{study,
                        workload,
                        *workload.arrivals.recorded,
                        load_model(workload.model),
                        load_system("hgx-h100"),
                        workload.regimes.at(0).systems.at(1)};
};

TEST(ServingTrace, RefusesNoPlanForTheTimePerTokenOfLongRequestsThatMayBeLate) {
  std::vector<Request> requests;
  for (int i = 0; i < 500; ++i) {
    const bool is_long = i % 25 == 7;
    requests.push_back({Seconds(0.1 * i), is_long ? 100'000U : 200U, is_long ? 2000U : 20U});
  }
  // one of 100,000 tokens alone takes 9.75 ms a token
  Made made(on_single_chips("ttft: 2 s, tpot: 8 ms", requests));
  Made loose(on_single_chips("ttft: 2 s, tpot: 12 ms", requests));
  for (const Stage stage : {Stage::decode, Stage::mixed}) {
    ASSERT_NE(made.of(stage), nullptr);
    EXPECT_DOUBLE_EQ(made.of(stage)->most, loose.of(stage)->most)
        << "more of the short than the cache holds are in time";
  }
}

/// Long prompts that are alike but for their last tokens.
std::vector<Request> alike(std::uint32_t output) {
  std::vector<Request> requests;
  for (std::uint64_t i = 0; i < 1000; ++i) {
    Request& request = requests.emplace_back(Request{Seconds(0.1 * double(i)), 20'000, output});
    for (std::uint64_t block = 0; block < 40; ++block) {
      request.blocks.push_back(block < 38 ? block : 100 + 2 * i + block);
    }
  }
  return requests;
}

Study reusing(Study study) {
  std::get<ServingWorkload>(study.workloads.at(0)).prefix_reuse = PrefixReuse::replica;
  return study;
}

TEST(ServingTrace, AsksNoTimeForPartsOfPromptsThatAreReused) {
  const char* slo = "ttft: 300 ms, tpot: 50 ms";
  Made whole(on_single_chips(slo, alike(33)));
  const auto prefill = std::ranges::find(whole.candidates.entries(), Stage::prefill, &Candidates::Entry::stage);
  EXPECT_EQ(whole.candidates.get(*prefill), nullptr);
  EXPECT_THAT(prefill->refused, HasSubstr("a prompt of 20,000 tokens alone takes"));
  Made reused(reusing(on_single_chips(slo, alike(33))));
  ASSERT_NE(reused.of(Stage::prefill), nullptr);
  EXPECT_LT(reused.of(Stage::prefill)->stay, Seconds(0.1)) << "544 tokens are computed";
}

TEST(ServingTrace, MakesRoomForAsManySequencesAsACacheHoldsThatKeepsOnceWhatTheyShare) {
  const char* slo = "ttft: 20 s, tpot: 50 ms";
  Made whole(on_single_chips(slo, alike(33))), reused(reusing(on_single_chips(slo, alike(33))));
  const ServingCandidate &apart = *whole.of(Stage::mixed), &shared = *reused.of(Stage::mixed);
  EXPECT_NEAR(apart.sequences * 20'016.5, apart.cache_tokens, 20'016.5);
  const double prefix = 38 * prompt_block, own = 20'016.5 - prefix * 999 / 1000;
  EXPECT_NEAR(prefix + shared.sequences * own, shared.cache_tokens, 2 * own);
  EXPECT_EQ(reused.of(Stage::decode)->sequences, whole.of(Stage::decode)->sequences) << "caches come whole there";
}

TEST(ServingTrace, SustainsWithReusedPromptsWhatTheBestChunksDoWhateverElseIsListed) {
  const auto sustained = [](const std::string& chunks) {
    std::string text =
        replaced(one_template("{tp: 1, dp: 1, chunk_tokens: " + chunks + "}"), "qwen3-30b-a3b", "llama-3.1-8b");
    Study study = reusing(study_of(
        replaced(replaced(text, "experts: bf16, ", ""), "ttft: 500 ms, tpot: 20 ms", "ttft: 2 s, tpot: 50 ms")));
    std::get<ServingWorkload>(study.workloads.at(0)).arrivals.recorded =
        std::make_shared<const std::vector<Request>>(alike(33));
    return serve_on(study, 8).request_rate;
  };
  EXPECT_GE(sustained("[256, 8192]"), 0.98 * sustained("[256]"));
}

}  // namespace
}  // namespace podium::test
