#include "sim/engine/engine.h"

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "sim/core/check.h"

namespace podium {
namespace {

using namespace literals;

Time at_ps(std::int64_t count) { return Time::from_picoseconds(count); }

TEST(Engine, StartsAtZeroWithNothingToDo) {
  Engine engine;
  engine.run();
  EXPECT_EQ(engine.now(), Time());
  EXPECT_EQ(engine.events_run(), 0U);
  EXPECT_EQ(engine.pending(), 0U);
}

TEST(Engine, RunsEventsInTheOrderOfTimeAndThenOfScheduling) {
  Engine engine;
  std::string order;
  engine.at(at_ps(20), [&] { order += 'c'; });
  engine.at(at_ps(10), [&] { order += 'a'; });
  engine.at(at_ps(20), [&] { order += 'd'; });
  engine.at(at_ps(10), [&] { order += 'b'; });
  engine.run();
  EXPECT_EQ(order, "abcd");
  EXPECT_EQ(engine.now(), at_ps(20));
}

TEST(Engine, ActsBeforeItSettlesWhateverWasScheduledFirst) {
  Engine engine;
  std::string order;
  engine.at(
      at_ps(5), [&] { order += 's'; }, Phase::settle);
  engine.at(at_ps(5), [&] { order += 'a'; });
  engine.run();
  EXPECT_EQ(order, "as");
}

TEST(Engine, FinishesAllActsOfARoundWithWhatTheyScheduleBeforeItSettles) {
  Engine engine;
  std::string order;
  engine.at(at_ps(1), [&] {
    order += 'a';
    engine.at(
        at_ps(1), [&] { order += 's'; }, Phase::settle);
    engine.at(at_ps(1), [&] {
      order += 'c';
      engine.at(at_ps(1), [&] { order += 'd'; });
    });
  });
  engine.at(at_ps(1), [&] { order += 'b'; });
  engine.run();
  EXPECT_EQ(order, "abcds");
}

TEST(Engine, OpensTheNextRoundWithWhatSettleSchedulesForTheSameInstant) {
  Engine engine;
  std::string order;
  engine.at(
      at_ps(1),
      [&] {
        order += '1';
        engine.at(
            at_ps(1), [&] { order += '4'; }, Phase::settle);
        engine.at(at_ps(1), [&] { order += '3'; });
      },
      Phase::settle);
  engine.at(
      at_ps(1), [&] { order += '2'; }, Phase::settle);
  engine.run();
  EXPECT_EQ(order, "1234");
}

TEST(Engine, PutsWhatWasScheduledEarlierIntoTheFirstRoundOfItsInstant) {
  Engine engine;
  std::string order;
  engine.at(
      at_ps(1), [&] { engine.at(at_ps(2), [&] { order += 'b'; }); }, Phase::settle);
  engine.at(at_ps(2), [&] { order += 'a'; });
  engine.at(
      at_ps(2), [&] { order += 'c'; }, Phase::settle);
  engine.run();
  EXPECT_EQ(order, "abc");
}

TEST(Engine, RoundsADelayToTheNearestPicosecond) {
  Engine engine;
  engine.after(Seconds(1.4e-12), [] {});
  engine.run();
  EXPECT_EQ(engine.now(), at_ps(1));
  engine.after(Seconds(2.5e-12), [] {});
  engine.run();
  EXPECT_EQ(engine.now(), at_ps(1 + 3));
}

TEST(Engine, StopsBeforeTheFirstEventThatLiesBeyondTheGivenInstant) {
  Engine engine;
  int runs = 0;
  for (const std::int64_t when : {10, 20, 21, 30}) {
    engine.at(at_ps(when), [&] { ++runs; });
  }
  engine.run(at_ps(20));
  EXPECT_EQ(runs, 2);
  EXPECT_EQ(engine.now(), at_ps(20));
  EXPECT_EQ(engine.pending(), 2U);
  engine.run();
  EXPECT_EQ(runs, 4);
}

TEST(Engine, RefusesThePastAndEmptyActions) {
  Engine engine;
  engine.at(at_ps(10), [] {});
  engine.run();
  EXPECT_THROW(engine.at(at_ps(9), [] {}), Bug);
  EXPECT_THROW(engine.at(at_ps(11), Action()), Bug);
  EXPECT_EQ(engine.pending(), 0U);
}

TEST(Engine, NeverRunsWhatWasCancelledAndForgetsItsCapturesAtOnce) {
  Engine engine;
  const auto held = std::make_shared<int>(0);
  const EventId event = engine.at(at_ps(10), [held] { ++*held; });
  engine.at(at_ps(20), [] {});
  EXPECT_EQ(engine.pending(), 2U);
  engine.cancel(event);
  EXPECT_EQ(held.use_count(), 1);
  EXPECT_EQ(engine.pending(), 1U);
  engine.run();
  EXPECT_EQ(*held, 0);
  EXPECT_EQ(engine.events_run(), 1U);
}

TEST(Engine, IgnoresTheCancellingOfWhatHasRunOrWasCancelledOrNeverWas) {
  Engine engine;
  int runs = 0;
  const EventId ran = engine.at(at_ps(1), [&] { ++runs; });
  engine.run();
  const EventId reuses_its_slot = engine.at(at_ps(2), [&] { ++runs; });
  EXPECT_EQ(ran.slot, reuses_its_slot.slot);
  engine.cancel(ran);
  engine.cancel(EventId());
  engine.cancel(EventId{12345, 1});
  EXPECT_EQ(engine.pending(), 1U);
  engine.cancel(reuses_its_slot);
  engine.cancel(reuses_its_slot);
  EXPECT_EQ(engine.pending(), 0U);
  engine.run();
  EXPECT_EQ(runs, 1);
}

TEST(Engine, LetsAnEventCancelAnotherOfItsOwnInstantAndItself) {
  Engine engine;
  std::string order;
  EventId first;
  EventId second;
  first = engine.at(at_ps(1), [&] {
    order += '1';
    engine.cancel(first);
    engine.cancel(second);
  });
  second = engine.at(at_ps(1), [&] { order += '2'; });
  engine.at(at_ps(1), [&] { order += '3'; });
  engine.run();
  EXPECT_EQ(order, "13");
}

TEST(Engine, GoesOnAfterAnActionThatThrew) {
  Engine engine;
  int runs = 0;
  engine.at(at_ps(1), [] { throw RunError("no"); });
  engine.at(at_ps(2), [&] { ++runs; });
  EXPECT_THROW(engine.run(), RunError);
  EXPECT_EQ(engine.pending(), 1U);
  engine.run();
  EXPECT_EQ(runs, 1);
}

TEST(Engine, NamesTheInstantWhereRoundsNeverEnd) {
  Engine engine;
  std::uint64_t rounds = 0;
  std::function<void()> again = [&] {
    ++rounds;
    engine.at(
        engine.now(), [&] { again(); }, Phase::settle);
  };
  engine.after(1.5_us, [&] { again(); });
  try {
    engine.run();
    FAIL() << "a stall must be an error";
  } catch (const RunError& error) {
    EXPECT_NE(std::string(error.what()).find("0.000001500000 s"), std::string::npos) << error.what();
    EXPECT_NE(std::string(error.what()).find("1000000 rounds"), std::string::npos) << error.what();
  }
  // one act, then a settle a round: the rounds 0 to most_rounds - 1 all ran
  EXPECT_EQ(rounds, 1 + Engine::most_rounds);
}

TEST(Engine, NamesTheInstantWhereOneRoundNeverEnds) {
  Engine engine;
  std::function<void()> again = [&] { engine.at(engine.now(), [&] { again(); }); };
  engine.after(2_us, [&] { again(); });
  try {
    engine.run();
    FAIL() << "a stall must be an error";
  } catch (const RunError& error) {
    EXPECT_NE(std::string(error.what()).find("0.000002000000 s"), std::string::npos) << error.what();
  }
  EXPECT_EQ(engine.events_run(), Engine::longest_chain);
}

TEST(Engine, DoesNotTakeACrowdedInstantForAStall) {
  Engine engine;
  std::uint64_t runs = 0;
  const std::uint64_t crowd = 100'000;
  for (std::uint64_t i = 0; i < crowd; ++i) {
    engine.at(at_ps(1), [&] { engine.at(engine.now(), [&] { ++runs; }); });
  }
  engine.run();
  EXPECT_EQ(runs, crowd);
}

TEST(Engine, FingerprintsTimesAndPhasesInOrder) {
  const auto signature = [](std::vector<std::int64_t> times, Phase phase) {
    Engine engine;
    for (const std::int64_t when : times) {
      engine.at(
          at_ps(when), [] {}, phase);
    }
    engine.run();
    return engine.signature();
  };
  EXPECT_EQ(signature({1, 2, 3}, Phase::act), signature({3, 1, 2}, Phase::act));
  EXPECT_NE(signature({1, 2, 3}, Phase::act), signature({1, 2, 4}, Phase::act));
  EXPECT_NE(signature({1, 2, 3}, Phase::act), signature({1, 2}, Phase::act));
  EXPECT_NE(signature({1, 2, 3}, Phase::act), signature({1, 2, 3}, Phase::settle));
}

TEST(Engine, MovesAnEventByItsNameAndGivesItANewOne) {
  Engine engine;
  std::string order;
  const EventId moved = engine.at(at_ps(1), [&] { order += 'm'; });
  engine.at(at_ps(2), [&] { order += 'a'; });
  const EventId again = engine.reschedule(moved, at_ps(2));
  EXPECT_EQ(engine.pending(), 2U);
  engine.cancel(moved);  // the old name is void
  EXPECT_EQ(engine.pending(), 2U);
  engine.run();
  EXPECT_EQ(order, "am");  // as if scheduled anew, hence after the other
  EXPECT_EQ(engine.reschedule(again, at_ps(9)).generation, 0U);
  EXPECT_EQ(engine.pending(), 0U);
}

TEST(Engine, LeavesAnEventInPlaceThatCannotBeMovedIntoThePast) {
  Engine engine;
  int runs = 0;
  engine.at(at_ps(5), [] {});
  const EventId event = engine.at(at_ps(8), [&] { ++runs; });
  engine.run(at_ps(5));
  EXPECT_THROW(engine.reschedule(event, at_ps(4)), Bug);
  engine.run();
  EXPECT_EQ(runs, 1);
}

TEST(Engine, SaysWhyARunEnded) {
  Engine engine;
  int runs = 0;
  for (const std::int64_t when : {1, 2, 3, 4, 5, 6}) {
    engine.at(at_ps(when), [&] {
      if (++runs == 4) {
        engine.stop();
      }
    });
  }
  EXPECT_EQ(engine.run(at_ps(1)), Ended::time);
  EXPECT_EQ(engine.run(Time::max(), 2), Ended::events);
  EXPECT_EQ(runs, 1 + 2);
  EXPECT_EQ(engine.run(), Ended::stopped);
  EXPECT_EQ(runs, 4);
  EXPECT_EQ(engine.run_until([&] { return runs == 5; }), Ended::condition);
  EXPECT_EQ(runs, 5);
  EXPECT_EQ(engine.run_until([] { return false; }), Ended::idle);
  EXPECT_EQ(runs, 6);
}

TEST(Engine, AsksAConditionAlsoAfterTheLastEvent) {
  Engine engine;
  bool done = false;
  engine.at(at_ps(1), [&] { done = true; });
  EXPECT_EQ(engine.run_until([&] { return done; }), Ended::condition);
}

TEST(Engine, TakesWhatIsScheduledBeforeAnEventThatARunHasLookedAt) {
  Engine engine;
  std::string order;
  engine.at(at_ps(1'000'000), [&] { order += 'b'; });
  EXPECT_EQ(engine.run(at_ps(10)), Ended::time);
  engine.at(at_ps(20), [&] { order += 'a'; });
  engine.run();
  EXPECT_EQ(order, "ab");
}

TEST(Engine, RunsAnEventAtTheEndOfTime) {
  Engine engine;
  int runs = 0;
  engine.at(Time::max(), [&] { ++runs; });
  engine.at(at_ps(0), [&] { ++runs; });
  engine.run();
  EXPECT_EQ(runs, 2);
  EXPECT_EQ(engine.now(), Time::max());
}

TEST(Engine, CountsWhatItDid) {
  Engine engine;
  const EventId cancelled = engine.at(at_ps(1), [] {});
  EventId moved = engine.at(at_ps(2), [] {});
  for (int i = 0; i < 3; ++i) {
    engine.at(at_ps(3), [] {});
  }
  engine.cancel(cancelled);
  moved = engine.reschedule(moved, at_ps(4));
  engine.run();
  EXPECT_EQ(engine.statistics().run, 4U);
  EXPECT_EQ(engine.statistics().cancelled, 1U);
  EXPECT_EQ(engine.statistics().rescheduled, 1U);
  EXPECT_EQ(engine.statistics().instants, 2U);
  EXPECT_EQ(engine.statistics().most_pending, 5U);
}

TEST(Engine, ForgetsAnActionOnlyWhenItHasEnded) {
  Engine engine;
  const auto held = std::make_shared<int>(0);
  engine.at(at_ps(1), [&engine, held] {
    engine.at(at_ps(2), [] {});  // must not take the place of what runs
    EXPECT_EQ(held.use_count(), 2);
  });
  engine.run();
  EXPECT_EQ(held.use_count(), 1);
}

}  // namespace
}  // namespace podium
