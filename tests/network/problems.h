#pragma once

#include <cmath>
#include <cstdint>
#include <utility>
#include <vector>

#include "sim/core/rng.h"
#include "sim/network/sharing.h"

namespace podium::testing {

/// One flow of a sharing problem.
struct Share {
  std::vector<std::pair<std::uint32_t, double>> uses;  ///< link and load
  double weight = 1;
  double cap = 0;  ///< none
};

/// A problem from scratch: links by their capacities, and flows.
struct Problem {
  std::vector<double> capacity;
  std::vector<Share> shares;
};

inline Table<LinkId, BytesPerSecond> capacities_of(const std::vector<double>& capacity) {
  Table<LinkId, BytesPerSecond> result;
  for (const double link : capacity) {
    result.push_back(BytesPerSecond(link));
  }
  return result;
}

inline ShareId add(Sharing& sharing, const Share& share) {
  std::vector<LinkLoad> loads;
  for (const auto& [link, load] : share.uses) {
    loads.push_back({LinkId(link), load});
  }
  return sharing.add(loads, share.weight, BytesPerSecond(share.cap));
}

/// In the order of the shares.
inline std::vector<double> rates_of(const Problem& problem) {
  Sharing sharing(capacities_of(problem.capacity));
  std::vector<ShareId> ids;
  for (const Share& share : problem.shares) {
    ids.push_back(add(sharing, share));
  }
  sharing.solve();
  std::vector<double> rates;
  for (const ShareId id : ids) {
    rates.push_back(sharing.rate(id).value());
  }
  return rates;
}

/// As levels are.
inline double rounded_down(double rate) { return std::floor(rate * 0x1p16) * 0x1p-16; }

/// All kinds of trouble: equal and unequal capacities, links without any, sprayed and bundled loads, weights and caps.
inline Share random_share(Rng& rng, std::uint64_t links, bool plain) {
  Share share;
  const std::uint64_t first = rng.below(links);
  const std::uint64_t count = 1 + rng.below(links - first);
  for (std::uint64_t link = first; link < first + count; ++link) {
    if (link == first || rng.below(2) == 0) {
      const double load = plain ? 1 : rng.below(2) == 0 ? 0.1 + rng.uniform() : 1 + static_cast<double>(rng.below(500));
      share.uses.emplace_back(static_cast<std::uint32_t>(link), load);
    }
  }
  if (!plain) {
    share.weight = rng.below(2) == 0 ? 1 : 0.001 + 5 * rng.uniform();
    share.cap = rng.below(3) == 0 ? 1e3 + 0.3e9 * rng.uniform() : share.cap;
  }
  return share;
}

inline double random_capacity(Rng& rng) {
  return 1e9 * (rng.below(20) == 0 ? 0 : rng.below(2) == 0 ? 1 + static_cast<double>(rng.below(4)) : 1 + rng.uniform());
}

inline Problem random_problem(std::uint64_t seed) {
  Rng rng(seed, "max-min");
  Problem problem;
  const std::uint64_t links = 1 + rng.below(12);
  for (std::uint64_t link = 0; link < links; ++link) {
    problem.capacity.push_back(random_capacity(rng));
  }
  const bool plain = rng.below(3) == 0;
  const std::uint64_t flows = rng.below(30);
  for (std::uint64_t flow = 0; flow < flows; ++flow) {
    problem.shares.push_back(random_share(rng, links, plain));
  }
  return problem;
}

}  // namespace podium::testing
