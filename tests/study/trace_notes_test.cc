#include "sim/study/trace_notes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/study/studies.h"

namespace podium::test {
namespace {

using testing::_;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

/// The notes on a trace of three requests where `measured` were measured.
std::vector<std::string> notes_on(std::uint64_t measured) {
  const StudyFile file(replaced(quick_look(), "{input: 2048, output: 256}", "{trace: trace.csv}"));
  file.add("trace.csv", "arrival,input,output\n0,10,5\n1,10,5\n2,10,5\n");
  const Study study = file.load();
  CaseResult result;
  result.plan = "some plan";
  result.request_rate = 3;
  result.requests = measured;
  return trace_notes(serving(study), result);
}

TEST(TraceNotes, SayHowOftenAShortTraceIsServed) {
  EXPECT_THAT(
      notes_on(21),
      ElementsAre("21 requests are measured, from a trace of 3, which comes again and again; at this rate it comes "
                  "in 1 s, recorded in 3 s: its swings, too, last that much shorter"));
}

TEST(TraceNotes, SayWhatOfALongTraceIsServed) {
  const StudyFile file(replaced(quick_look(), "{input: 2048, output: 256}", "{trace: trace.csv}"));
  std::string rows = "arrival,input,output\n";
  for (int i = 0; i < 30'000; ++i) {  // every hundredth, which the stretches have as many of, is long
    rows += std::to_string(i) + (i % 100 == 0 ? ",1010,5\n" : ",10,5\n");
  }
  file.add("trace.csv", rows);
  const Study study = file.load();
  CaseResult result;
  result.plan = "some plan";
  result.request_rate = 3;
  result.requests = 19'900;
  result.refused_requests = 100;
  EXPECT_THAT(trace_notes(serving(study), result),
              ElementsAre("of the trace's 30,000 requests 20,000 are served, in stretches evenly spread over it: mean "
                          "tokens in and out 20 and 5, of the whole trace 20 and 5",
                          _));
}

/// Of a trace whose second prompt repeats 512 of its 1,000 tokens.
std::vector<std::string> notes_on_prefixes(const std::string& setting, double reused) {
  const StudyFile file(replaced(quick_look(), "{input: 2048, output: 256}", "{trace: trace.jsonl}" + setting));
  file.add("trace.jsonl",
           "{\"timestamp\": 0, \"input_length\": 1000, \"output_length\": 5, \"hash_ids\": [1, 2]}\n"
           "{\"timestamp\": 900, \"input_length\": 1000, \"output_length\": 5, \"hash_ids\": [1, 3]}\n");
  const Study study = file.load();
  CaseResult result;
  result.plan = "some plan";
  result.request_rate = 3;
  result.requests = 1;
  result.reused_prompt_share = reused;
  return trace_notes(serving(study), result);
}

TEST(TraceNotes, SayWhatShareOfPromptsWasReusedOrCouldHaveBeen) {
  EXPECT_THAT(notes_on_prefixes("", 0),
              ElementsAre(HasSubstr("25.6 % of the tokens of the prompts that are served repeat"), _));
  EXPECT_THAT(notes_on_prefixes("\n    prefix_reuse: replica", 0.125),
              ElementsAre(AllOf(HasSubstr("replicas had 12.5 % of the tokens of prompts in their caches"),
                                HasSubstr("forgets nothing: 25.6 %")),
                          _));
}

TEST(TraceNotes, SayThatPrefixesCannotBeReusedWhereNoneAreNamed) {
  const Study study = study_of(
      replaced(quick_look(), "{input: 2048, output: 256}", "{input: 2048, output: 256}\n    prefix_reuse: replica"));
  CaseResult result;
  result.plan = "some plan";
  result.request_rate = 3;
  EXPECT_THAT(trace_notes(serving(study), result), ElementsAre(HasSubstr("prefix_reuse has no effect")));
}

TEST(TraceNotes, AreNoneWhereArrivalsAreRandom) {
  CaseResult result;
  result.plan = "some plan";
  result.request_rate = 3;
  result.requests = 1'000'000;
  EXPECT_THAT(trace_notes(serving(study_of(quick_look())), result), IsEmpty());
}

}  // namespace
}  // namespace podium::test
