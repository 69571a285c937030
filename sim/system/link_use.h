#pragma once

#include <cstdint>
#include <vector>

#include "sim/collective/fold.h"
#include "sim/network/network.h"

namespace podium {

/// What the links of a machine did in a run.
struct LinkUse {
  Table<LinkId, PortStatistics> ports;  ///< by link of the machine's network; a block counts as often as it came
  std::vector<Bytes> executed;          ///< by plane, on all wires: of what was executed, so that a block counts once
  std::uint64_t packet_hops = 0;        ///< of what was executed
};

/// What a network did that was built on a fabric of this topology: each link what its class did.
LinkUse link_use(const Topology&, const FoldedFabric&, const Network&);

/// Adds that of a block which came `repeat` times and took `share` of the whole's time.
void add_block(LinkUse& whole, const LinkUse& block, std::uint64_t repeat, double share);

}  // namespace podium
