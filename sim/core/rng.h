#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <string_view>

namespace podium {

/// A random stream of its own for each consumer, named, so that a new consumer shifts no other. xoshiro256** seeded by
/// SplitMix64 over (seed, FNV-1a of the name); distributions are ours, because those of std differ between libraries.
class Rng {
 public:
  Rng(std::uint64_t seed, std::string_view stream);

  std::uint64_t next() {
    const std::uint64_t result = std::rotl(state_[1] * 5, 7) * 9;
    const std::uint64_t t = state_[1] << 17;
    state_[2] ^= state_[0];
    state_[3] ^= state_[1];
    state_[1] ^= state_[2];
    state_[0] ^= state_[3];
    state_[2] ^= t;
    state_[3] = std::rotl(state_[3], 45);
    return result;
  }
  /// In [0, 1), 53 random bits.
  double uniform() { return static_cast<double>(next() >> 11) * 0x1.0p-53; }
  /// In [0, bound), without bias. `bound` is positive.
  std::uint64_t below(std::uint64_t bound);
  /// Mean 1.
  double exponential();
  /// Mean 0, variance 1 (polar method).
  double normal();
  /// Shape `k` > 0, scale 1 (Marsaglia and Tsang 2000).
  double gamma(double k);

 private:
  std::array<std::uint64_t, 4> state_{};
};

}  // namespace podium
