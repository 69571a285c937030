#pragma once

#include <cstdint>
#include <string>

namespace podium {

/// What a machine could have more of, all else as it is.
struct Resource {
  enum class Kind : std::uint8_t {
    compute,    ///< the rates of the chip's units
    memory,     ///< the bandwidth of its memory
    launches,   ///< of kernels: shorter
    host,       ///< what the host takes to launch a step: shorter
    bandwidth,  ///< of a plane's links, and of what moves and adds up their bytes
    latency,    ///< of a plane: end points, switches and cables, and what calls and steps cost: shorter
  };
  Kind kind = Kind::compute;
  std::string plane = {};  ///< of the last two
};

/// "memory bandwidth", "nvlink latency".
std::string to_string(const Resource&);

}  // namespace podium
