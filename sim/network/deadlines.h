#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "sim/core/time.h"

namespace podium {

/// An instant for each index, and the least of all. They lie in blocks with a minimum each, so that setting one is O(1)
/// and finding the least is one look at each block, and at the instants of those blocks whose least one has moved.
class Deadlines {
 public:
  /// Time::max() is none.
  void set(std::uint32_t index, Time when) {
    while (index >= when_.size()) {
      when_.resize(when_.size() + block_size, Time::max());
      blocks_.push_back({Time::max(), false});
    }
    Block& block = blocks_[index / block_size];
    block.stale = block.stale || (when_[index] == block.least && when > block.least);
    block.least = std::min(block.least, when);
    when_[index] = when;
  }

  Time least() {
    Time least = Time::max();
    for (std::size_t i = 0; i < blocks_.size(); ++i) {
      if (blocks_[i].stale) {
        const auto first = when_.begin() + static_cast<std::ptrdiff_t>(i * block_size);
        blocks_[i] = {*std::min_element(first, first + block_size), false};
      }
      least = std::min(least, blocks_[i].least);
    }
    return least;
  }

  /// The indices whose instant is not after `now`, in ascending order.
  void collect(Time now, std::vector<std::uint32_t>& met) const {
    for (std::size_t i = 0; i < blocks_.size(); ++i) {
      for (std::size_t j = i * block_size; blocks_[i].least <= now && j < (i + 1) * block_size; ++j) {
        if (when_[j] <= now) {
          met.push_back(static_cast<std::uint32_t>(j));
        }
      }
    }
  }

 private:
  static constexpr std::uint32_t block_size = 64;
  struct Block {
    Time least;          ///< not after any of the block
    bool stale = false;  ///< may be before all of them
  };

  std::vector<Time> when_;
  std::vector<Block> blocks_;
};

}  // namespace podium
