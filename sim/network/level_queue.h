#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <vector>

#include "sim/network/level.h"

namespace podium {

/// A queue of things (by index) at levels that only rise: a radix heap (Ahuja, Mehlhorn, Orlin and Tarjan 1990). What
/// lies far above the present level costs next to nothing.
class LevelQueue {
 public:
  struct Entry {
    Level level = 0;
    std::uint32_t index = 0;
  };

  /// Not below the present level.
  void push(Level level, std::uint32_t index) {
    const auto bucket = static_cast<std::size_t>(std::bit_width(level ^ now_));
    buckets_[bucket].push_back({level, index});
    filled_ |= bucket == 0 ? 0 : std::uint64_t{1} << (bucket - 1);
  }

  /// Takes one that is due at the present level; nothing is left there when it says no.
  bool take(std::uint32_t& index) {
    if (buckets_[0].empty()) {
      return false;
    }
    index = buckets_[0].back().index;
    buckets_[0].pop_back();
    return true;
  }

  /// Goes on to the least level where something is due, once nothing is left at the present one. False where there is
  /// none.
  bool rise() {
    if (filled_ == 0) {
      return false;
    }
    const auto bucket = static_cast<std::size_t>(std::countr_zero(filled_)) + 1;
    filled_ &= filled_ - 1;
    std::swap(buckets_[bucket], moving_);
    now_ = std::min_element(moving_.begin(), moving_.end(), [](const Entry& a, const Entry& b) {
             return a.level < b.level;
           })->level;
    for (const Entry& entry : moving_) {
      push(entry.level, entry.index);
    }
    moving_.clear();
    return true;
  }

  Level now() const { return now_; }

  /// Calls `drop` with the index of everything that is left, and begins at level zero again.
  template <class Drop>
  void clear(Drop drop) {
    for (std::vector<Entry>& bucket : buckets_) {
      for (const Entry& entry : bucket) {
        drop(entry.index);
      }
      bucket.clear();
    }
    filled_ = 0;
    now_ = 0;
  }

 private:
  /// An entry lies where its level's highest bit that differs from the present level says; at the present level, in
  /// the first.
  std::array<std::vector<Entry>, 65> buckets_;
  std::uint64_t filled_ = 0;  ///< a bit for each bucket but the first
  std::vector<Entry> moving_;
  Level now_ = 0;
};

}  // namespace podium
