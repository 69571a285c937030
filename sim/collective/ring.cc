#include "sim/collective/schedule.h"

namespace podium {
namespace {

bool suits(CollectiveKind kind, const GroupShape&) {
  return kind == CollectiveKind::all_reduce || kind == CollectiveKind::all_gather ||
         kind == CollectiveKind::reduce_scatter || kind == CollectiveKind::broadcast;
}

/// Bandwidth-optimal rings (Patarasuk and Yuan, J. Parallel Distrib. Comput. 69, 2009): parts of 1/n go round, added up
/// at each position on the first round and copied on the second. A broadcast is a chain that passes chunks on as they
/// arrive.
Schedule ring(CollectiveKind kind, const GroupShape& shape) {
  const double part = 1.0 / shape.ranks;
  const std::uint32_t hops = shape.ranks - 1;
  const Step gather{.pairing = Pairing::shift, .offset = 1, .share = part, .repeat = hops};
  Step scatter = gather;
  scatter.reduced = part;
  Schedule schedule;
  if (kind == CollectiveKind::broadcast) {
    schedule.stages = {{{.pairing = Pairing::chain, .offset = 1, .share = 1, .depth = hops}}};
  } else if (kind == CollectiveKind::all_gather) {
    schedule.stages = {{gather}};
  } else if (kind == CollectiveKind::reduce_scatter) {
    schedule.stages = {{scatter}};
  } else {
    schedule.stages = {{scatter}, {gather}};
  }
  return schedule;
}

const Algorithms::Entry entry{
    "ring", "n - 1 steps a round, each position to the next; bandwidth-optimal", {suits, ring}};

}  // namespace
}  // namespace podium
