#include "sim/workload/training_share.h"

namespace podium {
namespace {

/// Flops of one forward pass of a token through one layer's products.
double product_flops(const ModelSpec& model, const Layer& layer) {
  TrainingPlan whole;
  const Weights weights = layer_weights(model, whole, layer);
  const double used = layer.moe ? weights.experts * layer.moe->top_k / layer.moe->experts : 0;
  return 2 * (weights.dense - 2.0 * model.hidden + used);
}

/// Flops of one forward pass over a sequence in one layer's attention core: scores and sums over what a token sees.
double core_flops(const ModelSpec& model, const Layer& layer, double sequence) {
  const AttentionShare share = attention_share(model, 1);
  const bool chunks = layer.chunked && layer.window < sequence;
  const double pairs = chunks ? sequence / layer.window * attended_pairs(layer.window, layer.window, true, 0)
                              : attended_pairs(sequence, sequence, true, layer.window);
  return 2 * pairs * (share.queries + share.out.in);
}

}  // namespace

Flops training_flops(const ModelSpec& model, const TrainingPlan& plan) {
  double sequence_flops = 2 * plan.sequence * head_share(model, 1).weights();
  for (const Layer& layer : model.layers) {
    sequence_flops += plan.sequence * product_flops(model, layer) + core_flops(model, layer, plan.sequence);
  }
  // backward takes two products for each of forward
  return Flops(3 * plan.global_batch * sequence_flops);
}

}  // namespace podium
