#pragma once

#include <cstdint>
#include <limits>
#include <vector>

#include "sim/network/packet_settings.h"
#include "sim/topology/route.h"

namespace podium {

/// A route as packets walk it: links with the links that may follow each. Legs are numbered in the order of the route's
/// links.
struct PacketRoute {
  static constexpr std::uint32_t none = std::numeric_limits<std::uint32_t>::max();

  /// One link of a route.
  struct Leg {
    LinkId link;
    std::uint32_t fork = none;  ///< where it ends; none at a receiver
    std::uint32_t hop = 0;
    double weight = 0;  ///< its load
    double credit = 0;  ///< of its turns: see `spray`
  };
  /// What a node does with a packet: hand it to one of several legs, copy it to all, or wait for all of its parts.
  enum class Act : std::uint8_t { split, copy, gather };
  struct Fork {
    std::uint32_t first = 0;  ///< in `ways`
    std::uint32_t count = 0;
    std::uint32_t turn = 0;
    std::uint32_t gathers = 1;  ///< legs that end here
    Act act = Act::split;
    bool even = true;  ///< all weights are equal
  };

  std::vector<Leg> legs;
  std::vector<Fork> forks;
  std::vector<std::uint32_t> ways;     ///< legs out of each fork
  std::vector<std::uint32_t> sources;  ///< forks where packets begin
  std::uint32_t receivers = 1;         ///< that each packet gets to
  double overhead = 1;                 ///< bytes on the wire over payload
  Seconds last_latency;                ///< from the end of the last link to the arrival
  bool is_tree() const { return receivers > 1 || sources.size() > 1; }
};

/// Turns begin at a way that follows from the two ends, so that neighbours' packets take different ways at a time:
/// hosts begin to spray at a path of their own (Cao et al., Per-packet Load-balanced, Low-Latency Routing for
/// Clos-based Data Center Networks, CoNEXT 2013). InputError where the route is no way for packets: links that do not
/// join, a tree over more than one tier of switches, a bundle.
PacketRoute make_packet_route(const Route& route, const Wiring& wiring);

/// The way in `fork` whose turn it is, in proportion to the weights: the smooth weighted round robin of nginx. Ways
/// that `open` refuses are passed over, unless all are.
template <class Open>
std::uint32_t spray(PacketRoute& route, PacketRoute::Fork& fork, const Open& open) {
  const std::uint32_t* ways = route.ways.data() + fork.first;
  if (fork.even) {
    for (std::uint32_t tried = 0; tried < fork.count; ++tried) {
      fork.turn = fork.turn + 1 < fork.count ? fork.turn + 1 : 0;
      if (open(route.legs[ways[fork.turn]])) {
        break;
      }
    }
    return ways[fork.turn];
  }
  std::uint32_t best = PacketRoute::none;
  double all = 0;
  for (std::uint32_t way = 0; way < fork.count; ++way) {
    PacketRoute::Leg& leg = route.legs[ways[way]];
    if (open(leg)) {
      leg.credit += leg.weight;
      all += leg.weight;
      best = best == PacketRoute::none || leg.credit > route.legs[best].credit ? ways[way] : best;
    }
  }
  if (best == PacketRoute::none) {
    return ways[0];
  }
  route.legs[best].credit -= all;
  return best;
}

/// A well mixed number of two (SplitMix64).
std::uint64_t mix(std::uint64_t a, std::uint64_t b);

}  // namespace podium
