#include <numeric>

#include "sim/collective/schedule.h"

namespace podium {
namespace {

constexpr std::size_t most_rings = 8;

bool suits_ring(CollectiveKind kind, const GroupShape&) { return is_of_parts(kind) || is_whole(kind); }

bool suits_several(CollectiveKind kind, const GroupShape& shape) {
  return shape.ranks > 2 && !is_whole(kind) && suits_ring(kind, shape);
}

/// Bandwidth-optimal rings (Patarasuk and Yuan, J. Parallel Distrib. Comput. 69, 2009): parts of 1/n go round, added up
/// at each position on the first round and copied on the second. Several rings, by the distances of their neighbours,
/// move a lane each at the same time.
Schedule ring_schedule(CollectiveKind kind, const GroupShape& shape, const std::vector<std::uint32_t>& offsets) {
  const double part = 1.0 / shape.ranks / static_cast<double>(offsets.size());
  std::vector<Step> scatter, gather;
  for (std::uint32_t lane = 0; lane < offsets.size(); ++lane) {
    gather.push_back(
        {.pairing = Pairing::shift, .offset = offsets[lane], .share = part, .repeat = shape.ranks - 1, .lane = lane});
    scatter.push_back(gather.back());
    scatter.back().reduced = part;
  }
  Schedule schedule;
  schedule.lanes = static_cast<std::uint32_t>(offsets.size());
  if (kind != CollectiveKind::all_gather) {
    schedule.stages.push_back(scatter);
  }
  if (kind != CollectiveKind::reduce_scatter) {
    schedule.stages.push_back(gather);
  }
  return schedule;
}

/// A broadcast is a chain that passes chunks on as they arrive, and a reduction one that adds its own to them.
Schedule ring(CollectiveKind kind, const GroupShape& shape) {
  if (!is_whole(kind)) {
    return ring_schedule(kind, shape, {1});
  }
  Step step{.pairing = Pairing::chain, .offset = 1, .share = 1, .depth = shape.ranks - 1};
  if (kind == CollectiveKind::reduce) {
    step.pairing = Pairing::listed;
    step.reduced = 1;
    for (std::uint32_t i = shape.ranks - 1; i > 0; --i) {
      step.pairs.emplace_back(i, i - 1);
    }
  }
  Schedule schedule;
  schedule.stages = {{step}};
  return schedule;
}

/// Half of the bytes each way round, for links that are alike both ways.
Schedule two_way_ring(CollectiveKind kind, const GroupShape& shape) {
  return ring_schedule(kind, shape, {1, shape.ranks - 1});
}

/// Rings whose neighbours lie 1, 2, 3 ... apart, where that comes round to all: no two share a link from rank to rank,
/// so that they are spread over planes or links that one ring would leave idle.
Schedule multi_ring(CollectiveKind kind, const GroupShape& shape) {
  std::vector<std::uint32_t> offsets;
  for (std::uint32_t offset = 1; offset < shape.ranks && offsets.size() < most_rings; ++offset) {
    if (std::gcd(offset, shape.ranks) == 1) {
      offsets.push_back(offset);
    }
  }
  return ring_schedule(kind, shape, offsets);
}

const Algorithms::Entry one{
    "ring", "n - 1 steps a round, each position to the next; bandwidth-optimal", {suits_ring, ring}};
const Algorithms::Entry both_ways{
    "two_way_ring", "two rings, half of the bytes each way round", {suits_several, two_way_ring}};
const Algorithms::Entry several{
    "multi_ring", "up to 8 rings at once, with neighbours at different distances", {suits_several, multi_ring}};

}  // namespace
}  // namespace podium
