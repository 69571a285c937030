#include "sim/study/gains.h"

#include <gtest/gtest.h>

#include <map>

#include "tests/study/studies.h"

namespace podium::test {
namespace {

const ComparisonResult& quick_look_with_gains() {
  static const ComparisonResult result = [] {
    const Study study = study_of(quick_look());
    ComparisonResult made = run_comparison(study);
    add_gains(study, made);
    return made;
  }();
  return result;
}

TEST(Gains, AreOfEveryStepAndResource) {
  for (const CaseResult& one : quick_look_with_gains().cases) {
    for (const PhaseResult& phase : one.phases) {
      std::map<std::string, double> times;
      for (const ResourceGain& gain : phase.gains) {
        times[gain.resource] = gain.time;
      }
      for (const char* resource :
           {"compute rate", "memory bandwidth", "kernel launches", "host time", "nvlink bandwidth", "nvlink latency"}) {
        ASSERT_TRUE(times.contains(resource)) << resource;
        EXPECT_LE(times[resource], 1 + 1e-9) << one.system << ", " << phase.name << ": " << resource;
      }
    }
  }
}

/// What is a tenth better makes its part of a step at most a tenth shorter, and all of them together the whole.
TEST(Gains, AreWhatTheWholeCouldGainAtMost) {
  for (const CaseResult& one : quick_look_with_gains().cases) {
    for (const PhaseResult& phase : one.phases) {
      double saved = 0;
      for (const ResourceGain& gain : phase.gains) {
        EXPECT_GE(gain.time, 1 / 1.1 - 1e-9) << gain.resource;
        saved += 1 - gain.time;
      }
      // to first order all together are a machine that is a tenth faster in everything
      EXPECT_NEAR(saved, 1 - 1 / 1.1, 0.02) << one.system << ", " << phase.name;
    }
  }
}

TEST(Gains, OfDecodingAreOfMemoryMoreThanOfComputing) {
  for (const CaseResult& one : quick_look_with_gains().cases) {
    for (const PhaseResult& phase : one.phases) {
      std::map<std::string, double> times;
      for (const ResourceGain& gain : phase.gains) {
        times[gain.resource] = gain.time;
      }
      if (phase.name == "decode step") {
        EXPECT_LT(times["memory bandwidth"], times["compute rate"]);
      } else if (phase.name == "training step") {
        EXPECT_LT(times["compute rate"], times["memory bandwidth"]);
      }
    }
  }
}

TEST(Gains, ChangeNothingElseOfAResult) {
  const Study study = study_of(quick_look());
  EXPECT_EQ(run_comparison(study).signature, quick_look_with_gains().signature);
}

}  // namespace
}  // namespace podium::test
