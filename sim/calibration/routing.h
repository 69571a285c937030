#pragma once

#include <string_view>

#include "sim/compute/kernel.h"

namespace podium {

/// How tokens choose experts, and those of one rank among them.
struct ExpertRouting {
  double tokens = 0, choices = 0, experts = 0, ranks = 1;
  bool grouped = false;  ///< of as many groups as choices only the best half counts, as DeepSeek-V3 routes
};

/// What reaches a rank: rows, and how many of its experts have some.
struct Reached {
  double rows = 0, touched = 0;
  RowSpread spread = RowSpread::even;
};

/// The rank that has most to do, by the name of the distribution:
///  - "": any rank, of tokens that choose at random, each its own experts;
///  - "balanced": the first rank of a round robin, where token t chooses experts t, t + experts / choices …; by groups
///    the first half of them alone, and the first ones of all for the choices that are left;
///  - "power_law_A": the fullest rank, where the loads of experts follow a power law of exponent A from 1 to 0.8 tokens
///    (0.01 to 2 where there are fewer choices than experts), as in the benchmarks of ai-dynamo/aiconfigurator; a mean
///    over draws.
/// InputError for other names.
Reached reached(const ExpertRouting&, std::string_view distribution);

}  // namespace podium
