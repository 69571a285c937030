#include "sim/workload/training_kernels.h"

#include <algorithm>

namespace podium {
namespace {

/// `flops` are those on the vector units for each element: counted from the formulas, a transcendental as one.
Kernel memory_op(std::string_view name, double elements, Bytes read, Bytes written, double flops) {
  return MemoryOp{name, elements * read, elements * written, Flops(elements * flops)};
}

/// Work that writes `results` bf16 values an element, as operands if they are to be some.
std::vector<Kernel> producing(std::string_view name, double elements, Bytes read, double results, double flops,
                              const Operands& operands) {
  if (!operands.scaled_by_tensor) {
    return {memory_op(name, elements, read, results * operands.size(), flops)};
  }
  std::vector<Kernel> kernels = quantise(elements * results, operands);
  kernels.insert(kernels.begin(), memory_op(name, elements, read, results * half, flops));
  return kernels;
}

/// Queries of `length` tokens at the end of `context` tokens.
Kernel core_of(const ModelSpec& model, const TrainingPlan& plan, const Layer& layer, double batch, double length,
               double context) {
  if (model.mla) {
    Mla kernel;
    kernel.phase = AttentionPhase::prefill;
    kernel.type = kernel.cache_type = plan.attention_type;
    kernel.batch = batch;
    kernel.heads = double(model.mla->heads) / plan.tp;
    kernel.query = length;
    kernel.context = context;
    kernel.latent = model.mla->latent;
    kernel.rope = model.mla->rope;
    kernel.nope = model.mla->nope;
    kernel.value = model.mla->value;
    return kernel;
  }
  Attention kernel;
  kernel.phase = AttentionPhase::prefill;
  kernel.type = kernel.cache_type = plan.attention_type;
  kernel.batch = batch;
  kernel.query_heads = double(model.gqa->heads) / plan.tp;
  kernel.kv_heads = std::max(1.0, double(model.gqa->kv_heads) / plan.tp);
  kernel.query = length;
  kernel.context = context;
  kernel.head_dim = model.gqa->head_dim;
  kernel.window = layer.chunked ? 0 : layer.window;
  return kernel;
}

}  // namespace

Kernel forward_product(const Linear& linear, double tokens, DataType type) {
  return Gemm{type, tokens, linear.out, linear.in};
}

Kernel data_product(const Linear& linear, double tokens, DataType type) {
  return Gemm{type, tokens, linear.in, linear.out};
}

Kernel weight_product(const Linear& linear, double tokens, DataType type, const TrainingPlan& plan) {
  return Gemm{type, linear.in, linear.out, tokens, 1, size_of(plan.gradient_type)};
}

std::vector<Kernel> attention_core(const ModelSpec& model, const TrainingPlan& plan, const Layer& layer,
                                   double passes) {
  const double batch = passes * plan.micro_batch;
  const double queries = plan.sequence / plan.cp;
  if (layer.chunked && layer.window <= queries) {
    // chunks of the window's length are sequences of their own
    return {core_of(model, plan, layer, batch * queries / layer.window, layer.window, layer.window)};
  }
  if (plan.cp == 1) {
    return {core_of(model, plan, layer, batch, queries, queries)};
  }
  const double chunk = plan.sequence / (2 * plan.cp);
  return {core_of(model, plan, layer, batch, chunk, plan.cp * chunk),
          core_of(model, plan, layer, batch, chunk, (plan.cp + 1) * chunk)};
}

std::vector<Kernel> norm(double elements, const Operands& operands) {
  return producing("rmsnorm", elements, half, 1, 4, operands);
}

Kernel norm_backward(double elements) { return memory_op("rmsnorm_backward", elements, 2 * half, half, 8); }

Kernel add(double elements) { return memory_op("add", elements, 2 * half, half, 1); }

Kernel rotate(double elements) { return memory_op("rope", elements, half, half, 3); }

std::vector<Kernel> activation(const FfnShare& ffn, double tokens, const Operands& operands) {
  const double inputs = ffn.up.out / ffn.down.in;
  return producing(inputs > 1 ? "swiglu" : "gelu", tokens * ffn.down.in, inputs * half, 1, 5, operands);
}

std::vector<Kernel> activation_backward(const FfnShare& ffn, double tokens, const Operands& operands) {
  const double inputs = ffn.up.out / ffn.down.in;
  return producing(inputs > 1 ? "swiglu_backward" : "gelu_backward", tokens * ffn.down.in, (inputs + 1) * half, inputs,
                   10, operands);
}

std::vector<Kernel> quantise(double elements, const Operands& operands) {
  if (!quantised(operands.type)) {
    return {};
  }
  const Kernel cast = memory_op("quantise", elements, half, operands.size(), 3);
  if (!operands.scaled_by_tensor) {
    return {cast};
  }
  return {memory_op("largest", elements, half, Bytes(), 1), cast};
}

std::vector<Kernel> transpose(double elements, const Operands& operands) {
  if (!operands.transposed) {
    return {};
  }
  return {memory_op("transpose", elements, size_of(operands.type), size_of(operands.type), 0)};
}

Kernel choose_experts(double tokens, const MoeShape& moe) {
  return memory_op("top_k", tokens * moe.experts, single, single, 5);
}

Kernel permute(double tokens, double copies, double hidden) {
  return memory_op("permute", tokens * copies * hidden, half, half, 1);
}

Kernel embed(double tokens, double hidden, double tp) {
  return memory_op("embedding", tokens * hidden, half / tp, half, 0);
}

Kernel embed_backward(double tokens, double hidden, double tp) {
  return memory_op("embedding_backward", tokens * hidden / tp, half + single, single, 1);
}

Kernel cross_entropy(double logits) { return memory_op("cross_entropy", logits, 2 * half, single, 5); }

Kernel cross_entropy_backward(double logits) { return memory_op("cross_entropy_backward", logits, single, half, 2); }

Kernel adam(double weights, const TrainingPlan& plan, const Operands& operands) {
  const Bytes quantised_copies = quantised(operands.type) ? operands.size() : Bytes();
  return memory_op("adam", weights, size_of(plan.gradient_type) + 3 * single, 3 * single + half + quantised_copies, 13);
}

}  // namespace podium
