#include "sim/core/rng.h"

#include <cmath>

#include "sim/core/check.h"
#include "sim/core/mix.h"

namespace podium {

Rng::Rng(std::uint64_t seed, std::string_view stream) {
  std::uint64_t mixed = 0xcbf29ce484222325ULL;
  for (const char c : stream) {
    mixed = (mixed ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
  }
  mixed ^= seed;
  for (std::uint64_t& word : state_) {
    word = mix(mixed);
    mixed += 0x9e3779b97f4a7c15ULL;
  }
}

std::uint64_t Rng::below(std::uint64_t bound) {
  PODIUM_CHECK(bound > 0);
  const std::uint64_t limit = UINT64_MAX - UINT64_MAX % bound;
  std::uint64_t draw = next();
  while (draw >= limit) {
    draw = next();
  }
  return draw % bound;
}

double Rng::exponential() { return -std::log1p(-uniform()); }

double Rng::normal() {
  while (true) {
    const double u = 2 * uniform() - 1;
    const double v = 2 * uniform() - 1;
    const double s = u * u + v * v;
    if (s > 0 && s < 1) {
      return u * std::sqrt(-2 * std::log(s) / s);
    }
  }
}

double Rng::gamma(double k) {
  PODIUM_CHECK(k > 0);
  if (k < 1) {
    const double boost = std::pow(1 - uniform(), 1 / k);
    return gamma(k + 1) * boost;
  }
  const double d = k - 1.0 / 3.0;
  const double c = 1 / std::sqrt(9 * d);
  while (true) {
    const double x = normal();
    const double v = std::pow(1 + c * x, 3);
    if (v > 0 && std::log(1 - uniform()) < 0.5 * x * x + d - d * v + d * std::log(v)) {
      return d * v;
    }
  }
}

}  // namespace podium
