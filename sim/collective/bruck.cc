#include <algorithm>

#include "sim/collective/schedule.h"

namespace podium {
namespace {

bool suits_bruck(CollectiveKind kind, const GroupShape&) { return is_of_parts(kind); }

/// Bruck et al., IEEE Trans. Parallel Distrib. Syst. 8(11), 1997: each position gets what the one 1, 2, 4 … further on
/// has gathered, in the last step only what it lacks. Any number of ranks, ceil(log2 n) steps, (n - 1)/n of the bytes.
/// A reduce-scatter goes the same ways back; an all-reduce is the two (Traff, EuroMPI 2023). NCCL's PAT sends the same
/// messages between the same ranks, split where they do not fit its buffers.
Schedule bruck(CollectiveKind kind, const GroupShape& shape) {
  std::vector<std::vector<Step>> gather;
  for (std::uint32_t held = 1; held < shape.ranks; held *= 2) {
    const std::uint32_t sent = std::min(held, shape.ranks - held);
    gather.push_back({{.pairing = Pairing::shift, .offset = shape.ranks - held, .share = 1.0 * sent / shape.ranks}});
  }
  if (kind == CollectiveKind::all_gather) {
    Schedule schedule;
    schedule.stages = gather;
    return schedule;
  }
  std::vector<std::vector<Step>> stages(gather.rbegin(), gather.rend());
  for (std::vector<Step>& stage : stages) {
    stage.front().offset = shape.ranks - stage.front().offset;
    stage.front().reduced = stage.front().share;
  }
  if (kind == CollectiveKind::all_reduce) {
    stages.insert(stages.end(), gather.begin(), gather.end());
  }
  Schedule schedule;
  schedule.stages = stages;
  return schedule;
}

const Algorithms::Entry bruck_entry{
    "bruck", "ceil(log2 n) steps each way, to positions 1, 2, 4 ... away", {suits_bruck, bruck}};

}  // namespace
}  // namespace podium
