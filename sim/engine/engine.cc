#include "sim/engine/engine.h"

#include <fmt/format.h>

#include <algorithm>

#include "sim/core/check.h"

namespace podium {
namespace {

constexpr std::size_t arity = 4;

// an order packs round (20 bits), phase (1) and sequence (43): a million rounds, and 8.8e12 events in one simulation
constexpr int sequence_bits = 43;
static_assert(Engine::most_rounds < (1ULL << (63 - sequence_bits)));

constexpr std::uint64_t pack(std::uint64_t round, Phase phase, std::uint64_t sequence) {
  return (round << (sequence_bits + 1)) | (static_cast<std::uint64_t>(phase) << sequence_bits) | sequence;
}
constexpr std::uint64_t round_of(std::uint64_t order) { return order >> (sequence_bits + 1); }
constexpr Phase phase_of(std::uint64_t order) { return static_cast<Phase>((order >> sequence_bits) & 1); }

[[noreturn]] void throw_stall(Time now, std::uint64_t round, std::uint32_t chain) {
  const char* what = round >= Engine::most_rounds ? "rounds" : "events, each scheduled by the one before,";
  const std::uint64_t count = round >= Engine::most_rounds ? round : chain;
  throw RunError(fmt::format("simulated time stands still at {:.12f} s: {} {} in this one instant",
                             since_start(now).value(), count, what));
}

}  // namespace

EventId Engine::at(Time when, Action action, Phase phase) {
  PODIUM_CHECK(when >= now_, "an event cannot be scheduled into the past");
  PODIUM_CHECK(static_cast<bool>(action), "an event needs something to call");
  PODIUM_CHECK(sequence_ < (1ULL << sequence_bits), "a simulation has fewer than 8.8e12 events");
  std::uint64_t round = 0;
  std::uint32_t chain = 0;
  if (when == now_) {
    round = round_ + (phase_ == Phase::settle ? 1 : 0);
    chain = chain_ + 1;
    if (round >= most_rounds || chain >= longest_chain) {
      throw_stall(now_, round, chain);
    }
  }
  if (free_.empty()) {
    slots_.emplace_back();
    free_.push_back(static_cast<std::uint32_t>(slots_.size() - 1));
  }
  const std::uint32_t index = free_.back();
  free_.pop_back();
  Slot& slot = slots_[index];
  slot.action = std::move(action);
  slot.chain = chain;
  push(Key{when, pack(round, phase, sequence_++), index, slot.generation});
  return EventId{index, slot.generation};
}

void Engine::cancel(EventId event) {
  if (event.generation == 0 || event.slot >= slots_.size() || slots_[event.slot].generation != event.generation) {
    return;
  }
  const Action dropped = std::move(slots_[event.slot].action);  // its destructor may call us: not before we are whole
  release(event.slot);
  ++cancelled_;
  if (cancelled_ > 64 && cancelled_ > heap_.size() / 2) {
    drop_cancelled();
  }
}

void Engine::run(Time until) {
  while (!heap_.empty()) {
    const Key key = heap_.front();
    Slot& slot = slots_[key.slot];
    if (slot.generation != key.generation) {
      pop();
      --cancelled_;
      continue;
    }
    if (key.time > until) {
      return;
    }
    pop();
    now_ = key.time;
    round_ = round_of(key.order);
    phase_ = phase_of(key.order);
    chain_ = slot.chain;
    ++events_run_;
    const std::uint64_t word =
        (static_cast<std::uint64_t>(now_.picoseconds()) << 1) | static_cast<std::uint64_t>(phase_);
    signature_ = (signature_ ^ word) * 0x100000001b3ULL;
    Action action = std::move(slot.action);
    release(key.slot);
    action();
  }
}

/// Gives the slot a new generation, which is what makes old names and keys of it void. A slot whose generations are
/// used up is left alone for good, so that no name ever comes back.
void Engine::release(std::uint32_t slot) {
  if (++slots_[slot].generation != 0) {
    free_.push_back(slot);
  }
}

void Engine::push(const Key& key) {
  heap_.push_back(key);
  std::size_t hole = heap_.size() - 1;
  while (hole > 0) {
    const std::size_t parent = (hole - 1) / arity;
    if (!before(key, heap_[parent])) {
      break;
    }
    heap_[hole] = heap_[parent];
    hole = parent;
  }
  heap_[hole] = key;
}

void Engine::pop() {
  const Key last = heap_.back();
  heap_.pop_back();
  if (!heap_.empty()) {
    sift_down(0, last);
  }
}

void Engine::sift_down(std::size_t hole, const Key& key) {
  while (true) {
    const std::size_t first = hole * arity + 1;
    const std::size_t end = std::min(first + arity, heap_.size());
    if (first >= end) {
      break;
    }
    std::size_t least = first;
    for (std::size_t child = first + 1; child < end; ++child) {
      least = before(heap_[child], heap_[least]) ? child : least;
    }
    if (!before(heap_[least], key)) {
      break;
    }
    heap_[hole] = heap_[least];
    hole = least;
  }
  heap_[hole] = key;
}

void Engine::drop_cancelled() {
  std::erase_if(heap_, [this](const Key& key) { return slots_[key.slot].generation != key.generation; });
  cancelled_ = 0;
  for (std::size_t node = heap_.size() / arity + 1; node-- > 0;) {
    if (node < heap_.size()) {
      sift_down(node, Key(heap_[node]));
    }
  }
}

}  // namespace podium
