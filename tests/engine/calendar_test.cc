#include "sim/engine/calendar.h"

#include <gtest/gtest.h>

#include <functional>
#include <set>
#include <string>
#include <vector>

#include "sim/core/rng.h"

namespace podium {
namespace {

struct Before {
  bool operator()(const Key& a, const Key& b) const { return before(a, b); }
};

/// A law of delays, in picoseconds.
struct Law {
  std::string name;
  std::function<std::int64_t(Rng&)> delay;
};

std::int64_t scaled(Rng& rng, double scale) { return static_cast<std::int64_t>(scale * rng.exponential()); }

const std::vector<Law>& laws() {
  static const std::vector<Law> all{
      {"dense", [](Rng& rng) { return static_cast<std::int64_t>(rng.below(4)); }},
      {"exponential", [](Rng& rng) { return scaled(rng, 1e6); }},
      {"sparse", [](Rng& rng) { return scaled(rng, 1e12); }},
      {"bimodal", [](Rng& rng) { return scaled(rng, rng.below(10) == 0 ? 1e9 : 1e2); }},
      {"one instant", [](Rng&) { return std::int64_t{1000}; }},
      {"now", [](Rng& rng) { return std::int64_t{rng.below(50) == 0 ? 1 : 0}; }},
      {"any magnitude", [](Rng& rng) { return static_cast<std::int64_t>(rng.next() >> (8 + rng.below(56))); }},
      {"edges of digits",
       [](Rng& rng) { return (std::int64_t{1} << rng.below(50)) - static_cast<std::int64_t>(rng.below(2)); }},
      {"the end of time", [](Rng& rng) { return rng.below(4) == 0 ? INT64_MAX : scaled(rng, 1e3); }},
  };
  return all;
}

/// A calendar beside a sorted set, which must agree on every key that leaves.
class Pair {
 public:
  explicit Pair(std::uint64_t seed) : rng_(seed, "calendar") {}

  void push(std::int64_t delay) {
    const Time when = Time::from_picoseconds(delay > INT64_MAX - now_ ? INT64_MAX : now_ + delay);
    const Key key{when, order_++, static_cast<std::uint32_t>(rng_.below(7)), 1};
    calendar_.push(key);
    model_.insert(key);
  }
  void take(Time until = Time::max()) {
    const std::optional<Key> key = calendar_.take_next(until, [](const Key&) {});
    ASSERT_EQ(key.has_value(), !model_.empty() && model_.begin()->time <= until);
    if (key) {
      ASSERT_EQ(key->order, model_.begin()->order);
      ASSERT_EQ(key->time, model_.begin()->time);
      now_ = key->time.picoseconds();
      model_.erase(model_.begin());
    }
    ASSERT_EQ(calendar_.size(), model_.size());
  }
  /// As cancelled events leave.
  void drop_one_in_seven() {
    const auto keep = [](const Key& key) { return key.slot != 0; };
    calendar_.keep_only(keep);
    std::erase_if(model_, [&](const Key& key) { return !keep(key); });
    ASSERT_EQ(calendar_.size(), model_.size());
  }
  void take_all() {
    while (!model_.empty() && !testing::Test::HasFatalFailure()) {
      take();
    }
    take();
  }
  Rng& rng() { return rng_; }
  std::int64_t now() const { return now_; }

 private:
  Rng rng_;
  Calendar calendar_;
  std::set<Key, Before> model_;
  std::uint64_t order_ = 0;
  std::int64_t now_ = 0;
};

TEST(Calendar, GivesKeysAsASortedSetDoesWhateverTheirInstants) {
  for (const Law& law : laws()) {
    for (std::uint64_t seed = 0; seed < 6 && !HasFatalFailure(); ++seed) {
      SCOPED_TRACE(law.name + ", seed " + std::to_string(seed));
      Pair pair(seed);
      for (int step = 0; step < 3000 && !HasFatalFailure(); ++step) {
        // bursts of entering and of leaving
        const bool grow = (step / 500) % 2 == 0;
        for (std::uint64_t i = pair.rng().below(grow ? 4 : 2); i > 0; --i) {
          pair.push(law.delay(pair.rng()));
        }
        pair.take();
        if (pair.rng().below(400) == 0) {
          pair.drop_one_in_seven();
        }
      }
      pair.take_all();
    }
  }
}

TEST(Calendar, GivesNothingBeyondALimitAndTakesWhatComesBeforeWhatItLookedAt) {
  for (const Law& law : laws()) {
    SCOPED_TRACE(law.name);
    Pair pair(1);
    for (int step = 0; step < 2000 && !HasFatalFailure(); ++step) {
      pair.push(law.delay(pair.rng()));
      const std::int64_t horizon = law.delay(pair.rng());
      pair.take(Time::from_picoseconds(horizon > INT64_MAX - pair.now() ? INT64_MAX : pair.now() + horizon));
    }
    pair.take_all();
  }
}

TEST(Calendar, TakesManyKeysBeforeTheOneThatWasNext) {
  Pair pair(1);
  for (const std::int64_t far : {std::int64_t{1} << 40, (std::int64_t{1} << 40) + 5}) {
    pair.push(far);
    pair.push(far + 1);
    pair.take();
    for (int i = 0; i < 1000; ++i) {
      pair.push(static_cast<std::int64_t>(pair.rng().below(1U << 30)));
    }
    pair.take_all();
  }
}

TEST(Calendar, TakesACrowdThatEntersItsOwnInstant) {
  Pair pair(1);
  for (int i = 0; i < 2000; ++i) {
    pair.push(7);
  }
  for (int i = 0; i < 2000 && !HasFatalFailure(); ++i) {
    pair.take();
    pair.push(0);
  }
  pair.take_all();
}

}  // namespace
}  // namespace podium
