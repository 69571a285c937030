#pragma once

#include "sim/core/units.h"

namespace podium {

/// What the fullest rank of a plan holds in its memory.
struct MemoryUse {
  Bytes weights;
  Bytes gradients;    ///< training
  Bytes optimiser;    ///< training: master weights and moments
  Bytes activations;  ///< kept for backward, or live within an inference step
  Bytes cache;        ///< keys and values, inference
  Bytes reserved;     ///< driver and runtime (the chip's figure)
  Bytes kept_free;    ///< inference: what the server does not touch, and nobody holds

  Bytes total() const { return weights + gradients + optimiser + activations + cache + reserved; }
};

}  // namespace podium
