#include "sim/engine/calendar.h"

#include <algorithm>
#include <utility>

namespace podium {
namespace {

bool after(const Key& a, const Key& b) { return before(b, a); }

/// Fast where the keys are few, or in order as those of one instant are.
void sort_keys(Key* begin, Key* end, std::ptrdiff_t few) {
  if (end - begin > few) {
    if (!std::is_sorted(begin, end, before)) {
      std::sort(begin, end, before);
    }
    return;
  }
  for (Key* next = begin; next != end; ++next) {
    const Key key = *next;
    Key* hole = next;
    for (; hole != begin && before(key, hole[-1]); --hole) {
      *hole = hole[-1];
    }
    *hole = key;
  }
}

}  // namespace

void Calendar::keep_only(const std::function<bool(const Key&)>& keep) {
  size_ = 0;
  const auto count_kept = [&](const Key& key) {
    const bool kept = keep(key);
    size_ += kept ? 1 : 0;
    return kept;
  };
  const auto begin = near_.begin() + static_cast<std::ptrdiff_t>(near_begin_);
  const auto end = near_.begin() + static_cast<std::ptrdiff_t>(near_end_);
  const auto kept_end = std::remove_if(begin, end, [&](const Key& key) { return !count_kept(key); });
  near_end_ = static_cast<std::size_t>(kept_end - near_.begin());
  std::erase_if(late_, [&](const Key& key) { return !count_kept(key); });
  std::make_heap(late_.begin(), late_.end(), after);
  for (std::size_t level = 0; level < levels; ++level) {
    for (std::size_t digit = 0; (used_levels_ >> level & 1) != 0 && digit < digits; ++digit) {
      if (buckets_[level][digit].count > 0) {
        empty(take(level, digit), [&](const Key& key) {
          if (count_kept(key)) {
            append(level, key);
          }
        });
      }
    }
  }
}

void Calendar::add_chunk(std::size_t level, std::size_t digit) {
  std::uint32_t chunk = free_chunk_;
  if (chunk == no_chunk) {
    chunk = static_cast<std::uint32_t>(chunks_.size());
    chunks_.emplace_back();
  } else {
    free_chunk_ = chunks_[chunk].next;
  }
  Bucket& bucket = buckets_[level][digit];
  if (bucket.count == 1) {
    used_[level][digit / 64] |= 1ULL << (digit % 64);
    used_levels_ |= 1U << level;
    chunks_[chunk].next = chunk;
  } else {
    chunks_[chunk].next = std::exchange(chunks_[bucket.last].next, chunk);
  }
  bucket.last = chunk;
}

/// Takes a bucket's keys out of their level.
Calendar::Bucket Calendar::take(std::size_t level, std::size_t digit) {
  auto& used = used_[level];
  used[digit / 64] &= ~(1ULL << (digit % 64));
  if (std::all_of(used.begin(), used.end(), [](std::uint64_t word) { return word == 0; })) {
    used_levels_ &= ~(1U << level);
  }
  return std::exchange(buckets_[level][digit], Bucket());
}

/// Visits the keys in order, and frees the chunks. What is visited may enter other buckets.
template <class Visit>
void Calendar::empty(const Bucket& bucket, Visit visit) {
  std::uint32_t chunk = chunks_[bucket.last].next;
  for (std::size_t left = bucket.count; left > 0;) {
    const std::size_t count = std::min(left, chunk_keys);
    for (std::size_t place = 0; place < count; ++place) {
      visit(Key(chunks_[chunk].keys[place]));
    }
    left -= count;
    const std::uint32_t freed = std::exchange(chunk, chunks_[chunk].next);
    chunks_[freed].next = std::exchange(free_chunk_, freed);
  }
}

/// Opens the first bucket, and that within it, until some keys are near; false where there is no key up to `until`.
bool Calendar::open_buckets(Time until) {
  while (used_levels_ != 0) {
    const auto level = static_cast<std::size_t>(std::countr_zero(used_levels_));
    const auto& used = used_[level];
    std::size_t word = 0;
    while (used[word] == 0) {
      ++word;
    }
    const std::size_t digit = 64 * word + static_cast<std::size_t>(std::countr_zero(used[word]));
    const std::size_t shift = level * digit_bits;
    const std::uint64_t start = ((base_ >> shift) - (base_ >> shift) % digits + digit) << shift;
    if (start > static_cast<std::uint64_t>(until.picoseconds())) {
      return false;
    }
    const Bucket bucket = take(level, digit);
    base_ = start;
    if (level == 0 || bucket.count <= few_keys) {
      near_level_ = level;
      horizon_ = start + (1ULL << shift);
      sort_near(bucket);
      return true;
    }
    near_level_ = 0;
    horizon_ = start;
    empty(bucket, [&](const Key& key) { append(level - 1, key); });
  }
  return false;
}

void Calendar::sort_near(const Bucket& bucket) {
  if (near_.size() < bucket.count) {
    near_.resize(std::max<std::size_t>(bucket.count, 2 * near_.size()));
  }
  near_begin_ = 0;
  near_end_ = bucket.count;
  Key* place = near_.data();
  empty(bucket, [&place](const Key& key) { *place++ = key; });
  sort_keys(near_.data(), near_.data() + near_end_, few_keys);
}

void Calendar::push_late(Key key) {
  late_.push_back(key);
  std::push_heap(late_.begin(), late_.end(), after);
  if (late_.size() > many_late && near_level_ > 0) {
    draw_horizon_closer();
  }
}

void Calendar::pop_late() {
  std::pop_heap(late_.begin(), late_.end(), after);
  late_.pop_back();
}

/// What is near becomes the part of it, one digit lower, that begins with the first key; the others go to buckets. Keys
/// before the base stay where they are.
void Calendar::draw_horizon_closer() {
  const Key& first = late_is_next() ? late_.front() : near_[near_begin_];
  const std::size_t shift = --near_level_ * digit_bits;
  base_ = std::max(base_, ticks(first)) >> shift << shift;
  horizon_ = base_ + (1ULL << shift);
  for (; near_end_ > near_begin_ && ticks(near_[near_end_ - 1]) >= horizon_; --near_end_) {
    const Key& key = near_[near_end_ - 1];
    append(level_of(key), key);
  }
  std::erase_if(late_, [this](const Key& key) {
    const bool leaves = ticks(key) >= horizon_;
    if (leaves) {
      append(level_of(key), key);
    }
    return leaves;
  });
  std::make_heap(late_.begin(), late_.end(), after);
}

}  // namespace podium
