#include "sim/collective/binary_tree.h"

#include <algorithm>

namespace podium {
namespace {

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

Step down(const BinaryTree& tree, std::uint32_t lane, double share, std::uint32_t depth) {
  Step step{.pairing = Pairing::listed, .share = share, .depth = depth, .lane = lane};
  for (const auto& [child, parent] : tree.up) {
    step.pairs.emplace_back(parent, child);
  }
  return step;
}

void add_up_and_down(const BinaryTree& tree, std::uint32_t lane, double share, std::vector<Step>& stage) {
  Step up{.pairing = Pairing::listed, .share = share, .depth = tree.height, .lane = lane, .pairs = tree.up};
  up.reduced = share;
  stage.push_back(std::move(up));
  stage.push_back(down(tree, lane, share, 2 * tree.height));
}

}  // namespace podium
