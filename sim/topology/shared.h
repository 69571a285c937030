#pragma once

#include "sim/topology/topology.h"

namespace podium {

/// Reads `shared:` of a plane, a list of
///  - {switch: TIER, bandwidth}: each switch of the tier passes on no more than this, whatever its ports could bring;
///  - {between: [TIER, TIER], bandwidth}: both directions of each link between the tiers have no more than this
///  together.
void read_shared(Topology&, std::uint32_t plane, const Node& list);

}  // namespace podium
