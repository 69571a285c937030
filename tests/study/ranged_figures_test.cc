#include "sim/study/ranged_figures.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sim/study/summary.h"
#include "tests/study/studies.h"

namespace podium::test {
namespace {

using testing::ElementsAre;

SourceUse use(const std::string& file, const std::string& path, const std::string& high = "3 us") {
  SourceUse result{file, {}};
  result.figure.path = path;
  result.figure.value = "2 us";
  result.figure.low = "1 us";
  result.figure.high = high;
  result.figure.range = Range{1e-6, 2e-6, 3e-6};
  return result;
}

TEST(RangedFigures, AreThoseWhoseRangeHasAWidth) {
  SourceUse without = use("chips/a", "x"), narrow = use("chips/a", "y");
  without.figure.range.reset();
  narrow.figure.range = Range{2e-6, 2e-6, 2e-6};
  const std::vector<RangedFigure> facts = ranged_figures({without, narrow, use("chips/a", "z")});
  ASSERT_EQ(facts.size(), 1U);
  EXPECT_EQ(facts[0].figure.path, "z");
}

TEST(RangedFigures, AreOneWhereAFileSaysTheSameInSeveralPlaces) {
  const std::vector<RangedFigure> facts =
      ranged_figures({use("systems/a", "protocols.ub.launch"), use("systems/a", "protocols.roce.launch"),
                      use("systems/a", "protocols.ub.step"), use("systems/b", "protocols.ub.launch"),
                      use("systems/a", "protocols.vpc.launch", "4 us")});
  ASSERT_EQ(facts.size(), 4U);
  EXPECT_EQ(facts[0].figure.path, "protocols.{ub, roce}.launch");
  EXPECT_THAT(facts[0].paths, ElementsAre("protocols.ub.launch", "protocols.roce.launch"));
  const FigureChanges low = at_end(facts[0], End::low), high = at_end(facts[0], End::high);
  EXPECT_EQ(low, (FigureChanges{{"systems/a", {{"protocols.ub.launch", "1 us"}, {"protocols.roce.launch", "1 us"}}}}));
  EXPECT_EQ(high.at("systems/a").at("protocols.roce.launch"), "3 us");
}

TEST(RangedFigures, OfAStudyAreShownFromTheSystemOn) {
  const std::vector<RangedFigure> facts =
      ranged_figures({use("studies/s", "workloads.0.regimes.0.systems.a.prefill.0.imbalance"),
                      use("studies/s", "workloads.0.regimes.1.systems.b.prefill.2.imbalance")});
  ASSERT_EQ(facts.size(), 1U);
  EXPECT_EQ(facts[0].figure.path, "{a, b}.prefill.imbalance");
}

TEST(RangedFigures, TouchTheCasesThatReadThem) {
  const Study study = study_of(quick_look());
  const std::vector<CaseId> cases = cases_of(study);  // serving on H200 and H100, training on H200 and H100
  ASSERT_EQ(cases.size(), 4U);
  const auto touched = [&](const SourceUse& figure) {
    std::vector<int> found;
    for (const CaseId& id : cases) {
      found.push_back(touches(ranged_figures({figure}).at(0), study, id, files_of(study, id)) ? 1 : 0);
    }
    return found;
  };
  EXPECT_THAT(touched(use("chips/h200-sxm", "x")), ElementsAre(1, 0, 1, 0));
  EXPECT_THAT(touched(use("topologies/hgx-h100", "x")), ElementsAre(0, 1, 0, 1));
  EXPECT_THAT(touched(use("models/llama-3.1-8b", "x")), ElementsAre(0, 0, 1, 1));
  EXPECT_THAT(touched(use("studies/quick-look", "workloads.0.common.acceptance")), ElementsAre(1, 1, 0, 0));
  EXPECT_THAT(touched(use("studies/quick-look", "workloads.1.regimes.0.systems.hgx-h100.tp")), ElementsAre(0, 0, 0, 1));
  EXPECT_THAT(touched(use("chips/gb200", "x")), ElementsAre(0, 0, 0, 0));
}

}  // namespace
}  // namespace podium::test
