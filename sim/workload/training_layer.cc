#include "sim/workload/training_layer.h"

#include "sim/workload/training_block.h"
#include "sim/workload/training_schedule.h"

namespace podium {
namespace {

/// What the parts of one block share.
struct Part {
  const ModelSpec& model;
  const TrainingPlan& plan;
  Operands operands;  ///< of linear layers
  BlockWriter writer;
  double tokens = group_tokens(plan);  ///< of the tensor-parallel group
  double own = own_tokens(plan);       ///< of a rank between exchanges
  double hidden = model.hidden;
};

/// Gathers and reduces the weights and gradients of a neighbouring layer beside this one's pass.
void shard(Part& part, const Weights& weights, Direction direction) {
  if (!part.plan.shard_weights) {
    return;
  }
  const Bytes weight = size_of(gather_type(part.operands.type));
  part.writer.beside(Axis::dp, CollectiveKind::all_gather, weights.dense * weight);
  part.writer.beside(Axis::expert_dp, CollectiveKind::all_gather, weights.experts * weight);
  if (direction == Direction::backward) {
    const Bytes gradient = size_of(part.plan.gradient_type);
    part.writer.beside(Axis::dp, CollectiveKind::reduce_scatter, weights.dense * gradient);
    part.writer.beside(Axis::expert_dp, CollectiveKind::reduce_scatter, weights.experts * gradient);
  }
}

/// The end of a sub-layer, forward; and where its backward pass begins, with the gradient that its last product takes.
void join_residual(Part& part) {
  if (part.model.post_norms) {
    part.writer.run(norm(part.own * part.hidden, Operands()));
  }
  part.writer.run(add(part.own * part.hidden));
}

void leave_residual(Part& part) {
  if (part.model.post_norms) {
    part.writer.run(norm_backward(part.own * part.hidden));
  }
  part.writer.run(quantise(part.own * part.hidden, part.operands));
}

Bytes keys_values_bytes(const Part& part, const AttentionShare& share) {
  return part.plan.micro_batch * part.plan.sequence * share.keys_values * size_of(DataType::bf16);
}

void attention_forward(Part& part, const Layer& layer) {
  const AttentionShare share = attention_share(part.model, part.plan.tp);
  BlockWriter& writer = part.writer;
  writer.run(norm(part.own * part.hidden, part.operands));
  for (const Linear& linear : share.down) {
    writer.run(forward_product(linear, part.own, part.operands.type));
  }
  if (!share.down.empty()) {
    writer.run(norm(part.own * share.gathered, part.operands));
  }
  column_forward(writer, part.plan, share.up, share.gathered, part.operands);
  if (part.model.gqa && part.model.gqa->query_key_norm) {
    writer.run(norm(part.tokens * share.rotated, Operands()));
  }
  writer.run(rotate(part.tokens * share.rotated));
  writer.exchange(Axis::cp, CollectiveKind::all_gather, keys_values_bytes(part, share));
  writer.run(attention_core(part.model, part.plan, layer, 1));
  part.writer.run(quantise(part.tokens * share.out.in, part.operands));
  row_forward(writer, part.plan, share.out, part.operands);
  join_residual(part);
}

void attention_backward(Part& part, const Layer& layer) {
  const AttentionShare share = attention_share(part.model, part.plan.tp);
  BlockWriter& writer = part.writer;
  leave_residual(part);
  row_backward(writer, part.plan, share.out, part.operands);
  writer.exchange(Axis::cp, CollectiveKind::all_gather, keys_values_bytes(part, share));
  writer.run(attention_core(part.model, part.plan, layer, attention_backward_passes));
  writer.exchange(Axis::cp, CollectiveKind::reduce_scatter, keys_values_bytes(part, share));
  writer.run(rotate(part.tokens * share.rotated));
  if (part.model.gqa && part.model.gqa->query_key_norm) {
    writer.run(norm_backward(part.tokens * share.rotated));
  }
  part.writer.run(quantise(part.tokens * (share.queries + share.keys_values), part.operands));
  column_backward(writer, part.plan, share.up, share.gathered, part.operands);
  if (!share.down.empty()) {
    writer.run(norm_backward(part.own * share.gathered));
  }
  for (const Linear& linear : share.down) {
    writer.run(data_product(linear, part.own, part.operands.type));
    writer.run(weight_product(linear, part.own, part.operands.type, part.plan));
  }
  writer.run(norm_backward(part.own * part.hidden));
  writer.run(add(part.own * part.hidden));
}

double dense_width(const Layer& layer) {
  return layer.moe ? double(layer.moe->shared_experts) * layer.moe->shared_ffn : layer.dense_ffn;
}

/// A dense FFN, or the shared experts as one.
void dense_forward(Part& part, const FfnShare& ffn) {
  column_forward(part.writer, part.plan, {ffn.up}, part.hidden, part.operands);
  part.writer.run(activation(ffn, part.tokens, part.operands));
  row_forward(part.writer, part.plan, ffn.down, part.operands);
}

void dense_backward(Part& part, const FfnShare& ffn) {
  row_backward(part.writer, part.plan, ffn.down, part.operands);
  part.writer.run(activation_backward(ffn, part.tokens, part.operands));
  column_backward(part.writer, part.plan, {ffn.up}, part.hidden, part.operands);
}

/// One product of all of a rank's experts; the gradients of inputs are of the same work and traffic.
GroupedGemm expert_product(const Part& part, const MoeShape& moe, const Linear& linear) {
  GroupedGemm product;
  product.type = part.operands.type;
  product.groups = double(moe.experts) / part.plan.ep;
  product.rows = part.own * moe.top_k;
  product.n = linear.out;
  product.k = linear.in;
  return product;
}

/// The gradients of their weights.
Kernel expert_weight_product(const Part& part, const MoeShape& moe, const Linear& linear) {
  GroupedGemm product = expert_product(part, moe, linear);
  product.sum = size_of(part.plan.gradient_type);
  return product;
}

Bytes dispatched(const Part& part, const MoeShape& moe) {
  return part.own * moe.top_k * part.hidden * size_of(DataType::bf16);
}

void experts_forward(Part& part, const MoeShape& moe) {
  const FfnShare expert = ffn_share(part.model, moe.ffn, 1);
  const double rows = part.own * moe.top_k;
  BlockWriter& writer = part.writer;
  writer.run(forward_product(router_share(part.model, moe), part.own, DataType::bf16));
  writer.run(choose_experts(part.own, moe));
  writer.run(permute(part.own, moe.top_k, part.hidden));
  writer.exchange(Axis::ep, CollectiveKind::dispatch, dispatched(part, moe));
  part.writer.run(quantise(rows * part.hidden, part.operands));
  writer.run(expert_product(part, moe, expert.up));
  writer.run(activation(expert, rows, part.operands));
  writer.run(expert_product(part, moe, expert.down));
  writer.exchange(Axis::ep, CollectiveKind::combine, dispatched(part, moe));
  writer.run(permute(part.own, moe.top_k, part.hidden));
}

void experts_backward(Part& part, const MoeShape& moe) {
  const FfnShare expert = ffn_share(part.model, moe.ffn, 1);
  const double rows = part.own * moe.top_k;
  BlockWriter& writer = part.writer;
  writer.run(permute(part.own, moe.top_k, part.hidden));
  writer.exchange(Axis::ep, CollectiveKind::dispatch, dispatched(part, moe));
  part.writer.run(quantise(rows * part.hidden, part.operands));
  writer.run({expert_product(part, moe, expert.down), expert_weight_product(part, moe, expert.down)});
  writer.run(activation_backward(expert, rows, part.operands));
  writer.run({expert_product(part, moe, expert.up), expert_weight_product(part, moe, expert.up)});
  writer.exchange(Axis::ep, CollectiveKind::combine, dispatched(part, moe));
  writer.run(permute(part.own, moe.top_k, part.hidden));
  writer.run(choose_experts(part.own, moe));
  writer.run(data_product(router_share(part.model, moe), part.own, DataType::bf16));
  writer.run(weight_product(router_share(part.model, moe), part.own, DataType::bf16, part.plan));
}

void ffn_forward(Part& part, const Layer& layer) {
  part.writer.run(norm(part.own * part.hidden, part.operands));
  if (layer.moe) {
    experts_forward(part, *layer.moe);
  }
  if (dense_width(layer) > 0) {
    dense_forward(part, ffn_share(part.model, dense_width(layer), part.plan.tp));
  }
  join_residual(part);
}

void ffn_backward(Part& part, const Layer& layer) {
  leave_residual(part);
  if (dense_width(layer) > 0) {
    dense_backward(part, ffn_share(part.model, dense_width(layer), part.plan.tp));
  }
  if (layer.moe) {
    experts_backward(part, *layer.moe);
  }
  part.writer.run(norm_backward(part.own * part.hidden));
  part.writer.run(add(part.own * part.hidden));
}

/// What selective recompute makes again for the backward pass: the outputs of both norms and of the activations.
void recompute_cheap_results(Part& part, const Layer& layer) {
  part.writer.run(norm(part.own * part.hidden, part.operands));
  part.writer.run(norm(part.own * part.hidden, part.operands));
  if (dense_width(layer) > 0) {
    part.writer.run(activation(ffn_share(part.model, dense_width(layer), part.plan.tp), part.tokens, part.operands));
  }
  if (layer.moe) {
    part.writer.run(activation(ffn_share(part.model, layer.moe->ffn, 1), part.own * layer.moe->top_k, part.operands));
  }
}

}  // namespace

TaskGraph layer_forward(const ModelSpec& model, const ChipSpec& chip, const TrainingPlan& plan, const Layer& layer) {
  Part part{model, plan, operands(chip, plan.matrix_type), BlockWriter(plan, "forward")};
  shard(part, layer_weights(model, plan, layer), Direction::forward);
  attention_forward(part, layer);
  ffn_forward(part, layer);
  return std::move(part.writer).finish();
}

TaskGraph layer_backward(const ModelSpec& model, const ChipSpec& chip, const TrainingPlan& plan, const Layer& layer) {
  Part part{model, plan, operands(chip, plan.matrix_type), BlockWriter(plan, "backward")};
  shard(part, layer_weights(model, plan, layer), Direction::backward);
  if (plan.recompute != Recompute::none) {
    part.writer.label("recompute");
    if (plan.recompute == Recompute::full) {
      attention_forward(part, layer);
      ffn_forward(part, layer);
    } else {
      recompute_cheap_results(part, layer);
    }
    part.writer.label("backward");
  }
  ffn_backward(part, layer);
  attention_backward(part, layer);
  return std::move(part.writer).finish();
}

TaskGraph embedding_forward(const ModelSpec& model, const ChipSpec& chip, const TrainingPlan& plan) {
  Part part{model, plan, operands(chip, plan.matrix_type), BlockWriter(plan, "forward")};
  shard(part, embedding_weights(model, plan), Direction::forward);
  part.writer.run(embed(part.tokens, part.hidden, plan.tp));
  part.writer.exchange(Axis::tp, CollectiveKind::reduce_scatter, part.tokens * part.hidden * size_of(DataType::bf16));
  return std::move(part.writer).finish();
}

TaskGraph embedding_backward(const ModelSpec& model, const ChipSpec& chip, const TrainingPlan& plan) {
  Part part{model, plan, operands(chip, plan.matrix_type), BlockWriter(plan, "backward")};
  shard(part, embedding_weights(model, plan), Direction::backward);
  part.writer.exchange(Axis::tp, CollectiveKind::all_gather, part.tokens * part.hidden * size_of(DataType::bf16));
  part.writer.run(embed_backward(part.tokens, part.hidden, plan.tp));
  return std::move(part.writer).finish();
}

TaskGraph head_forward(const ModelSpec& model, const ChipSpec& chip, const TrainingPlan& plan) {
  Part part{model, plan, operands(chip, plan.matrix_type), BlockWriter(plan, "head")};
  const Linear head = head_share(model, plan.tp);
  shard(part, head_weights(model, plan), Direction::forward);
  part.writer.run(norm(part.own * part.hidden, Operands()));
  column_forward(part.writer, plan, {head}, part.hidden, Operands());
  part.writer.run(cross_entropy(part.tokens * head.out));
  // each token's maximum over all columns, then its sum of exponentials and the logit of its label
  part.writer.exchange(Axis::tp, CollectiveKind::all_reduce, part.tokens * size_of(DataType::fp32));
  part.writer.exchange(Axis::tp, CollectiveKind::all_reduce, 2 * part.tokens * size_of(DataType::fp32));
  return std::move(part.writer).finish();
}

TaskGraph head_backward(const ModelSpec& model, const ChipSpec& chip, const TrainingPlan& plan) {
  Part part{model, plan, operands(chip, plan.matrix_type), BlockWriter(plan, "head")};
  const Linear head = head_share(model, plan.tp);
  shard(part, head_weights(model, plan), Direction::backward);
  part.writer.run(cross_entropy_backward(part.tokens * head.out));
  column_backward(part.writer, plan, {head}, part.hidden, Operands());
  part.writer.run(norm_backward(part.own * part.hidden));
  return std::move(part.writer).finish();
}

}  // namespace podium
