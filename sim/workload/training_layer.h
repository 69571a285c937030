#pragma once

#include "sim/workload/training_share.h"

namespace podium {

/// Blocks of a step for one micro-batch on all ranks of a stage. Tensor parallelism is Megatron's with sequence
/// parallelism (arXiv 2205.05198, section 4.2.2): a gathering before QKV and FFN-up, a scattering of sums after the out
/// projection and FFN-down; the other way round in backward, where the inputs that weight gradients need are gathered
/// once more. As in Megatron, that gathering runs beside the input gradient and the scattering beside the weight
/// gradient. `tp_overlap_chunks` > 1 also cuts an exchange and its product into pieces which run beside each other
/// (Transformer Engine's user buffers: ring exchanges and pipelined reduce-scatters).
///  - What is gathered is quantised first (Transformer Engine gathers FP8); sums are scattered in bf16.
///  - Context parallelism gathers K and V before attention and scatters the sums of their gradients (Llama 3,
///    arXiv 2407.21783, section 3.3.2).
///  - Experts: every token is sent once to each of its experts (Megatron's all-to-all dispatcher), in bf16; experts are
///    evenly loaded.
///  - Left out: gradients of weights that all tp ranks hold (norms, router, compressions), summed over tp once a step.
TaskGraph layer_forward(const ModelSpec&, const ChipSpec&, const TrainingPlan&, const Layer&);
TaskGraph layer_backward(const ModelSpec&, const ChipSpec&, const TrainingPlan&, const Layer&);

/// Embedding, its rows split over tp.
TaskGraph embedding_forward(const ModelSpec&, const ChipSpec&, const TrainingPlan&);
TaskGraph embedding_backward(const ModelSpec&, const ChipSpec&, const TrainingPlan&);

/// Last norm, output projection in bf16 and cross-entropy, the vocabulary split over tp.
TaskGraph head_forward(const ModelSpec&, const ChipSpec&, const TrainingPlan&);
TaskGraph head_backward(const ModelSpec&, const ChipSpec&, const TrainingPlan&);

}  // namespace podium
