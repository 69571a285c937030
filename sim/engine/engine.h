#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "sim/core/time.h"
#include "sim/engine/action.h"

namespace podium {

/// Two phases in a round of one instant: models act, then shared resources settle (the network shares its links once).
enum class Phase : std::uint8_t { act, settle };

/// Names one event; stays unique after the event has run or was cancelled. The default names none.
struct EventId {
  std::uint32_t slot = 0;
  std::uint32_t generation = 0;
};

/// A discrete-event engine: a value, without globals. Events run in the order (time, round, phase, order of
/// scheduling). Contract:
///  - what `act` schedules for the present instant runs in this round; what `settle` schedules for the present instant,
///    in either phase, opens the next round. An event for a later instant belongs to that instant's first round;
///  - a million rounds in one instant, or a chain of ten million events in one, is a stall: RunError names the instant;
///  - scheduling into the past, or nothing to call, is a Bug; cancelling an event that has run, or was cancelled, does
///    nothing;
///  - an exception of an action leaves `run` with the engine whole: that event has run, the others are pending.
/// Costs: O(log pending) to schedule and to run, O(1) to cancel on average; nothing is allocated per event in the
/// steady state, and memory follows the most events that were ever pending at once.
class Engine {
 public:
  static constexpr std::uint64_t most_rounds = 1'000'000;
  static constexpr std::uint32_t longest_chain = 10'000'000;

  /// The instant of the event that runs, or ran last.
  Time now() const { return now_; }

  EventId at(Time when, Action action, Phase phase = Phase::act);
  EventId after(Seconds delay, Action action, Phase phase = Phase::act) {
    return at(now_ + delay, std::move(action), phase);
  }
  void cancel(EventId event);

  /// Runs until nothing is pending, or until the next event lies beyond `until`.
  void run(Time until = Time::max());

  std::uint64_t events_run() const { return events_run_; }
  std::size_t pending() const { return heap_.size() - cancelled_; }
  /// Keys that the calendar holds, those of cancelled events with them: at most twice what is pending, and a few.
  std::size_t keys_held() const { return heap_.size(); }
  /// A number that fingerprints the run: FNV-1a, by words of 64 bits, over the (time, phase) of every event in order.
  std::uint64_t signature() const { return signature_; }

 private:
  struct Key {
    Time time;
    std::uint64_t order;  ///< round, phase and sequence in one number, so that one comparison settles it
    std::uint32_t slot;
    std::uint32_t generation;  ///< another one than the slot's: cancelled
  };
  struct Slot {
    Action action;
    std::uint32_t generation = 1;
    std::uint32_t chain = 0;  ///< events of the same instant that led to this one, one after the other
  };

  static bool before(const Key& a, const Key& b) { return a.time < b.time || (a.time == b.time && a.order < b.order); }
  void push(const Key& key);
  void pop();
  void sift_down(std::size_t hole, const Key& key);
  void drop_cancelled();
  void release(std::uint32_t slot);

  Time now_;
  std::uint64_t round_ = 0;
  Phase phase_ = Phase::act;
  std::uint32_t chain_ = 0;
  std::uint64_t sequence_ = 0;
  std::uint64_t events_run_ = 0;
  std::uint64_t signature_ = 0xcbf29ce484222325ULL;
  std::vector<Key> heap_;      ///< four children a node: flatter than a binary one, and siblings share cache lines
  std::size_t cancelled_ = 0;  ///< keys in the heap whose event was cancelled
  std::vector<Slot> slots_;
  std::vector<std::uint32_t> free_;
};

}  // namespace podium
