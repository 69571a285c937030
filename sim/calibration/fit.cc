#include "sim/calibration/fit.h"

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>

#include "sim/core/check.h"

namespace podium {
namespace {

constexpr double scale = 0.05;

Eigen::VectorXd evaluate(const Residuals& residuals) {
  const std::vector<double> found = residuals();
  return Eigen::Map<const Eigen::VectorXd>(found.data(), static_cast<Eigen::Index>(found.size()));
}

double loss(const Eigen::VectorXd& residual) {
  return (2 * ((1 + (residual / scale).array().square()).sqrt() - 1)).sum();
}

std::vector<double> values(std::span<const Unknown> unknowns) {
  std::vector<double> result;
  for (const Unknown& unknown : unknowns) {
    result.push_back(*unknown.value);
  }
  return result;
}

void restore(std::span<const Unknown> unknowns, const std::vector<double>& saved) {
  for (std::size_t i = 0; i < unknowns.size(); ++i) {
    *unknowns[i].value = saved[i];
  }
}

/// Derivatives by the logarithms of the unknowns. Steps go inwards, so that no bound hides a slope.
Eigen::MatrixXd derivatives(std::span<const Unknown> unknowns, const Residuals& residuals,
                            const Eigen::VectorXd& here) {
  constexpr double step = 2e-3;
  Eigen::MatrixXd jacobian(here.size(), static_cast<Eigen::Index>(unknowns.size()));
  for (std::size_t i = 0; i < unknowns.size(); ++i) {
    double& value = *unknowns[i].value;
    const double saved = value;
    const double moved = value * (1 + step) > unknowns[i].high ? value * (1 - step) : value * (1 + step);
    value = moved;
    jacobian.col(static_cast<Eigen::Index>(i)) = (evaluate(residuals) - here) / std::log(moved / saved);
    value = saved;
  }
  return jacobian;
}

void move(std::span<const Unknown> unknowns, const Eigen::VectorXd& step) {
  constexpr double furthest = 1;  // a factor of e at once
  for (std::size_t i = 0; i < unknowns.size(); ++i) {
    const double by = std::clamp(step[static_cast<Eigen::Index>(i)], -furthest, furthest);
    *unknowns[i].value = std::clamp(*unknowns[i].value * std::exp(by), unknowns[i].low, unknowns[i].high);
  }
}

}  // namespace

int fit(std::span<const Unknown> unknowns, const Residuals& residuals) {
  constexpr int most_rounds = 40;
  constexpr double enough = 1e-5;  // of the loss, gained in a round
  Eigen::VectorXd here = evaluate(residuals);
  PODIUM_CHECK(here.allFinite(), "residuals are finite");
  double damping = 1e-2;
  for (int round = 0; round < most_rounds; ++round) {
    const Eigen::MatrixXd jacobian = derivatives(unknowns, residuals, here);
    // the robust loss as weights of a least-squares problem
    const Eigen::VectorXd weights = (1 + (here / scale).array().square()).rsqrt();
    const Eigen::MatrixXd normal = jacobian.transpose() * weights.asDiagonal() * jacobian;
    const Eigen::VectorXd slope = jacobian.transpose() * weights.asDiagonal() * here;
    const std::vector<double> saved = values(unknowns);
    const double before = loss(here);
    bool better = false;
    for (; !better && damping < 1e6; damping *= better ? 0.2 : 5) {
      Eigen::MatrixXd damped = normal;
      damped.diagonal() += damping * normal.diagonal() + Eigen::VectorXd::Constant(normal.rows(), 1e-9);
      move(unknowns, damped.ldlt().solve(-slope));
      const Eigen::VectorXd there = evaluate(residuals);
      better = loss(there) < before;
      if (better) {
        here = there;
      } else {
        restore(unknowns, saved);
      }
    }
    if (!better || loss(here) > before * (1 - enough)) {
      return round + 1;
    }
  }
  return most_rounds;
}

}  // namespace podium
