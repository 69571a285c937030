#pragma once

#include <cstdint>
#include <vector>

namespace podium {

enum class Direction { forward, backward };

/// One micro-batch through one chunk of a stage's layers.
struct Pass {
  Direction direction = Direction::forward;
  std::uint32_t micro_batch = 0, chunk = 0;
};

/// The order in which stage `stage` of `stages` runs its passes: 1F1B (`chunks` = 1) or interleaved 1F1B as in
/// Megatron-LM (Narayanan et al., arXiv 2104.04473, section 2.2), for which `micro_batches` is a multiple of `stages`.
/// Where all passes take equal times and messages none, a step takes (m + (p - 1) / v) times the forward and backward
/// time of a stage.
std::vector<Pass> pipeline_order(std::uint32_t stage, std::uint32_t stages, std::uint32_t chunks,
                                 std::uint32_t micro_batches);

}  // namespace podium
