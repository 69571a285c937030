#pragma once

#include <cstdint>
#include <vector>

#include "sim/topology/topology.h"

namespace podium {

/// A link's buffer of its own at the receiving end.
struct VirtualChannel {
  LinkId link;
  std::uint32_t number = 0;
};

/// What a lossless network may come to: packets that hold a channel each and wait for the next, in a circle.
struct DeadlockCheck {
  std::uint32_t virtual_channels = 1;  ///< of a link, the routing's own
  std::vector<VirtualChannel> cycle;   ///< a shortest one through one of its channels; empty: free of deadlock
  std::uint32_t enough = 0;            ///< virtual channels that would do, where the routing's do not; 0: none tried
};

/// Whether the channel dependency graph of a plane is acyclic (Dally and Seitz, IEEE Transactions on Computers C-36,
/// 1987), by Boost.Graph. It has an edge from each channel to each that a packet may ask for next on any way that the
/// routing may choose, between any accelerators and hosts, and moves up through virtual channels by ChannelRule, as the
/// packet network does. With Valiant's detours the ways to relays have the first half of them, those from relays the
/// second. Multicast and reduction trees are not looked at.
DeadlockCheck check_deadlock(const Topology&, std::uint32_t plane);
DeadlockCheck check_deadlock(const Topology&, std::uint32_t plane, const Routing&);

}  // namespace podium
