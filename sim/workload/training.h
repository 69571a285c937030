#pragma once

#include <string>
#include <vector>

#include "sim/hardware/chip.h"
#include "sim/workload/memory.h"
#include "sim/workload/model.h"
#include "sim/workload/task_graph.h"

namespace podium {

/// What is computed again in the backward pass: nothing; the attention core (free with fused attention) and cheap
/// element-wise results; or whole layers from their inputs.
enum class Recompute { none, selective, full };

/// How one training step is spread over ranks: order of ranks tp (fastest), cp, dp, pp (slowest); experts take ep
/// consecutive ranks among tp x cp x dp.
struct TrainingPlan {
  std::string name;
  DataType matrix_type = DataType::bf16;  ///< of linear layers, forward and backward
  DataType attention_type = DataType::bf16;
  double global_batch = 0;  ///< sequences a step
  double micro_batch = 1;   ///< sequences
  double sequence = 0;      ///< tokens
  std::uint32_t tp = 1, cp = 1, dp = 1, pp = 1, ep = 1;
  std::uint32_t virtual_stages = 1;   ///< model chunks a stage (interleaved 1F1B); 1: plain 1F1B
  std::vector<int> layers_per_stage;  ///< empty: even, the remainder taken off the first and last stages
  Recompute recompute = Recompute::none;
  bool shard_optimiser = true;  ///< ZeRO-1 over dp x cp
  bool shard_weights = false;   ///< ZeRO-3 / FSDP over dp x cp
  int tp_overlap_chunks = 1;    ///< pieces in which a tensor-parallel exchange runs beside its product

  std::uint32_t ranks() const { return tp * cp * dp * pp; }
  double micro_batches() const { return global_batch / (micro_batch * dp); }
};

/// Throws InputError for a plan that cannot be: heads or experts that do not divide, batches that are not whole.
void check_plan(const ModelSpec&, const ChipSpec&, const TrainingPlan&, const Location& where = {});

/// Layers of each stage and chunk: [stage][chunk].
std::vector<std::vector<int>> stage_layers(const ModelSpec&, const TrainingPlan&);

/// One step: a role a pipeline stage, ranks [stage x tp cp dp, …). Forward and backward of a chunk of layers are blocks
/// of the graph. Labels: "forward", "backward", "recompute", "head", "optimiser", "tp", "cp", "ep", "dp", "pp".
TaskGraph training_step(const ModelSpec&, const ChipSpec&, const TrainingPlan&);

/// Of the fullest rank (the first stage under 1F1B). Activations after Korthikanti et al., arXiv 2205.05198, section 4.
MemoryUse training_memory(const ModelSpec&, const ChipSpec&, const TrainingPlan&);

/// Model flops of a step (forward and backward, causal attention, nothing recomputed): the numerator of MFU.
Flops training_flops(const ModelSpec&, const TrainingPlan&);

}  // namespace podium
