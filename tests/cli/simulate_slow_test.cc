// podium simulate from outside: what it prints, and what it refuses.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>

#include "tests/cli/run_podium.h"
#include "tests/study/studies.h"

namespace podium::test {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::IsEmpty;

const std::string serving = "simulate quick-look --workload serving --system h200";

TEST(Simulate, PrintsStepsWhoseSumsHoldOnEachNetwork) {
  for (const char* network : {"analytic", "flow", "packet"}) {
    const Outcome outcome = run_podium(serving + " --format json --network " + network);
    ASSERT_EQ(outcome.status, 0) << outcome.errors;
    EXPECT_THAT(outcome.errors, IsEmpty());
    const json result = json::parse(outcome.output);
    EXPECT_EQ(result.at("network"), network);
    EXPECT_EQ(result.at("search_network"), "flow");
    ASSERT_EQ(result.at("cases").size(), 1U);
    EXPECT_EQ(result.at("cases").at(0).at("system"), "hgx-h200");
    for (const json& step : result.at("cases").at(0).at("steps")) {
      const json& run = step.at("run");
      double sum = 0;
      for (const json& part : run.at("breakdown_seconds")) {
        sum += part.get<double>();
      }
      EXPECT_NEAR(sum, run.at("time_seconds").get<double>(), 1e-9 * sum);
      EXPECT_NEAR(run.at("time_seconds").get<double>(), step.at("search").at("time_seconds").get<double>(), 0.01 * sum)
          << "one step's messages never meet another's here";
      EXPECT_EQ(run.at("packet_hops").get<double>() > 0, network == std::string("packet"));
      ASSERT_FALSE(run.at("ports").empty());
      for (const json& tier : run.at("ports")) {
        EXPECT_GT(tier.at("all").at("bytes").get<double>(), 0);
        EXPECT_LE(tier.at("busiest").at(0).at("utilisation").get<double>(), 1);
      }
    }
  }
}

TEST(Simulate, SaysInTextWhatWasRunOnWhat) {
  const Outcome outcome = run_podium(serving + " --network packet --packet-scale 4");
  ASSERT_EQ(outcome.status, 0) << outcome.errors;
  for (const char* said :
       {"search keeps on the flow network", "executed on the packet network", "the mean iteration of one instance",
        "prefill step: TP2 EP2 bf16, 2 ranks", "decode step:", "exposed tp", "busiest links", "GPU[0] to NVSwitch",
        "fullest queue", "packets 4 times as large as real ones", "signature"}) {
    EXPECT_THAT(outcome.output, HasSubstr(said));
  }
  EXPECT_THAT(run_podium(serving).output, HasSubstr("One of each class of equal messages is simulated"));
  EXPECT_THAT(run_podium(serving + " --fold off").output, HasSubstr("Every message is simulated"));
  const Outcome checked = run_podium(serving + " --fold check --slow 1=80%");
  ASSERT_EQ(checked.status, 0) << checked.errors;
  for (const char* said : {"Every rank was simulated by itself, too",
                           "slow chips that their plans know nothing of: 1=80%", "simulated 2 ranks as 2 classes"}) {
    EXPECT_THAT(checked.output, HasSubstr(said));
  }
}

TEST(Simulate, HasARowAStepInCsv) {
  const Outcome outcome = run_podium("simulate quick-look --format csv");
  ASSERT_EQ(outcome.status, 0) << outcome.errors;
  EXPECT_EQ(std::count(outcome.output.begin(), outcome.output.end(), '\n'), 1 + 2 * (2 + 1))
      << "a header, and on two systems prefill, decode and training";
}

TEST(Simulate, SaysWhatPacketsWillCostBeforeLongWork) {
  const Outcome outcome =
      run_podium("simulate quick-look --workload training --system h200 --network packet --packet-scale 96");
  ASSERT_EQ(outcome.status, 0) << outcome.errors;
  EXPECT_THAT(outcome.errors, testing::MatchesRegex("[0-9]+ million packet-hops to do: about [0-9]+ s on one core\n"));
}

/// Of each process of a trace, its threads, and of each its slices as (begin, end) in microseconds.
using Slices = std::vector<std::pair<double, double>>;
std::map<int, std::map<int, Slices>> slices_of(const json& trace) {
  std::map<int, std::map<int, Slices>> slices;
  for (const json& event : trace.at("traceEvents")) {
    if (event.at("ph") == "X") {
      const double begin = event.at("ts").get<double>();
      slices[event.at("pid").get<int>()][event.at("tid").get<int>()].emplace_back(
          begin, begin + event.at("dur").get<double>());
    }
  }
  return slices;
}

TEST(Simulate, WritesATimelineThatEndsWithEachStep) {
  constexpr double rounding = 1e-5;  // microseconds, in numbers of some hundred thousand
  const TemporaryFolder folder;
  const std::string file = (folder.path() / "timeline.json").string();
  const std::string command = "simulate quick-look --system h100 --format json";
  const Outcome outcome = run_podium(command + " --timeline " + file);
  ASSERT_EQ(outcome.status, 0) << outcome.errors;
  EXPECT_EQ(outcome.errors, "timeline: " + file + " (opens in ui.perfetto.dev)\n");
  EXPECT_EQ(outcome.output, run_podium(command).output) << "the timeline is beside the result";
  const std::string text = text_of(file);
  const json trace = json::parse(text);

  const auto slices = slices_of(trace);
  std::map<int, double> times;  // by first process
  for (const json& step : trace.at("otherData").at("steps")) {
    times[step.at("first_pid").get<int>()] = step.at("time_seconds").get<double>() * 1e6;
  }
  ASSERT_EQ(times.size(), 3U) << "prefill, decode, training";
  const json& served = trace.at("otherData").at("served");
  ASSERT_EQ(served.size(), 1U);
  EXPECT_GT(served[0].at("iterations"), 100);
  EXPECT_GT(served[0].at("requests"), 100);
  const int serving = served[0].at("first_pid");
  const auto after = times.upper_bound(serving);
  const int next = after == times.end() ? std::numeric_limits<int>::max() : after->first;
  std::map<int, double> ends;
  for (const auto& [process, threads] : slices) {
    for (const auto& [thread, all] : threads) {
      ASSERT_FALSE(all.empty());
      for (std::size_t i = 1; i < all.size(); ++i) {
        EXPECT_LE(all[i - 1].second, all[i].first + rounding) << "thread " << thread;
      }
      if (process < serving || process >= next) {
        double& end = ends[std::prev(times.upper_bound(process))->first];
        end = std::max(end, all.back().second);
      }
    }
  }
  for (const auto& [process, time] : times) {
    EXPECT_NEAR(ends.at(process), time, rounding);
  }
  ASSERT_EQ(run_podium(command + " --jobs 1 --timeline " + file).status, 0);
  EXPECT_EQ(text_of(file), text);
}

TEST(Simulate, RefusesWhatItCannotDoBeforeItRuns) {
  const auto refused = [](const std::string& arguments, const std::string& problem) {
    const Outcome outcome = run_podium("simulate " + arguments);
    EXPECT_EQ(outcome.status, 2) << arguments;
    EXPECT_THAT(outcome.output, IsEmpty()) << arguments;
    EXPECT_THAT(outcome.errors, HasSubstr(problem));
    EXPECT_EQ(std::count(outcome.errors.begin(), outcome.errors.end(), '\n'), 1) << outcome.errors;
  };
  refused("quick-loo", "did you mean 'quick-look'?");
  refused("quick-look --network packets", "--network: unknown network model 'packets' (did you mean 'packet'?)");
  refused("quick-look --system gb200", "--system: unknown system of this study 'gb200'");
  refused("quick-look --system hgx", "--system: 'hgx' may be any of: hgx-h200, hgx-h100");
  refused("quick-look --workload nothing", "--workload: unknown workload of this study 'nothing'");
  refused("quick-look --regime fp8", "--regime: unknown regime of this study 'fp8'");
  refused("quick-look --timeline /no/such/place/t.json", "--timeline: there is no folder /no/such/place");
  refused("quick-look --timeline configs", "--timeline: configs is a folder, and a file would be right");
  refused("quick-look --fold maybe", "--fold: 'maybe' is none of on, off and check");
  refused("quick-look --fold check --network packet", "--fold: nothing is folded on the packet network");
  refused("quick-look --slow 5", "--slow: '5' names no slow chips: RANK=LEFT");
  refused("quick-look --fail NVSwitch@1ms", "--fail: 'NVSwitch@1ms': a step's faults are there from the start");
  refused("quick-look --packet-scale 2", "--packet-scale: the flow network has no packets");
  refused("quick-look --network packet --packet-scale 0", "--packet-scale: '0' is under 1");
  refused("quick-look --network packet --packet-scale many", "--packet-scale: 'many' is not a number");
}

}  // namespace
}  // namespace podium::test
