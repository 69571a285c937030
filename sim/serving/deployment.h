#pragma once

#include <cstdint>
#include <functional>

#include "sim/hardware/chip.h"
#include "sim/workload/inference.h"

namespace podium {

/// Equal instances of one plan, and the limits that their batcher keeps to.
struct Pool {
  InferencePlan plan;
  std::function<Seconds(const StepShape&)> step_time;  ///< of one iteration
  std::uint32_t instances = 0;
  double chunk_tokens = 0;          ///< prompt tokens that a replica takes into one iteration at most
  std::uint32_t max_sequences = 0;  ///< that a replica decodes at once at most
  double cache_tokens = 0;          ///< that a replica's cache holds
  /// Whether prompts take over from the replica's cache what an earlier prompt computed of the same beginning.
  bool reuses_prefixes = false;
};

/// How the cache of a prompt gets from the pool that prefilled it to the one that decodes it.
struct CacheTransfer {
  Bytes sent, taken;  ///< of each token's cache: by one rank of the replica that prefilled it, and that decodes it
  BytesPerSecond bandwidth;  ///< of one rank
  Seconds latency;
};

/// A served model: a pool that decodes and, where prefill is disaggregated, a pool of its own for it. Without one
/// (`prefill.instances` = 0) the decoding instances take prompts into their iterations chunk by chunk.
struct Deployment {
  Pool prefill, decode;
  CacheTransfer transfer;

  bool disaggregated() const { return prefill.instances > 0; }
};

/// Tokens of cache that a replica has room for: the chip's memory less weights, activations of the largest step and
/// what is reserved. Zero or less: the plan does not fit.
double cache_capacity(const ModelSpec&, const ChipSpec&, const InferencePlan&, const StepShape& largest,
                      double typical_context);

}  // namespace podium
