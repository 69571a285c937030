#pragma once

#include <functional>
#include <span>
#include <vector>

namespace podium {

/// A figure that a fit may move, in logarithm: more than nothing, between its bounds.
struct Unknown {
  double* value;
  double low, high;
};

/// Residuals (logarithms of predicted over measured) at the unknowns' present values.
using Residuals = std::function<std::vector<double>()>;

/// Moves the unknowns to a local minimum of sum(2 (sqrt(1 + (r/s)^2) - 1)), s = 0.05: least squares for small residuals
/// and least absolute error for large ones, so that kernels which the model does not know pull little. Levenberg and
/// Marquardt's method with derivatives by differences, steps cut off at the bounds. Deterministic. Returns the rounds.
int fit(std::span<const Unknown> unknowns, const Residuals& residuals);

}  // namespace podium
