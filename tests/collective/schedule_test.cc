#include "sim/collective/schedule.h"

#include <gtest/gtest.h>

#include "tests/collective/schedules.h"

namespace podium {
namespace {

using test::for_each_schedule;

/// The least that the busiest rank must send without help of the switches, over the operation's bytes.
double least_sent(CollectiveKind kind, double n) {
  switch (kind) {
    case CollectiveKind::all_reduce:
      return 2 * (n - 1) / n;
    case CollectiveKind::broadcast:
    case CollectiveKind::reduce:
    case CollectiveKind::send:
      return 1;
    case CollectiveKind::gather:
      return 1 / n;
    case CollectiveKind::barrier:
      return 0;
    default:
      return (n - 1) / n;
  }
}

/// Whether an algorithm sends no more than it must.
bool is_optimal(CollectiveKind kind, const std::string& algorithm) {
  if (kind == CollectiveKind::all_to_all) {
    return !algorithm.starts_with("hierarchical");
  }
  if (kind == CollectiveKind::broadcast) {
    return algorithm == "ring";
  }
  const bool passes_on = kind == CollectiveKind::gather && algorithm == "binomial";
  return !passes_on && algorithm != "one_shot" && algorithm != "rabenseifner" && algorithm != "double_binary_tree" &&
         algorithm != "trees_per_rail";
}

TEST(Schedules, SendWhatTheClosedFormsSay) {
  for_each_schedule([](CollectiveKind kind, const Schedule& schedule) {
    const double n = schedule.ranks;
    const double least = least_sent(kind, n);
    if (schedule.algorithm == "in_switch") {  // own parts go to the switches and back as all others do
      const double fetched = 1;               // n parts of 1/n
      const double stored = 1 / n;
      EXPECT_NEAR(schedule.sent_per_rank(),
                  kind == CollectiveKind::all_reduce   ? fetched + stored
                  : kind == CollectiveKind::all_gather ? stored
                                                       : fetched,
                  1e-12);
    } else if (is_optimal(kind, schedule.algorithm)) {
      EXPECT_NEAR(schedule.sent_per_rank(), least, 1e-12);
    } else {
      EXPECT_GE(schedule.sent_per_rank(), least - 1e-12);
    }
  });
  const auto sent = [](const char* algorithm, CollectiveKind kind, const GroupShape& shape) {
    return make_schedule(algorithm, kind, shape).sent_per_rank();
  };
  EXPECT_DOUBLE_EQ(sent("one_shot", CollectiveKind::all_reduce, {.ranks = 8}), 8 - 1);
  EXPECT_DOUBLE_EQ(sent("rabenseifner", CollectiveKind::all_reduce, {.ranks = 12}), 2 * 7.0 / 8 + 1)
      << "8 halve and double, and return what they were given whole";
  EXPECT_DOUBLE_EQ(sent("double_binary_tree", CollectiveKind::all_reduce, {.ranks = 64}), 2)
      << "half up twice, and half down to two children";
  EXPECT_DOUBLE_EQ(sent("hierarchical", CollectiveKind::all_to_all, {16, false, {{2, 1}, {8, 2}}}), 1.0 / 2 + 7.0 / 8)
      << "half to the neighbour, and of what lies there then seven eighths on";
}

std::uint32_t steps(const Schedule& schedule) {
  std::uint32_t count = 0;
  for (const auto& stage : schedule.stages) {
    count += stage.front().repeat;
  }
  return count;
}

TEST(Schedules, TakeTheStepsThatTheirPapersCount) {
  const GroupShape shape{.ranks = 16, .in_switch_reduction = true};
  EXPECT_EQ(steps(make_schedule("ring", CollectiveKind::all_reduce, shape)), 2 * (16U - 1));
  EXPECT_EQ(steps(make_schedule("recursive_halving_doubling", CollectiveKind::all_reduce, shape)), 2 * 4U);
  EXPECT_EQ(steps(make_schedule("bruck", CollectiveKind::all_reduce, shape)), 2 * 4U);
  EXPECT_EQ(steps(make_schedule("bruck", CollectiveKind::all_gather, {.ranks = 72})), 7U);
  EXPECT_EQ(steps(make_schedule("direct", CollectiveKind::all_reduce, shape)), 2U);
  EXPECT_EQ(steps(make_schedule("direct", CollectiveKind::all_to_all, shape)), 1U);
  EXPECT_EQ(steps(make_schedule("pairwise", CollectiveKind::all_to_all, shape)), 16U - 1);
  EXPECT_EQ(steps(make_schedule("in_switch", CollectiveKind::all_reduce, shape)), 1U);
  EXPECT_EQ(steps(make_schedule("pat", CollectiveKind::all_gather, {.ranks = 72})), 7U);
  EXPECT_EQ(steps(make_schedule("one_shot", CollectiveKind::all_reduce, shape)), 1U);
  EXPECT_EQ(steps(make_schedule("rabenseifner", CollectiveKind::all_reduce, {.ranks = 72})), 2 * 6U + 2);
  EXPECT_EQ(steps(make_schedule("spread", CollectiveKind::all_to_all, shape)), 2U);
  EXPECT_EQ(steps(make_schedule("binomial", CollectiveKind::broadcast, {.ranks = 72})), 7U);
  EXPECT_EQ(steps(make_schedule("dissemination", CollectiveKind::barrier, {.ranks = 72})), 7U);
  const GroupShape tiered{768, false, {{2, 1}, {8, 2}, {48, 16}}};
  EXPECT_EQ(steps(make_schedule("hierarchical", CollectiveKind::all_reduce, tiered)), 2 * 3U);
  EXPECT_EQ(steps(make_schedule("hierarchical_two_level", CollectiveKind::all_reduce, tiered)), 2 * 2U);
  EXPECT_EQ(steps(make_schedule("hierarchical_ring", CollectiveKind::all_gather, tiered)), 1U + 7 + 47);
}

/// Bytes that each rail between units of `near` carries, over the operation's bytes.
std::vector<double> rail_bytes(const Schedule& schedule, std::uint32_t near) {
  std::vector<double> bytes(near);
  for (const std::vector<Step>& stage : schedule.stages) {
    for (const Step& step : stage) {
      for_each_message(step, schedule.ranks, [&](std::uint32_t from, std::uint32_t to) {
        if (from / near != to / near) {
          EXPECT_EQ(from % near, to % near) << "a message from " << from << " to " << to << " changes its rail";
          bytes[from % near] += step.share * step.repeat;
        }
      });
    }
  }
  return bytes;
}

TEST(Schedules, OnRailsLoadAllRailsAlike) {
  for (const std::uint32_t near : {3U, 4U, 8U}) {
    for (const std::uint32_t units : {2U, 3U, 7U, 8U}) {
      const std::uint32_t ranks = near * units;
      const GroupShape shape{ranks, false, {{near, 1}, {units, near}}};
      // what has to leave a rail's units: its share of all, from all but one, twice
      const double least = 2.0 / near * (units - 1);
      for (const std::string name : {"ring_per_rail", "trees_per_rail"}) {
        for (const double bytes : rail_bytes(make_schedule(name, CollectiveKind::all_reduce, shape), near)) {
          const double ends = name == "ring_per_rail" ? 2.0 / near * (1 - 1.0 * units / ranks) : 0;
          EXPECT_NEAR(bytes, least + ends, 1e-9) << name << ", " << units << " units of " << near;
        }
      }
    }
  }
}

/// As on the two dies of a package: by a link of their own as often as past it.
TEST(Schedules, OnRailsSendToTheNeighbourAsOftenAsToOthersFromEveryPosition) {
  constexpr std::uint32_t near = 16, units = 4;
  const GroupShape shape{near * units, false, {{near, 1}, {units, near}}};
  std::vector<double> to_partner(near * units);
  const Schedule schedule = make_schedule("ring_per_rail", CollectiveKind::all_gather, shape);
  for (const Step& step : schedule.stages.front()) {
    for (const auto& [from, to] : step.pairs) {
      to_partner[from] += from / 2 == to / 2 ? 1.0 / near : 0;
    }
  }
  for (const double share : to_partner) {
    EXPECT_GT(share, 0.3);
    EXPECT_LT(share, 0.7);
  }
}

TEST(Schedules, CountTheirMessages) {
  const GroupShape shape{.ranks = 5};
  EXPECT_EQ(make_schedule("direct", CollectiveKind::all_to_all, shape).messages(), 5U * 4);
  EXPECT_EQ(make_schedule("pairwise", CollectiveKind::all_to_all, shape).messages(), 4U * 5);
  EXPECT_EQ(make_schedule("ring", CollectiveKind::all_reduce, shape).messages(), 2U * 5) << "a repeat is no new one";
}

TEST(Schedules, OfAGroupOfOneAreEmpty) {
  for (const std::string& name : Algorithms::names()) {
    for (const CollectiveKind kind : all_collective_kinds()) {
      EXPECT_TRUE(make_schedule(name, kind, {.ranks = 1}).stages.empty());
    }
  }
}

TEST(Schedules, OfAGroupOfNoneAreRefused) {
  EXPECT_THROW(make_schedule("ring", CollectiveKind::all_reduce, {.ranks = 0}), InputError);
}

TEST(Schedules, NameTheAlgorithmsThatSuitWhereOneDoesNot) {
  try {
    make_schedule("recursive_halving_doubling", CollectiveKind::all_reduce, {.ranks = 6});
    FAIL();
  } catch (const InputError& error) {
    const std::string text = error.what();
    EXPECT_NE(text.find("among 6 ranks"), std::string::npos) << text;
    EXPECT_NE(text.find("rabenseifner, ring"), std::string::npos) << text;
  }
  EXPECT_THROW(make_schedule("rnig", CollectiveKind::all_reduce, {.ranks = 6}), InputError);
}

TEST(Schedules, ExistForEveryKind) {
  for (const CollectiveKind kind : all_collective_kinds()) {
    EXPECT_FALSE(suitable_algorithms(kind, {.ranks = 2}).empty()) << to_string(kind);
  }
}

TEST(Schedules, UseTheSwitchesOnlyWhereTheyCan) {
  const auto names = suitable_algorithms(CollectiveKind::all_reduce, {.ranks = 8});
  EXPECT_EQ(std::count(names.begin(), names.end(), "in_switch"), 0);
  const auto with = suitable_algorithms(CollectiveKind::all_reduce, {.ranks = 8, .in_switch_reduction = true});
  EXPECT_EQ(std::count(with.begin(), with.end(), "in_switch"), 1);
}

}  // namespace
}  // namespace podium
