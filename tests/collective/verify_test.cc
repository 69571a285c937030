#include "sim/collective/verify.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "tests/collective/schedules.h"

namespace podium {
namespace {

using test::for_each_schedule;
using test::for_each_schedule_of;

TEST(Verification, PassesEveryAlgorithmForAllRankCountsUpTo64) {
  for_each_schedule([](CollectiveKind kind, const Schedule& schedule) { EXPECT_EQ(flaw_of(kind, schedule), ""); }, 64);
}

TEST(Verification, PassesEveryAlgorithmForSomeLargerRankCount) {
  for (const std::uint32_t ranks : {96U, 113U, 144U}) {
    for_each_schedule_of(ranks,
                         [](CollectiveKind kind, const Schedule& schedule) { EXPECT_EQ(flaw_of(kind, schedule), ""); });
  }
}

/// One algorithm, kind and shape a case, drawn from all that suit.
RC_GTEST_PROP(Verification, PassesEveryAlgorithmForRandomRankCounts, ()) {
  const auto ranks = *rc::gen::inRange<std::uint32_t>(65, 320);
  const GroupShape shape = *rc::gen::elementOf(test::shapes_of(ranks));
  const CollectiveKind kind = *rc::gen::elementOf(all_collective_kinds());
  const std::vector<std::string> names = suitable_algorithms(kind, shape);
  RC_PRE(!names.empty());
  const std::string name = *rc::gen::elementOf(names);
  RC_ASSERT(flaw_of(kind, make_schedule(name, kind, shape)) == "");
}

TEST(Verification, CatchesASendThatIsNotToTheNext) {
  Schedule schedule = make_schedule("direct", CollectiveKind::send, {.ranks = 5});
  EXPECT_EQ(flaw_of(CollectiveKind::send, schedule), "");
  schedule.stages.front().front().offset = 2;
  EXPECT_NE(flaw_of(CollectiveKind::send, schedule), "");
  schedule.stages.front().front().offset = 1;
  schedule.stages.front().front().share = 0.5;
  EXPECT_NE(flaw_of(CollectiveKind::send, schedule), "");
}

TEST(Verification, CatchesAStepThatIsMissing) {
  for_each_schedule([](CollectiveKind kind, const Schedule& schedule) {
    Schedule missing = schedule;
    missing.stages.back().pop_back();
    if (missing.stages.back().empty()) {
      missing.stages.pop_back();
    }
    EXPECT_NE(flaw_of(kind, missing), "");
  });
}

TEST(Verification, CatchesMessagesOfAnotherSize) {
  for_each_schedule([](CollectiveKind kind, const Schedule& schedule) {
    for (const double factor : {0.5, 2.0}) {
      Schedule wrong = schedule;
      Step& step = wrong.stages.front().front();
      step.share = kind == CollectiveKind::barrier ? factor : step.share * factor;
      EXPECT_NE(flaw_of(kind, wrong), "");
    }
  });
}

TEST(Verification, CatchesAStepThatIsDoneTwice) {
  for_each_schedule([](CollectiveKind kind, const Schedule& schedule) {
    Schedule twice = schedule;
    twice.stages.insert(twice.stages.begin(), twice.stages.front());
    if (kind != CollectiveKind::barrier) {  // where hearing it again does no harm
      EXPECT_NE(flaw_of(kind, twice), "");
    }
  });
}

TEST(Verification, CatchesContributionsThatAreAddedUpNowhereOrTwice) {
  Schedule copied = make_schedule("ring", CollectiveKind::all_reduce, {.ranks = 8});
  copied.stages.front().front().reduced = 0;
  EXPECT_NE(flaw_of(CollectiveKind::all_reduce, copied), "");
  Schedule twice = make_schedule("one_shot", CollectiveKind::all_reduce, {.ranks = 4});
  twice.stages.push_back(twice.stages.front());
  EXPECT_NE(flaw_of(CollectiveKind::all_reduce, twice), "");
  Schedule late = make_schedule("direct", CollectiveKind::all_reduce, {.ranks = 4});
  std::swap(late.stages.front(), late.stages.back());
  EXPECT_EQ(flaw_of(CollectiveKind::all_reduce, late), "a step reduces what is reduced already");
  Schedule gathered = make_schedule("ring", CollectiveKind::reduce_scatter, {.ranks = 8});
  EXPECT_NE(flaw_of(CollectiveKind::all_gather, gathered), "") << "which adds nothing up";
}

TEST(Verification, FollowsAReductionToItsRoot) {
  Schedule idle = make_schedule("binomial", CollectiveKind::reduce, {.ranks = 8});
  EXPECT_EQ(flaw_of(CollectiveKind::reduce, idle), "");
  idle.stages.front().front().reduced = 0;
  EXPECT_EQ(flaw_of(CollectiveKind::reduce, idle), "a step of a reduction adds nothing up");
  Schedule lost = make_schedule("ring", CollectiveKind::reduce, {.ranks = 8});
  lost.stages.front().front().pairs.front() = {7, 5};
  EXPECT_NE(flaw_of(CollectiveKind::reduce, lost), "") << "what comes from 7 is added to another part";
  Schedule spread = make_schedule("ring", CollectiveKind::broadcast, {.ranks = 8});
  EXPECT_NE(flaw_of(CollectiveKind::reduce, spread), "");
}

TEST(Verification, CatchesMessagesToTheWrongRank) {
  Schedule astray = make_schedule("binomial", CollectiveKind::scatter, {.ranks = 8});
  astray.stages.back().front().pairs.front() = {0, 2};
  EXPECT_NE(flaw_of(CollectiveKind::scatter, astray), "");
  astray.stages.back().front().pairs.front() = {0, 8};
  EXPECT_EQ(flaw_of(CollectiveKind::scatter, astray), "0 to 8 is no message among 8 ranks");
  Schedule off_the_ring = make_schedule("ring", CollectiveKind::all_gather, {.ranks = 8});
  off_the_ring.stages.front().front().offset = 2;
  EXPECT_NE(flaw_of(CollectiveKind::all_gather, off_the_ring), "") << "even positions never hear of odd ones";
}

TEST(Verification, LooksAtEveryLane) {
  Schedule rings = make_schedule("two_way_ring", CollectiveKind::all_gather, {.ranks = 6});
  rings.stages.front().back().offset = 2;
  EXPECT_TRUE(flaw_of(CollectiveKind::all_gather, rings).starts_with("lane 1: "));
  rings.stages.front().back().lane = 2;
  EXPECT_NE(flaw_of(CollectiveKind::all_gather, rings), "");
}

}  // namespace
}  // namespace podium
