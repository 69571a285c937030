#pragma once

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <vector>

namespace podium {

/// A partition of 0 to n - 1 that grows coarser, from each a part of its own; the least member names a part (Galler and
/// Fischer, CACM 1964, with paths halved).
class DisjointSets {
 public:
  explicit DisjointSets(std::size_t count) : first_(count) { std::iota(first_.begin(), first_.end(), 0U); }

  std::size_t size() const { return first_.size(); }
  /// Of the member's part.
  std::uint32_t first(std::uint32_t member) {
    while (first_[member] != member) {
      first_[member] = first_[first_[member]];
      member = first_[member];
    }
    return member;
  }
  void join(std::uint32_t a, std::uint32_t b) {
    a = first(a);
    b = first(b);
    first_[std::max(a, b)] = std::min(a, b);
  }

 private:
  std::vector<std::uint32_t> first_;  ///< of each member's part, or a lesser member of it
};

}  // namespace podium
