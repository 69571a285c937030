#pragma once

#include <optional>
#include <string>
#include <vector>

#include "sim/hardware/chip.h"
#include "sim/workload/memory.h"
#include "sim/workload/model.h"
#include "sim/workload/task_graph.h"

namespace podium {

/// How one instance of a model is spread over ranks for inference. Attention: `tp` x `dp` ranks (dp replicas, each with
/// sequences of its own). Experts: the same ranks as `ep` x `expert_tp`. Any numbers that divide the ranks; expert
/// slots (routed + redundant, and the shared ones where they have slots of their own) are spread over ep as evenly as
/// they go.
struct InferencePlan {
  std::string name;
  DataType weight_type = DataType::bf16;     ///< of projections and dense FFN; their products run in it
  std::optional<DataType> expert_type = {};  ///< of routed and shared experts; nothing: as the weights
  DataType attention_type = DataType::bf16;  ///< of the attention core
  DataType cache_type = DataType::bf16;
  DataType dispatch_type = DataType::bf16;  ///< of tokens sent to experts
  DataType combine_type = DataType::bf16;   ///< of what comes back
  std::uint32_t tp = 1, dp = 1;
  std::uint32_t ep = 1, expert_tp = 1;
  int redundant_experts = 0;    ///< extra copies of the hottest routed experts, over all ranks
  int shared_expert_slots = 0;  ///< ranks that hold a shared expert as a slot of their own; 0: every rank has a copy
  double expert_imbalance = 1;  ///< rows at the fullest rank over the mean: `ep` at most; of no effect where it is 1
  /// A token is sent once to a rank, however many of its experts are there (TensorRT-LLM); otherwise once for each of
  /// its experts (CANN, DeepEP's low-latency kernels).
  bool once_per_rank = false;
  /// Prompts' tokens may go once to each node that has any of their experts and be spread there, where that is faster
  /// (DeepEP's normal kernels).
  bool once_per_node = false;
  /// Outside the attention core tokens, not heads and widths, are split over tp: keys, queries and values (the latents
  /// of MLA) are exchanged before the core and its results after it (DeepSpeed-Ulysses, arXiv 2309.14509; CloudMatrix's
  /// SP-TP-SP prefill, arXiv 2506.12708, section 4.3).
  bool sequence_parallel = false;
  int micro_batches = 1;      ///< 2: one computes attention while the other is in its experts
  CoreShare attention_cores;  ///< with two micro-batches: of the attention stream
  CoreShare expert_cores;     ///< and of the expert stream
  int draft_tokens = 0;       ///< speculated by the MTP layer in each decode iteration
  double acceptance = 0;      ///< probability that a draft token is accepted
  /// Of a rank's memory that the server takes at most, runtime and all: the rest stays free, against fragmentation and
  /// peaks. The default is that of vLLM (`gpu_memory_utilization`).
  double memory_share = 0.9;

  std::uint32_t ranks() const { return tp * dp; }
  double imbalance() const { return ep > 1 ? expert_imbalance : 1; }
  DataType experts() const { return expert_type.value_or(weight_type); }
  /// Mean tokens that a sequence gains in one decode iteration: 1 + a + a^2 + … (one term a draft token).
  double tokens_per_iteration() const;
  friend bool operator==(const InferencePlan&, const InferencePlan&) = default;
};

/// One iteration of an instance, by attention replica (dp rank): what the batcher put together.
struct StepShape {
  double decode_sequences = 0;   ///< at the fullest replica
  double decode_context = 0;     ///< mean tokens in cache of a decoding sequence
  double prefill_sequences = 0;  ///< at the fullest replica
  double prefill_tokens = 0;     ///< new tokens of each
  double prefill_context = 0;    ///< tokens of each that were in the cache before
};

/// That most FLOPs of the model's linear layers are in.
DataType product_type(const ModelSpec&, const InferencePlan&);

/// Throws InputError for a plan that cannot be on this model (say: heads not divisible by tp) or chip (data types).
void check_plan(const ModelSpec&, const ChipSpec&, const InferencePlan&, const Location& where = {});

/// The iteration as a task graph: one role over all ranks [0, plan.ranks()). Streams: 0 compute (attention stream),
/// 1 expert compute where two micro-batches overlap, 2 communication. Labels name what a report accounts for:
/// "attention", "dense ffn", "experts", "router", "norms", "head", "draft", "host", "tp", "dispatch", "combine".
TaskGraph inference_step(const ModelSpec&, const ChipSpec&, const InferencePlan&, const StepShape&);

/// Weights of the fullest rank, activations of the largest step; `cache` is left at zero.
MemoryUse inference_memory(const ModelSpec&, const ChipSpec&, const InferencePlan&, const StepShape& largest);
/// Cache that one token of one sequence takes on a rank (all layers; windows are not deducted).
Bytes cache_bytes_per_token(const ModelSpec&, const InferencePlan&);
/// Cache of a whole sequence of `context` tokens on one rank, windows deducted.
Bytes cache_bytes_per_sequence(const ModelSpec&, const InferencePlan&, double context);

}  // namespace podium
