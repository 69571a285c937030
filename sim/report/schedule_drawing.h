#pragma once

#include <string>

#include "sim/collective/schedule.h"
#include "sim/topology/topology.h"

namespace podium {

/// A collective that was played once.
struct PlayedSchedule {
  CollectiveKind kind;
  std::string system;
  std::string regime;  ///< of a library, where it was done as in one
  Bytes bytes;
  Seconds time;
  const Schedule& schedule;
  const Topology& topology;
  Table<LinkId, Seconds> busy;  ///< of the topology's links: how long each carries bytes
};

/// A picture of a schedule as SVG: above, who sends to whom in which step; below, how much of the time each kind of
/// link is busy (the mean and the busiest), and which links were the bottleneck. Where steps or ranks are many, the
/// first.
std::string to_svg(const PlayedSchedule&);

}  // namespace podium
