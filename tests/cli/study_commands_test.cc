// podium compare and podium sweep from outside: what they print, and what they leave behind.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <vector>

#include "tests/cli/run_podium.h"
#include "tests/config/temporary_folder.h"

namespace podium::test {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::IsEmpty;

/// A file of this text, in a folder that goes away with the test.
class StudyCommands : public testing::Test {
 protected:
  std::string file(const std::string& name, const std::string& text) const {
    const std::string path = (folder_.path() / name).string();
    std::ofstream(path) << text;
    return path;
  }
  std::string path(const std::string& name) const { return (folder_.path() / name).string(); }

  /// Status 2, one line on stderr, nothing on stdout, no report.
  void expect_refused(const std::string& arguments, const std::string& problem) const {
    const Outcome outcome = run_podium(arguments + " --output " + path("report"));
    EXPECT_EQ(outcome.status, 2) << arguments;
    EXPECT_THAT(outcome.output, IsEmpty()) << arguments;
    EXPECT_THAT(outcome.errors, HasSubstr(problem));
    EXPECT_EQ(std::count(outcome.errors.begin(), outcome.errors.end(), '\n'), 1) << outcome.errors;
    EXPECT_FALSE(std::filesystem::exists(path("report"))) << arguments;
  }

  const TemporaryFolder folder_;
};

/// The quick look, with one place replaced.
std::string quick_look(const std::string& from = "", const std::string& to = "") {
  std::ifstream in(PODIUM_SOURCE_DIR "/configs/studies/quick-look.yaml");
  std::string text{std::istreambuf_iterator<char>(in), {}};
  const std::size_t place = text.find(from);
  EXPECT_NE(place, std::string::npos) << from;
  return text.replace(place, from.size(), to);
}

TEST_F(StudyCommands, RefuseAStudyOfWhichNoCaseHasAPlan) {
  std::string text = quick_look("model: llama-3.1-8b", "model: llama-3.1-405b");
  const std::size_t serving = text.find("  - name: Qwen3"), training = text.find("  - name: Llama");
  text = text.substr(0, serving) + text.substr(training);
  expect_refused("compare " + file("large.yaml", text),
                 "no case has a plan that can be: hgx-h200: of 36 tried, the nearest is ");
  expect_refused("sweep " + file("large.yaml", text + "\nchips: [8]\n"), "hgx-h100: needs ");
}

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

TEST_F(StudyCommands, CompareRefusesAFolderThatCannotBeBeforeItRuns) {
  const std::string occupied = file("occupied", "");
  const Outcome outcome = run_podium("compare quick-look --output " + occupied + "/report");
  EXPECT_EQ(outcome.status, 2);
  EXPECT_THAT(outcome.output, IsEmpty());
  EXPECT_THAT(outcome.errors, HasSubstr(occupied + " is a file"));
  // a file system that takes no folders, whoever asks
  const Outcome nowhere = run_podium("compare quick-look --output /proc/nope");
  EXPECT_EQ(nowhere.status, 2);
  EXPECT_THAT(nowhere.errors, HasSubstr("cannot make the folder /proc/nope"));
}

TEST_F(StudyCommands, CompareRefusesPlansThatCannotBeWhereTheyAreWritten) {
  const auto refused = [&](const std::string& from, const std::string& to, const std::string& problem) {
    const std::string study = file("study.yaml", quick_look(from, to));
    expect_refused("compare " + study, problem);
    EXPECT_THAT(run_podium("compare " + study).errors, testing::ContainsRegex("study.yaml:[0-9]+:[0-9]+: "));
  };
  refused("{tp: 2, dp: 1, ep: 2", "{tp: 3, dp: 1, ep: 3", "tp 3 does not divide the 32 heads of qwen3-30b-a3b");
  refused("{tp: 1, dp: 8, ep: 8", "{tp: 1, dp: 32, ep: 32", "takes 32 ranks, but a domain of hgx-h200 has 8 to use");
  refused("tp: [1, 2, 4]", "tp: [1, 2, 5]", "no plan can have tp 5");
  refused("          hgx-h100: *server", "          hgx-h10: *server", "did you mean 'hgx-h100'?");
  refused("chunk_tokens: [4096]", "chunk_tokens: []", "the list is empty");
  refused("name: quick-look", "name: a/b", "names the folder of results");
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

TEST_F(StudyCommands, CompareRefusesRequestsThatItCannotRead) {
  const std::string head = "arrival,input,output\n";
  const auto refused = [&](const std::string& text, const std::string& problem) {
    expect_refused("compare quick-look --requests " + file("trace.csv", text), problem);
  };
  refused("", "not a request trace of a known format");
  refused("when,in,out\n1,2,3\n", "not a request trace of a known format: it begins with 'when,in,out'");
  refused(head + "0,100,10\n", "one request");
  refused(head, "the trace has no request");
  refused(head + "0,100,10\n1,100\n", "trace.csv:3: 2 fields, but the header has 3");
  refused(head + "0,100,10\n1,0,10\n", "trace.csv:3: '0' is not a number of tokens");
  refused(head + "0,100,1e12\n", "trace.csv:2: '1000000000000' is not a number of tokens");
  refused(head + "5,100,10\n1,100,10\n", "arrives before the one above it");
  refused("{\"timestamp\": 0, \"input_length\": 10, \"output_length\": 1e99}\n", "trace.csv:1: ");
  expect_refused("compare quick-look --requests " + path("nothing.csv"), "cannot read the request trace");
  const std::string text = quick_look();
  const std::string training = text.substr(0, text.find("  - name: Qwen3")) + text.substr(text.find("  - name: Llama"));
  expect_refused(
      "compare " + file("training.yaml", training) + " --requests " + file("trace.csv", head + "0,9,9\n1,9,9\n"),
      "has no serving workload");
}

TEST_F(StudyCommands, SweepHasAPointForEachCount) {
  const std::string study = file("sweep.yaml", quick_look("seed: 1", "seed: 1\nchips: [2, 8]"));
  const Outcome one = run_podium("sweep " + study + " --format json --jobs 1");
  const Outcome two = run_podium("sweep " + study + " --format json --jobs 2");
  ASSERT_EQ(one.status, 0) << one.errors;
  EXPECT_EQ(one.output, two.output);
  EXPECT_EQ(json::parse(one.output).at("points").size(), 4U * 2);
}

TEST_F(StudyCommands, SweepRefusesAStudyWithoutChips) {
  expect_refused("sweep " + file("study.yaml", quick_look()), "study.yaml: a sweep needs 'chips'");
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

TEST(Validate, PrintsNothingWhereOneResultIsWrong) {
  const TemporaryFolder folder;
  std::ifstream in(PODIUM_SOURCE_DIR "/configs/calibration/anchors.yaml");
  std::string text{std::istreambuf_iterator<char>(in), {}};
  const std::size_t last = text.rfind("model: deepseek-r1");
  ASSERT_NE(last, std::string::npos);
  std::ofstream(folder.path() / "wrong.yaml") << text.replace(last, 18, "model: deepseek-r2");
  const Outcome outcome = run_podium("validate " + (folder.path() / "wrong.yaml").string());
  EXPECT_EQ(outcome.status, 2);
  EXPECT_THAT(outcome.output, IsEmpty());
  EXPECT_THAT(outcome.errors, testing::ContainsRegex("wrong.yaml:[0-9]+:[0-9]+: .*did you mean 'deepseek-r1'"));
}

}  // namespace
}  // namespace podium::test
