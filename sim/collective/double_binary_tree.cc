#include "sim/collective/binary_tree.h"

namespace podium {
namespace {

bool suits_double_binary_tree(CollectiveKind kind, const GroupShape& shape) {
  return shape.ranks > 2 && (kind == CollectiveKind::all_reduce || kind == CollectiveKind::broadcast);
}

/// Two trees (Sanders, Speck and Träff, Parallel Comput. 35, 2009; NCCL 2.4), half of the bytes each: added up on the
/// way to the root (up to two children's bytes at a position) and copied on the way back, chunk by chunk, both at once.
/// Twice the bytes a rank, 2 log2 n hops until the first chunk is back. A broadcast goes down one tree.
Schedule double_binary_tree(CollectiveKind kind, const GroupShape& shape) {
  Schedule schedule;
  const BinaryTree first = binary_tree(shape.ranks, false);
  if (kind == CollectiveKind::broadcast) {
    schedule.stages = {{down(first, 0, 1, first.height)}};
    return schedule;
  }
  schedule.lanes = 2;
  std::vector<Step>& stage = schedule.stages.emplace_back();
  for (std::uint32_t lane = 0; lane < 2; ++lane) {
    add_up_and_down(binary_tree(shape.ranks, lane == 1), lane, 0.5, stage);
  }
  share_reduced(stage, shape.ranks);
  return schedule;
}

const Algorithms::Entry double_binary_tree_entry{"double_binary_tree",
                                                 "two trees, half of the bytes each, pipelined",
                                                 {suits_double_binary_tree, double_binary_tree}};

}  // namespace
}  // namespace podium
