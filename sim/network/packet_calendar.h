#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace podium {

/// Something that happens to packets at an instant, in picoseconds; kind and index are the model's.
struct PacketEvent {
  std::int64_t time = 0;
  std::uint32_t kind = 0;
  std::uint32_t index = 0;
};

/// The events of packets, first by time, and those of one instant in the order in which they came: a timing wheel in
/// levels (Varghese and Lauck, SOSP 1987) that is turned only by what leaves. A packet's events are a tenth of an
/// engine's in size, never cancelled, and mostly close at hand, so that an event is moved once or twice and touched in
/// order.
class PacketCalendar {
 public:
  /// At any time from zero on. One before the last that left costs O(size); the model's own never are.
  void push(const PacketEvent& event) {
    if (event.time < base_) {
      rebase(event.time);
    }
    insert(event);
    ++size_;
  }

  bool empty() const { return size_ == 0; }
  std::size_t size() const { return size_; }

  /// The instant of the first event; there must be one.
  std::int64_t next_time() const {
    if (slots_[0] != 0) {
      return (base_ & ~last_slot) | std::countr_zero(slots_[0]);
    }
    const std::vector<PacketEvent>& bucket = first_bucket();
    return std::min_element(bucket.begin(), bucket.end(), earlier)->time;
  }

  /// The first event; there must be one.
  const PacketEvent& front() {
    if (slots_[0] == 0) {
      open();
    }
    return buckets_[static_cast<std::size_t>(std::countr_zero(slots_[0]))][taken_];
  }

  /// Removes what `front` has returned.
  void pop() {
    const auto slot = static_cast<std::size_t>(std::countr_zero(slots_[0]));
    std::vector<PacketEvent>& bucket = buckets_[slot];
    base_ = bucket[taken_].time;
    if (++taken_ == bucket.size()) {
      bucket.clear();
      taken_ = 0;
      leave(0, slot);
    }
    --size_;
  }

 private:
  static constexpr std::size_t digit_bits = 6;
  static constexpr std::size_t slots = std::size_t{1} << digit_bits;
  static constexpr std::size_t levels = 11;
  static constexpr std::int64_t last_slot = slots - 1;

  static bool earlier(const PacketEvent& a, const PacketEvent& b) { return a.time < b.time; }

  /// A level is the highest digit in which an instant differs from the base: the buckets of level 0 are instants.
  void insert(const PacketEvent& event) {
    const auto difference = static_cast<std::uint64_t>(event.time ^ base_) | 1;
    const std::size_t level = (63U - static_cast<std::size_t>(std::countl_zero(difference))) % 64 / digit_bits;
    const std::size_t slot = static_cast<std::size_t>(event.time >> (level * digit_bits)) & (slots - 1);
    buckets_[level * slots + slot].push_back(event);
    slots_[level] |= std::uint64_t{1} << slot;
    used_ |= 1U << level;
  }

  void leave(std::size_t level, std::size_t slot) {
    slots_[level] &= ~(std::uint64_t{1} << slot);
    if (slots_[level] == 0) {
      used_ &= ~(1U << level);
    }
  }

  const std::vector<PacketEvent>& first_bucket() const {
    const auto level = static_cast<std::size_t>(std::countr_zero(used_));
    return buckets_[level * slots + static_cast<std::size_t>(std::countr_zero(slots_[level]))];
  }

  /// Pours the first bucket, whose events are the first of all, into those of the levels below.
  void open() {
    const auto level = static_cast<std::size_t>(std::countr_zero(used_));
    const auto slot = static_cast<std::size_t>(std::countr_zero(slots_[level]));
    std::swap(poured_, buckets_[level * slots + slot]);
    leave(level, slot);
    base_ = std::min_element(poured_.begin(), poured_.end(), earlier)->time;
    for (const PacketEvent& event : poured_) {
      insert(event);
    }
    poured_.clear();
  }

  void rebase(std::int64_t time) {
    std::vector<PacketEvent> all;
    all.reserve(size_);
    for (std::size_t bucket = 0; bucket < buckets_.size(); ++bucket) {
      const bool begun = bucket < slots && !buckets_[bucket].empty() && buckets_[bucket].front().time == base_;
      const std::ptrdiff_t gone = begun ? static_cast<std::ptrdiff_t>(taken_) : 0;
      all.insert(all.end(), buckets_[bucket].begin() + gone, buckets_[bucket].end());
      buckets_[bucket].clear();
    }
    slots_.fill(0);
    used_ = 0;
    taken_ = 0;
    base_ = time;
    for (const PacketEvent& event : all) {
      insert(event);
    }
  }

  std::int64_t base_ = 0;  ///< no event that is there is before it
  std::size_t size_ = 0;
  std::size_t taken_ = 0;                      ///< of the first bucket of level 0
  std::uint32_t used_ = 0;                     ///< a bit for each level that has events
  std::array<std::uint64_t, levels> slots_{};  ///< by level: a bit for each bucket that has
  std::array<std::vector<PacketEvent>, levels * slots> buckets_;
  std::vector<PacketEvent> poured_;
};

}  // namespace podium
