#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "sim/workload/training.h"

namespace podium {

inline constexpr Bytes half = Bytes(2);    // bf16
inline constexpr Bytes single = Bytes(4);  // fp32

/// One rank's share of a linear layer: y[., out] = x[., in] W.
struct Linear {
  double in = 0, out = 0;
  double weights() const { return in * out; }
};

/// One rank's share of attention. Both kinds have one form: some projections of the rank's own tokens (MLA's
/// compressions, held by every rank of the tp group), a gathering over tp, column-parallel projections, the core, and a
/// row-parallel projection whose sums are scattered.
struct AttentionShare {
  std::vector<Linear> down;
  double gathered = 0;  ///< elements a token that are gathered over tp
  std::vector<Linear> up;
  Linear out;
  double rotated = 0;      ///< elements a token that take a rotary embedding
  double queries = 0;      ///< elements a token of Q
  double keys_values = 0;  ///< elements a token of K and V
};

/// One rank's share of a feed-forward network.
struct FfnShare {
  Linear up;  ///< gate included
  Linear down;
};

/// What of a model is trained on by itself and split over ranks in its own way.
struct Weights {
  double dense = 0;    ///< of one rank; the others that hold them are its cp x dp peers
  double experts = 0;  ///< of one rank; held by all ranks of the stage with the same place in their ep group
};

AttentionShare attention_share(const ModelSpec&, std::uint32_t tp);
FfnShare ffn_share(const ModelSpec&, double width, std::uint32_t tp);
/// Router weights are those of a linear layer from hidden to experts, on the rank's own tokens.
Linear router_share(const ModelSpec&, const MoeShape&);
/// Output projection, its columns split over tp.
Linear head_share(const ModelSpec&, std::uint32_t tp);

Weights layer_weights(const ModelSpec&, const TrainingPlan&, const Layer&);
Weights embedding_weights(const ModelSpec&, const TrainingPlan&);
/// With the norm before it.
Weights head_weights(const ModelSpec&, const TrainingPlan&);

/// Tokens of a micro-batch that a tensor-parallel group works on together, and those of one of its ranks between
/// exchanges (Megatron's sequence parallelism).
inline double group_tokens(const TrainingPlan& plan) { return plan.micro_batch * plan.sequence / plan.cp; }
inline double own_tokens(const TrainingPlan& plan) { return group_tokens(plan) / plan.tp; }

/// Whether a type is narrower than the bf16 results that its operands are made from.
bool quantised(DataType);

/// How results become operands of products: NVIDIA Transformer Engine's recipes.
struct Operands {
  DataType type = DataType::bf16;
  /// Of each operand: one along its rows, and one along its columns that the weight gradient reads. Scales of blocks
  /// run along the inner dimension of a product, so that there are two; tensors with one scale need two only where
  /// products take one layout.
  int copies = 1;
  /// One scale for the whole tensor, of its largest element, so that a pass over the finished result comes before the
  /// one that quantises it (Float8CurrentScaling, the FP8 of Megatron Bridge's tables; NVFP4BlockScaling, whose blocks'
  /// scales are relative to the tensor's). Where blocks alone have scales, the kernel before writes the operands.
  bool scaled_by_tensor = false;
  /// The second copy is the first one's transpose: what was gathered is transposed by a pass of its own.
  bool transposed = false;

  /// Memory written for one element.
  Bytes size() const { return copies * size_of(type); }
};
Operands operands(const ChipSpec&, DataType matrix_type);
/// In what type weights are gathered over data-parallel ranks: fp8 weights as they are used (Megatron's
/// fp8-param-gather), others in bf16.
DataType gather_type(DataType matrix_type);

/// How ranks of a stage share work, each with a communicator of its own.
enum class Axis { tp, cp, ep, dp, expert_dp };
/// dp: the cp x dp peers that hold the same dense weights; expert_dp: the ranks that hold the same experts.
Communicator communicator(Axis, const TrainingPlan&);

/// The decoder layers that a chunk of a stage holds, in order.
std::vector<Layer> layers_of(const ModelSpec&, const TrainingPlan&, std::uint32_t stage, std::uint32_t chunk);
}  // namespace podium
