#include "sim/workload/training_schedule.h"

#include <algorithm>

#include "sim/core/check.h"

namespace podium {
namespace {

/// The k-th pass in one direction: groups of `stages` micro-batches go through one chunk after the other.
Pass nth_pass(Direction direction, std::uint32_t k, std::uint32_t stages, std::uint32_t chunks) {
  if (chunks == 1) {
    return {direction, k, 0};
  }
  const std::uint32_t group = k / (stages * chunks);
  const std::uint32_t chunk = k / stages % chunks;
  return {direction, group * stages + k % stages, direction == Direction::forward ? chunk : chunks - 1 - chunk};
}

}  // namespace

std::vector<Pass> pipeline_order(std::uint32_t stage, std::uint32_t stages, std::uint32_t chunks,
                                 std::uint32_t micro_batches) {
  PODIUM_CHECK(stage < stages && chunks > 0);
  PODIUM_CHECK(chunks == 1 || micro_batches % stages == 0, "interleaved 1F1B takes micro-batches by groups of stages");
  const std::uint32_t passes = micro_batches * chunks;
  const std::uint32_t ahead = stages - 1 - stage;
  const std::uint32_t warm_up = std::min(passes, chunks == 1 ? ahead : 2 * ahead + (chunks - 1) * stages);
  std::vector<Pass> order;
  order.reserve(2 * std::size_t{passes});
  for (std::uint32_t k = 0; k < warm_up; ++k) {
    order.push_back(nth_pass(Direction::forward, k, stages, chunks));
  }
  for (std::uint32_t k = warm_up; k < passes; ++k) {
    order.push_back(nth_pass(Direction::forward, k, stages, chunks));
    order.push_back(nth_pass(Direction::backward, k - warm_up, stages, chunks));
  }
  for (std::uint32_t k = passes - warm_up; k < passes; ++k) {
    order.push_back(nth_pass(Direction::backward, k, stages, chunks));
  }
  return order;
}

}  // namespace podium
