#include "sim/serving/deployment.h"

namespace podium {

double cache_capacity(const ModelSpec& model, const ChipSpec& chip, const InferencePlan& plan, const StepShape& largest,
                      double typical_context) {
  const MemoryUse use = inference_memory(model, chip, plan, largest);
  const Bytes free = chip.memory_size - use.kept_free - use.total();
  // windows bound the cache of long sequences, so tokens are counted at the workload's typical length
  const Bytes per_token = cache_bytes_per_sequence(model, plan, typical_context) / typical_context;
  return free / per_token;
}

}  // namespace podium
