#pragma once

#include <span>
#include <vector>

namespace podium {

/// The q-quantile of a sample, 0 <= q <= 1, by linear interpolation between order statistics (Hyndman and Fan 1996,
/// type 7). The sample must not be empty; it is sorted in place.
double quantile(std::vector<double>& sample, double q);

/// The arithmetic mean of a sample that is not empty.
double mean(std::span<const double> sample);

}  // namespace podium
