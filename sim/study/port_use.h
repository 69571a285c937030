#pragma once

#include <string>
#include <vector>

#include "sim/system/link_use.h"

namespace podium {

/// One end of a link, sending.
struct PortUse {
  std::string name;        ///< "die 3 to L1 17"
  double utilisation = 0;  ///< of the raw bandwidth
  PortStatistics did;
};

/// All links of one plane from one tier to another.
struct PortTier {
  std::string plane, from, to;
  std::size_t links = 0, used = 0;
  double mean_utilisation = 0;   ///< of those that were used
  PortStatistics sum;            ///< of all; its queues are the fullest link's
  std::vector<PortUse> busiest;  ///< a few links, the busiest first; among equals the first of the topology
};

/// The tiers that were used in a run that took so long, the one with the busiest link first.
std::vector<PortTier> port_tiers(const Topology&, const LinkUse&, Seconds time);

}  // namespace podium
