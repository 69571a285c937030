// podium compare and podium sweep from outside: what they refuse.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/cli/study_commands.h"

namespace podium::test {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

TEST_F(StudyCommands, RefuseAStudyOfWhichNoCaseHasAPlan) {
  std::string text = quick_look("model: llama-3.1-8b", "model: llama-3.1-405b");
  const std::size_t serving = text.find("  - name: Qwen3"), training = text.find("  - name: Llama");
  text = text.substr(0, serving) + text.substr(training);
  expect_refused("compare " + file("large.yaml", text),
                 "no case has a plan that can be: hgx-h200: of 36 tried, the nearest is ");
  expect_refused("sweep " + file("large.yaml", text + "\nchips: [8]\n"), "hgx-h100: needs ");
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

TEST_F(StudyCommands, CompareRefusesRequestsThatItCannotRead) {
  const std::string head = "arrival,input,output\n";
  const auto refused = [&](const std::string& text, const std::string& problem) {
    expect_refused("compare quick-look --requests " + file("trace.csv", text), problem);
  };
  refused("", "the file is empty");
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

TEST_F(StudyCommands, SweepRefusesAStudyWithoutChips) {
  expect_refused("sweep " + file("study.yaml", quick_look()), "study.yaml: a sweep needs 'chips'");
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

TEST_F(StudyCommands, CompareRefusesAWorkloadOfWhichNothingComesOnAnySystem) {
  const std::string text = quick_look("pp: [1, 2]", "pp: [33]");
  expect_refused("compare " + file("narrow.yaml", text), "no case has a plan that can be: hgx-h200: ");
}

}  // namespace
}  // namespace podium::test
