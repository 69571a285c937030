#include <algorithm>
#include <bit>

#include "sim/collective/schedule.h"

namespace podium {
namespace {

bool suits_binomial(CollectiveKind kind, const GroupShape& shape) { return shape.ranks > 2 && has_root(kind); }

/// A binomial tree from position 0 (Thakur, Rabenseifner and Gropp, 2005): who has the bytes of a range of positions
/// sends those of its upper half to the first one there. A gather goes the same ways back, and so does a reduction.
Schedule binomial(CollectiveKind kind, const GroupShape& shape) {
  const std::uint32_t n = shape.ranks;
  Schedule schedule;
  for (std::uint32_t half = std::bit_ceil(n) / 2; half > 0; half /= 2) {
    // the last range may be shorter than the others: a step of its own beside theirs
    Step full{.pairing = Pairing::listed, .share = 1.0 * half / n};
    std::vector<Step> stage;
    for (std::uint32_t from = 0; from + half < n; from += 2 * half) {
      const std::uint32_t parts = std::min(half, n - from - half);
      Step last{.pairing = Pairing::listed, .share = 1.0 * parts / n};
      (parts == half ? full : last).pairs.emplace_back(from, from + half);
      if (parts < half) {
        stage.push_back(last);
      }
    }
    if (!full.pairs.empty()) {
      stage.push_back(full);
    }
    schedule.stages.push_back(stage);
  }
  const bool goes_back = kind == CollectiveKind::gather || kind == CollectiveKind::reduce;
  for (std::vector<Step>& stage : schedule.stages) {
    for (Step& step : stage) {
      step.share = is_whole(kind) ? 1 : step.share;
      step.reduced = kind == CollectiveKind::reduce ? 1 : 0;
      for (auto& [from, to] : step.pairs) {
        if (goes_back) {
          std::swap(from, to);
        }
      }
    }
    share_reduced(stage, n);
  }
  if (goes_back) {
    std::reverse(schedule.stages.begin(), schedule.stages.end());
  }
  return schedule;
}

const Algorithms::Entry binomial_entry{
    "binomial", "a tree from or to the root in ceil(log2 n) steps", {suits_binomial, binomial}};

}  // namespace
}  // namespace podium
