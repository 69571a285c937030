#include "sim/collective/schedule.h"

#include <gtest/gtest.h>

#include <functional>

#include "tests/collective/interpreter.h"

namespace podium {
namespace {

/// Every registered algorithm with every kind and size that it suits: a new one is covered the moment its file exists.
void for_each_schedule(const std::function<void(CollectiveKind, const Schedule&)>& visit, std::uint32_t largest = 16) {
  for (const std::string& name : Algorithms::names()) {
    for (const CollectiveKind kind : all_collective_kinds()) {
      for (std::uint32_t n = 2; n <= largest; ++n) {
        const GroupShape shape{.ranks = n, .in_switch_reduction = true};
        if (Algorithms::find(name).suits(kind, shape)) {
          const Schedule schedule = make_schedule(name, kind, shape);
          SCOPED_TRACE(name + " " + std::string(to_string(kind)) + " n=" + std::to_string(n));
          visit(kind, schedule);
        }
      }
    }
  }
}

TEST(Schedules, BringEveryByteToWhereItBelongsOnce) {
  for_each_schedule(
      [](CollectiveKind kind, const Schedule& schedule) { EXPECT_EQ(test::complaint(kind, schedule), ""); }, 64);
}

TEST(Schedules, AreMisjudgedByNobodyWhenAStepIsMissingOrDoubled) {
  for_each_schedule([](CollectiveKind kind, const Schedule& schedule) {
    Schedule missing = schedule;
    missing.stages.pop_back();
    EXPECT_NE(test::complaint(kind, missing), "");
    Schedule doubled = schedule;
    doubled.stages.front().front().share *= 2;
    EXPECT_NE(test::complaint(kind, doubled), "");
  });
}

/// The least that a rank must send without help of the switches, over the operation's bytes.
double least_sent(CollectiveKind kind, double n) {
  switch (kind) {
    case CollectiveKind::all_reduce:
      return 2 * (n - 1) / n;
    case CollectiveKind::broadcast:
    case CollectiveKind::send:
      return 1;
    default:
      return (n - 1) / n;
  }
}

TEST(Schedules, SendWhatTheClosedFormsSay) {
  for_each_schedule([](CollectiveKind kind, const Schedule& schedule) {
    const double n = schedule.ranks;
    double expected = least_sent(kind, n);
    if (schedule.algorithm == "in_switch") {  // own parts go to the switches and back as all others do
      const double fetched = 1;               // n parts of 1/n
      const double stored = 1 / n;
      expected = kind == CollectiveKind::all_reduce   ? fetched + stored
                 : kind == CollectiveKind::all_gather ? stored
                                                      : fetched;
    }
    EXPECT_NEAR(schedule.sent_per_rank(), expected, 1e-12);
  });
}

TEST(Schedules, ReduceEachContributionOnce) {
  for_each_schedule([](CollectiveKind kind, const Schedule& schedule) {
    double reduced = 0;
    for (const auto& stage : schedule.stages) {
      for (const Step& step : stage) {
        reduced += step.reduced * step.repeat;
        EXPECT_EQ(step.repeat, stage.front().repeat) << "repeats must be equal within a stage";
      }
    }
    const bool reduces =
        kind == CollectiveKind::all_reduce || kind == CollectiveKind::reduce_scatter || kind == CollectiveKind::combine;
    const double n = schedule.ranks;
    EXPECT_NEAR(reduced, reduces && schedule.algorithm != "in_switch" ? (n - 1) / n : 0, 1e-12);
  });
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
    EXPECT_NE(text.find("direct, ring"), std::string::npos) << text;
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
