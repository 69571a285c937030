#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

/// What refinements by hashes have in common.
namespace podium {

/// How many different ones there are.
inline std::size_t count_distinct(std::vector<std::uint64_t> colours) {
  std::sort(colours.begin(), colours.end());
  return static_cast<std::size_t>(std::unique(colours.begin(), colours.end()) - colours.begin());
}

// Sums of hashes over what crosses a link are modulo 2^61 - 1. That is a field: where a link stands for many, it has
// the mean of what crosses them all, though what one message adds to it need not be whole.
constexpr std::uint64_t modulus = (std::uint64_t{1} << 61) - 1;

constexpr std::uint64_t times(std::uint64_t a, std::uint64_t b) {
  __extension__ using Wide = unsigned __int128;
  return static_cast<std::uint64_t>(Wide{a} * b % modulus);
}

/// By Fermat's little theorem; of what is not zero.
constexpr std::uint64_t inverse(std::uint64_t a) {
  std::uint64_t result = 1;
  for (std::uint64_t exponent = modulus - 2; exponent > 0; exponent /= 2) {
    result = exponent % 2 == 1 ? times(result, a) : result;
    a = times(a, a);
  }
  return result;
}

}  // namespace podium
