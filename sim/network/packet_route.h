#pragma once

#include <cstdint>
#include <limits>
#include <vector>

#include "sim/network/packet_settings.h"
#include "sim/topology/route.h"

namespace podium {

/// A route as packets walk it: links with the links that may follow each. It is kept small, as the packets of thousands
/// of transfers look at it in turn.
struct PacketRoute {
  static constexpr std::uint16_t none = std::numeric_limits<std::uint16_t>::max();

  /// One link of a route. Legs that begin at one fork lie side by side.
  struct Leg {
    LinkId link;
    std::uint16_t fork = none;  ///< where it ends; none at a receiver
  };
  /// What a node does with a packet: hand it to one of several legs, copy it to all, or wait for all of its parts.
  enum class Act : std::uint8_t { split, copy, gather };
  struct Fork {
    std::uint32_t first = 0;  ///< leg out of it
    std::uint16_t count = 0;
    std::uint16_t turn = 0;
    std::uint16_t gathers = 1;  ///< legs that end here
    Act act = Act::split;
    bool even = true;  ///< all loads are equal
  };
  std::vector<Leg> legs;
  std::vector<Fork> forks;
  std::vector<double> loads;           ///< of each leg
  std::vector<double> credits;         ///< of each leg, where a fork is not even: what `spray` owes it
  std::vector<std::uint16_t> sources;  ///< forks where packets begin
  std::uint32_t receivers = 1;         ///< that each packet gets to
  std::uint64_t ends = 0;              ///< a number of sender and receiver
  double overhead = 1;                 ///< bytes on the wire over payload
  Seconds last_latency;                ///< from the end of the last link to the arrival
  bool is_tree() const { return receivers > 1 || sources.size() > 1; }
  /// Where a leg begins.
  Fork& fork_before(std::uint32_t leg);
  /// Adds a way that packets take from now on; those under way go on by their own.
  void change_to(PacketRoute other);
};

/// Turns begin at a way that follows from the two ends, so that neighbours' packets take different ways at a time:
/// hosts begin to spray at a path of their own (Cao et al., Per-packet Load-balanced, Low-Latency Routing for
/// Clos-based Data Center Networks, CoNEXT 2013). InputError where the route is no way for packets: links that do not
/// join, a tree over more than one tier of switches, a bundle.
PacketRoute make_packet_route(const Route& route, const Wiring& wiring);

/// The way in `fork` whose turn it is, in proportion to the loads: the smooth weighted round robin of nginx. Ways
/// that `open` refuses are passed over, unless all are.
template <class Open>
std::uint32_t spray(PacketRoute& route, PacketRoute::Fork& fork, const Open& open) {
  if (fork.even) {
    for (std::uint32_t tried = 0; tried < fork.count; ++tried) {
      fork.turn = static_cast<std::uint16_t>(fork.turn + 1 < fork.count ? fork.turn + 1 : 0);
      if (open(route.legs[fork.first + fork.turn])) {
        break;
      }
    }
    return fork.first + fork.turn;
  }
  std::uint32_t best = fork.first + fork.count;
  double all = 0;
  for (std::uint32_t leg = fork.first; leg < fork.first + fork.count; ++leg) {
    if (open(route.legs[leg])) {
      route.credits[leg] += route.loads[leg];
      all += route.loads[leg];
      best = best == fork.first + fork.count || route.credits[leg] > route.credits[best] ? leg : best;
    }
  }
  if (best == fork.first + fork.count) {
    return fork.first;
  }
  route.credits[best] -= all;
  return best;
}

/// A well mixed number of two (SplitMix64).
std::uint64_t mix(std::uint64_t a, std::uint64_t b);

}  // namespace podium
