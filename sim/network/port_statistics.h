#pragma once

#include <cstdint>

#include "sim/core/units.h"

namespace podium {

/// What has gone on at the sending end of a link since the start. Models without queues know the bytes alone.
struct PortStatistics {
  std::uint64_t packets = 0;
  Bytes bytes;               ///< on the wire
  Seconds busy;              ///< sending
  Bytes queue_most;          ///< waiting or being sent, at the fullest
  Bytes queue_mean;          ///< over time
  std::uint64_t stalls = 0;  ///< packets that found the link free and no room at its far end
  Seconds stalled;           ///< for so long, all of them together
  std::uint64_t pauses = 0;  ///< times that the far end said stop
  Seconds paused;
  std::uint64_t marks = 0;  ///< packets that were marked here (ECN)
  std::uint64_t drops = 0;  ///< packets that found no room at the far end: none where flow control is lossless
};

}  // namespace podium
