#pragma once

#include <string_view>
#include <vector>

#include "sim/collective/player.h"
#include "sim/topology/fault.h"

namespace podium {

/// Links that change in the course of a run. Routes are found anew some time after each change; until then what is on
/// a link without capacity waits.
struct Faults {
  std::vector<LinkChange> changes;  ///< in the order of time
  Seconds recovery;
};
/// The same, unfolded, on a topology whose links change. RunError where the faults leave nodes apart.
Seconds time_alone(const CollectiveCall&, const Topology&, const Operation&, const CommunicationCosts&,
                   std::string_view network, const Faults&);

}  // namespace podium
