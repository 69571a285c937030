#include "sim/collective/schedule.h"

namespace podium {
namespace {

bool suits_one_shot(CollectiveKind kind, const GroupShape&) { return kind == CollectiveKind::all_reduce; }

/// Everybody sends all it has to all others and adds up what it gets: one step, n - 1 times the bytes. For small
/// messages (the one-shot all-reduce of TensorRT-LLM and vLLM); `direct` is the two-shot one.
Schedule one_shot(CollectiveKind, const GroupShape& shape) {
  Schedule schedule;
  schedule.stages = {{{.pairing = Pairing::all_others, .share = 1, .reduced = 1.0 * (shape.ranks - 1)}}};
  return schedule;
}

const Algorithms::Entry one_shot_entry{
    "one_shot", "one step, all of the bytes to all others", {suits_one_shot, one_shot}};

}  // namespace
}  // namespace podium
