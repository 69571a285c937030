#include <algorithm>

#include "sim/collective/schedule.h"

namespace podium {
namespace {

constexpr std::uint32_t at_once = 8;

bool suits_spread(CollectiveKind kind, const GroupShape& shape) {
  return kind == CollectiveKind::all_to_all && shape.ranks > at_once + 1;
}

/// Scattered exchange, as in MPICH (Thakur, Rabenseifner and Gropp, 2005, section 5): a few peers at a time,
/// each position beginning with its neighbours.
Schedule spread(CollectiveKind, const GroupShape& shape) {
  Schedule schedule;
  for (std::uint32_t first = 1; first < shape.ranks; first += at_once) {
    std::vector<Step>& stage = schedule.stages.emplace_back();
    for (std::uint32_t offset = first; offset < std::min(first + at_once, shape.ranks); ++offset) {
      stage.push_back({.pairing = Pairing::shift, .offset = offset, .share = 1.0 / shape.ranks});
    }
  }
  return schedule;
}

const Algorithms::Entry spread_entry{"spread", "each position to 8 others at a time", {suits_spread, spread}};

}  // namespace
}  // namespace podium
