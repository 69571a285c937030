#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "sim/core/time.h"
#include "sim/engine/action.h"
#include "sim/engine/calendar.h"

namespace podium {

/// Two phases in a round of one instant: models act, then shared resources settle (the network shares its links once).
enum class Phase : std::uint8_t { act, settle };

/// Names one event; stays unique after the event has run or was cancelled. The default names none.
struct EventId {
  std::uint32_t slot = 0;
  std::uint32_t generation = 0;
};

/// Why a run returned: nothing is pending, the next event lies beyond the limit, as many events ran as were asked for,
/// an action called `stop`, or the predicate holds.
enum class Ended : std::uint8_t { idle, time, events, stopped, condition };

/// What an engine has done so far.
struct EngineStatistics {
  std::uint64_t run = 0;
  std::uint64_t cancelled = 0;
  std::uint64_t rescheduled = 0;
  std::uint64_t instants = 0;    ///< at which something ran
  std::size_t most_pending = 0;  ///< at once
};

/// A discrete-event engine: a value, without globals. Events run in the order (time, round, phase, order of
/// scheduling). Contract:
///  - what `act` schedules for the present instant runs in this round; what `settle` schedules for the present instant,
///    in either phase, opens the next round. An event for a later instant belongs to that instant's first round;
///  - a million rounds in one instant, or a chain of ten million events in one, is a stall: RunError names the instant;
///  - scheduling into the past, or nothing to call, is a Bug; cancelling an event that has run, or was cancelled, does
///    nothing;
///  - an exception of an action leaves `run` with the engine whole: that event has run, the others are pending.
/// Costs: those of the calendar to schedule and to run, O(1) to cancel on average; nothing is allocated per event in
/// the steady state, and memory follows the most events that were ever pending at once.
class Engine {
 public:
  static constexpr std::uint64_t most_rounds = 1'000'000;
  static constexpr std::uint32_t longest_chain = 10'000'000;
  static constexpr std::uint64_t no_limit = std::numeric_limits<std::uint64_t>::max();

  /// The instant of the event that runs, or ran last.
  Time now() const { return now_; }
  /// How far the present run, or the last one, goes at most: who runs ahead of the clock, since nobody sees, stops
  /// there.
  Time until() const { return until_; }

  /// `action` is an Action, or whatever can be one: it is built where it will lie until it has run.
  template <class F>
  EventId at(Time when, F&& action, Phase phase = Phase::act) {
    const std::uint64_t order = order_at(when, phase);
    vacant_slot().action.emplace(std::forward<F>(action));
    return enter(when, order);
  }
  template <class F>
  EventId after(Seconds delay, F&& action, Phase phase = Phase::act) {
    return at(now_ + delay, std::forward<F>(action), phase);
  }
  void cancel(EventId event);
  /// Moves a pending event, as if it were cancelled and scheduled anew: gives its new name. Names none, and does
  /// nothing, where the event is not pending.
  EventId reschedule(EventId event, Time when, Phase phase = Phase::act);

  /// Runs until nothing is pending, the next event lies beyond `until`, `most_events` have run, or an action stops it.
  Ended run(Time until = Time::max(), std::uint64_t most_events = no_limit);
  /// As `run`, and also until `holds()`, which is asked before each event.
  template <class Predicate>
  Ended run_until(Predicate holds, Time until = Time::max()) {
    while (!holds()) {
      const Ended ended = run(until, 1);
      if (ended != Ended::events) {
        return ended;
      }
    }
    return Ended::condition;
  }
  /// Called by an action: `run` returns after it.
  void stop() { stopping_ = true; }

  /// Of the next event; nothing where none is pending.
  std::optional<Time> next_time();

  std::uint64_t events_run() const { return statistics_.run; }
  std::size_t pending() const { return calendar_.size() - void_keys_; }
  const EngineStatistics& statistics() const { return statistics_; }
  /// Keys that the calendar holds, those of cancelled events with them: at most twice what is pending, and a few.
  std::size_t keys_held() const { return calendar_.size(); }
  /// A number that fingerprints the run: FNV-1a, by words of 64 bits, over the (time, phase) of every event in order.
  std::uint64_t signature() const { return signature_; }

 private:
  struct alignas(64) Slot {
    Action action;
    std::uint32_t generation = 1;
  };
  static constexpr std::size_t block_slots = 512;

  Slot& slot(std::size_t index) { return blocks_[index / block_slots][index % block_slots]; }
  std::uint64_t order_at(Time when, Phase phase);
  /// The slot of the next event that enters.
  Slot& vacant_slot() {
    if (free_.empty()) {
      add_block();
    }
    return slot(free_.back());
  }
  EventId enter(Time when, std::uint64_t order);
  bool is_pending(EventId event);
  Action withdraw(EventId event);
  void release(std::uint32_t index, const Slot& left);
  void add_block();
  std::optional<Key> take_next(Time until);
  void run_event(const Key& key);

  Time now_, until_;
  std::uint64_t round_ = 0;
  Phase phase_ = Phase::act;
  std::uint32_t chain_ = 0;      ///< events of this instant that led, one after the other, to those that run now
  std::uint64_t next_link_ = 0;  ///< the sequence number of the first event that those schedule
  std::uint64_t sequence_ = 0;
  std::uint64_t signature_ = 0xcbf29ce484222325ULL;
  bool stopping_ = false;
  EngineStatistics statistics_;
  Calendar calendar_;
  std::size_t void_keys_ = 0;                    ///< in the calendar: their events were cancelled or rescheduled
  std::vector<std::unique_ptr<Slot[]>> blocks_;  ///< a slot never moves: an action runs where it lies
  std::vector<std::uint32_t> free_;
};

}  // namespace podium
