#pragma once

#include <cstdint>
#include <vector>

#include "sim/core/time.h"
#include "sim/engine/action.h"

namespace podium {

/// Two phases in a round of one instant: models act, then shared resources settle (the network shares its links once).
enum class Phase : std::uint8_t { act, settle };

/// Names one pending event; stays unique after the event has run or was cancelled.
struct EventId {
  std::uint32_t slot = 0;
  std::uint32_t generation = 0;
};

/// A discrete-event engine: a value, without globals. Events run in the order (time, round, phase, order of
/// scheduling). Contract:
///  - an event scheduled for the present instant runs in this round if its phase is still to come, or running, and in
///    the next round otherwise; what `settle` schedules for the same instant opens the next round;
///  - a million rounds in one instant is a stall: RunError;
///  - scheduling into the past is a Bug; cancelling an event that has run, or was cancelled, does nothing.
class Engine {
 public:
  Time now() const { return now_; }

  EventId at(Time when, Action action, Phase phase = Phase::act);
  EventId after(Seconds delay, Action action, Phase phase = Phase::act) {
    return at(now_ + delay, std::move(action), phase);
  }
  void cancel(EventId event);

  /// Runs until nothing is pending, or until the next event lies beyond `until`.
  void run(Time until = Time::max());

  std::uint64_t events_run() const { return events_run_; }
  std::size_t pending() const { return pending_; }
  /// A number that fingerprints the run: FNV-1a over the (time, phase) of every event in order.
  std::uint64_t signature() const { return signature_; }

 private:
  struct Key {
    Time time;
    std::uint64_t order;  ///< round (24 bits), phase (1), sequence (39): one comparison
    std::uint32_t slot;
    std::uint32_t generation;
  };
  struct Slot {
    Action action;
    std::uint32_t generation = 0;
    bool live = false;
  };

  void push(Key key);
  Key pop();

  Time now_;
  std::uint64_t round_ = 0;
  Phase phase_ = Phase::act;
  std::uint64_t sequence_ = 0;
  std::uint64_t events_run_ = 0;
  std::uint64_t signature_ = 0xcbf29ce484222325ULL;
  std::size_t pending_ = 0;
  std::vector<Key> heap_;
  std::vector<Slot> slots_;
  std::vector<std::uint32_t> free_;
};

}  // namespace podium
