#include <algorithm>

#include "sim/collective/schedule.h"

namespace podium {
namespace {

bool suits_hierarchical(CollectiveKind kind, const GroupShape& shape) {
  return shape.tiers.size() > 1 && (is_of_parts(kind) || kind == CollectiveKind::all_to_all);
}

bool suits_hierarchical_ring(CollectiveKind kind, const GroupShape& shape) {
  return shape.tiers.size() > 1 && is_of_parts(kind);
}

bool suits_two_level(CollectiveKind kind, const GroupShape& shape) {
  return shape.tiers.size() > 2 && suits_hierarchical(kind, shape);
}

enum class Within { direct, ring };

/// The gathering stage of one tier, where `held` of the parts are at each position before it.
Step gather_step(const Tier& tier, Within within, double held, std::uint32_t ranks) {
  Step step{.share = held / ranks, .stride = tier.stride, .size = tier.count};
  step.pairing = within == Within::ring ? Pairing::shift : Pairing::all_others;
  step.repeat = within == Within::ring ? tier.count - 1 : 1;
  return step;
}

/// Tier by tier, as HCCL goes over die, node and supernode, and libraries over node and rails: bytes are added up among
/// the nearest first, so that each tier further out has only what is left to one of them, on rails of positions that
/// are alike in all nearer tiers. Gathering goes the same ways back; an all-to-all hands on in each tier what is for
/// those that are alike in it.
Schedule over(const std::vector<Tier>& tiers, CollectiveKind kind, const GroupShape& shape, Within within) {
  Schedule schedule;
  std::vector<std::vector<Step>> gather, scatter;
  double held = 1;
  for (auto tier = tiers.rbegin(); tier != tiers.rend(); ++tier) {
    Step step = gather_step(*tier, within, held, shape.ranks);
    gather.push_back({step});
    step.reduced = step.share * (within == Within::ring ? 1 : tier->count - 1);
    scatter.push_back({step});
    held *= tier->count;
  }
  if (kind == CollectiveKind::all_to_all) {
    for (const Tier& tier : tiers) {
      schedule.stages.push_back(
          {{.pairing = Pairing::all_others, .share = 1.0 / tier.count, .stride = tier.stride, .size = tier.count}});
    }
    return schedule;
  }
  if (kind != CollectiveKind::all_gather) {
    schedule.stages.assign(scatter.rbegin(), scatter.rend());
  }
  if (kind != CollectiveKind::reduce_scatter) {
    schedule.stages.insert(schedule.stages.end(), gather.begin(), gather.end());
  }
  return schedule;
}

Schedule hierarchical(CollectiveKind kind, const GroupShape& shape) {
  return over(shape.tiers, kind, shape, Within::direct);
}

Schedule hierarchical_ring(CollectiveKind kind, const GroupShape& shape) {
  return over(shape.tiers, kind, shape, Within::ring);
}

/// The nearest tier, and all others as one.
Schedule two_level(CollectiveKind kind, const GroupShape& shape) {
  const Tier near = shape.tiers.front();
  return over({near, {shape.ranks / near.count, near.count}}, kind, shape, Within::direct);
}

const Algorithms::Entry all{"hierarchical",
                            "tier by tier (package, node, supernode), directly within each, on rails",
                            {suits_hierarchical, hierarchical}};
const Algorithms::Entry rings{
    "hierarchical_ring", "tier by tier, by a ring within each", {suits_hierarchical_ring, hierarchical_ring}};
const Algorithms::Entry two{
    "hierarchical_two_level", "the nearest tier, then all others, on rails", {suits_two_level, two_level}};

}  // namespace
}  // namespace podium
