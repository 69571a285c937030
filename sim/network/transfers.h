#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "sim/network/network.h"

namespace podium {

/// What a network model knows of its transfers, in slots that are reused under names that are not. Adding may move what
/// is there, so that pointers last until the next `add`.
template <class State>
class TransferTable {
 public:
  TransferId add(State state) {
    if (free_.empty()) {
      slots_.emplace_back();
      free_.push_back(static_cast<std::uint32_t>(slots_.size() - 1));
    }
    const std::uint32_t slot = free_.back();
    free_.pop_back();
    slots_[slot].state = std::move(state);
    slots_[slot].live = true;
    return TransferId{slot, slots_[slot].generation};
  }

  /// Null where the transfer has been removed.
  State* find(TransferId id) { return holds(id) ? &slots_[id.slot].state : nullptr; }
  const State* find(TransferId id) const { return holds(id) ? &slots_[id.slot].state : nullptr; }

  void remove(TransferId id) {
    if (!holds(id)) {
      return;
    }
    Slot& slot = slots_[id.slot];
    slot.live = false;
    slot.state = State();
    // a slot whose generations are used up is left alone for good
    if (++slot.generation != 0) {
      free_.push_back(id.slot);
    }
  }

  /// The names of all that are there, by slot.
  std::vector<TransferId> ids() const {
    std::vector<TransferId> result;
    for (std::uint32_t slot = 0; slot < slots_.size(); ++slot) {
      if (slots_[slot].live) {
        result.push_back(TransferId{slot, slots_[slot].generation});
      }
    }
    return result;
  }

 private:
  struct Slot {
    State state;
    std::uint32_t generation = 1;
    bool live = false;
  };

  bool holds(TransferId id) const {
    return id.slot < slots_.size() && slots_[id.slot].live && slots_[id.slot].generation == id.generation;
  }

  std::vector<Slot> slots_;
  std::vector<std::uint32_t> free_;
};

/// Ends a transfer that is there, and tells its sender.
template <class State>
void deliver(TransferTable<State>& transfers, TransferId id) {
  Action delivered = std::move(transfers.find(id)->delivered);
  transfers.remove(id);
  delivered();
}

/// Throws Bug where a transfer breaks the contract of Network.
void check_transfer(const Transfer&, const Table<LinkId, BytesPerSecond>& capacities);
void check_capacity(BytesPerSecond);

/// Counts `bytes` of a transfer on every link of its route.
void carry(Table<LinkId, Bytes>& carried, const Route& route, Bytes bytes);

/// When `bytes` that flow at a constant `rate` from `start` on have all left: the one place where drained times come
/// from. Time::max() stands for never, and for what lies beyond the range of time.
Time drained(Time start, Bytes bytes, BytesPerSecond rate);

}  // namespace podium
