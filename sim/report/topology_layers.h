#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "sim/topology/topology.h"

namespace podium {

/// Switches of one plane that are equally far from the accelerators.
struct SwitchRow {
  std::uint32_t plane = 0;
  std::vector<NodeId> switches;
};

/// Where the switches of the first domain, and those that all domains share, stand in a drawing.
struct Layers {
  std::vector<SwitchRow> above;                         ///< of scale-up planes, the farthest first
  std::vector<SwitchRow> below;                         ///< of scale-out planes, the nearest first
  std::map<std::uint32_t, std::vector<NodeId>> inside;  ///< by node: switches and cards that serve it alone
  std::vector<std::uint32_t>
      sub_plane;  ///< by network node: the part of a scale-up plane that its switches form, from 1
};

bool is_switch(const Topology&, NodeId);
Layers find_layers(const Topology&);

}  // namespace podium
