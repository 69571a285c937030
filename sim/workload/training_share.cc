#include "sim/workload/training_share.h"

#include <algorithm>

namespace podium {
namespace {

AttentionShare gqa_share(const GqaShape& shape, double hidden, double tp) {
  const double queries = shape.heads / tp * shape.head_dim;
  const double keys = std::max(1.0, shape.kv_heads / tp) * shape.head_dim;
  AttentionShare share;
  share.gathered = hidden;
  share.up = {{hidden, queries + 2 * keys}};
  share.out = {queries, hidden};
  share.rotated = queries + keys;
  share.queries = queries;
  share.keys_values = 2 * keys;
  return share;
}

/// DeepSeek-V2, arXiv 2405.04434, section 2.1; trained over expanded heads.
AttentionShare mla_share(const MlaShape& shape, double hidden, double tp) {
  const double heads = shape.heads / tp;
  const double queries = heads * (shape.nope + shape.rope);
  AttentionShare share;
  share.down = {{hidden, double(shape.latent + shape.rope)}};
  share.gathered = shape.latent + shape.rope;
  share.up = {{double(shape.latent), heads * (shape.nope + shape.value)}};
  if (shape.query_rank > 0) {
    share.down.push_back({hidden, double(shape.query_rank)});
    share.up.push_back({double(shape.query_rank), queries});
    share.gathered += shape.query_rank;
  } else {
    share.up.push_back({hidden, queries});
    share.gathered += hidden;
  }
  share.out = {heads * shape.value, hidden};
  share.rotated = heads * shape.rope + shape.rope;
  share.queries = queries;
  share.keys_values = heads * (shape.nope + shape.rope + shape.value);
  return share;
}

double sum_of_weights(const std::vector<Linear>& linears) {
  double sum = 0;
  for (const Linear& linear : linears) {
    sum += linear.weights();
  }
  return sum;
}

}  // namespace

AttentionShare attention_share(const ModelSpec& model, std::uint32_t tp) {
  return model.gqa ? gqa_share(*model.gqa, model.hidden, tp) : mla_share(*model.mla, model.hidden, tp);
}

FfnShare ffn_share(const ModelSpec& model, double width, std::uint32_t tp) {
  const double columns = width / tp;
  const double hidden = model.hidden;
  return {{hidden, (model.gated_ffn ? 2 : 1) * columns}, {columns, hidden}};
}

Linear router_share(const ModelSpec& model, const MoeShape& moe) { return {double(model.hidden), double(moe.experts)}; }

Linear head_share(const ModelSpec& model, std::uint32_t tp) {
  return {double(model.hidden), double(model.vocabulary) / tp};
}

Weights layer_weights(const ModelSpec& model, const TrainingPlan& plan, const Layer& layer) {
  const AttentionShare attention = attention_share(model, plan.tp);
  const double norms = 2.0 * model.hidden;
  Weights weights;
  weights.dense = sum_of_weights(attention.down) + sum_of_weights(attention.up) + attention.out.weights() + norms;
  const double dense_width = layer.moe ? double(layer.moe->shared_experts) * layer.moe->shared_ffn : layer.dense_ffn;
  const FfnShare ffn = ffn_share(model, dense_width, plan.tp);
  weights.dense += ffn.up.weights() + ffn.down.weights();
  if (layer.moe) {
    const FfnShare expert = ffn_share(model, layer.moe->ffn, 1);
    weights.dense += router_share(model, *layer.moe).weights();
    weights.experts = double(layer.moe->experts) / plan.ep * (expert.up.weights() + expert.down.weights());
  }
  return weights;
}

Weights embedding_weights(const ModelSpec& model, const TrainingPlan& plan) {
  const double positions = model.learned_positions ? double(model.max_context) * model.hidden : 0;
  return {head_share(model, plan.tp).weights() + positions, 0};
}

Weights head_weights(const ModelSpec& model, const TrainingPlan& plan) {
  // a tied head on the embedding's own stage is the embedding
  const bool shared = model.tied_embedding && plan.pp == 1;
  return {(shared ? 0 : head_share(model, plan.tp).weights()) + model.hidden, 0};
}

bool quantised(DataType type) { return size_of(type) < size_of(DataType::bf16); }

Operands operands(const ChipSpec& chip, DataType matrix_type) {
  Operands result{matrix_type};
  if (!quantised(matrix_type)) {
    return result;
  }
  const bool blocks = matrix_type == DataType::fp8_block || matrix_type == DataType::mxfp8 ||
                      matrix_type == DataType::nvfp4 || matrix_type == DataType::mxfp4;
  result.scaled_by_tensor = !blocks || matrix_type == DataType::nvfp4;
  result.transposed = !blocks && chip.transposes_operands;
  result.copies = blocks || result.transposed ? 2 : 1;
  return result;
}

DataType gather_type(DataType matrix_type) {
  return matrix_type == DataType::fp8 || matrix_type == DataType::fp8_block ? matrix_type : DataType::bf16;
}

Communicator communicator(Axis axis, const TrainingPlan& plan) {
  switch (axis) {
    case Axis::tp:
      return {"tp", 1, plan.tp};
    case Axis::cp:
      return {"cp", plan.tp, plan.cp};
    case Axis::ep:
      return {"ep", 1, plan.ep};
    case Axis::dp:
      return {"dp", plan.tp, plan.cp * plan.dp};
    case Axis::expert_dp:
      return {"dp", plan.ep, plan.tp * plan.cp * plan.dp / plan.ep};
  }
  throw Bug("an axis that has no communicator");
}

std::vector<Layer> layers_of(const ModelSpec& model, const TrainingPlan& plan, std::uint32_t stage,
                             std::uint32_t chunk) {
  const auto counts = stage_layers(model, plan);
  std::ptrdiff_t first = 0;
  for (std::uint32_t c = 0; c <= chunk; ++c) {
    for (std::uint32_t s = 0; s < (c == chunk ? stage : plan.pp); ++s) {
      first += counts[s][c];
    }
  }
  const auto begin = model.layers.begin() + first;
  return {begin, begin + counts[stage][chunk]};
}

}  // namespace podium
