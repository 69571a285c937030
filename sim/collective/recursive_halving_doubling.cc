#include <algorithm>
#include <bit>

#include "sim/collective/schedule.h"

namespace podium {
namespace {

bool suits_recursive_halving_doubling(CollectiveKind kind, const GroupShape& shape) {
  return std::has_single_bit(shape.ranks) && is_of_parts(kind);
}

/// Vector halving and distance doubling, and the way back (Rabenseifner, ICCS 2004; Thakur, Rabenseifner and Gropp,
/// 2005): in each step partners swap the half that the other is responsible for. The largest messages go to the nearest
/// partner. Powers of two only.
Schedule halving_doubling(CollectiveKind kind, const GroupShape& shape) {
  Schedule schedule;
  double share = 0.5;
  for (std::uint32_t offset = 1; offset < shape.ranks; offset *= 2) {
    schedule.stages.push_back({{.pairing = Pairing::exclusive_or, .offset = offset, .share = share, .reduced = share}});
    share /= 2;
  }
  if (kind == CollectiveKind::reduce_scatter) {
    return schedule;
  }
  std::vector<std::vector<Step>> back(schedule.stages.rbegin(), schedule.stages.rend());
  for (std::vector<Step>& stage : back) {
    stage.front().reduced = 0;
  }
  if (kind == CollectiveKind::all_gather) {
    schedule.stages.clear();
  }
  schedule.stages.insert(schedule.stages.end(), back.begin(), back.end());
  return schedule;
}

const Algorithms::Entry recursive_halving_doubling_entry{"recursive_halving_doubling",
                                                         "log2 n steps each way between partners; powers of two",
                                                         {suits_recursive_halving_doubling, halving_doubling}};

}  // namespace
}  // namespace podium
