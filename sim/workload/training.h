#pragma once

#include <string>
#include <vector>

#include "sim/hardware/chip.h"
#include "sim/workload/memory.h"
#include "sim/workload/model.h"
#include "sim/workload/task_graph.h"

namespace podium {

/// What is computed again in the backward pass: nothing; cheap results (outputs of norms and of the FFN's activation;
/// the attention core comes for free with fused attention); or whole layers from their inputs.
enum class Recompute { none, selective, full };

/// How one training step is spread over ranks: order of ranks tp (fastest), cp, dp, pp (slowest); experts take ep
/// consecutive ranks among tp x cp x dp and are not split over tp. Tensor parallelism is always sequence-parallel.
struct TrainingPlan {
  std::string name;
  DataType matrix_type = DataType::bf16;  ///< of linear layers, forward and backward
  DataType attention_type = DataType::bf16;
  DataType gradient_type = DataType::fp32;  ///< in which gradients are summed, on a rank and between ranks
  double global_batch = 0;                  ///< sequences a step
  double micro_batch = 1;                   ///< sequences
  double sequence = 0;                      ///< tokens
  std::uint32_t tp = 1, cp = 1, dp = 1, pp = 1, ep = 1;
  std::uint32_t virtual_stages = 1;   ///< model chunks a stage (interleaved 1F1B); 1: plain 1F1B
  std::vector<int> layers_per_stage;  ///< empty: even, the remainder taken off the first and last stages
  Recompute recompute = Recompute::none;
  bool shard_optimiser = true;  ///< ZeRO-1 over dp x cp
  bool shard_weights = false;   ///< ZeRO-3 / FSDP over dp x cp, the optimiser too
  int tp_overlap_chunks = 1;    ///< pieces in which a tensor-parallel exchange runs beside its product

  std::uint32_t ranks() const { return tp * cp * dp * pp; }
  double micro_batches() const { return global_batch / (micro_batch * dp); }
  friend bool operator==(const TrainingPlan&, const TrainingPlan&) = default;
};

/// Throws InputError for a plan that cannot be: heads or experts that do not divide, batches that are not whole.
void check_plan(const ModelSpec&, const ChipSpec&, const TrainingPlan&, const Location& where = {});

/// Layers of each stage and chunk: [stage][chunk]. Chunk c of stage s is piece c x pp + s of the model. Pieces differ
/// by one layer at most, the smaller ones at the model's ends: 126 layers over 16 stages are 7, 14 times 8, and 7.
std::vector<std::vector<int>> stage_layers(const ModelSpec&, const TrainingPlan&);

/// One step, which begins when the optimiser of the step before has ended: a role a pipeline stage, ranks
/// [stage x tp cp dp, …). A layer's forward and backward pass are blocks, as are embedding and head; stages whose
/// layers have one shape share them. MTP layers are not trained.
///  - Streams: 0 compute (blocks and optimiser); within blocks 1 for exchanges of tp, cp and ep; 2 sends and 3 receives
///    of the pipeline; 4 gathers of weights and reduction of gradients.
///  - Labels: "forward", "backward", "recompute", "head", "optimiser", "tp", "cp", "ep", "dp", "pp".
///  - Schedule: 1F1B, or interleaved 1F1B where there are virtual stages (Narayanan et al., arXiv 2104.04473, section
///  2).
///  - Weights are gathered layer by layer beside the first forward pass, gradients reduced layer by layer beside the
///    last backward pass (Megatron's overlap of both); with `shard_weights` beside every pass, one layer ahead.
TaskGraph training_step(const ModelSpec&, const ChipSpec&, const TrainingPlan&);

/// Of the fullest rank: of each stage with as many micro-batches in flight as its schedule has; the stage that holds
/// the most is the answer. Activations after Korthikanti et al., arXiv 2205.05198, section 4, with fused attention (no
/// term in the square of the sequence) and without dropout.
MemoryUse training_memory(const ModelSpec&, const ChipSpec&, const TrainingPlan&);

/// Model flops of a step (forward and backward, causal attention, nothing recomputed): the numerator of MFU.
Flops training_flops(const ModelSpec&, const TrainingPlan&);

}  // namespace podium
