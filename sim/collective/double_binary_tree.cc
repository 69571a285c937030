#include <algorithm>

#include "sim/collective/binary_tree.h"
#include "sim/collective/schedule.h"

namespace podium {
namespace {

bool suits_double_binary_tree(CollectiveKind kind, const GroupShape& shape) {
  return shape.ranks > 2 && (kind == CollectiveKind::all_reduce || kind == CollectiveKind::broadcast);
}

/// Of a binary tree with root 0 whose leaves are the odd positions: the lowest bit that is set moves up by one.
std::uint32_t parent_of(std::uint32_t i, std::uint32_t ranks) {
  const std::uint32_t bit = i & -i;
  const std::uint32_t up = (i ^ bit) | (bit << 1);
  return up < ranks ? up : i ^ bit;
}

}  // namespace

BinaryTree binary_tree(std::uint32_t ranks, bool second) {
  const auto renamed = [&](std::uint32_t i) { return !second ? i : ranks % 2 == 0 ? ranks - 1 - i : (i + 1) % ranks; };
  BinaryTree tree;
  for (std::uint32_t i = 1; i < ranks; ++i) {
    tree.up.emplace_back(renamed(i), renamed(parent_of(i, ranks)));
    std::uint32_t depth = 0;
    for (std::uint32_t above = i; above != 0; above = parent_of(above, ranks)) {
      ++depth;
    }
    tree.height = std::max(tree.height, depth);
  }
  return tree;
}

namespace {

Step down(const BinaryTree& tree, std::uint32_t lane, double share, std::uint32_t depth) {
  Step step{.pairing = Pairing::listed, .share = share, .depth = depth, .lane = lane};
  for (const auto& [child, parent] : tree.up) {
    step.pairs.emplace_back(parent, child);
  }
  return step;
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
    const BinaryTree tree = binary_tree(shape.ranks, lane == 1);
    Step up{.pairing = Pairing::listed, .share = 0.5, .depth = tree.height, .lane = lane, .pairs = tree.up};
    up.reduced = up.share;
    stage.push_back(up);
    stage.push_back(down(tree, lane, 0.5, 2 * tree.height));
  }
  share_reduced(stage, shape.ranks);
  return schedule;
}

const Algorithms::Entry double_binary_tree_entry{"double_binary_tree",
                                                 "two trees, half of the bytes each, pipelined",
                                                 {suits_double_binary_tree, double_binary_tree}};

}  // namespace
}  // namespace podium
