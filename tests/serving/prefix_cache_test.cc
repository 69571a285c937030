#include "sim/serving/prefix_cache.h"

#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>
#include <random>
#include <set>

#include "sim/serving/serve.h"
#include "tests/core/measured_rows.h"

namespace podium::test {
namespace {

using namespace literals;

TEST(PrefixCache, FindsWhatIsThereFromTheFirstBlockOn) {
  PrefixCache cache;
  cache.hold(1);
  cache.hold(3);
  const std::vector<std::uint64_t> prompt{1, 2, 3};
  EXPECT_EQ(cache.find(prompt), 1U) << "the third is of no use without the second";
  cache.hold(2);
  EXPECT_EQ(cache.find(prompt), 3U);
}

TEST(PrefixCache, CountsABlockOnceHoweverManyUseIt) {
  PrefixCache cache;
  EXPECT_EQ(cache.hold(7), prompt_block);
  EXPECT_EQ(cache.hold(7), 0);
  EXPECT_EQ(cache.release(7), 0);
  EXPECT_EQ(cache.release(7), prompt_block);
  EXPECT_EQ(cache.idle(), prompt_block);
  EXPECT_EQ(cache.hold(7), prompt_block) << "it was kept, and is in use again";
  EXPECT_EQ(cache.idle(), 0);
}

TEST(PrefixCache, LetsGoOfWhatWasUsedLongestAgoAndNeverOfWhatIsInUse) {
  PrefixCache cache;
  for (const std::uint64_t block : {1U, 2U, 3U}) {
    cache.hold(block);
  }
  cache.release(2);
  cache.release(1);
  cache.shrink(prompt_block);
  EXPECT_EQ(cache.find(std::vector<std::uint64_t>{1}), 1U);
  EXPECT_EQ(cache.find(std::vector<std::uint64_t>{2}), 0U);
  cache.shrink(-1);
  EXPECT_EQ(cache.find(std::vector<std::uint64_t>{1}), 0U);
  EXPECT_EQ(cache.find(std::vector<std::uint64_t>{3}), 1U);
}

/// One replica that reuses prefixes, whose every iteration takes 10 ms.
Deployment one_replica(double chunk_tokens, double cache_tokens) {
  Deployment d;
  d.decode.step_time = [](const StepShape&) { return 10_ms; };
  d.decode.instances = 1;
  d.decode.chunk_tokens = chunk_tokens;
  d.decode.max_sequences = 1000;
  d.decode.cache_tokens = cache_tokens;
  d.decode.reuses_prefixes = true;
  return d;
}

TEST(PrefixReuse, LeavesTheRestOfAPromptToCompute) {
  const UnitRequests requests{{0_s, 2049, 1, {1, 2, 3, 4, 5}}, {1_s, 2049, 1, {1, 2, 3, 4, 6}}};
  const auto served = serve(one_replica(512, 1e6), requests, 1, 1);
  EXPECT_NEAR(served->outcomes[0].ttft().value(), 5 * 0.010, 1e-9);
  EXPECT_NEAR(served->outcomes[1].ttft().value(), 0.010, 1e-9);
  EXPECT_EQ(served->prompt_tokens, 2 * 2049);
  EXPECT_EQ(served->reused_tokens, 2048);
}

TEST(PrefixReuse, ComputesTheLastBlockOfAPromptThatIsThereAsAWhole) {
  const UnitRequests requests{{0_s, 1024, 1, {1, 2}}, {1_s, 1024, 1, {1, 2}}};
  EXPECT_EQ(serve(one_replica(4096, 1e6), requests, 1, 1)->reused_tokens, 512);
}

TEST(PrefixReuse, NeedsAPromptThatIsThroughNotOneUnderWay) {
  const UnitRequests requests{{0_s, 1025, 1, {1, 2, 3}}, {0_s, 1025, 1, {1, 2, 3}}};
  EXPECT_EQ(serve(one_replica(4096, 1e6), requests, 1, 1)->reused_tokens, 0);
}

TEST(PrefixReuse, KeepsTwoSequencesWithOneBeginningWhereOnlyOneOfThemWouldFit) {
  // 1,025 + 100 tokens each: 1,024 of them are the same
  const UnitRequests requests{{0_s, 1025, 100, {1, 2, 3}}, {0.5_s, 1025, 100, {1, 2, 4}}};
  Deployment d = one_replica(4096, 1300);
  const auto shared = serve(d, requests, 1, 1);
  EXPECT_LT(shared->outcomes[1].first_token, shared->outcomes[0].finish);
  EXPECT_EQ(shared->preemptions, 0U);
  d.decode.reuses_prefixes = false;
  const auto apart = serve(d, requests, 1, 1);
  EXPECT_GE(apart->outcomes[1].first_token, apart->outcomes[0].finish);
}

TEST(PrefixReuse, DecodesEachSequenceWithItsWholeContext) {
  // two sequences of 1,025 tokens with 1,024 in common: attention reads both
  std::vector<double> contexts;
  Deployment d = one_replica(4096, 1e6);
  d.decode.step_time = [&](const StepShape& step) {
    if (step.decode_sequences == 2) {
      contexts.push_back(step.decode_context);
    }
    return 10_ms;
  };
  serve(d, {{0_s, 1025, 100, {1, 2, 3}}, {0.5_s, 1025, 100, {1, 2, 4}}}, 1, 1);
  ASSERT_FALSE(contexts.empty());
  EXPECT_GE(contexts.front(), 1025);
}

TEST(PrefixReuse, GoesToTheReplicaThatHasThePrefix) {
  Deployment d = one_replica(1e6, 1e6);
  d.prefill = d.decode;
  d.prefill.instances = 4;
  d.transfer = {Bytes(1), Bytes(1), 1_GBps, 1_us};
  UnitRequests requests;
  for (std::uint32_t i = 0; i < 20; ++i) {
    requests.push_back({Seconds(i), 5000, 2, {}});
    for (std::uint64_t block = 0; block < 10; ++block) {
      requests.back().blocks.push_back(100 * (i % 5) + block);
    }
  }
  // five conversations, each of which comes back three times
  EXPECT_EQ(serve(d, requests, 1, 1)->reused_tokens, 15 * 9 * prompt_block);
}

/// Of prompts one after the other, what a cache that forgets nothing would have: whole blocks, and never a whole
/// prompt.
double ideal_share(const UnitRequests& requests) {
  std::set<std::uint64_t> seen;
  double all = 0, found = 0;
  for (const Request& request : requests) {
    all += request.input;
    for (std::size_t i = 0; i < request.blocks.size() && seen.contains(request.blocks[i]); ++i) {
      found += static_cast<double>(i + 1) * 512 < request.input ? 512 : 0;
    }
    for (std::size_t i = 0; i < request.blocks.size(); ++i) {
      if (static_cast<double>(i + 1) * 512 <= request.input) {
        seen.insert(request.blocks[i]);
      }
    }
  }
  return found / all;
}

/// Conversations that begin with one of a few system prompts and grow turn by turn.
UnitRequests conversations(std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::vector<Request> open;
  UnitRequests requests;
  std::uint64_t next_block = 100;
  for (std::uint32_t i = 0; i < 400; ++i) {
    if (open.size() < 20) {
      open.push_back({});
      open.back().input = static_cast<std::uint32_t>(512 * (1 + random() % 3));
      for (std::uint64_t b = 0; b < open.back().input / 512; ++b) {
        open.back().blocks.push_back(10 * (random() % 3) + b);
      }
    }
    Request& one = open[random() % open.size()];
    one.blocks.resize(one.input / 512);  // what was cut short has another name once it has gone on
    one.input += static_cast<std::uint32_t>(1 + random() % 3000);
    while (one.blocks.size() < std::size_t(std::ceil(one.input / 512.0))) {
      one.blocks.push_back(next_block++);
    }
    one.arrival = Seconds(i);
    one.output = 1 + i % 3;
    requests.push_back(one);
  }
  return requests;
}

TEST(PrefixReuse, FindsInOneLargeCacheWhatTheTraceHasInCommon) {
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    const UnitRequests requests = conversations(seed);
    const auto served = serve(one_replica(1e6, 1e9), requests, 1, 1);
    const double ideal = ideal_share(requests);
    EXPECT_GT(ideal, 0.3);
    EXPECT_DOUBLE_EQ(served->reused_tokens / served->prompt_tokens, ideal) << seed;
    EXPECT_DOUBLE_EQ(repeated_share(requests), ideal) << seed;
  }
}

TEST(PrefixReuse, FindsLessInACacheThatHasToForget) {
  const UnitRequests requests = conversations(1);
  const auto share = [&](double cache) {
    const auto served = serve(one_replica(1e6, cache), requests, 1, 1);
    EXPECT_EQ(served->refused, 0U);
    return served->reused_tokens / served->prompt_tokens;
  };
  const double ideal = ideal_share(requests), some = share(600'000), few = share(200'000);
  EXPECT_LT(some, ideal);
  EXPECT_LT(few, some);
}

TEST(PrefixReuse, KeepsAccountOfItsCacheHoweverCrowded) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    const UnitRequests requests = conversations(seed);
    Deployment d = one_replica(2048, 250'000);
    d.decode.plan.dp = 2;
    ServingLog log;
    log.most_iterations = 1'000'000;
    const auto served = serve(d, requests, draw_iterations(requests, d.decode.plan, 1), 20, {}, &log);
    ASSERT_TRUE(served);
    EXPECT_LE(served->reused_tokens, served->prompt_tokens);
    for (const LoggedIteration& one : log.iterations) {
      ASSERT_GE(one.cached, 0) << seed;
      ASSERT_LE(one.cached, 2 * 250'000 + 2000.0) << seed;
    }
    // nothing runs any more: what is left is what nobody uses
    ASSERT_FALSE(log.iterations.empty());
    EXPECT_LE(log.iterations.back().cached, 2 * 250'000.0);
  }
}

TEST(PrefixReuse, ThatIsOffDoesNotLookAtBlocks) {
  UnitRequests requests = conversations(3);
  Deployment d = one_replica(2048, 1e6);
  d.decode.reuses_prefixes = false;
  const auto with = serve(d, requests, 10, 1);
  for (Request& request : requests) {
    request.blocks.clear();
  }
  EXPECT_EQ(with->signature, serve(d, requests, 10, 1)->signature);
  EXPECT_EQ(with->reused_tokens, 0);
}

TEST(ScaleToUnitRate, MakesPromptsOfAnotherPassThroughATraceNewOnes) {
  const std::vector<Request> recorded{{0_s, 600, 1, {1, 2}}, {1_s, 600, 1, {1, 3}}};
  const UnitRequests requests = scale_to_unit_rate(recorded, 2);
  EXPECT_EQ(requests[1].blocks, recorded[1].blocks);
  EXPECT_EQ(requests[2].blocks[0], requests[3].blocks[0]);
  EXPECT_NE(requests[2].blocks[0], requests[0].blocks[0]);
}

/// The trace of Mooncake that the project was given, where it is there: by another way than the simulator's.
TEST(PrefixReuse, IsOfMooncakesTraceWhatItsHashIdsRepeat) {
  if (const std::string why = missing_data(); !why.empty()) {
    GTEST_SKIP() << why;
  }
  const std::string path = data_folder() + "/traces/mooncake_conversation_trace.jsonl";
  std::ifstream file(path);
  std::set<std::uint64_t> seen;
  double all = 0, found = 0;
  for (std::string line; std::getline(file, line);) {
    const auto object = nlohmann::json::parse(line);
    const double length = object["input_length"];
    double end = 0;
    bool begins_alike = true;
    all += length;
    for (const std::uint64_t id : object["hash_ids"]) {
      end += 512;
      begins_alike = begins_alike && seen.contains(id);
      found += begins_alike && end < length ? 512 : 0;
      if (end <= length) {
        seen.insert(id);
      }
    }
  }
  std::vector<Request> requests = load_requests(path);
  EXPECT_DOUBLE_EQ(repeated_share(requests), found / all);
  // one after the other on one replica that forgets nothing
  for (std::size_t i = 0; i < requests.size(); ++i) {
    requests[i].arrival = Seconds(double(i));
    requests[i].output = 1;
  }
  const auto served = serve(one_replica(1e6, 1e12), requests, 1, 1);
  EXPECT_DOUBLE_EQ(served->reused_tokens / served->prompt_tokens, found / all);
  EXPECT_GT(found / all, 0.3);
}

}  // namespace
}  // namespace podium::test
