#include <algorithm>

#include "sim/workload/training_schedule.h"
#include "sim/workload/training_share.h"

namespace podium {
namespace {

/// What forward leaves for backward of one element of a product's input. Narrow types keep the copy that the weight
/// gradient reads.
Bytes kept_operand(DataType type) { return quantised(type) ? size_of(type) : half; }

/// Q, K, V, the attention output (which backward of fused attention reads, and as an operand once more where that is
/// narrower) and the sums of its rows' exponentials.
Bytes attention_activations(const ModelSpec& model, const TrainingPlan& plan) {
  const AttentionShare share = attention_share(model, plan.tp);
  const double tokens = group_tokens(plan);
  Bytes bytes = tokens * (share.queries + share.keys_values + share.out.in) * half;
  bytes += tokens * model.heads() / plan.tp * single;
  if (quantised(plan.matrix_type)) {
    bytes += tokens * share.out.in * kept_operand(plan.matrix_type);
  }
  if (!share.down.empty()) {
    bytes += own_tokens(plan) * share.gathered * (half + kept_operand(plan.matrix_type));
  }
  return bytes;
}

Bytes ffn_activations(const FfnShare& ffn, double tokens, const TrainingPlan& plan) {
  const Bytes output = plan.recompute == Recompute::selective ? Bytes() : kept_operand(plan.matrix_type);
  return tokens * (ffn.up.out * half + ffn.down.in * output);
}

/// Of one micro-batch, nothing recomputed but what `selective` does.
Bytes layer_activations(const ModelSpec& model, const TrainingPlan& plan, const Layer& layer) {
  const Bytes operand = kept_operand(plan.matrix_type);
  const double own = own_tokens(plan);
  const Bytes normed = plan.recompute == Recompute::selective ? Bytes() : operand;
  // both sub-layers keep the input of their norm and its output
  Bytes bytes = 2 * own * model.hidden * (half + normed) + attention_activations(model, plan);
  if (!layer.moe) {
    return bytes + ffn_activations(ffn_share(model, layer.dense_ffn, plan.tp), group_tokens(plan), plan);
  }
  const MoeShape& moe = *layer.moe;
  const double rows = own * moe.top_k;
  bytes += own * moe.experts * single + rows * model.hidden * operand;
  bytes += ffn_activations(ffn_share(model, moe.ffn, 1), rows, plan);
  const double shared = double(moe.shared_experts) * moe.shared_ffn;
  return bytes + ffn_activations(ffn_share(model, shared, plan.tp), group_tokens(plan), plan);
}

/// Input of the norm and of the head, and the probabilities in fp32.
Bytes head_activations(const ModelSpec& model, const TrainingPlan& plan) {
  return 2 * own_tokens(plan) * model.hidden * half + group_tokens(plan) * head_share(model, plan.tp).out * single;
}

/// What one micro-batch leaves in a chunk, and what its recomputed layers take while they are there.
struct ChunkActivations {
  Bytes kept, transient;
};

ChunkActivations chunk_activations(const ModelSpec& model, const TrainingPlan& plan, std::uint32_t stage,
                                   std::uint32_t chunk) {
  ChunkActivations result;
  for (const Layer& layer : layers_of(model, plan, stage, chunk)) {
    const Bytes all = layer_activations(model, plan, layer);
    if (plan.recompute == Recompute::full) {
      result.kept += own_tokens(plan) * model.hidden * half;
      result.transient = std::max(result.transient, all);
    } else {
      result.kept += all;
    }
  }
  if (stage + 1 == plan.pp && chunk + 1 == plan.virtual_stages) {
    result.kept += head_activations(model, plan);
  }
  return result;
}

/// The most that the micro-batches in flight leave at a stage, over its schedule.
Bytes stage_activations(const ModelSpec& model, const TrainingPlan& plan, std::uint32_t stage) {
  std::vector<Bytes> kept;
  Bytes transient;
  for (std::uint32_t chunk = 0; chunk < plan.virtual_stages; ++chunk) {
    const ChunkActivations activations = chunk_activations(model, plan, stage, chunk);
    kept.push_back(activations.kept);
    transient = std::max(transient, activations.transient);
  }
  Bytes now, most;
  const auto micro_batches = static_cast<std::uint32_t>(plan.micro_batches());
  for (const Pass& pass : pipeline_order(stage, plan.pp, plan.virtual_stages, micro_batches)) {
    now += pass.direction == Direction::forward ? kept[pass.chunk] : -kept[pass.chunk];
    most = std::max(most, now);
  }
  return most + transient;
}

/// All that a stage trains, piece by piece.
std::vector<Weights> stage_weights(const ModelSpec& model, const TrainingPlan& plan, std::uint32_t stage) {
  std::vector<Weights> result;
  for (std::uint32_t chunk = 0; chunk < plan.virtual_stages; ++chunk) {
    for (const Layer& layer : layers_of(model, plan, stage, chunk)) {
      result.push_back(layer_weights(model, plan, layer));
    }
  }
  if (stage == 0) {
    result.push_back(embedding_weights(model, plan));
  }
  if (stage + 1 == plan.pp) {
    result.push_back(head_weights(model, plan));
  }
  return result;
}

/// Weights as products read them; 4-bit types keep the bf16 weights beside theirs, as these are what is gathered.
/// (Those of mxfp8 are gathered into the gradients' memory: Megatron's reuse-grad-buf-for-mxfp8-param-ag.)
Bytes weight_size(const Operands& operands) {
  const bool both = size_of(operands.type) < Bytes(1);
  return both ? half + operands.size() : operands.size();
}

MemoryUse stage_memory(const ModelSpec& model, const ChipSpec& chip, const TrainingPlan& plan, std::uint32_t stage) {
  double all = 0, shards = 0, largest = 0;
  for (const Weights& weights : stage_weights(model, plan, stage)) {
    all += weights.dense + weights.experts;
    shards += weights.dense / communicator(Axis::dp, plan).size;
    shards += weights.experts / communicator(Axis::expert_dp, plan).size;
    largest = std::max(largest, weights.dense + weights.experts);
  }
  // the piece that is computed and the one that is gathered meanwhile; the gradients of the former
  const double weights = plan.shard_weights ? std::min(all, shards + 2 * largest) : all;
  const double gradients = plan.shard_weights ? std::min(all, shards + largest) : all;
  // master weights and two moments in fp32, and the sum of gradients in fp32 where they are kept in less
  const Bytes state = (plan.gradient_type == DataType::fp32 ? 3 : 4) * single;
  MemoryUse use;
  use.weights = weights * weight_size(operands(chip, plan.matrix_type));
  use.gradients = gradients * size_of(plan.gradient_type);
  use.optimiser = (plan.shard_optimiser || plan.shard_weights ? shards : all) * state;
  use.activations = stage_activations(model, plan, stage);
  use.reserved = chip.reserved;
  return use;
}

}  // namespace

MemoryUse training_memory(const ModelSpec& model, const ChipSpec& chip, const TrainingPlan& plan) {
  check_plan(model, chip, plan);
  MemoryUse fullest;
  for (std::uint32_t stage = 0; stage < plan.pp; ++stage) {
    const MemoryUse use = stage_memory(model, chip, plan, stage);
    if (use.total() > fullest.total()) {
      fullest = use;
    }
  }
  return fullest;
}

}  // namespace podium
