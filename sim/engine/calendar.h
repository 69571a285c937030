#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "sim/core/time.h"

namespace podium {

/// One pending event: its place in the order, by time and then by `order`, which no other key has; `slot` and
/// `generation` are the caller's.
struct Key {
  Time time;
  std::uint64_t order = 0;
  std::uint32_t slot = 0;
  std::uint32_t generation = 0;
};

/// Whether `a` comes before `b`; without branches, for none could be foretold.
inline bool before(const Key& a, const Key& b) {
  return static_cast<bool>(static_cast<int>(a.time < b.time) |
                           (static_cast<int>(a.time == b.time) & static_cast<int>(a.order < b.order)));
}

/// The keys of pending events, for a caller whose time only moves on: what enters is as a rule not earlier than what
/// left last (it may be, and then costs what a heap costs).
///
/// A radix heap (Ahuja, Mehlhorn, Orlin and Tarjan, Journal of the ACM 37, 1990) that sorts as late and as little as it
/// can. An instant is a number of eight digits, a byte each. The instants near the *base*, up to the *horizon*, are
/// sorted. Every later key lies in a bucket, unsorted: that of the highest digit in which it differs from the base, and
/// of its value there. When all that is near has left, the first bucket becomes the base: with few keys, or with a
/// single instant, it is sorted and is what is near now; else it is poured into the buckets of the next lower digit. A
/// key that enters before the horizon goes to a heap; when those are many, the horizon comes closer by a digit.
///
/// So there is no width to tune, buckets are written and read in order, as caches like it, and a key moves at most
/// eight times however the instants are spread, twice or three times as a rule. Costs: amortised O(1) a key that enters
/// beyond the horizon, O(log k) where k others entered before it. Memory follows the most keys that were ever held.
class Calendar {
 public:
  /// The time of a key is not before zero.
  void push(const Key& key) {
    ++size_;
    if (ticks(key) >= horizon_) {
      append(level_of(key), key);
    } else {
      push_late(key);
    }
  }

  /// Removes and gives the first key, where it lies at or before `until`. Tells `announce` of some keys ahead of time,
  /// so that what they name can be fetched.
  template <class Announce>
  std::optional<Key> take_next(Time until, Announce announce) {
    if (near_begin_ == near_end_ && late_.empty()) {
      if (!open_buckets(until)) {
        return std::nullopt;
      }
      for (std::size_t place = 0; place < std::min(near_end_, few_keys); ++place) {
        announce(near_[place]);
      }
    }
    const bool late = late_is_next();
    const Key first = late ? late_.front() : near_[near_begin_];
    if (first.time > until) {
      return std::nullopt;
    }
    --size_;
    if (late) {
      pop_late();
    } else {
      ++near_begin_;
    }
    return first;
  }

  /// Removes every key that the caller does not keep. Costs O(size).
  void keep_only(const std::function<bool(const Key&)>& keep);

  std::size_t size() const { return size_; }

 private:
  static constexpr int digit_bits = 8;
  static constexpr std::size_t digits = 1U << digit_bits;
  static constexpr std::size_t levels = 64 / digit_bits;
  static constexpr std::size_t chunk_keys = 16;
  static constexpr std::size_t few_keys = 24;   ///< are sorted rather than poured
  static constexpr std::size_t many_late = 64;  ///< bring the horizon closer
  static constexpr std::uint32_t no_chunk = UINT32_MAX;

  struct Chunk {
    std::array<Key, chunk_keys> keys;
    std::uint32_t next;  ///< the chunk that follows in the bucket, after the last one the first; or the next free one
  };
  /// Keys in the order in which they entered, in chunks that are full but for the last.
  struct Bucket {
    std::uint32_t last = no_chunk;
    std::uint32_t count = 0;
  };

  static std::uint64_t ticks(const Key& key) { return static_cast<std::uint64_t>(key.time.picoseconds()); }
  /// The highest digit in which the key differs from the base; the lowest, where it does not differ.
  std::size_t level_of(const Key& key) const {
    return static_cast<std::size_t>(std::bit_width((ticks(key) ^ base_) | 1) - 1) / digit_bits;
  }
  void append(std::size_t level, const Key& key) {
    const std::size_t digit = (ticks(key) >> (level * digit_bits)) % digits;
    Bucket& bucket = buckets_[level][digit];
    const std::size_t place = bucket.count++ % chunk_keys;
    if (place == 0) {
      add_chunk(level, digit);
    }
    chunks_[bucket.last].keys[place] = key;
  }
  void add_chunk(std::size_t level, std::size_t digit);
  Bucket take(std::size_t level, std::size_t digit);
  template <class Visit>
  void empty(const Bucket& bucket, Visit visit);

  bool open_buckets(Time until);
  void sort_near(const Bucket& bucket);

  bool late_is_next() const {
    return near_begin_ == near_end_ || (!late_.empty() && before(late_.front(), near_[near_begin_]));
  }
  void push_late(Key key);
  void pop_late();
  void draw_horizon_closer();

  std::size_t size_ = 0;
  std::uint64_t base_ = 0;
  std::uint64_t horizon_ = 0;   ///< keys in buckets lie at or after it, all others before
  std::size_t near_level_ = 0;  ///< the digit that counts from the base to the horizon
  std::vector<Key> near_;       ///< sorted between begin and end; it keeps its size
  std::size_t near_begin_ = 0;
  std::size_t near_end_ = 0;
  std::vector<Key> late_;          ///< a heap with the first key in front
  std::uint32_t used_levels_ = 0;  ///< a bit for each level that has keys
  std::array<std::array<Bucket, digits>, levels> buckets_;
  std::array<std::array<std::uint64_t, digits / 64>, levels> used_{};  ///< a bit for each bucket that has keys
  std::vector<Chunk> chunks_;
  std::uint32_t free_chunk_ = no_chunk;
};

}  // namespace podium
