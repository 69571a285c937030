#include "sim/engine/engine.h"

#include <fmt/format.h>

#include <algorithm>

#include "sim/core/check.h"

namespace podium {
namespace {

// an order packs round (20 bits), phase (1) and sequence (43): a million rounds, and 8.8e12 events in one simulation
constexpr int sequence_bits = 43;
static_assert(Engine::most_rounds < (1ULL << (63 - sequence_bits)));

constexpr std::uint64_t pack(std::uint64_t round, Phase phase, std::uint64_t sequence) {
  return (round << (sequence_bits + 1)) | (static_cast<std::uint64_t>(phase) << sequence_bits) | sequence;
}
constexpr std::uint64_t round_of(std::uint64_t order) { return order >> (sequence_bits + 1); }
constexpr Phase phase_of(std::uint64_t order) { return static_cast<Phase>((order >> sequence_bits) & 1); }
constexpr std::uint64_t sequence_of(std::uint64_t order) { return order & ((1ULL << sequence_bits) - 1); }

[[noreturn]] void throw_stall(Time now, std::uint64_t round, std::uint32_t chain) {
  const char* what = round >= Engine::most_rounds ? "rounds" : "events, each scheduled by the one before,";
  const std::uint64_t count = round >= Engine::most_rounds ? round : chain;
  throw RunError(fmt::format("simulated time stands still at {:.12f} s: {} {} in this one instant",
                             since_start(now).value(), count, what));
}

}  // namespace

void Engine::cancel(EventId event) {
  if (is_pending(event)) {
    const Action dropped = withdraw(event);  // its destructor may call us: not before we are whole
    ++statistics_.cancelled;
  }
}

EventId Engine::reschedule(EventId event, Time when, Phase phase) {
  if (!is_pending(event)) {
    return EventId();
  }
  const std::uint64_t order = order_at(when, phase);
  ++statistics_.rescheduled;
  vacant_slot().action = withdraw(event);
  return enter(when, order);
}

Ended Engine::run(Time until, std::uint64_t most_events) {
  stopping_ = false;
  until_ = until;
  for (std::uint64_t events = 0; events < most_events; ++events) {
    const std::optional<Key> key = take_next(until);
    if (!key) {
      return pending() == 0 ? Ended::idle : Ended::time;
    }
    run_event(*key);
    if (stopping_) {
      return Ended::stopped;
    }
  }
  return Ended::events;
}

/// Where an event that is scheduled now has its place among those of its instant.
std::uint64_t Engine::order_at(Time when, Phase phase) {
  PODIUM_CHECK(when >= now_, "an event cannot be scheduled into the past");
  PODIUM_CHECK(sequence_ < (1ULL << sequence_bits), "a simulation has fewer than 8.8e12 events");
  std::uint64_t round = 0;
  if (when == now_) {
    round = round_ + (phase_ == Phase::settle ? 1 : 0);
    if (round >= most_rounds || chain_ + 1 >= longest_chain) {
      throw_stall(now_, round, chain_ + 1);
    }
  }
  return pack(round, phase, sequence_++);
}

/// Makes an event of the action in the vacant slot.
EventId Engine::enter(Time when, std::uint64_t order) {
  const std::uint32_t index = free_.back();
  const Slot& taken = slot(index);
  PODIUM_CHECK(static_cast<bool>(taken.action), "an event needs something to call");
  free_.pop_back();
  calendar_.push(Key{when, order, index, taken.generation});
  statistics_.most_pending = std::max(statistics_.most_pending, pending());
  return EventId{index, taken.generation};
}

bool Engine::is_pending(EventId event) {
  return event.generation != 0 && event.slot / block_slots < blocks_.size() &&
         slot(event.slot).generation == event.generation;
}

/// Voids the name of a pending event, and thereby its key, and frees its slot.
Action Engine::withdraw(EventId event) {
  Slot& left = slot(event.slot);
  Action action = std::move(left.action);
  ++left.generation;
  release(event.slot, left);
  ++void_keys_;
  if (void_keys_ > 64 && void_keys_ > calendar_.size() / 2) {
    calendar_.keep_only([this](const Key& key) { return slot(key.slot).generation == key.generation; });
    void_keys_ = 0;
  }
  return action;
}

/// A slot whose generations are used up is left alone for good, so that no name ever comes back.
void Engine::release(std::uint32_t index, const Slot& left) {
  if (left.generation != 0) {
    free_.push_back(index);
  }
}

void Engine::add_block() {
  const std::size_t first = blocks_.size() * block_slots;
  blocks_.push_back(std::make_unique<Slot[]>(block_slots));
  free_.reserve(first + block_slots);
  for (std::size_t place = block_slots; place-- > 0;) {
    free_.push_back(static_cast<std::uint32_t>(first + place));
  }
}

/// The key of the next event, where it lies at or before `until`.
std::optional<Key> Engine::take_next(Time until) {
  const auto fetch = [this](const Key& near) { __builtin_prefetch(&slot(near.slot)); };
  std::optional<Key> key = calendar_.take_next(until, fetch);
  while (key && slot(key->slot).generation != key->generation) {
    --void_keys_;
    key = calendar_.take_next(until, fetch);
  }
  return key;
}

std::optional<Time> Engine::next_time() {
  const std::optional<Key> key = take_next(Time::max());
  if (!key) {
    return std::nullopt;
  }
  calendar_.push(*key);
  return key->time;
}

/// Runs the event's action where it lies: its name is void from the start, its slot taken until the action is gone.
void Engine::run_event(const Key& key) {
  struct Taken {
    Engine& engine;
    std::uint32_t index;
    Slot& slot;
    ~Taken() {
      slot.action.reset();
      engine.release(index, slot);
    }
  };
  if (key.time > now_ || statistics_.run == 0) {
    ++statistics_.instants;
    chain_ = 0;
    next_link_ = sequence_;
  } else if (sequence_of(key.order) >= next_link_) {
    ++chain_;
    next_link_ = sequence_;
  }
  now_ = key.time;
  round_ = round_of(key.order);
  phase_ = phase_of(key.order);
  ++statistics_.run;
  const std::uint64_t word = (static_cast<std::uint64_t>(now_.picoseconds()) << 1) | static_cast<std::uint64_t>(phase_);
  signature_ = (signature_ ^ word) * 0x100000001b3ULL;
  Slot& running = slot(key.slot);
  ++running.generation;
  const Taken taken{*this, key.slot, running};
  running.action();
}

}  // namespace podium
