#include "sim/serving/serve.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "sim/core/quantile.h"

namespace podium::test {
namespace {

using namespace literals;

/// One replica whose every iteration takes `step`, whatever is in it.
Deployment one_replica(Seconds step, double chunk_tokens) {
  Deployment d;
  d.decode.step_time = [step](const StepShape&) { return step; };
  d.decode.instances = 1;
  d.decode.chunk_tokens = chunk_tokens;
  d.decode.max_sequences = 1000;
  d.decode.cache_tokens = 1e9;
  return d;
}

double mean_ttft(const Served& served) {
  std::vector<double> ttft;
  for (const Outcome& outcome : served.outcomes) {
    ttft.push_back(outcome.ttft().value());
  }
  return mean(ttft);
}

TEST(Serve, ALoneRequestTakesAnIterationForItsPromptAndOneForEachTokenMore) {
  const auto served = serve(one_replica(10_ms, 100), {{1_s, 100, 5}}, 1, 1);
  ASSERT_TRUE(served);
  EXPECT_NEAR(served->outcomes[0].ttft().value(), 0.010, 1e-9);
  EXPECT_NEAR(served->outcomes[0].tpot().value(), 0.010, 1e-9);
  EXPECT_NEAR((served->outcomes[0].finish - served->outcomes[0].arrival).value(), 5 * 0.010, 1e-9);
}

TEST(Serve, ALongPromptTakesAsManyIterationsAsItHasChunks) {
  const auto served = serve(one_replica(10_ms, 100), {{0_s, 250, 1}}, 1, 1);
  EXPECT_NEAR(served->outcomes[0].ttft().value(), 0.030, 1e-9);
}

TEST(Serve, PromptsAloneQueueAsInMD1) {
  // one prompt fills a chunk and gives one token, so that the replica is an M/D/1 server:
  // mean wait = rho D / (2 (1 - rho)) (Pollaczek-Khinchine)
  const Seconds service = 10_ms;
  const double rate = 60;
  const double rho = rate * service.value();
  const std::size_t count = 200'000;
  const auto served = serve(one_replica(service, 100), poisson_requests(count, 100, 1, 7), rate, 1);
  const double expected = service.value() + rho * service.value() / (2 * (1 - rho));
  // five standard errors, the draws being correlated over a busy period
  EXPECT_NEAR(mean_ttft(*served), expected, 0.02 * expected);
}

TEST(Serve, RequestsOfOneInstantShareAnIteration) {
  const auto served = serve(one_replica(10_ms, 300), {{0_s, 100, 2}, {0_s, 100, 2}, {0_s, 100, 2}}, 1, 1);
  for (const Outcome& outcome : served->outcomes) {
    EXPECT_NEAR(outcome.ttft().value(), 0.010, 1e-9);
    EXPECT_NEAR((outcome.finish - outcome.arrival).value(), 0.020, 1e-9);
  }
}

TEST(Serve, SpeculationBringsAcceptedTokensForNothing) {
  Deployment d = one_replica(10_ms, 100);
  d.decode.plan.draft_tokens = 1;
  d.decode.plan.acceptance = 1;
  // 1 + 2 n tokens: each iteration after the prompt brings two
  const auto served = serve(d, {{0_s, 100, 21}}, 1, 1);
  EXPECT_NEAR((served->outcomes[0].finish - served->outcomes[0].first_token).value(), 10 * 0.010, 1e-9);
  EXPECT_DOUBLE_EQ(d.decode.plan.tokens_per_iteration(), 2);

  d.decode.plan.acceptance = 0.7;
  const auto mixed = serve(d, poisson_requests(2000, 100, 171, 3), 10, 1);
  double iterations = 0;
  for (const Outcome& outcome : mixed->outcomes) {
    iterations += (outcome.finish - outcome.first_token).value() / 0.010 / 2000;
  }
  EXPECT_NEAR(iterations, 170 / 1.7, 0.01 * 170 / 1.7 + 0.5);
}

TEST(Serve, AFullCacheHoldsNewSequencesBack) {
  Deployment d = one_replica(10_ms, 100);
  d.decode.cache_tokens = 150;  // one request of 100 + 10 at a time
  const auto served = serve(d, {{0_s, 100, 10}, {0_s, 100, 10}}, 1, 1);
  EXPECT_NEAR(since_start(served->outcomes[0].finish).value(), 0.100, 1e-9);
  EXPECT_GT(served->outcomes[1].first_token, served->outcomes[0].finish);
  EXPECT_EQ(served->preemptions, 0U);
}

TEST(Serve, GrowthThatFillsTheCacheSendsTheYoungestBack) {
  Deployment d = one_replica(10_ms, 200);
  d.decode.cache_tokens = 230;  // both prompts fit, both answers do not
  const auto served = serve(d, {{0_s, 100, 100}, {0_s, 100, 100}}, 1, 1);
  EXPECT_GT(served->preemptions, 0U);
  EXPECT_LT(served->outcomes[0].finish, served->outcomes[1].finish);
}

TEST(Serve, ComputesAllTokensOfOneThatWasSentBackAgainWhichBringsItsNextOne) {
  Deployment d = one_replica(10_ms, 200);
  d.decode.cache_tokens = 217;  // 218 are there after nine iterations of two
  const UnitRequests requests{{0_s, 100, 50}, {0_s, 100, 21}};
  ServingLog log;
  log.most_iterations = 1000;
  const auto served = serve(d, requests, draw_iterations(requests, d.decode.plan, 1), 1, {}, &log);
  ASSERT_TRUE(served);
  ASSERT_EQ(served->preemptions, 1U);
  std::uint32_t decoded = 0;
  double computed = 0;
  for (const LoggedIteration& one : log.iterations) {
    decoded += one.running;
    computed += one.step.prefill_sequences * one.step.prefill_tokens;
  }
  EXPECT_EQ(decoded, 49U + 19U) << "a token came with each prompt, and one with that which was computed again";
  EXPECT_DOUBLE_EQ(computed, 200 + 110) << "its prompt, a token with that, and nine";
}

TEST(Serve, TakesOneThatWasSentBackBeforeNewOnes) {
  // one decodes at a time: two fit until they grow, then the younger goes back, and a third waits from the start
  Deployment d = one_replica(10_ms, 1000);
  d.prefill = d.decode;
  d.transfer = {Bytes(1), Bytes(1), BytesPerSecond(1e12), 0_s};
  d.decode.cache_tokens = 230;
  const auto served = serve(d, {{0_s, 100, 60}, {0_s, 100, 60}, {100_ms, 100, 60}}, 1, 1);
  ASSERT_TRUE(served);
  EXPECT_GE(served->preemptions, 1U);
  EXPECT_LT(served->outcomes[1].finish, served->outcomes[2].finish);
}

TEST(Serve, KeepsAHundredthOfACacheFreeOfNewOnes) {
  Deployment d = one_replica(10_ms, 1000);
  d.decode.cache_tokens = 1000;
  // the second would leave five tokens to the first, which runs
  const auto served = serve(d, {{0_s, 500, 10}, {15_ms, 490, 2}, {1_s, 980, 2}}, 1, 1);
  EXPECT_GT(served->outcomes[1].first_token, served->outcomes[0].finish);
  EXPECT_FALSE(served->outcomes[2].refused) << "alone it may take all";
}

TEST(Serve, TurnsAwayWhatNoCacheCanHold) {
  Deployment d = one_replica(10_ms, 100);
  d.decode.cache_tokens = 150;
  const auto served = serve(d, {{0_s, 1000, 1}, {0_s, 100, 1}}, 1, 1);
  EXPECT_EQ(served->refused, 1U);
  EXPECT_TRUE(served->outcomes[0].refused);
  EXPECT_NEAR(served->outcomes[1].ttft().value(), 0.010, 1e-9);
}

TEST(Serve, DisaggregatedPromptsPayForTheirCachesJourney) {
  Deployment d = one_replica(10_ms, 100);
  d.prefill = d.decode;
  d.transfer = {Bytes(1000), Bytes(1000), BytesPerSecond(1e6), 5_ms};
  const auto served = serve(d, {{0_s, 100, 2}}, 1, 1);
  EXPECT_NEAR(served->outcomes[0].ttft().value(), 0.010, 1e-9);
  // 100 tokens x 1,000 B over 1 MB/s, the latency, and one iteration
  EXPECT_NEAR(served->outcomes[0].tpot().value(), 0.100 + 0.005 + 0.010, 1e-9);
}

TEST(Serve, ServesEveryRequestOnceInWhateverDeployment) {
  Deployment mixed = one_replica(10_ms, 512);
  mixed.decode.plan.dp = 4;
  mixed.decode.instances = 2;
  Deployment split = mixed;
  split.prefill = split.decode;
  split.transfer = {Bytes(1), Bytes(1), BytesPerSecond(1e9), 1_us};
  for (const Deployment& d : {mixed, split}) {
    const auto served = serve(d, poisson_requests(500, 300, 40, 11), 50, 1);
    ASSERT_TRUE(served);
    for (const Outcome& outcome : served->outcomes) {
      EXPECT_LE(outcome.arrival, outcome.first_token);
      EXPECT_LT(outcome.first_token, outcome.finish);
      EXPECT_GE(outcome.ttft().value(), 0.010 - 1e-9);
      EXPECT_GE(outcome.tpot().value(), 0.010 - 1e-9);
    }
  }
}

/// Prompts that nearly fill a cache, beside short ones that grow and are sent back.
TEST(Serve, ServesEveryRequestHoweverFullItsCachesAre) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    Deployment mixed = one_replica(10_ms, seed % 2 == 0 ? 16 : 64);
    mixed.decode.cache_tokens = 1000;
    mixed.decode.plan.draft_tokens = 1;
    mixed.decode.plan.acceptance = 0.6;
    Deployment split = mixed;
    split.prefill = split.decode;
    split.transfer = {Bytes(1), Bytes(1), BytesPerSecond(1e9), 1_us};
    UnitRequests requests = poisson_requests(300, 30, 120, seed);
    for (std::size_t i = seed % 7; i < requests.size(); i += 11) {
      requests[i].input = static_cast<std::uint32_t>(900 + 7 * (i % 12));
      requests[i].output = 3;
    }
    for (const Deployment& d : {mixed, split}) {
      const auto served = serve(d, requests, 5, seed);
      ASSERT_TRUE(served);
      EXPECT_EQ(served->refused, 0U);
    }
  }
}

