#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "sim/collective/schedule.h"

namespace podium {

/// A binary tree over positions: each but the root sends to its parent.
struct BinaryTree {
  std::vector<std::pair<std::uint32_t, std::uint32_t>> up;  ///< from each position to its parent
  std::uint32_t height = 0;
};

/// One of the two trees of Sanders, Speck and Träff (Parallel Comput. 35, 2009) as NCCL has them. Root of the first is
/// position 0, and its leaves are the odd ones; the second mirrors or shifts it, so that inner positions of the one are
/// leaves of the other.
BinaryTree binary_tree(std::uint32_t ranks, bool second);

/// From each parent to its children, in a pipeline of so many chunks' hops.
Step down(const BinaryTree&, std::uint32_t lane, double share, std::uint32_t depth);

/// Chunks are added up on the way to the root and copied on the way back, both at once; `share_reduced` has to follow.
void add_up_and_down(const BinaryTree&, std::uint32_t lane, double share, std::vector<Step>& stage);

}  // namespace podium
