#pragma once

#include <string>
#include <string_view>
#include <variant>

#include "sim/hardware/data_type.h"

namespace podium {

/// Operator shapes. Counts are doubles so that a mean (tokens an expert gets, a mean context) is a shape too; they are
/// finite and not negative. Heads are those of one rank. Operands lie in memory in `type`, results are written in bf16
/// (fp32 for fp32 and tf32). Quantising the activations is a kernel of its own, a MemoryOp that whoever builds the work
/// adds (TensorRT-LLM's rows of fp8 and nvfp4 products are such a pair); w8a8 alone includes it: A is read in bf16,
/// written in int8 with a scale a row, and read again.

enum class AttentionPhase { prefill, decode };

/// `batch` products C[m,n] = A[m,k] B[k,n]; weights B are read once each.
struct Gemm {
  DataType type = DataType::bf16;
  double m = 0, n = 0, k = 0;
  double batch = 1;
  Bytes sum{};  ///< of each result in a running sum that it is added to, read and written; none: bf16 is written
  bool operator==(const Gemm&) const = default;
};

/// How rows are spread over the experts that have some: all alike, as chance has it, or many more to some than to
/// others.
enum class RowSpread { even, random, skewed };

/// `groups` experts in one kernel: `rows` rows of A in all. All cores share the tiles of all experts, so that the flops
/// are those of all rows however they are spread; what the spread decides is how many experts have a row at all, and so
/// how many weights are read. (Measured TensorRT-LLM rows with a power law of exponent 1.2 against even ones, all
/// experts on one rank: 0.7 to 0.9 of the time below 4 rows an expert, 1.0 to 1.2 above 32.)
struct GroupedGemm {
  DataType type = DataType::bf16;
  double groups = 0, rows = 0, n = 0, k = 0;
  double touched = 0;  ///< experts that have rows; 0: as many as can
  RowSpread spread = RowSpread::even;
  /// The gradients of the weights instead, of so much each, added to a running sum: read and written; none: the
  /// product.
  Bytes sum{};
  bool operator==(const GroupedGemm&) const = default;
};

/// Scaled dot-product attention with grouped heads; each of `batch` sequences has `query` new tokens that see `context`
/// tokens, the new ones included. Keys and values are read once a sequence, in `cache_type`.
struct Attention {
  AttentionPhase phase = AttentionPhase::decode;
  DataType type = DataType::bf16;
  DataType cache_type = DataType::bf16;
  double batch = 0, query_heads = 0, kv_heads = 0, query = 0, context = 0, head_dim = 0;
  bool causal = true;
  double window = 0;   ///< tokens a query sees at most; 0: all
  double longest = 0;  ///< context of any sequence, where `context` is a mean; 0: all are alike
  bool operator==(const Attention&) const = default;
};

/// Multi-head latent attention (DeepSeek-V2, arXiv 2405.04434). Decode has the up-projections absorbed: scores over
/// latent + rope, sums over the latent, one cached vector of latent + rope read once a sequence in `cache_type`.
/// Prefill runs over expanded heads (keys of nope + rope, values of `value`, in `type`). Projections are GEMMs.
struct Mla {
  AttentionPhase phase = AttentionPhase::decode;
  DataType type = DataType::bf16;
  DataType cache_type = DataType::bf16;
  double batch = 0, heads = 0, query = 0, context = 0;
  double latent = 512, rope = 64, nope = 128, value = 128;
  bool operator==(const Mla&) const = default;
};

/// Anything bound by memory: norms, activations, rotary embedding, quantising, routing, sampling, copies, optimiser.
struct MemoryOp {
  std::string_view name;  ///< "rmsnorm", "swiglu", "quantise" …: static storage
  Bytes read, written;
  Flops vector_flops;  ///< on the vector units
  double columns = 0;  ///< of rows that are reduced whole (norms, softmax); 0: element by element
  bool operator==(const MemoryOp&) const = default;
};

using Kernel = std::variant<Gemm, GroupedGemm, Attention, Mla, MemoryOp>;

/// How many experts have a row.
double touched_experts(const GroupedGemm&);

/// The work that a kernel must do on any chip: multiply-adds count as two, each tensor is read or written once.
struct Work {
  Flops flops;
  Bytes read, written;
  Bytes quantising;                ///< of these, what moves before the first multiplication (w8a8)
  DataType type = DataType::bf16;  ///< which peak the flops run at
};
Work work(const Kernel&);

/// "gemm bf16 4096 x 7168 x 2048": for timelines, tables and messages.
std::string to_string(const Kernel&);

/// How many pairs of a new token and one it sees causal masking and the window leave, of query x context; the new
/// tokens are the last of the context.
double attended_pairs(double query, double context, bool causal, double window);

}  // namespace podium