TEST(Serve, SendsNobodyBackWithMoreThanItWants) {
  Deployment d = one_replica(10_ms, 1000);
  d.decode.cache_tokens = 1000;
  d.decode.plan.draft_tokens = 15;
  d.decode.plan.acceptance = 0.95;
  ASSERT_GT(d.decode.plan.tokens_per_iteration(), 10);
  UnitRequests requests;  // pairs, of which the second nearly fills the cache; some need two iterations
  for (int i = 0; i < 60; ++i) {
    requests.push_back({Seconds(i), 2, 300});
    requests.push_back({Seconds(i), 990, 8});
  }
  const auto served = serve(d, requests, 1, 1);
  ASSERT_TRUE(served);
  EXPECT_GE(served->preemptions, 1U);
}

/// Of a prompt that has begun and has no room, those that decode do not read anything.
TEST(Serve, CountsOfTheContextOnlyWhatDecodes) {
  Deployment d = one_replica(10_ms, 64);
  d.decode.cache_tokens = 1000;
  double longest = 0;
  d.decode.step_time = [&](const StepShape& step) {
    longest = std::max(longest, step.decode_context);
    return 10_ms;
  };
  UnitRequests requests;
  for (int i = 0; i < 40; ++i) {
    requests.push_back({double(i) * 100_ms, i % 4 == 3 ? 900U : 10U, i % 4 == 3 ? 1U : 200U});
  }
  ASSERT_TRUE(serve(d, requests, 1, 1));
  EXPECT_LE(longest, 10 + 200 + 1);
}

