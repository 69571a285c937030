#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "sim/report/format.h"
#include "sim/report/report.h"
#include "tests/report/example.h"

namespace podium {
namespace {

using Json = nlohmann::json;

TEST(Json, HasEveryCaseWithItsNumbersAsTheyWere) {
  const ComparisonResult result = test::example_comparison();
  const Json json = Json::parse(to_json(result));
  ASSERT_EQ(json.at("cases").size(), result.cases.size());
  for (std::size_t i = 0; i < result.cases.size(); ++i) {
    const CaseResult& one = result.cases[i];
    const Json& written = json.at("cases").at(i);
    EXPECT_EQ(written.at("system"), one.system);
    EXPECT_EQ(written.at("workload"), one.workload);
    EXPECT_EQ(written.at("regime"), one.regime);
    EXPECT_EQ(written.at("throughput").at("per_system").get<double>(), one.throughput.per_system);
    EXPECT_EQ(written.at("throughput").at("per_rank").get<double>(), one.throughput.per_rank);
    EXPECT_EQ(written.at("throughput").at("per_watt").get<double>(), one.throughput.per_watt);
    EXPECT_EQ(written.at("signature"), hexadecimal(one.signature));
    EXPECT_EQ(written.contains("ttft"), one.ttft.has_value());
    EXPECT_EQ(written.at("alternatives").size(), one.alternatives.size());
  }
}

TEST(Json, TellsWhatRequestsSawOfTheObjectiveAtTheRateAndAboveIt) {
  ComparisonResult result = test::example_comparison();
  const auto serves = std::ranges::find_if(result.cases, [](const CaseResult& one) { return one.ttft.has_value(); });
  ASSERT_NE(serves, result.cases.end());
  serves->objective = Objective{0.95, Seconds(2), Seconds(0.05), {Seconds(1.9), Seconds(0.04)}, {Seconds(2.1)}};
  const auto place = static_cast<std::size_t>(serves - result.cases.begin());
  const Json objective = Json::parse(to_json(result)).at("cases").at(place).at("objective");
  EXPECT_EQ(objective.at("seen"), Json({{"ttft_seconds", 1.9}, {"tpot_seconds", 0.04}}));
  EXPECT_EQ(objective.at("above"), Json({{"ttft_seconds", 2.1}})) << "answers of one token have no other";
}

TEST(Json, TimesAndMemoryOfAPhaseSumToTheWhole) {
  const Json json = Json::parse(to_json(test::example_comparison()));
  int phases = 0;
  for (const Json& one : json.at("cases")) {
    for (const Json& phase : one.at("phases")) {
      double time = 0, memory = 0;
      for (const Json& part : phase.at("breakdown_seconds")) {
        time += part.get<double>();
      }
      for (const auto& [name, bytes] : phase.at("memory").items()) {
        memory += name == "total_bytes" || name == "size_bytes" || name == "kept_free_bytes" ? 0 : bytes.get<double>();
      }
      EXPECT_NEAR(time / phase.at("time_seconds").get<double>(), 1, 1e-12);
      EXPECT_NEAR(memory / phase.at("memory").at("total_bytes").get<double>(), 1, 1e-12);
      ++phases;
    }
  }
  EXPECT_GT(phases, 0);
}

TEST(Json, VerdictsFollowFromTheCases) {
  const Json json = Json::parse(to_json(test::example_comparison()));
  for (const Json& contest : json.at("verdicts")) {
    for (const Json& standing : contest.at("standings")) {
      const Json& places = standing.at("places");
      for (const Json& place : places) {
        EXPECT_DOUBLE_EQ(place.at("leader_has_times").get<double>() * place.at("value").get<double>(),
                         places.at(0).at("value").get<double>());
      }
    }
  }
}

TEST(Json, CrossoversAreNullWhereNothingWasReached) {
  const Json json = Json::parse(to_json(test::example_comparison()));
  EXPECT_EQ(json.at("crossovers").front().at("chips"), 208);
  EXPECT_TRUE(json.at("crossovers").back().at("chips").is_null());
}

TEST(Json, SourcesHaveTheirRangesAndGrades) {
  const ComparisonResult result = test::example_comparison();
  const Json json = Json::parse(to_json(result));
  ASSERT_EQ(json.at("sources").size(), result.sources.size());
  for (std::size_t i = 0; i < result.sources.size(); ++i) {
    const Json& written = json.at("sources").at(i);
    EXPECT_EQ(written.at("figure"), result.sources[i].figure.path);
    EXPECT_EQ(written.at("grade"), to_string(result.sources[i].figure.grade));
    EXPECT_EQ(written.contains("low"), !result.sources[i].figure.low.empty());
  }
}

TEST(Json, RefusedCasesAndPointsSayWhy) {
  ComparisonResult result = test::example_comparison();
  result.cases[0].plan.clear();
  result.cases[0].alternatives = {{"wide", 0, "too wide"}};
  EXPECT_EQ(Json::parse(to_json(result)).at("cases").at(0).at("refused"), "wide: too wide");

  const SweepResult sweep = test::example_sweep();
  const Json points = Json::parse(to_json(sweep)).at("points");
  ASSERT_EQ(points.size(), sweep.points.size());
  for (std::size_t i = 0; i < sweep.points.size(); ++i) {
    EXPECT_EQ(points.at(i).contains("throughput"), sweep.points[i].refused.empty());
    EXPECT_EQ(points.at(i).contains("refused"), !sweep.points[i].refused.empty());
  }
}

TEST(Json, TextThatIsNoUtf8DoesNotEndTheRun) {
  ComparisonResult result = test::example_comparison();
  result.title = "broken \xff text";
  EXPECT_EQ(Json::parse(to_json(result)).at("title"), "broken \xef\xbf\xbd text");
}

}  // namespace
}  // namespace podium
