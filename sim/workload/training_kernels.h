#pragma once

#include <vector>

#include "sim/workload/training_share.h"

namespace podium {

/// The three products of a linear layer for `tokens` rows: the result, the gradient of the input, and that of the
/// weights (added to the sum over micro-batches in the type of gradients: Megatron's fused accumulation).
Kernel forward_product(const Linear&, double tokens, DataType);
Kernel data_product(const Linear&, double tokens, DataType);
Kernel weight_product(const Linear&, double tokens, DataType, const TrainingPlan&);

/// Attention of one micro-batch on one rank, causal. Under context parallelism a rank holds one chunk of queries from
/// the front of the sequence and its mirror image from the back (Llama 3, arXiv 2407.21783, section 3.3.2), which makes
/// all ranks' work equal; the kernels are those of the rank with the two middle chunks. `passes` scales the work: the
/// backward pass of fused attention is 2.5 forward passes (five products instead of two, FlashAttention-2,
/// arXiv 2307.08691, section 4.1).
std::vector<Kernel> attention_core(const ModelSpec&, const TrainingPlan&, const Layer&, double passes);
inline constexpr double attention_backward_passes = 2.5;

/// Element-wise work over `elements` results. Inputs and results are bf16; where the results are operands of a product,
/// they are quantised on the way or by kernels of their own.
std::vector<Kernel> norm(double elements, const Operands&);
Kernel norm_backward(double elements);
Kernel add(double elements);
Kernel rotate(double elements);
/// Results of a feed-forward network's activation function: `ffn.down.in` a token.
std::vector<Kernel> activation(const FfnShare&, double tokens, const Operands&);
std::vector<Kernel> activation_backward(const FfnShare&, double tokens, const Operands&);
/// Makes operands of bf16 results; nothing where they are operands already.
std::vector<Kernel> quantise(double elements, const Operands&);
/// The second copy of an operand that was gathered, where it is a transpose; otherwise nothing.
std::vector<Kernel> transpose(double elements, const Operands&);

/// Router: probabilities and the best `top_k` of all experts.
Kernel choose_experts(double tokens, const MoeShape&);
/// Copies tokens into the order of their experts, or sums an expert's results back.
Kernel permute(double tokens, double copies, double hidden);

Kernel embed(double tokens, double hidden, double tp);
Kernel embed_backward(double tokens, double hidden, double tp);
/// Softmax cross-entropy over a rank's columns of the logits: one pass for maximum and sum, one that keeps the
/// probabilities in fp32.
Kernel cross_entropy(double logits);
Kernel cross_entropy_backward(double logits);

/// Adam over `weights` weights: reads the gradient, reads and writes master weight and two moments in fp32, and writes
/// the weight in bf16 and, where its products run in a narrower type, quantised.
Kernel adam(double weights, const TrainingPlan&, const Operands&);

}  // namespace podium
