#include <bit>

#include "sim/collective/schedule.h"

namespace podium {
namespace {

bool suits_rabenseifner(CollectiveKind kind, const GroupShape& shape) {
  return kind == CollectiveKind::all_reduce && !std::has_single_bit(shape.ranks);
}

/// Rabenseifner's all-reduce for any number of ranks (ICCS 2004): those beyond the last power of two first give all
/// they have to a partner; the others halve and double; the partners return the sum. For powers of two it is
/// recursive_halving_doubling.
Schedule rabenseifner(CollectiveKind, const GroupShape& shape) {
  const std::uint32_t core = std::bit_floor(shape.ranks);
  Step give{.pairing = Pairing::listed, .share = 1, .reduced = 1};
  Step give_back{.pairing = Pairing::listed, .share = 1};
  for (std::uint32_t i = core; i < shape.ranks; ++i) {
    give.pairs.emplace_back(i, i - core);
    give_back.pairs.emplace_back(i - core, i);
  }
  std::vector<std::vector<Step>> halving, doubling;
  double share = 0.5;
  for (std::uint32_t offset = 1; offset < core; offset *= 2, share /= 2) {
    Step step{.pairing = Pairing::listed, .share = share, .reduced = share};
    for (std::uint32_t i = 0; i < core; ++i) {
      step.pairs.emplace_back(i, i ^ offset);
    }
    halving.push_back({step});
    step.reduced = 0;
    doubling.push_back({step});
  }
  Schedule schedule;
  schedule.stages = {{give}};
  schedule.stages.insert(schedule.stages.end(), halving.begin(), halving.end());
  schedule.stages.insert(schedule.stages.end(), doubling.rbegin(), doubling.rend());
  schedule.stages.push_back({give_back});
  return schedule;
}

const Algorithms::Entry rabenseifner_entry{
    "rabenseifner",
    "halving and doubling among a power of two, to which the others give their bytes",
    {suits_rabenseifner, rabenseifner}};

}  // namespace
}  // namespace podium
