#pragma once

#include <cstdint>
#include <utility>
#include <vector>

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

}  // namespace podium
