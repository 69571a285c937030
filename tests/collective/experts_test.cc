// Dispatch and combine where it is known how tokens choose experts.
#include "sim/collective/experts.h"

#include <gtest/gtest.h>

#include <bit>
#include <vector>

#include "sim/collective/select.h"
#include "sim/collective/verify.h"
#include "sim/core/rng.h"
#include "tests/collective/networks.h"

namespace podium {
namespace {

using namespace literals;

std::vector<std::uint32_t> first(std::uint32_t count) {
  std::vector<std::uint32_t> positions;
  for (std::uint32_t i = 0; i < count; ++i) {
    positions.push_back(i);
  }
  return positions;
}

/// Every choice of experts within every choice of groups, one by one.
double counted_chance(std::uint32_t slots, std::uint32_t choices, std::uint32_t groups, std::uint32_t chosen,
                      std::uint32_t reached) {
  double hits = 0, all = 0;
  for (std::uint32_t groups_taken = 0; groups_taken < 1U << groups; ++groups_taken) {
    if (std::popcount(groups_taken) != static_cast<int>(chosen)) {
      continue;
    }
    for (std::uint32_t taken = 0; taken < 1U << slots; ++taken) {
      bool is_allowed = std::popcount(taken) == static_cast<int>(choices);
      for (std::uint32_t slot = 0; slot < slots && is_allowed; ++slot) {
        is_allowed = (taken >> slot & 1) == 0 || (groups_taken >> slot / (slots / groups) & 1) == 1;
      }
      all += is_allowed ? 1 : 0;
      hits += is_allowed && (taken & ((1U << reached) - 1)) != 0 ? 1 : 0;
    }
  }
  return hits / all;
}

TEST(Experts, AreReachedAsOftenAsCountingSays) {
  // 12 slots on 6 ranks: the first positions of them
  for (const auto& [groups, chosen] : {std::pair(1U, 1U), std::pair(2U, 1U), std::pair(3U, 2U), std::pair(6U, 4U)}) {
    for (const std::uint32_t choices : {1U, 3U, 4U}) {
      const TokenRouting routing{.choices = choices, .slots = 12, .groups = groups, .groups_chosen = chosen};
      for (std::uint32_t positions = 0; positions <= 6; ++positions) {
        EXPECT_NEAR(chance_to_reach(routing, 6, first(positions)),
                    counted_chance(12, choices, groups, chosen, 2 * positions), 1e-12)
            << choices << " of 12 in " << chosen << " of " << groups << " groups, " << positions << " positions";
      }
    }
  }
}

TEST(Experts, AreReachedWhereverTheyLie) {
  const TokenRouting routing{.choices = 8, .slots = 288, .groups = 8, .groups_chosen = 4};
  const std::vector<std::uint32_t> scattered{1, 9, 17, 40}, others{7, 15, 23, 46};
  EXPECT_DOUBLE_EQ(chance_to_reach(routing, 48, scattered), chance_to_reach(routing, 48, others));
  EXPECT_DOUBLE_EQ(chance_to_reach(routing, 48, first(48)), 1);
  EXPECT_DOUBLE_EQ(chance_to_reach(routing, 48, first(0)), 0);
  // redundant copies spread a token's choices over more slots: a rank of nine is hit like any nine of 288
  EXPECT_LT(chance_to_reach({.choices = 8, .slots = 288}, 288, first(1)),
            chance_to_reach({.choices = 8, .slots = 256}, 256, first(1)));
  EXPECT_DOUBLE_EQ(chance_to_reach({.choices = 1, .slots = 64}, 64, first(1)), 1.0 / 64);
  EXPECT_DOUBLE_EQ(chance_to_reach({.choices = 1, .slots = 64, .shared = 1}, 64, first(1)),
                   1 - (1 - 1.0 / 64) * (1 - 1.0 / 64));
}

TEST(Experts, OnSeveralRanksEachHaveAPartOfTheirTokens) {
  for (const double slots : {8.0, 12.0, 15.0, 24.0, 40.0}) {
    const TokenRouting routing{.choices = 8, .slots = slots};
    const double copies = 16 * chance_to_reach(routing, 16, first(1));
    EXPECT_LE(copies, 8 * (1 + 1e-12)) << "no more than a token has choices: " << slots;
    if (slots <= 16) {
      EXPECT_NEAR(copies, 8, 1e-12) << "no two of its choices lie on one rank: " << slots;
    }
  }
}

TEST(Experts, RefuseChoicesThatCannotBe) {
  EXPECT_THROW(check_routing({.choices = 0, .slots = 8}), InputError);
  EXPECT_THROW(check_routing({.choices = 9, .slots = 8}), InputError);
  EXPECT_THROW(check_routing({.choices = 5, .slots = 8, .groups = 2, .groups_chosen = 1}), InputError);
  EXPECT_THROW(check_routing({.choices = 2, .slots = 8, .groups = 2, .groups_chosen = 3}), InputError);
  EXPECT_THROW(check_routing({.choices = 2, .slots = 8, .groups = 0}), InputError);
  EXPECT_NO_THROW(check_routing({.choices = 8, .slots = 8}));
}

constexpr CollectiveKind exchanges[] = {CollectiveKind::dispatch, CollectiveKind::combine};

std::vector<GroupShape> shapes(std::uint32_t nodes, std::uint32_t ranks_per_node) {
  const std::uint32_t ranks = nodes * ranks_per_node;
  std::vector<GroupShape> result;
  for (const std::uint32_t groups : {1U, nodes}) {
    const TokenRouting routing{.choices = 4,
                               .slots = 4.0 * ranks,
                               .shared = groups == 1 ? 1U : 0U,
                               .groups = groups,
                               .groups_chosen = (groups + 1) / 2};
    result.push_back({ranks, false, {{ranks_per_node, 1}, {nodes, ranks_per_node}}, routing});
    if (ranks_per_node % 2 == 0 && ranks_per_node > 2) {
      result.push_back({ranks, false, {{2, 1}, {ranks_per_node / 2, 2}, {nodes, ranks_per_node}}, routing});
    }
  }
  return result;
}

/// Every algorithm that suits.
void for_each(const GroupShape& shape, const std::function<void(CollectiveKind, const Schedule&)>& visit) {
  for (const CollectiveKind kind : exchanges) {
    for (const std::string& name : suitable_algorithms(kind, shape)) {
      SCOPED_TRACE(name + " " + std::string(to_string(kind)) + " n=" + std::to_string(shape.ranks));
      visit(kind, make_schedule(name, kind, shape));
    }
  }
}

TEST(ExpertSchedules, BringEachTokenOnceToEachRankOfItsExperts) {
  Rng rng(1, "nodes");
  for (int i = 0; i < 12; ++i) {
    const auto nodes = static_cast<std::uint32_t>(2 + rng.uniform() * 8);
    const auto ranks_per_node = static_cast<std::uint32_t>(2 + rng.uniform() * 9);
    for (const GroupShape& shape : shapes(nodes, ranks_per_node)) {
      for_each(shape, [](CollectiveKind kind, const Schedule& schedule) { EXPECT_EQ(flaw_of(kind, schedule), ""); });
    }
  }
}

TEST(ExpertSchedules, AreNotPassedWhereTokensGoAstray) {
  for_each(shapes(4, 8).front(), [](CollectiveKind kind, const Schedule& schedule) {
    Schedule missing = schedule;
    missing.stages.back().pop_back();
    if (missing.stages.back().empty()) {
      missing.stages.pop_back();
    }
    EXPECT_NE(flaw_of(kind, missing), "") << "some never arrive";
    Schedule larger = schedule;
    larger.stages.front().front().share *= 1.01;
    EXPECT_NE(flaw_of(kind, larger), "") << "more copies than tokens go there";
    Schedule twice = schedule;
    twice.stages.front().push_back(twice.stages.front().back());
    EXPECT_NE(flaw_of(kind, twice), "");
    Schedule deaf = schedule;
    deaf.routing.reset();
    EXPECT_EQ(flaw_of(kind, deaf) == "", schedule.algorithm == "direct") << "shares rest on how tokens choose";
  });
}

TEST(ExpertSchedules, SendWhatTheClosedFormsSay) {
  // DeepSeek-V3 on eight nodes of eight
  const TokenRouting routing{.choices = 8, .slots = 256, .groups = 8, .groups_chosen = 4};
  const GroupShape shape{64, false, {{8, 1}, {8, 8}}, routing};
  // of a token's eight choices among 128 experts, and a node of 32 of these that is chosen half the time
  double none = 1;
  for (int i = 0; i < 8; ++i) {
    none *= (96.0 - i) / (128 - i);
  }
  const double nodes = 8 * 0.5 * (1 - none);
  none = 1;
  for (int i = 0; i < 8; ++i) {
    none *= (124.0 - i) / (128 - i);
  }
  const double ranks = 64 * 0.5 * (1 - none);
  const auto sent = [&](const char* algorithm) {
    return make_schedule(algorithm, CollectiveKind::dispatch, shape).sent_per_rank();
  };
  EXPECT_NEAR(sent("direct"), 63.0 / 64, 1e-12) << "a copy for each choice";
  EXPECT_NEAR(sent("once_per_rank"), ranks / 8 * 63 / 64, 1e-12);
  EXPECT_NEAR(sent("once_per_node"), nodes / 8 * 7 / 8 + ranks / 8 * 7 / 8, 1e-12) << "over the rails, and in the node";
  EXPECT_LT(nodes, 4);
  // a combine is the same way back
  EXPECT_NEAR(make_schedule("once_per_node", CollectiveKind::combine, shape).sent_per_rank(), sent("once_per_node"),
              1e-12);
}

TEST(ExpertSchedules, KnowNoNodesThatGroupsOfExpertsCut) {
  const TokenRouting routing{.choices = 2, .slots = 48, .groups = 8, .groups_chosen = 2};
  const GroupShape shape{24, false, {{8, 1}, {3, 8}}, routing};
  EXPECT_EQ(suitable_algorithms(CollectiveKind::dispatch, shape),
            (std::vector<std::string>{"direct", "once_per_rank"}));
  GroupShape unknown = shape;
  unknown.routing.reset();
  EXPECT_EQ(suitable_algorithms(CollectiveKind::dispatch, unknown), std::vector<std::string>{"direct"});
}

TEST(ExpertSchedules, SaveTheSlowLinksTheirCopies) {
  // two nodes of eight behind links that all eight share: a token crosses once and not once for each rank there
  const Topology topology = test::tree(2, 8, 100_GBps, 100_GBps);
  const CommunicationCosts costs = test::costs(topology);
  Router router(topology);
  Selector selector(topology, router, costs);
  const Placement placement{{test::consecutive(0, 16)}};
  const TokenRouting routing{.choices = 8, .slots = 256};
  const auto ranked = [&](Bytes bytes) {
    return selector.rank(CollectiveKind::dispatch, placement, bytes, 1, {}, routing);
  };
  const Bytes bytes = 4096 * 8 * Bytes(7168);
  const std::vector<Candidate> large = ranked(bytes);
  ASSERT_EQ(large.size(), 3U);
  EXPECT_EQ(large[0].algorithm, "once_per_node");
  EXPECT_EQ(large[1].algorithm, "once_per_rank");
  EXPECT_EQ(large[2].algorithm, "direct");
  // what crosses the link between the nodes, from eight ranks
  const double node = chance_to_reach(routing, 16, first(8)), rank = chance_to_reach(routing, 16, first(1));
  const auto crossing = [&](double copies) { return 8 * copies / 8 * bytes / 100_GBps; };
  EXPECT_NEAR(large[0].predicted / crossing(node), 1, 0.02) << "spreading in the node goes on beside it";
  EXPECT_NEAR(large[1].predicted / crossing(8 * rank), 1, 0.01);
  EXPECT_NEAR(large[2].predicted / crossing(4), 1, 0.01) << "half of eight choices";
  EXPECT_EQ(ranked(Bytes(8 * 7168)).front().algorithm, "once_per_rank") << "one hop, where latency decides";
}

}  // namespace
}  // namespace podium
