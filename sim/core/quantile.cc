#include "sim/core/quantile.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "sim/core/check.h"

namespace podium {

double quantile(std::vector<double>& sample, double q) {
  PODIUM_CHECK(!sample.empty() && q >= 0 && q <= 1);
  std::sort(sample.begin(), sample.end());
  const double place = q * static_cast<double>(sample.size() - 1);
  const auto below = static_cast<std::size_t>(place);
  const std::size_t above = std::min(below + 1, sample.size() - 1);
  const double part = place - static_cast<double>(below);
  return sample[below] + part * (sample[above] - sample[below]);
}

double mean(std::span<const double> sample) {
  PODIUM_CHECK(!sample.empty());
  return std::accumulate(sample.begin(), sample.end(), 0.0) / static_cast<double>(sample.size());
}

}  // namespace podium
