#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <tuple>
#include <vector>

#include "sim/core/rng.h"
#include "sim/engine/engine.h"

namespace podium {
namespace {

/// The order of one event as the contract words it: time, round, phase, order of scheduling.
struct Place {
  std::int64_t time = 0;
  int round = 0;
  Phase phase = Phase::act;
  int number = 0;
  auto operator<=>(const Place&) const = default;
};

TEST(EngineLaws, RunsAsASortByTimePhaseAndSchedulingWould) {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    Rng rng(seed, "engine");
    Engine engine;
    std::vector<Place> expected;
    std::vector<Place> ran;
    for (int number = 0; number < 1000; ++number) {
      const Place place{static_cast<std::int64_t>(rng.below(100)), 0, rng.below(2) == 0 ? Phase::act : Phase::settle,
                        number};
      expected.push_back(place);
      engine.at(
          Time::from_picoseconds(place.time), [&ran, place] { ran.push_back(place); }, place.phase);
    }
    std::sort(expected.begin(), expected.end());
    engine.run();
    EXPECT_EQ(ran, expected) << "seed " << seed;
  }
}

/// A run where every event may schedule and cancel others; what ran is noted with its place.
class RandomRun {
 public:
  explicit RandomRun(std::uint64_t seed) : rng_(seed, "engine") {
    for (int i = 0; i < 50; ++i) {
      schedule();
    }
    engine_.run();
  }
  const std::vector<Place>& ran() const { return ran_; }
  int cancelled() const { return cancelled_; }
  int scheduled() const { return number_; }
  std::uint64_t signature() const { return engine_.signature(); }

 private:
  void schedule() {
    Place place;
    const auto delay = static_cast<std::int64_t>(rng_.below(4));
    place.time = engine_.now().picoseconds() + delay;
    place.phase = rng_.below(2) == 0 ? Phase::act : Phase::settle;
    place.round = delay > 0 ? 0 : current_.round + (current_.phase == Phase::settle ? 1 : 0);
    place.number = number_++;
    events_.push_back({});
    live_.push_back(true);
    events_.back() = engine_.at(
        Time::from_picoseconds(place.time), [this, place] { act(place); }, place.phase);
  }
  void act(const Place& place) {
    ran_.push_back(place);
    current_ = place;
    live_[static_cast<std::size_t>(place.number)] = false;
    const std::uint64_t children = number_ < 3000 ? rng_.below(4) : 0;
    for (std::uint64_t child = 0; child < children; ++child) {
      schedule();
    }
    if (rng_.below(3) == 0) {
      const std::size_t victim = rng_.below(events_.size());
      engine_.cancel(events_[victim]);
      cancelled_ += live_[victim] ? 1 : 0;
      live_[victim] = false;
    }
  }

  Rng rng_;
  Engine engine_;
  Place current_;
  int number_ = 0;
  int cancelled_ = 0;
  std::vector<EventId> events_;
  std::vector<bool> live_;
  std::vector<Place> ran_;
};

TEST(EngineLaws, KeepsItsOrderWhileEventsScheduleAndCancelOthers) {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    const RandomRun run(seed);
    EXPECT_TRUE(std::is_sorted(run.ran().begin(), run.ran().end())) << "seed " << seed;
    EXPECT_EQ(run.ran().size() + static_cast<std::size_t>(run.cancelled()), static_cast<std::size_t>(run.scheduled()))
        << "seed " << seed;
    EXPECT_GT(run.cancelled(), 0);
  }
}

TEST(EngineLaws, RunsTheSameTwice) {
  for (std::uint64_t seed = 0; seed < 5; ++seed) {
    const RandomRun first(seed);
    const RandomRun second(seed);
    EXPECT_EQ(first.ran(), second.ran()) << "seed " << seed;
    EXPECT_EQ(first.signature(), second.signature()) << "seed " << seed;
  }
}

RC_GTEST_PROP(EngineLaws, RunsWhatWasNotCancelledInTheOrderOfASort, (const std::vector<std::uint8_t>& times)) {
  const std::vector<bool> cancel = *rc::gen::container<std::vector<bool>>(times.size(), rc::gen::arbitrary<bool>());
  Engine engine;
  std::vector<std::pair<std::int64_t, std::size_t>> expected;
  std::vector<std::pair<std::int64_t, std::size_t>> ran;
  std::vector<EventId> events;
  for (std::size_t i = 0; i < times.size(); ++i) {
    events.push_back(engine.at(Time::from_picoseconds(times[i]),
                               [&ran, &engine, i] { ran.emplace_back(engine.now().picoseconds(), i); }));
  }
  for (std::size_t i = 0; i < times.size(); ++i) {
    if (cancel[i]) {
      engine.cancel(events[i]);
    } else {
      expected.emplace_back(times[i], i);
    }
  }
  std::sort(expected.begin(), expected.end());
  RC_ASSERT(engine.pending() == expected.size());
  engine.run();
  RC_ASSERT(ran == expected);
}

TEST(EngineLaws, KeepsToTheMemoryOfWhatIsPendingUnderCancelChurn) {
  Engine engine;
  // a far timeout is set and cancelled in each of many steps, so that its key lies deep in the heap
  std::uint32_t highest = 0;
  int steps = 0;
  EventId timeout;
  struct Step {
    Engine* engine;
    std::uint32_t* highest;
    int* steps;
    EventId* timeout;
    void operator()() const {
      engine->cancel(*timeout);
      *timeout = engine->after(Seconds(1000), [] {});
      *highest = std::max(*highest, timeout->slot);
      if (++*steps < 200'000) {
        engine->after(Seconds(1e-9), *this);
      }
    }
  };
  engine.after(Seconds(1e-9), Step{&engine, &highest, &steps, &timeout});
  engine.run(Time() + Seconds(1));
  EXPECT_EQ(steps, 200'000);
  EXPECT_LT(highest, 4U);
  EXPECT_EQ(engine.pending(), 1U);
  EXPECT_LT(engine.keys_held(), 128U);
}

}  // namespace
}  // namespace podium
