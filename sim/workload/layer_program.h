#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "sim/collective/kind.h"
#include "sim/workload/inference.h"

/// Inside of inference: what one rank does for one layer, before it becomes tasks on streams.
namespace podium {

/// Bytes of an activation that is not quantised.
inline constexpr double wide = 2;

/// Tokens of one micro-batch at the fullest attention replica.
struct StepTokens {
  double decode_sequences = 0, query = 1, decode_context = 0;  ///< `query` new tokens each, after the context
  double prefill_sequences = 0, prefill_tokens = 0, prefill_context = 0;

  double decode() const { return decode_sequences * query; }
  double prefill() const { return prefill_sequences * prefill_tokens; }
  double all() const { return decode() + prefill(); }
  double sequences() const { return decode_sequences + prefill_sequences; }
};

/// With drafts, each decoding sequence brings its last token and the drafted ones.
StepTokens step_tokens(const InferencePlan&, const StepShape&);

struct InferenceSetup {
  const ModelSpec& model;
  const ChipSpec& chip;
  const InferencePlan& plan;

  /// Outside attention each rank of a replica has tokens of its own.
  bool splits_tokens() const { return plan.sequence_parallel && plan.tp > 1; }
  /// Ranks differ in their tokens, which go to experts on other ranks; otherwise every rank has all tokens and computes
  /// its part of the experts for all of them.
  bool exchanges_tokens() const { return plan.dp > 1 || splits_tokens(); }
  /// Tokens at one rank outside the attention core.
  double rows(const StepTokens& tokens) const { return tokens.all() / (splits_tokens() ? plan.tp : 1); }
};

/// Kernels in a row that a report accounts for under one name.
struct Compute {
  std::string label;
  std::vector<Kernel> kernels;
};

enum class Among { tp, ep, expert_tp };

struct Exchange {
  std::string label;
  Among among = Among::tp;
  CollectiveKind kind = CollectiveKind::all_reduce;
  Bytes bytes;
  double imbalance = 1;
  std::optional<TokenRouting> routing = {};
};

using Piece = std::variant<Compute, Exchange>;
/// One after the other.
using Program = std::vector<Piece>;

/// A layer in the parts between which two micro-batches are woven.
struct LayerProgram {
  Program attention;     ///< with its norm and its tensor-parallel sum
  Program front;         ///< norm, router, quantising
  Program send;          ///< tokens to experts
  Program beside;        ///< what need not wait for `send`: shared experts
  Program feed_forward;  ///< experts or dense FFN
  Program back;          ///< results to their tokens
  Program finish;        ///< what is done with the results that came back: sums, tensor-parallel gathering, norms
};

Program attention_program(const InferenceSetup&, const Layer&, const StepTokens&);
/// Fills in everything behind the attention.
void add_dense_ffn(LayerProgram&, const InferenceSetup&, const Layer&, const StepTokens&);
void add_moe(LayerProgram&, const InferenceSetup&, const Layer&, const StepTokens&);
LayerProgram layer_program(const InferenceSetup&, const Layer&, const StepTokens&);

/// How parts of a result are summed over tp: to the ranks that own the tokens, or to all.
CollectiveKind sum_kind(const InferenceSetup&);
/// The norm behind attention and FFN, in models that have it.
void add_post_norm(Program&, const InferenceSetup&, const StepTokens&);

/// The embedding of all tokens.
Program embedding_program(const InferenceSetup&, const StepTokens&);
/// Final norm, output embedding of `rows` tokens, sampling; `label` is "head" or "draft".
Program head_program(const InferenceSetup&, double rows, const std::string& label);
/// What an MTP layer does before its decoder layer (DeepSeek-V3, arXiv 2412.19437, section 2.2): embeds the next token,
/// norms it and the hidden state, and projects the two to one.
Program draft_front(const InferenceSetup&, const StepTokens&);

/// Slots for routed experts at the fullest of the ranks that hold any.
double fullest_slots(const InferencePlan&, const MoeShape&);

/// Experts that a rank holds and the rows they get.
struct ExpertLoad {
  double slots = 0;    ///< held
  double touched = 0;  ///< that get any token: only their weights are read
  double rows = 0;     ///< of all of them
  double ffn = 0;      ///< width of one
};
/// At the rank that takes longest, when `tokens` tokens in all are routed: a rank of routed experts, or where shared
/// experts have slots of their own, one of those if it has more to do.
ExpertLoad expert_load(const InferenceSetup&, const MoeShape&, double tokens);

/// Whether a product in this type takes its rows quantised; w8a8 quantises them itself.
bool takes_quantised(DataType);
Kernel gemm(DataType, double m, double n, double k, double batch = 1);
/// `rows` x `width` elements with `read` and `written` bytes each, and `flops` on the vector units.
Kernel elementwise(std::string_view name, double rows, double width, double read, double written, double flops);
/// Adds the residual, norms, and quantises where the next product wants it: one kernel.
Compute add_norm(const InferenceSetup&, double rows, DataType next);
/// Gate, activation and quantising of `rows` x `width`, after the first of an FFN's products.
Kernel activation(const InferenceSetup&, double rows, double width, DataType next);
/// Rows of the first product of an FFN of this width: gate and up together.
double up_width(const ModelSpec&, double ffn);

/// Weights of the plain products of a program: what a rank holds to run it (grouped products are counted by slots).
Bytes weights(const Program&);
/// Activations that the largest kernel of a program reads and writes.
Bytes largest_activation(const Program&);

}  // namespace podium
