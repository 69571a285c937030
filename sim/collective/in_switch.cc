#include "sim/collective/schedule.h"

namespace podium {
namespace {

/// Two ranks have nothing to add up or copy on the way.
bool suits_in_switch(CollectiveKind kind, const GroupShape& shape) {
  return shape.in_switch_reduction && shape.ranks > 2 && is_of_parts(kind);
}

/// One level of reduction and multicast in the switches (NVIDIA SHARP in NVSwitch; Klenk et al., ISCA 2020): each
/// position fetches the sum of its part and stores it to all. The two run together, chunk by chunk, and the
/// switches know the whole group only, so that own parts travel too: an all-reduce sends (n + 1)/n of its bytes.
Schedule in_switch(CollectiveKind kind, const GroupShape& shape) {
  const double part = 1.0 / shape.ranks;
  const Step reduce{.pairing = Pairing::reduce_in_switch, .share = part};
  const Step multicast{.pairing = Pairing::multicast, .share = part};
  Schedule schedule;
  if (kind == CollectiveKind::all_gather) {
    schedule.stages = {{multicast}};
  } else if (kind == CollectiveKind::reduce_scatter) {
    schedule.stages = {{reduce}};
  } else {
    Step store = multicast;
    store.depth = 2;
    schedule.stages = {{reduce, store}};
  }
  return schedule;
}

const Algorithms::Entry in_switch_entry{
    "in_switch", "one level of reduction and multicast in the switches", {suits_in_switch, in_switch}};

}  // namespace
}  // namespace podium
