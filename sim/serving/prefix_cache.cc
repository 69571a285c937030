#include "sim/serving/prefix_cache.h"

namespace podium {

std::size_t PrefixCache::find(std::span<const std::uint64_t> blocks) const {
  std::size_t found = 0;
  while (found < blocks.size() && blocks_.contains(blocks[found])) {
    ++found;
  }
  return found;
}

double PrefixCache::unused(std::span<const std::uint64_t> blocks) const {
  double tokens = 0;
  for (const std::uint64_t block : blocks) {
    tokens += blocks_.at(block).users == 0 ? prompt_block : 0;
  }
  return tokens;
}

double PrefixCache::hold(std::uint64_t block) {
  const auto [place, is_new] = blocks_.try_emplace(block);
  Block& held = place->second;
  if (held.users == 0 && !is_new) {
    by_age_.erase(held.age);
  }
  return held.users++ == 0 ? prompt_block : 0;
}

double PrefixCache::release(std::uint64_t block) {
  Block& held = blocks_.at(block);
  if (--held.users > 0) {
    return 0;
  }
  held.age = next_age_++;
  by_age_.emplace(held.age, block);
  return prompt_block;
}

void PrefixCache::shrink(double tokens) {
  while (!by_age_.empty() && idle() > tokens) {
    blocks_.erase(by_age_.begin()->second);
    by_age_.erase(by_age_.begin());
  }
}

}  // namespace podium
