#pragma once

#include "sim/system/link_use.h"

namespace podium {

/// How many hops of packets a run may take, unless somebody asks for more: under a minute on one core.
constexpr double most_packet_hops = 2.5e8;

/// What packets of their real size would make of the bytes that a run moved on any network.
double real_packet_hops(const Topology&, const LinkUse&);

/// How many times as large packets are to be, that there are no more hops than that: a power of two, at least 1.
double fitting_packet_scale(double real_hops);

}  // namespace podium
