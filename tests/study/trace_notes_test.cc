#include "sim/study/trace_notes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/study/studies.h"

namespace podium::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

/// The notes on a trace of three requests where `measured` were measured: half as many more came while the run warmed
/// up (2 s of 4 s).
std::vector<std::string> notes_on(std::uint64_t measured) {
  const StudyFile file(replaced(quick_look(), "{input: 2048, output: 256}", "{trace: trace.csv}"));
  file.add("trace.csv", "arrival,input,output\n0,10,5\n1,10,5\n2,10,5\n");
  const Study study = file.load();
  CaseResult result;
  result.plan = "some plan";
  result.requests = measured;
  return trace_notes(serving(study), result);
}

TEST(TraceNotes, SayThatAShortTraceIsRepeated) {
  EXPECT_THAT(notes_on(2), IsEmpty());
  EXPECT_THAT(notes_on(20), ElementsAre(HasSubstr("the trace of 3 requests is shorter than a run, of some 30")));
}

TEST(TraceNotes, AreNoneWhereArrivalsAreRandom) {
  CaseResult result;
  result.plan = "some plan";
  result.requests = 1'000'000;
  EXPECT_THAT(trace_notes(serving(study_of(quick_look())), result), IsEmpty());
}

}  // namespace
}  // namespace podium::test
