#pragma once

#include <string>
#include <utility>
#include <vector>

#include "sim/topology/topology.h"

namespace podium {

/// Cables between two tiers, both directions counted once.
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
  std::size_t links = 0;            ///< cables, both directions counted once
  int diameter = 0;                 ///< links of the shortest way between the two accelerators that are farthest apart
  bool direct = false;              ///< there are no switches: accelerators pass on what is not for them
  std::size_t path_diversity = 0;   ///< shortest paths between these two; another cable is another path
  BytesPerSecond injection;         ///< out of all accelerators together, see injection()
  BytesPerSecond bisection;         ///< one direction, raw: max-flow between the halves
  bool bisection_is_bound = false;  ///< true where halves were searched for: an upper bound

  /// The switches, or accelerators where there are none, that forward between the two that are farthest apart.
  int forwarders() const { return diameter - 1; }
};

/// What all accelerators of a plane together can send into it, one direction, raw: the sum of their links, but behind a
/// card that a node shares no more than the card's own links carry. Links to hosts are not the fabric's.
BytesPerSecond injection(const Topology&, std::uint32_t plane);

/// The same of the first accelerator, where the others are idle; into its host, where a plane ends there.
BytesPerSecond injection_of_one(const Topology&, std::uint32_t plane);

/// One entry a plane that joins accelerators to one another. Max-flow by Boost.Graph (push-relabel), between the
/// builder's named halves; where there are none, the least of all halvings of up to 8 accelerators, or of several
/// seeded ones.
std::vector<PlaneMeasures> measure(const Topology&);

}  // namespace podium
