#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace podium {

/// A random stream of its own for each consumer, named, so that a new consumer shifts no other. xoshiro256** seeded by
/// SplitMix64 over (seed, FNV-1a of the name); distributions are ours, because those of std differ between libraries.
class Rng {
 public:
  Rng(std::uint64_t seed, std::string_view stream);

  std::uint64_t next();
  /// In [0, 1), 53 random bits.
  double uniform();
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
