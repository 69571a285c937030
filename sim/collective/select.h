#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "sim/collective/player.h"

namespace podium {

/// An algorithm and how long it is predicted to take, alone on the network.
struct Candidate {
  std::string algorithm;
  Seconds predicted;
};

/// Alpha-beta time of a call alone: launch, and for each step its synchronisation, its longest latency and its bytes
/// over its busiest class of links, or the reduction where that is longer. Never more than the player takes on the flow
/// network; equal where all messages of a stage share one bottleneck.
Seconds predict(const CollectiveCall&, const FoldedFabric&, const CommunicationCosts&);

/// How long each class of links carries the bytes of a call, in all its stages together.
Table<LinkId, Seconds> busy_times(const CollectiveCall&, const FoldedFabric&, const CommunicationCosts&);

/// What an algorithm may know of the groups: in-switch reduction where the plane that joins all members can multicast
/// and its protocol says so, and the tiers that all groups have.
GroupShape shape_of(const Placement&, std::optional<std::uint32_t> plane, Router&, const CommunicationCosts&);
/// With how tokens choose experts, where that is known. Then tiers are planes where latencies make none: on a fabric of
/// rails some ranks of a node are nearer to another node than others.
GroupShape shape_of(const Placement&, std::optional<std::uint32_t> plane, Router&, const CommunicationCosts&,
                    const std::optional<TokenRouting>& routing);

/// Chooses algorithms by predicted time. Each algorithm is folded once for each placement and kind and kept. Topology,
/// router and costs outlive it.
class Selector {
 public:
  Selector(const Topology& merged, Router&, const CommunicationCosts&);

  /// All algorithms that suit, the fastest first; equal ones by name. Those that would send more than 2^20 messages are
  /// left out where another is left. InputError where none suits.
  std::vector<Candidate> rank(CollectiveKind, const Placement&, Bytes, double imbalance = 1,
                              std::optional<std::uint32_t> plane = {}, const std::optional<TokenRouting>& routing = {});
  /// The schedule of `algorithm`, where "auto" is the first of `rank`. A group of one: an empty schedule.
  Schedule choose(std::string_view algorithm, CollectiveKind, const Placement&, Bytes, double imbalance = 1,
                  std::optional<std::uint32_t> plane = {}, const Location& where = {},
                  const std::optional<TokenRouting>& routing = {});

 private:
  struct Entry {
    CollectiveKind kind;
    std::optional<std::uint32_t> plane;
    std::optional<TokenRouting> routing;
    Placement placement;
    std::vector<FoldedFabric> algorithms;  ///< one operation each
  };
  struct Known {
    std::optional<std::uint32_t> plane;
    std::optional<TokenRouting> routing;
    Placement placement;
    GroupShape shape;
  };
  const Entry& entry(CollectiveKind, const Placement&, std::optional<std::uint32_t> plane,
                     const std::optional<TokenRouting>& routing);
  GroupShape shape(const Placement&, std::optional<std::uint32_t> plane, const std::optional<TokenRouting>& routing);

  const Topology& topology_;
  Router& router_;
  const CommunicationCosts& costs_;
  std::vector<Entry> entries_;
  std::vector<Known> shapes_;
};

}  // namespace podium
