#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <unordered_map>

#include "sim/serving/request.h"

namespace podium {

/// The blocks of prompts that a replica's cache has, each once however many sequences use it. What no sequence uses any
/// more stays as long as there is room; what was used longest ago goes first, of one prompt its end before its
/// beginning.
class PrefixCache {
 public:
  /// How many of these blocks are here, from the first on.
  std::size_t find(std::span<const std::uint64_t> blocks) const;
  /// Tokens of cache that nobody uses of these, all of which are here.
  double unused(std::span<const std::uint64_t> blocks) const;
  /// A sequence uses a block, which is here or comes now: tokens of cache that are in use since and were not before.
  double hold(std::uint64_t block);
  /// A sequence uses it no more: tokens of cache that are not in use since.
  double release(std::uint64_t block);
  /// Lets go of blocks that nobody uses, until the others take so many tokens at most.
  void shrink(double tokens);
  /// Tokens of blocks that nobody uses.
  double idle() const { return static_cast<double>(by_age_.size()) * prompt_block; }

 private:
  struct Block {
    std::uint32_t users = 0;
    std::uint64_t age = 0;  ///< where nobody uses it: in by_age_
  };
  std::unordered_map<std::uint64_t, Block> blocks_;
  std::map<std::uint64_t, std::uint64_t> by_age_;  ///< of those that nobody uses, the oldest first
  std::uint64_t next_age_ = 0;
};

}  // namespace podium
