#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "sim/compute/kernel.h"
#include "tests/core/measured_rows.h"

/// Rows of published measurements, and the kernels that they timed.
namespace podium::test {

using Kernels = std::vector<Kernel>;

inline double measured_seconds(const Row& row, const std::string& column) {
  const double unit = column == "seconds" ? 1 : column.ends_with("_us") ? 1e-6 : 1e-3;
  return number(row, column) * unit;
}

/// `bytes` in `count` kernels.
inline void prepend(Kernels& kernels, double bytes, int count) {
  for (int i = 0; i < count; ++i) {
    kernels.insert(kernels.begin(), MemoryOp{"prepare", Bytes(bytes / count), Bytes(0), Flops(0)});
  }
}

/// What TensorRT-LLM's low-precision GEMMs do first: the largest value of the tensor, a scale, the quantising (fp8); or
/// the quantising alone with a scale a block.
inline void prepend_quantising(Kernels& kernels, DataType type, double elements) {
  if (type == DataType::fp8) {
    prepend(kernels, elements * (2 + 2 + 1), 4);
  } else if (type == DataType::fp8_block || type == DataType::nvfp4) {
    prepend(kernels, elements * (2 + size_of(type).value()), type == DataType::nvfp4 ? 2 : 1);
  }
}

inline auto gemm_rows(DataType type, bool quantises, bool large_only) {
  return [=](const Row& row) -> std::optional<Kernels> {
    const double m = number(row, "m"), n = number(row, "n"), k = number(row, "k");
    if (parse_data_type(row.at("dtype")) != type || (large_only && (n < 1024 || k < 512))) {
      return std::nullopt;
    }
    Kernels kernels{Gemm{type, m, n, k, 1}};
    if (quantises) {
      prepend_quantising(kernels, type, m * k);
    }
    return kernels;
  };
}

/// A kernel of its own there: the quantising is another.
inline std::optional<Kernels> in_situ_int8_row(const Row& row) {
  if (parse_data_type(row.at("dtype")) != DataType::w8a8) {
    return std::nullopt;
  }
  return Kernels{Gemm{DataType::int8, number(row, "m"), number(row, "n"), number(row, "k"), 1}};
}

inline std::optional<Kernels> grouped_row(const Row& row) {
  const double experts = number(row, "experts");
  return Kernels{GroupedGemm{DataType::bf16, experts, experts * number(row, "tokens_per_expert"), number(row, "n"),
                             number(row, "k"), 0}};
}

/// One rank's share of a layer's experts, balanced: permutation, up, activation, down, sum.
inline auto moe_rows(const std::string& type_column, DataType type, const std::string& kernel_source,
                     double least_hidden) {
  return [=](const Row& row) -> std::optional<Kernels> {
    const bool is_aic = row.count("moe_ep_size") > 0;
    if (is_aic && (row.at("distribution") != "balanced" || row.at("kernel_source") != kernel_source)) {
      return std::nullopt;
    }
    const std::string& name = row.at(type_column);
    if (name.starts_with("w4a8") || parse_data_type(name) != type) {
      return std::nullopt;
    }
    const double tokens = number(row, "num_tokens"), hidden = number(row, "hidden_size");
    const double ep = number(row, is_aic ? "moe_ep_size" : "ep_size"), tp = is_aic ? number(row, "moe_tp_size") : 1;
    const double rows = tokens * number(row, "topk") / ep, ffn = number(row, "inter_size") / tp;
    if (rows < 1 || hidden < least_hidden || ffn < 1024) {
      return std::nullopt;
    }
    const double experts = number(row, "num_experts") / ep, size = size_of(type).value();
    return Kernels{MemoryOp{"permute", Bytes(rows * hidden * 2), Bytes(rows * hidden * size), Flops(0)},
                   GroupedGemm{type, experts, rows, 2 * ffn, hidden, 0},
                   MemoryOp{"activation", Bytes(rows * 2 * ffn * 2), Bytes(rows * ffn * size), Flops(0)},
                   GroupedGemm{type, experts, rows, hidden, ffn, 0},
                   MemoryOp{"sum", Bytes(rows * hidden * 2), Bytes(tokens * hidden * 2), Flops(0)}};
  };
}

/// TensorRT-LLM: rotary embedding and cache write come with it. Heads of 128, no window, at most 16 queries a KV head.
inline auto attention_rows(AttentionPhase phase, DataType type) {
  return [=](const Row& row) -> std::optional<Kernels> {
    const bool prefill = phase == AttentionPhase::prefill;
    const double tokens = number(row, prefill ? "seq_len" : "kv_len");
    Attention attention{phase, type, prefill ? type : DataType::bf16};
    attention.batch = number(row, "batch_size");
    attention.query_heads = number(row, "num_heads");
    attention.kv_heads = number(row, "kv_heads");
    attention.head_dim = number(row, "head_dim");
    attention.query = prefill ? tokens : 1;
    attention.context = prefill ? tokens : tokens + 1;
    if (parse_data_type(row.at("attn_dtype")) != type || parse_data_type(row.at("kv_cache_dtype")) != type ||
        attention.head_dim != 128 || number(row, "window_size") != 0 || tokens < 127 ||
        attention.query_heads > 16 * attention.kv_heads) {
      return std::nullopt;
    }
    const double elements =
        attention.batch * attention.query * (attention.query_heads + 2 * attention.kv_heads) * attention.head_dim;
    Kernels kernels{attention};
    prepend(kernels, elements * (2 + size_of(type).value()), 1);
    return kernels;
  };
}

inline auto mla_rows(AttentionPhase phase, DataType type) {
  return [=](const Row& row) -> std::optional<Kernels> {
    const bool prefill = phase == AttentionPhase::prefill;
    const double tokens = number(row, prefill ? "seq_len" : "kv_len");
    Mla mla{phase, type, type};
    mla.batch = number(row, "batch_size");
    mla.heads = number(row, "num_heads");
    mla.query = prefill ? tokens : 1;
    mla.context = prefill ? tokens : tokens + 1;
    if (parse_data_type(row.at("kv_cache_dtype")) != type || mla.heads < 16 || tokens < 127) {
      return std::nullopt;
    }
    Kernels kernels{mla};
    const double width = mla.heads * (mla.nope + mla.rope) + mla.latent + mla.rope;
    prepend(kernels, prefill ? mla.batch * mla.query * width * 2 * 2 : 0, 1);
    return kernels;
  };
}

/// PyTorch's flash and cuDNN back ends: rows of one shape, of which the faster counts.
inline auto own_attention_rows(const std::string& phase) {
  return [=](const Row& row) -> std::optional<Kernels> {
    if (row.at("phase") != phase) {
      return std::nullopt;
    }
    Attention attention;
    attention.phase = phase == "prefill" ? AttentionPhase::prefill : AttentionPhase::decode;
    attention.batch = number(row, "batch");
    attention.query_heads = number(row, "q_heads");
    attention.kv_heads = number(row, "kv_heads");
    attention.query = number(row, "q_len");
    attention.context = number(row, "kv_len");
    attention.head_dim = number(row, "head_dim");
    return Kernels{attention};
  };
}

inline auto ascend_attention_rows(AttentionPhase phase) {
  return [=](const Row& row) -> std::optional<Kernels> {
    const bool prefill = phase == AttentionPhase::prefill;
    if (row.at("op") != (prefill ? "attention_context" : "attention_generation")) {
      return std::nullopt;
    }
    Attention attention;
    attention.phase = phase;
    attention.batch = number(row, "batch_size");
    attention.query_heads = number(row, "num_heads");
    attention.kv_heads = number(row, "kv_heads");
    attention.head_dim = number(row, "head_dim");
    attention.context = number(row, "seq_or_kv_len");
    attention.query = prefill ? attention.context : 1;
    return Kernels{attention};
  };
}

inline auto memory_rows(const std::string& operation) {
  return [=](const Row& row) -> std::optional<Kernels> {
    if (row.at("op") != operation) {
      return std::nullopt;
    }
    return Kernels{MemoryOp{"memory", Bytes(number(row, "bytes")), Bytes(0), Flops(0)}};
  };
}

/// The absorbed up-projections of MLA, a product a head.
inline std::optional<Kernels> mla_bmm_row(const Row& row) {
  if (row.at("bmm_dtype") != "bfloat16") {
    return std::nullopt;
  }
  const bool pre = row.at("op_name") == "mla_gen_pre";
  return Kernels{Gemm{DataType::bf16, number(row, "num_tokens"), pre ? 512.0 : 128.0, pre ? 128.0 : 512.0,
                      number(row, "num_heads")}};
}

/// A projection of Llama 2 70B as vidur measured it, `n` and `k` split over tensor parallelism.
inline auto vidur_rows(const std::string& what) {
  return [=](const Row& row) -> std::optional<Kernels> {
    const double tp = number(row, "num_tensor_parallel_workers"), hidden = number(row, "n_embd");
    const double heads = number(row, "n_head"), kv_heads = std::max(number(row, "n_kv_head"), tp);
    const double ffn = number(row, "n_expanded_embd") / tp;
    const double qkv = hidden / heads * (heads + 2 * kv_heads) / tp;
    const std::map<std::string, std::pair<double, double>> shapes{{"attn_pre_proj_ms", {qkv, hidden}},
                                                                  {"attn_post_proj_ms", {hidden, hidden / tp}},
                                                                  {"mlp_up_proj_ms", {2 * ffn, hidden}},
                                                                  {"mlp_down_proj_ms", {hidden, ffn}}};
    const auto [n, k] = shapes.at(what);
    return Kernels{Gemm{DataType::bf16, number(row, "num_tokens"), n, k, 1}};
  };
}

}  // namespace podium::test
