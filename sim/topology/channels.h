#pragma once

#include <cstdint>

#include "sim/topology/topology.h"

namespace podium {

/// Where a packet stands in the order of virtual channels, which keeps lossless networks free of deadlock.
struct ChannelStand {
  std::uint8_t channel = 0;    ///< that it goes on with
  std::uint8_t dimension = 0;  ///< of the link that it came by
};

/// What a link says of channels: see Link.
struct ChannelMark {
  std::uint8_t dimension = 0;
  bool dateline = false;
};

inline ChannelMark mark_of(const Link& link) { return {link.dimension, link.dateline}; }

/// The virtual channels [first, last] of a link that packets move up through:
///  - shortest paths, and those with at most one global link: one up where a packet crosses a dateline, or steps back
///    in the order of dimensions (Dally and Aoki, IEEE Transactions on Parallel and Distributed Systems 4, 1993:
///    dimension reversals);
///  - dimension-ordered: one up where it crosses a dateline, and back to the first with each new dimension (Dally and
///    Seitz, IEEE Transactions on Computers C-36, 1987);
///  - up-down: none.
struct ChannelRule {
  WayOrder order = WayOrder::shortest;
  std::uint8_t first = 0;
  std::uint8_t last = 0;

  ChannelStand start() const { return {first, 0}; }

  /// The channel of a link that a packet takes.
  std::uint8_t on(ChannelStand stand, ChannelMark link) const {
    switch (order) {
      case WayOrder::shortest:
      case WayOrder::one_global:
        return link.dimension < stand.dimension ? raised(stand.channel) : stand.channel;
      case WayOrder::dimension_ordered:
        return link.dimension != stand.dimension ? first : stand.channel;
      case WayOrder::up_down:
        break;
    }
    return stand.channel;
  }

  /// Where it stands behind the link.
  ChannelStand behind(ChannelStand stand, ChannelMark link) const {
    const std::uint8_t taken = on(stand, link);
    return {link.dateline && order != WayOrder::up_down ? raised(taken) : taken, link.dimension};
  }

 private:
  std::uint8_t raised(std::uint8_t channel) const {
    return channel < last ? static_cast<std::uint8_t>(channel + 1) : last;
  }
};

}  // namespace podium