TEST(Serve, IsTheSameForTheSameSeed) {
  const auto requests = poisson_requests(300, 300, 40, 11);
  const auto first = serve(one_replica(10_ms, 512), requests, 5, 1);
  const auto second = serve(one_replica(10_ms, 512), requests, 5, 1);
  EXPECT_EQ(first->signature, second->signature);
}

TEST(Serve, StopsOnceTheWatchedRequestsCannotKeepTheirObjective) {
  const auto requests = poisson_requests(1000, 100, 1, 7);
  const auto watch = [](Seconds ttft) { return Watch{Time(), Time() + 60_s, 0.95, ttft, 1_s}; };
  EXPECT_FALSE(serve(one_replica(10_ms, 100), requests, 200, 1, watch(50_ms))) << "twice what it can take";
  EXPECT_TRUE(serve(one_replica(10_ms, 100), requests, 200, 1, watch(100_s))) << "all wait, but not too long";
  EXPECT_TRUE(serve(one_replica(10_ms, 100), requests, 10, 1, watch(50_ms)));
}

TEST(Serve, MeansAreOfTheTimeThatIsWatchedAndKeepLittlesLaw) {
  Deployment d = one_replica(10_ms, 1e6);
  d.decode.max_sequences = 10'000;
  const double rate = 1000;
  const Watch watch{Time() + 3_s, Time() + 13_s, 1, 100_s, 100_s};
  const auto served = serve(d, poisson_requests(16'000, 100, 101, 7), rate, 1, watch);
  double stay = 0, count = 0;
  for (const Outcome& outcome : served->outcomes) {
    if (watch.covers(outcome.arrival)) {
      stay += (outcome.finish - outcome.first_token).value();
      ++count;
    }
  }
  // as many sequences as arrive in the time that one of them decodes; who comes and goes at the edges is chance
  const double expected = count / 10 * (stay / count);
  EXPECT_NEAR(served->decode.shape.decode_sequences, expected, 0.02 * expected);
  EXPECT_NEAR(served->decode.busy, 1, 1e-3);
  EXPECT_NEAR(double(served->decode.iterations), 10 / 0.010, 2);
}

TEST(Serve, TheMeanStepHasTheTokensOfAllSteps) {
  // steps of one long prompt or of several short ones: the product of the means would be another
  UnitRequests requests;
  for (std::uint32_t i = 0; i < 4000; ++i) {
    requests.push_back({Seconds(double(i / 4)), i / 4 % 2 == 0 ? (i % 4 == 0 ? 400U : 1U) : 50U, 1});
  }
  double all = 0;
  for (const Request& request : requests) {
    all += request.input;
  }
  const auto served = serve(one_replica(10_ms, 500), requests, 1, 1);
  const MeanStep& step = served->decode;
  EXPECT_NEAR(step.iterations * step.shape.prefill_sequences, 4000, 1e-6);
  EXPECT_NEAR(step.iterations * step.shape.prefill_sequences * step.shape.prefill_tokens, all, 1e-6 * all);
  double pairs = 0;
  for (const Request& request : requests) {
    pairs += 0.5 * request.input * request.input;
  }
  const double attended = step.shape.prefill_context + step.shape.prefill_tokens / 2;
  EXPECT_NEAR(attended * all, pairs, 1e-6 * pairs) << "of tokens with those before them";
}

TEST(Serve, PromptsAreTakenHoweverManySequencesRun) {
  // more of them than a chunk has tokens
  UnitRequests requests(200, Request{0_s, 1, 1000});
  requests.push_back({1_s, 100, 1});
  const auto served = serve(one_replica(10_ms, 50), requests, 1, 1);
  EXPECT_NEAR(served->outcomes.back().ttft().value(), 0.020, 0.011) << "two chunks";
}

TEST(Serve, RequestsThatAreTurnedAwayAreLate) {
  UnitRequests requests = poisson_requests(1000, 100, 20, 7);
  for (std::size_t i = 0; i < requests.size(); i += 10) {
    requests[i].input = 10'000;
  }
  Deployment deployment = one_replica(10_ms, 200);
  deployment.decode.cache_tokens = 5000;
  EXPECT_FALSE(serve(deployment, requests, 1, 1, Watch{Time(), Time() + 1000_s, 0.95, 10_s, 10_s}));
  EXPECT_TRUE(serve(deployment, requests, 1, 1, Watch{Time(), Time() + 1000_s, 0.85, 10_s, 10_s}));
}

TEST(Serve, RequestsThatAreTurnedAwayMissOnlyTokensThatTheyAskedFor) {
  UnitRequests requests = poisson_requests(1000, 100, 20, 7);
  for (std::size_t i = 0; i < requests.size(); i += 10) {
    requests[i].input = 10'000;
    requests[i].output = 1;
  }
  Deployment deployment = one_replica(10_ms, 200);
  deployment.decode.cache_tokens = 5000;
  // one in ten never has a first token; of the others each has the second in time
  const auto served = serve(deployment, requests, 1, 1, Watch{Time(), Time() + 1000_s, 0.85, 10_s, 10_s});
  ASSERT_TRUE(served);
  EXPECT_EQ(served->refused, 100U);
}

TEST(Serve, WatchedRequestsSeeWhatTheySeeUnwatched) {
  const auto requests = poisson_requests(1000, 100, 20, 7);
  const Watch watch{Time() + 2_s, Time() + 5_s, 0.95, 10_s, 10_s};
  const auto all = serve(one_replica(10_ms, 200), requests, 100, 1);
  const auto watched = serve(one_replica(10_ms, 200), requests, 100, 1, watch);
  std::size_t count = 0;
  for (std::size_t i = 0; i < requests.size(); ++i) {
    if (watch.covers(all->outcomes[i].arrival)) {
      EXPECT_EQ(watched->outcomes[i].first_token, all->outcomes[i].first_token);
      EXPECT_EQ(watched->outcomes[i].finish, all->outcomes[i].finish);
      ++count;
    }
  }
  EXPECT_NEAR(double(count), 300, 60);
  EXPECT_LT(watched->time, all->time) << "it ends with the last that is watched";
}

}  // namespace
}  // namespace podium::test
