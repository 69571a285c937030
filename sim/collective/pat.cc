#include <algorithm>
#include <bit>

#include "sim/collective/schedule.h"

namespace podium {
namespace {

bool suits_pat(CollectiveKind kind, const GroupShape& shape) { return shape.ranks > 2 && is_of_parts(kind); }

/// How many parts each distance carries, from the farthest (half of the ranks or more) down to the neighbour: those
/// that the receiver has not got yet.
std::vector<std::pair<std::uint32_t, std::uint32_t>> parts_by_distance(std::uint32_t ranks) {
  std::vector<std::pair<std::uint32_t, std::uint32_t>> result;
  std::vector<bool> has(ranks);  // by how far back in the group a part comes from
  has[0] = true;
  for (std::uint32_t distance = std::bit_ceil(ranks) / 2; distance > 0; distance /= 2) {
    std::vector<std::uint32_t> arriving;
    for (std::uint32_t back = 0; back < ranks; ++back) {
      if (has[back] && !has[(back + distance) % ranks]) {
        arriving.push_back((back + distance) % ranks);
      }
    }
    for (const std::uint32_t back : arriving) {
      has[back] = true;
    }
    result.emplace_back(distance, static_cast<std::uint32_t>(arriving.size()));
  }
  return result;
}

/// Parallel aggregated trees (Jeaugey, PAT, arXiv 2506.20252, NCCL 2.23): a binomial tree from every position, all at
/// once. As Bruck's, but the other way round: little goes far first, and much goes to near positions in the end. Any
/// number of ranks, ceil(log2 n) steps, (n - 1)/n of the bytes; a reduce-scatter goes the same ways back.
Schedule pat(CollectiveKind kind, const GroupShape& shape) {
  std::vector<std::vector<Step>> gather, scatter;
  for (const auto& [distance, parts] : parts_by_distance(shape.ranks)) {
    const double share = 1.0 * parts / shape.ranks;
    gather.push_back({{.pairing = Pairing::shift, .offset = distance, .share = share}});
    scatter.push_back(
        {{.pairing = Pairing::shift, .offset = shape.ranks - distance, .share = share, .reduced = share}});
  }
  Schedule schedule;
  if (kind != CollectiveKind::all_gather) {
    schedule.stages.assign(scatter.rbegin(), scatter.rend());
  }
  if (kind != CollectiveKind::reduce_scatter) {
    schedule.stages.insert(schedule.stages.end(), gather.begin(), gather.end());
  }
  return schedule;
}

const Algorithms::Entry pat_entry{
    "pat", "ceil(log2 n) steps each way, the farthest positions first with the fewest bytes", {suits_pat, pat}};

}  // namespace
}  // namespace podium
