#pragma once

#include "sim/collective/select.h"

/// What benchmarks of collectives run on.
namespace podium::benchmarks {

inline Topology cloudmatrix(std::uint32_t domains) { return merge_bundles(load_topology("cloudmatrix384", domains)); }

inline Placement first_ranks(std::uint32_t count) {
  Placement placement;
  placement.groups.emplace_back();
  for (std::uint32_t rank = 0; rank < count; ++rank) {
    placement.groups.front().emplace_back(rank);
  }
  return placement;
}

inline CommunicationCosts free_of_cost(const Topology& topology) {
  CommunicationCosts costs;
  costs.protocols.assign(topology.planes.size(), Protocol());
  costs.planes.resize(topology.planes.size());
  costs.memory_bandwidth = BytesPerSecond(1e12);
  return costs;
}

}  // namespace podium::benchmarks
