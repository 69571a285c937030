#include "sim/collective/schedule.h"

namespace podium {
namespace {

bool suits_direct(CollectiveKind kind, const GroupShape&) { return kind != CollectiveKind::barrier; }

/// Everybody to everybody at once: one step where the network joins all directly; an all-reduce is a reduce-scatter and
/// an all-gather ("two-shot"). A send is one message, and among more than two a ring's step. What a rank adds up of a
/// combine is all that comes back to it. To and from a root all go at once.
Schedule direct(CollectiveKind kind, const GroupShape& shape) {
  const double part = 1.0 / shape.ranks;
  const Step exchange{.pairing = Pairing::all_others, .share = part};
  Step reduce = exchange;
  reduce.reduced = part * (shape.ranks - 1);
  Step out{.pairing = Pairing::listed, .share = is_whole(kind) ? 1 : part};
  for (std::uint32_t i = 1; i < shape.ranks; ++i) {
    out.pairs.emplace_back(0, i);
  }
  Step in = out;
  for (auto& [from, to] : in.pairs) {
    std::swap(from, to);
  }
  in.reduced = kind == CollectiveKind::reduce ? shape.ranks - 1 : 0;
  Schedule schedule;
  switch (kind) {
    case CollectiveKind::send:
      schedule.stages = {{{.pairing = shape.ranks == 2 ? Pairing::chain : Pairing::shift, .offset = 1, .share = 1}}};
      break;
    case CollectiveKind::all_reduce:
      schedule.stages = {{reduce}, {exchange}};
      break;
    case CollectiveKind::reduce_scatter:
    case CollectiveKind::combine:
      schedule.stages = {{reduce}};
      break;
    case CollectiveKind::broadcast:
    case CollectiveKind::scatter:
      schedule.stages = {{out}};
      break;
    case CollectiveKind::gather:
    case CollectiveKind::reduce:
      schedule.stages = {{in}};
      break;
    default:
      schedule.stages = {{exchange}};
      break;
  }
  return schedule;
}

const Algorithms::Entry direct_entry{"direct", "one step, each position to all others at once", {suits_direct, direct}};

}  // namespace
}  // namespace podium
