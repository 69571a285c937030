#pragma once

#include <string>
#include <string_view>
#include <variant>

#include "sim/hardware/data_type.h"

namespace podium {

/// Operator shapes. Counts are doubles so that a mean (tokens an expert gets, a mean context) is a shape too; they are
/// not negative. Heads are those of one rank.

enum class AttentionPhase { prefill, decode };

/// `batch` products C[m,n] = A[m,k] B[k,n]; weights B are read once each.
struct Gemm {
  DataType type = DataType::bf16;
  double m = 0, n = 0, k = 0;
  double batch = 1;
};

/// `groups` experts in one kernel: `rows` rows of A in all, `hottest_rows` of them at the fullest expert.
struct GroupedGemm {
  DataType type = DataType::bf16;
  double groups = 0, rows = 0, n = 0, k = 0;
  double hottest_rows = 0;  ///< 0: evenly spread
};

/// Scaled dot-product attention with grouped heads; each of `batch` sequences has `query` new tokens that see `context`
/// tokens, the new ones included.
struct Attention {
  AttentionPhase phase = AttentionPhase::decode;
  DataType type = DataType::bf16;
  DataType cache_type = DataType::bf16;
  double batch = 0, query_heads = 0, kv_heads = 0, query = 0, context = 0, head_dim = 0;
  bool causal = true;
  double window = 0;  ///< tokens a query sees at most; 0: all
};

/// Multi-head latent attention (DeepSeek-V2, arXiv 2405.04434): in decode with the up-projections absorbed (scores and
/// sums over the latent), in prefill over expanded heads.
struct Mla {
  AttentionPhase phase = AttentionPhase::decode;
  DataType type = DataType::bf16;
  DataType cache_type = DataType::bf16;
  double batch = 0, heads = 0, query = 0, context = 0;
  double latent = 512, rope = 64, nope = 128, value = 128;
};

/// Anything bound by memory: norms, activations, rotary embedding, quantising, routing, sampling, copies, optimiser.
struct MemoryOp {
  std::string_view name;  ///< "rmsnorm", "swiglu", "quantise" …: static storage
  Bytes read, written;
  Flops vector_flops;  ///< on the vector units
};

using Kernel = std::variant<Gemm, GroupedGemm, Attention, Mla, MemoryOp>;

/// The work that a kernel must do on any chip: multiply-adds count as two, each tensor is read or written once.
struct Work {
  Flops flops;
  Bytes read, written;
  DataType type = DataType::bf16;  ///< which peak the flops run at
};
Work work(const Kernel&);

/// "gemm bf16 4096 x 7168 x 2048": for timelines, tables and messages.
std::string to_string(const Kernel&);

/// The share of (query, context) pairs that causal masking and the window leave, times query x context.
double attended_pairs(double query, double context, bool causal, double window);

}  // namespace podium
