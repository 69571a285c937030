#include "sim/collective/schedule.h"

namespace podium {
namespace {

bool suits_pairwise(CollectiveKind kind, const GroupShape&) { return kind == CollectiveKind::all_to_all; }

/// Pairwise exchange (Thakur, Rabenseifner and Gropp, 2005): in step k each position sends to the one k further on, so
/// that every step is a permutation.
Schedule pairwise(CollectiveKind, const GroupShape& shape) {
  Schedule schedule;
  for (std::uint32_t offset = 1; offset < shape.ranks; ++offset) {
    schedule.stages.push_back({{.pairing = Pairing::shift, .offset = offset, .share = 1.0 / shape.ranks}});
  }
  return schedule;
}

const Algorithms::Entry pairwise_entry{"pairwise", "n - 1 steps, each a shift by one more", {suits_pairwise, pairwise}};

}  // namespace
}  // namespace podium
