#include "sim/collective/schedule.h"

namespace podium {
namespace {

bool suits_dissemination(CollectiveKind kind, const GroupShape&) { return kind == CollectiveKind::barrier; }

/// The dissemination barrier (Hensgen, Finkel and Manber, Int. J. Parallel Program. 17, 1988): in ceil(log2 n) steps
/// each position tells the one 1, 2, 4 ... further on what it has heard, without any bytes to carry.
Schedule dissemination(CollectiveKind, const GroupShape& shape) {
  Schedule schedule;
  for (std::uint32_t offset = 1; offset < shape.ranks; offset *= 2) {
    schedule.stages.push_back({{.pairing = Pairing::shift, .offset = offset}});
  }
  return schedule;
}

const Algorithms::Entry dissemination_entry{
    "dissemination", "ceil(log2 n) steps, to positions 1, 2, 4 ... away", {suits_dissemination, dissemination}};

}  // namespace
}  // namespace podium
