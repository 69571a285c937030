#include <algorithm>

#include "sim/workload/layer_program.h"

namespace podium {
namespace {

/// One sequence that decodes one token: enough to name every matrix of a rank once.
const StepTokens one_token{1, 1, 1, 0, 0, 0};

std::vector<const Program*> parts(const LayerProgram& program) {
  return {&program.attention, &program.front, &program.beside, &program.feed_forward, &program.back, &program.finish};
}

Bytes layer_weights(const InferenceSetup& setup, const Layer& layer) {
  Bytes sum;
  const LayerProgram program = layer_program(setup, layer, one_token);
  for (const Program* part : parts(program)) {
    sum += weights(*part);
  }
  const double norms = (setup.model.post_norms ? 4.0 : 2.0) * setup.model.hidden;
  sum += norms * size_of(DataType::bf16);
  if (layer.moe) {
    const InferencePlan& plan = setup.plan;
    sum += fullest_slots(plan, *layer.moe) * expert_parameters(setup.model, layer) / plan.expert_tp *
           size_of(plan.experts());
  }
  return sum;
}

Bytes all_weights(const InferenceSetup& setup) {
  const ModelSpec& model = setup.model;
  const InferencePlan& plan = setup.plan;
  Bytes sum = embedding_parameters(model) / plan.tp * size_of(DataType::bf16);
  const LayerKinds layers = layer_kinds(model);
  std::vector<Bytes> of_kind;
  for (const Layer& layer : layers.kinds) {
    of_kind.push_back(layer_weights(setup, layer));
  }
  for (const std::size_t kind : layers.of_layer) {
    sum += of_kind[kind];
  }
  if (plan.draft_tokens > 0) {
    sum += model.mtp_layers * (weights(draft_front(setup, one_token)) + layer_weights(setup, model.layers.back()));
  }
  return sum;
}

/// Two copies of the residual stream and what the largest kernel reads and writes.
Bytes all_activations(const InferenceSetup& setup, const StepTokens& tokens) {
  Bytes most = largest_activation(head_program(setup, tokens.decode() + tokens.prefill_sequences, "head"));
  for (const Layer& layer : layer_kinds(setup.model).kinds) {
    const LayerProgram program = layer_program(setup, layer, tokens);
    for (const Program* part : parts(program)) {
      most = std::max(most, largest_activation(*part));
    }
  }
  return most + 2 * tokens.all() * setup.model.hidden * size_of(DataType::bf16);
}

/// Of one token in one layer at one rank: keys and values are split over tensor parallelism as far as there are kv
/// heads; the latent is at every rank.
Bytes rank_cache(const ModelSpec& model, const InferencePlan& plan) {
  const Bytes whole = cache_bytes_per_token_and_layer(model, plan.cache_type);
  if (model.mla) {
    return whole;
  }
  return whole / std::min<double>(plan.tp, model.gqa->kv_heads);
}

int draft_layers(const ModelSpec& model, const InferencePlan& plan) {
  return plan.draft_tokens > 0 ? model.mtp_layers : 0;
}

}  // namespace

MemoryUse inference_memory(const ModelSpec& model, const ChipSpec& chip, const InferencePlan& plan,
                           const StepShape& largest) {
  const InferenceSetup setup{model, chip, plan};
  MemoryUse use;
  use.weights = all_weights(setup);
  use.activations = all_activations(setup, step_tokens(plan, largest));
  use.reserved = chip.reserved;
  use.kept_free = (1 - plan.memory_share) * chip.memory_size;
  return use;
}

Bytes cache_bytes_per_token(const ModelSpec& model, const InferencePlan& plan) {
  const double layers = static_cast<double>(model.layers.size()) + draft_layers(model, plan);
  return layers * rank_cache(model, plan);
}

Bytes cache_bytes_per_sequence(const ModelSpec& model, const InferencePlan& plan, double context) {
  double tokens = draft_layers(model, plan) * context;
  for (const Layer& layer : model.layers) {
    tokens += layer.window > 0 ? std::min<double>(layer.window, context) : context;
  }
  return tokens * rank_cache(model, plan);
}

}  // namespace podium
