// Max-min fairness from its definition alone, without filling anything: for every way to say which link (or cap) holds
// which flow, a linear system gives the levels of the links, and the one that meets the certificate is the answer.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <Eigen/Dense>
#include <optional>
#include <vector>

#include "tests/network/problems.h"

namespace podium {
namespace {

using testing::Problem;
using testing::random_capacity;
using testing::rates_of;
using testing::Share;

constexpr std::size_t at_cap = SIZE_MAX;
constexpr double tolerance = 1e-9;

/// A few flows over a few links, in any pattern.
Problem small_problem(std::uint64_t seed) {
  Rng rng(seed, "small");
  Problem problem;
  const std::uint64_t links = 1 + rng.below(4);
  for (std::uint64_t link = 0; link < links; ++link) {
    problem.capacity.push_back(1e9 + random_capacity(rng));
  }
  for (std::uint64_t flows = 1 + rng.below(5); flows > 0; --flows) {
    Share share;
    for (std::uint32_t link = 0; link < links; ++link) {
      if (rng.below(2) == 0) {
        share.uses.emplace_back(link, rng.below(2) == 0 ? 1 : 0.1 + 3 * rng.uniform());
      }
    }
    share.weight = rng.below(2) == 0 ? 1 : 0.1 + 3 * rng.uniform();
    share.cap = share.uses.empty() || rng.below(3) == 0 ? 1e8 + 1e9 * rng.uniform() : 0;
    problem.shares.push_back(share);
  }
  return problem;
}

double load_on(const Share& share, std::size_t link) {
  double load = 0;
  for (const auto& [used, amount] : share.uses) {
    load += used == link ? amount : 0;
  }
  return load;
}

/// The rates where every link that holds a flow is full, and all flows that it holds have one rate per weight.
std::optional<Eigen::VectorXd> solve_held(const Problem& problem, const std::vector<std::size_t>& holder) {
  const auto flows = static_cast<Eigen::Index>(problem.shares.size());
  Eigen::MatrixXd equations = Eigen::MatrixXd::Zero(flows, flows);
  Eigen::VectorXd right = Eigen::VectorXd::Zero(flows);
  for (Eigen::Index flow = 0; flow < flows; ++flow) {
    const auto index = static_cast<std::size_t>(flow);
    const std::size_t link = holder[index];
    Eigen::Index first = 0;  // that this link holds
    while (holder[static_cast<std::size_t>(first)] != link) {
      ++first;
    }
    if (link == at_cap) {
      equations(flow, flow) = 1;
      right(flow) = problem.shares[index].cap;
    } else if (first < flow) {
      equations(flow, flow) = 1 / problem.shares[index].weight;
      equations(flow, first) = -1 / problem.shares[static_cast<std::size_t>(first)].weight;
    } else {
      for (Eigen::Index other = 0; other < flows; ++other) {
        equations(flow, other) = load_on(problem.shares[static_cast<std::size_t>(other)], link);
      }
      right(flow) = problem.capacity[link];
    }
  }
  const Eigen::FullPivLU<Eigen::MatrixXd> solver(equations);
  return solver.isInvertible() ? std::optional(Eigen::VectorXd(solver.solve(right))) : std::nullopt;
}

bool is_fair(const Problem& problem, const std::vector<std::size_t>& holder, const Eigen::VectorXd& rates) {
  const auto rate = [&](std::size_t flow) { return rates(static_cast<Eigen::Index>(flow)); };
  for (std::size_t link = 0; link < problem.capacity.size(); ++link) {
    double use = 0;
    for (std::size_t flow = 0; flow < problem.shares.size(); ++flow) {
      use += load_on(problem.shares[flow], link) * rate(flow);
    }
    if (use > problem.capacity[link] * (1 + tolerance)) {
      return false;
    }
  }
  for (std::size_t flow = 0; flow < problem.shares.size(); ++flow) {
    const Share& share = problem.shares[flow];
    if (rate(flow) < 0 || (share.cap > 0 && rate(flow) > share.cap * (1 + tolerance))) {
      return false;
    }
    for (std::size_t other = 0; holder[flow] != at_cap && other < problem.shares.size(); ++other) {
      const bool crosses = load_on(problem.shares[other], holder[flow]) > 0;
      if (crosses && rate(other) / problem.shares[other].weight > rate(flow) / share.weight * (1 + tolerance)) {
        return false;
      }
    }
  }
  return true;
}

/// Tries all holders of the flows from `flow` on.
std::optional<Eigen::VectorXd> search(const Problem& problem, std::vector<std::size_t>& holder, std::size_t flow) {
  if (flow == problem.shares.size()) {
    const auto rates = solve_held(problem, holder);
    return rates && is_fair(problem, holder, *rates) ? rates : std::nullopt;
  }
  const Share& share = problem.shares[flow];
  std::vector<std::size_t> choices(share.cap > 0 ? 1 : 0, at_cap);
  for (const auto& use : share.uses) {
    choices.push_back(use.first);
  }
  for (const std::size_t choice : choices) {
    holder[flow] = choice;
    if (auto found = search(problem, holder, flow + 1)) {
      return found;
    }
  }
  return std::nullopt;
}

RC_GTEST_PROP(SharingByBruteForce, AgreesOnRandomGraphs, (std::uint64_t seed)) {
  const Problem problem = small_problem(seed);
  const std::vector<double> rates = rates_of(problem);
  std::vector<std::size_t> holder(problem.shares.size());
  const auto expected = search(problem, holder, 0);
  RC_ASSERT(expected.has_value());
  for (std::size_t flow = 0; flow < rates.size(); ++flow) {
    const double fair = (*expected)(static_cast<Eigen::Index>(flow));
    RC_ASSERT(std::abs(rates[flow] - fair) <= tolerance * fair);
  }
}

}  // namespace
}  // namespace podium
