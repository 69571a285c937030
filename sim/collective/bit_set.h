#pragma once

#include <bit>
#include <cstdint>
#include <vector>

namespace podium {

/// A set of small numbers below a size that is fixed when it is made.
class BitSet {
 public:
  explicit BitSet(std::size_t size) : words_((size + 63) / 64) {}

  void set(std::size_t i) { words_[i / 64] |= std::uint64_t{1} << i % 64; }
  bool has(std::size_t i) const { return (words_[i / 64] >> i % 64 & 1) != 0; }
  /// All of another set of the same size, too.
  void add(const BitSet& other) {
    for (std::size_t w = 0; w < words_.size(); ++w) {
      words_[w] |= other.words_[w];
    }
  }
  BitSet without(const BitSet& other) const {
    BitSet result = *this;
    for (std::size_t w = 0; w < words_.size(); ++w) {
      result.words_[w] &= ~other.words_[w];
    }
    return result;
  }
  bool meets(const BitSet& other) const {
    for (std::size_t w = 0; w < words_.size(); ++w) {
      if ((words_[w] & other.words_[w]) != 0) {
        return true;
      }
    }
    return false;
  }
  std::size_t count() const {
    std::size_t bits = 0;
    for (const std::uint64_t word : words_) {
      bits += static_cast<std::size_t>(std::popcount(word));
    }
    return bits;
  }

 private:
  std::vector<std::uint64_t> words_;
};

}  // namespace podium
