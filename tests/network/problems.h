#pragma once

#include <limits>
#include <utility>
#include <vector>

#include "sim/core/rng.h"
#include "sim/network/max_min.h"

namespace podium::testing {

/// One flow of a sharing problem.
struct Share {
  std::vector<std::pair<std::uint32_t, double>> uses;  ///< link and load
  double weight = 1;
  double cap = std::numeric_limits<double>::infinity();
};

inline MaxMinProblem problem_of(std::vector<double> capacity, const std::vector<Share>& shares) {
  MaxMinProblem problem;
  problem.capacity = std::move(capacity);
  problem.first.push_back(0);
  for (const Share& share : shares) {
    for (const auto& [link, load] : share.uses) {
      problem.link.push_back(link);
      problem.load.push_back(load);
    }
    problem.first.push_back(static_cast<std::uint32_t>(problem.link.size()));
    problem.weight.push_back(share.weight);
    problem.cap.push_back(share.cap);
  }
  return problem;
}

/// A problem of all kinds of trouble: equal and unequal capacities, links without any, sprayed and bundled loads,
/// weights and caps.
struct RandomProblem {
  explicit RandomProblem(std::uint64_t seed) {
    Rng rng(seed, "max-min");
    const std::uint64_t links = 1 + rng.below(12);
    for (std::uint64_t link = 0; link < links; ++link) {
      capacity.push_back(rng.below(20) == 0  ? 0
                         : rng.below(2) == 0 ? 1 + static_cast<double>(rng.below(4))
                                             : 1 + rng.uniform());
    }
    const bool plain = rng.below(3) == 0;
    const std::uint64_t flows = rng.below(30);
    for (std::uint64_t flow = 0; flow < flows; ++flow) {
      Share share;
      const std::uint64_t first = rng.below(links);
      const std::uint64_t count = 1 + rng.below(links - first);
      for (std::uint64_t link = first; link < first + count; ++link) {
        if (link == first || rng.below(2) == 0) {
          const double load = plain               ? 1
                              : rng.below(2) == 0 ? 0.1 + rng.uniform()
                                                  : 1 + static_cast<double>(rng.below(500));
          share.uses.emplace_back(static_cast<std::uint32_t>(link), load);
        }
      }
      if (!plain) {
        share.weight = rng.below(2) == 0 ? 1 : 0.001 + 5 * rng.uniform();
        share.cap = rng.below(3) == 0 ? 0.3 * rng.uniform() : share.cap;
      }
      shares.push_back(share);
    }
  }

  MaxMinProblem problem() const { return problem_of(capacity, shares); }

  std::vector<double> capacity;
  std::vector<Share> shares;
};

}  // namespace podium::testing
