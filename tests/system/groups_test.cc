#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/system/graphs.h"

/// Collectives of groups that are written out, across roles.
namespace podium::test {
namespace {

using namespace literals;
using testing::HasSubstr;

/// Ranks that each have a role of their own.
struct Ranks {
  TaskGraph graph;
  std::uint16_t label = graph.add_label("talk");
  std::vector<RoleId> roles;
  explicit Ranks(std::uint32_t count) {
    for (std::uint32_t rank = 0; rank < count; ++rank) {
      roles.push_back(graph.add_role({"r" + std::to_string(rank), rank, 1}));
    }
  }
  void wait(std::uint32_t rank, Seconds time) { graph.add(roles[rank], 0, label, DelayTask{time}); }
  void call(std::uint32_t rank, RankGroupsId groups, Bytes bytes = 1_MiB,
            CollectiveKind kind = CollectiveKind::all_reduce, std::optional<std::uint32_t> sequence = {}) {
    graph.add(roles[rank], 0, label, GroupTask{groups, kind, bytes, 1, sequence});
  }
};

std::string failure(const TaskGraph& graph) {
  try {
    run(graph);
  } catch (const RunError& error) {
    return error.what();
  }
  return "";
}

TEST(Groups, ACollectiveOfRolesTakesAsLongAsTheSameOfOneRole) {
  Builder together;
  together.all_reduce(0, 64_MiB);
  Ranks apart(8);
  const RankGroupsId all = apart.graph.add_groups({"all", {{0, 1, 2, 3, 4, 5, 6, 7}}});
  for (std::uint32_t rank = 0; rank < 8; ++rank) {
    apart.call(rank, all, 64_MiB);
  }
  EXPECT_EQ(run(apart.graph).time, run(together.graph).time);
}

TEST(Groups, ACollectiveBeginsWhenTheLastMemberHasComeAndHoldsUpNobodyElse) {
  Ranks alone(2);
  const RankGroupsId two = alone.graph.add_groups({"two", {{0, 1}}});
  alone.call(0, two);
  alone.call(1, two);
  const Seconds once = run(alone.graph).time;

  Ranks r(4);
  const RankGroupsId first = r.graph.add_groups({"first", {{0, 1}}});
  const RankGroupsId second = r.graph.add_groups({"second", {{2, 3}}});
  r.wait(1, 5_us);
  for (std::uint32_t rank = 0; rank < 4; ++rank) {
    r.call(rank, rank < 2 ? first : second);
  }
  const Execution execution = run(r.graph);
  EXPECT_NEAR(execution.time.value(), (once + 5_us).value(), 1e-12);
  EXPECT_NEAR(execution.by_role[0].part("bubble").value(), (5_us).value(), 1e-12);
  EXPECT_NEAR(execution.by_role[3].part("exposed talk").value(), once.value(), 1e-12);
}

TEST(Groups, CallsAreMatchedInTheirOrderOrByTheirNumbers) {
  const auto time = [](bool numbered) {
    Ranks r(2);
    const RankGroupsId two = r.graph.add_groups({"two", {{0, 1}}});
    const auto number = [&](std::uint32_t n) { return numbered ? std::optional(n) : std::nullopt; };
    for (std::uint32_t rank = 0; rank < 2; ++rank) {
      r.call(rank, two, 1_MiB, CollectiveKind::all_reduce, number(7));
      r.call(rank, two, 4_MiB, CollectiveKind::all_gather, number(3));
    }
    return run(r.graph).time;
  };
  EXPECT_EQ(time(true), time(false));
}

TEST(Groups, NamesMembersThatDisagreeAndThoseThatAreMissing) {
  Ranks r(4);
  const RankGroupsId all = r.graph.add_groups({"world", {{0, 1, 2, 3}}});
  r.call(0, all, 1_MiB);
  r.call(1, all, 2_MiB);
  EXPECT_THAT(failure(r.graph),
              testing::AllOf(HasSubstr("rank 1 ('r1')"), HasSubstr("group 'world'"), HasSubstr("2,097,152 B"),
                             HasSubstr("1,048,576 B"), HasSubstr("missing: rank 2 ('r2'), rank 3 ('r3')")));
  Ranks kinds(2);
  const RankGroupsId two = kinds.graph.add_groups({"two", {{0, 1}}});
  kinds.call(0, two, 1_MiB);
  kinds.call(1, two, 1_MiB, CollectiveKind::all_gather);
  EXPECT_THAT(failure(kinds.graph), HasSubstr("all_gather 0 of group 'two'"));
}

TEST(Groups, NamesTheRankThatNeverComes) {
  Ranks r(3);
  const RankGroupsId all = r.graph.add_groups({"world", {{0, 1, 2}}});
  r.call(0, all);
  r.call(2, all);
  EXPECT_THAT(failure(r.graph), HasSubstr("rank 1 ('r1') never comes to the all_reduce 0 of group 'world'"));
}

TEST(Groups, NamesRolesThatWaitForEachOtherInACircle) {
  Ranks r(3);
  const RankGroupsId a = r.graph.add_groups({"a", {{0, 1}}});
  const RankGroupsId b = r.graph.add_groups({"b", {{0, 1}}});
  r.call(0, a);
  r.call(0, b);
  r.call(1, b);
  r.call(1, a);
  EXPECT_THAT(failure(r.graph), testing::AllOf(HasSubstr("in a circle, rank 0 ('r0') waits for rank 1 ('r1')"),
                                               HasSubstr("rank 1 ('r1') waits for rank 0 ('r0')")));
}

TEST(Groups, RefusesARankThatNoRoleHas) {
  Ranks r(2);
  r.call(0, r.graph.add_groups({"pair", {{0, 5}}}));
  EXPECT_THROW(run(r.graph), InputError);
}

}  // namespace
}  // namespace podium::test
