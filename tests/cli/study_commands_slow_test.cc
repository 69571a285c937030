// podium compare, sweep and validate from outside: what they print, and what they leave behind.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/cli/study_commands.h"

namespace podium::test {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::IsEmpty;

TEST_F(StudyCommands, CompareIsTheSameForAnyNumberOfThreadsByteForByte) {
  const std::string command = "compare quick-look --format json --jobs ";
  const Outcome one = run_podium(command + "1"), two = run_podium(command + "2"), again = run_podium(command + "2");
  EXPECT_EQ(one.status, 0) << one.errors;
  EXPECT_FALSE(one.output.empty());
  EXPECT_EQ(one.output, two.output);
  EXPECT_EQ(two.output, again.output);
}

TEST_F(StudyCommands, ComparePrintsResultsWhoseSumsHold) {
  const Outcome outcome = run_podium("compare quick-look --format json");
  EXPECT_THAT(outcome.errors, IsEmpty()) << "no progress in a pipe, and no report unless asked for";
  const json result = json::parse(outcome.output);
  ASSERT_EQ(result.at("cases").size(), 4U);
  for (const json& one : result.at("cases")) {
    const json& throughput = one.at("throughput");
    const double whole = throughput.at("per_system");
    EXPECT_GT(whole, 0);
    EXPECT_DOUBLE_EQ(throughput.at("per_chip").get<double>() * one.at("chips").get<double>(), whole);
    EXPECT_DOUBLE_EQ(throughput.at("per_rank").get<double>() * one.at("ranks").get<double>(), whole);
    EXPECT_DOUBLE_EQ(throughput.at("per_watt").get<double>() * one.at("power_watts").get<double>(), whole);
    for (const json& phase : one.at("phases")) {
      double sum = 0;
      for (const json& part : phase.at("breakdown_seconds")) {
        sum += part.get<double>();
      }
      const double time = phase.at("time_seconds");
      EXPECT_NEAR(sum, time, 1e-9 * time) << phase.at("name");
      EXPECT_LE(phase.at("memory").at("total_bytes"), phase.at("memory").at("size_bytes"));
    }
  }
}

TEST_F(StudyCommands, CompareWritesAReportThatHoldsWhatItPrints) {
  const Outcome outcome = run_podium("compare quick-look --format json --output " + path("a/new/report"));
  EXPECT_EQ(outcome.errors, "report: " + path("a/new/report/report.html") + "\n");
  for (const char* name : {"report.html", "report.md", "result.json", "result.csv"}) {
    EXPECT_TRUE(std::filesystem::exists(path("a/new/report/") + name)) << name;
  }
  std::ifstream file(path("a/new/report/result.json"));
  const std::string written{std::istreambuf_iterator<char>(file), {}};
  EXPECT_EQ(written, outcome.output);
}

TEST_F(StudyCommands, CompareTakesTheRequestsOfATrace) {
  std::string trace = "arrival,input,output\n";
  for (int i = 0; i < 40; ++i) {
    trace += std::to_string(i) + ",700,100\n";
  }
  const Outcome outcome = run_podium("compare quick-look --format json --requests " + file("trace.csv", trace));
  ASSERT_EQ(outcome.status, 0) << outcome.errors;
  const json one = json::parse(outcome.output).at("cases").at(0);
  EXPECT_NEAR(one.at("throughput").at("per_system").get<double>() / one.at("request_rate_per_second").get<double>(),
              100, 5);
}

TEST_F(StudyCommands, SweepHasAPointForEachCount) {
  const std::string study = file("sweep.yaml", quick_look("seed: 1", "seed: 1\nchips: [2, 8]"));
  const Outcome one = run_podium("sweep " + study + " --format json --jobs 1");
  const Outcome two = run_podium("sweep " + study + " --format json --jobs 2");
  ASSERT_EQ(one.status, 0) << one.errors;
  EXPECT_EQ(one.output, two.output);
  EXPECT_EQ(json::parse(one.output).at("points").size(), 4U * 2);
}

TEST(Validate, PrintsEachPublishedResultInEveryFormat) {
  const Outcome text = run_podium("validate"), csv = run_podium("validate --format csv");
  EXPECT_EQ(text.status, 0);
  EXPECT_THAT(text.errors, IsEmpty());
  const json results = json::parse(run_podium("validate --format json").output).at("results");
  ASSERT_FALSE(results.empty());
  double sum = 0;
  for (const json& one : results) {
    const std::string name = one.at("name");
    EXPECT_THAT(text.output, HasSubstr(name));
    EXPECT_THAT(csv.output, HasSubstr(name));
    const double error = one.at("error"), predicted = one.at("predicted"), published = one.at("published");
    EXPECT_NEAR(error, predicted / published - 1, 1e-12);
    EXPECT_FALSE(one.at("source").get<std::string>().empty());
    sum += std::abs(error);
  }
  EXPECT_THAT(text.output, HasSubstr("mean absolute error"));
  EXPECT_LT(sum / static_cast<double>(results.size()), 0.25);
}

}  // namespace
}  // namespace podium::test
