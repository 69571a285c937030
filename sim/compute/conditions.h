#pragma once

namespace podium {

/// Where the operands are when a kernel begins, and what comes with it.
enum class Conditions {
  measured,  ///< as the stack was measured: with what it does first, and what the measurement left in the cache
  running,   ///< as in a running model: weights and caches come from memory, activations may still be on the chip
};

}  // namespace podium
