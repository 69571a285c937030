#pragma once

#include <string>
#include <utility>
#include <vector>

#include "sim/topology/topology.h"

namespace podium {

/// Links between two tiers, both directions counted once.
struct TierLinks {
  std::string lower;
  std::string upper;
  std::size_t count = 0;
};

/// What a plane is, in numbers that can be checked against published closed forms. Where a plane is several separate
/// networks (one in each domain, or package), they are those of the first among the largest.
struct PlaneMeasures {
  std::string plane;
  std::size_t networks = 1;
  std::vector<std::pair<std::string, std::size_t>> nodes_by_tier;  ///< in the order of node ids
  std::vector<TierLinks> links_by_tier;
  std::size_t links = 0;            ///< both directions counted once
  int diameter = 0;                 ///< the most switches between two accelerators that are joined
  std::size_t path_diversity = 0;   ///< shortest paths between the two accelerators that are farthest apart
  BytesPerSecond injection;         ///< out of all accelerators together, see injection()
  BytesPerSecond bisection;         ///< one direction, raw: max-flow between the halves
  bool bisection_is_bound = false;  ///< true where halves were searched for: an upper bound
};

/// What all accelerators of a plane together can send into it, one direction, raw: the sum of their links, but behind a
/// card that a node shares no more than the card's own links carry. Links to hosts are not the fabric's.
BytesPerSecond injection(const Topology&, std::uint32_t plane);

/// One entry a plane that joins accelerators to one another. Max-flow by Boost.Graph (push-relabel), between the
/// builder's named halves; where there are none, the least of all halvings of up to 8 accelerators, or of several
/// seeded ones.
std::vector<PlaneMeasures> measure(const Topology&);

}  // namespace podium
