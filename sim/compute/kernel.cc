#include "sim/compute/kernel.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <initializer_list>

#include "sim/core/text.h"

namespace podium {
namespace {

void check_counts(std::initializer_list<double> counts) {
  for (const double count : counts) {
    PODIUM_CHECK(std::isfinite(count) && count >= 0, "the counts of a kernel are finite and not negative");
  }
}

/// Results are accumulated in fp32 and stored in bf16, or kept in 32 bits where the operands have them.
Bytes result_size(DataType type) {
  return type == DataType::fp32 || type == DataType::tf32 ? size_of(DataType::fp32) : size_of(DataType::bf16);
}

/// A product of `rows` x k by k x n with `weights` elements of B.
Work product(DataType type, double rows, double n, double k, double weights) {
  Work result;
  result.type = type;
  result.flops = Flops(2 * rows * n * k);
  result.read = (rows * k + weights) * size_of(type);
  result.written = rows * n * result_size(type);
  if (type == DataType::w8a8) {
    const Bytes original = rows * k * size_of(DataType::bf16);
    const Bytes quantised = rows * k * size_of(DataType::int8);
    result.read += original;
    result.written += quantised;
    result.quantising = original + quantised;
  }
  return result;
}

Work work_of(const Gemm& gemm) {
  check_counts({gemm.m, gemm.n, gemm.k, gemm.batch});
  Work result = product(gemm.type, gemm.batch * gemm.m, gemm.n, gemm.k, gemm.batch * gemm.n * gemm.k);
  if (gemm.sum > Bytes()) {
    result.written = gemm.batch * gemm.m * gemm.n * gemm.sum;
    result.read += result.written;
  }
  return result;
}

Work work_of(const GroupedGemm& gemm) {
  check_counts({gemm.groups, gemm.rows, gemm.n, gemm.k, gemm.touched});
  const double touched = touched_experts(gemm);
  Work result = product(gemm.type, gemm.rows, gemm.n, gemm.k, touched * gemm.n * gemm.k);
  if (gemm.sum > Bytes()) {
    result.written = touched * gemm.n * gemm.k * gemm.sum;
    result.read = gemm.rows * (gemm.n + gemm.k) * size_of(gemm.type) + result.written;
  }
  return result;
}

Work work_of(const Attention& attention) {
  check_counts({attention.batch, attention.query_heads, attention.kv_heads, attention.query, attention.context,
                attention.head_dim, attention.window});
  const double queries = attention.batch * attention.query * attention.query_heads * attention.head_dim;
  const double pairs = attended_pairs(attention.query, attention.context, attention.causal, attention.window);
  // with a window, the first new token reaches back furthest
  const double reach = attention.window > 0 ? attention.window + std::max(attention.query - 1, 0.0) : attention.context;
  const double seen = std::min(attention.context, reach);
  const double cached = attention.batch * seen * attention.kv_heads * attention.head_dim;
  Work result;
  result.type = attention.type;
  // scores, then sums of the values
  result.flops = Flops(2 * 2 * attention.batch * attention.query_heads * pairs * attention.head_dim);
  result.read = queries * size_of(attention.type) + 2 * cached * size_of(attention.cache_type);
  result.written = queries * result_size(attention.type);
  return result;
}

Work work_of(const Mla& mla) {
  check_counts({mla.batch, mla.heads, mla.query, mla.context, mla.latent, mla.rope, mla.nope, mla.value});
  const double pairs = attended_pairs(mla.query, mla.context, true, 0);
  const double queries = mla.batch * mla.query * mla.heads;
  const bool absorbed = mla.phase == AttentionPhase::decode;
  const double key = (absorbed ? mla.latent : mla.nope) + mla.rope;
  const double sum = absorbed ? mla.latent : mla.value;
  Work result;
  result.type = mla.type;
  result.flops = Flops(2 * mla.batch * mla.heads * pairs * (key + sum));
  result.read = queries * key * size_of(mla.type);
  result.read += absorbed ? mla.batch * mla.context * key * size_of(mla.cache_type)
                          : mla.batch * mla.context * mla.heads * (key + sum) * size_of(mla.type);
  result.written = queries * sum * result_size(mla.type);
  return result;
}

Work work_of(const MemoryOp& operation) {
  check_counts({operation.read.value(), operation.written.value(), operation.vector_flops.value(), operation.columns});
  Work result;
  result.flops = operation.vector_flops;
  result.read = operation.read;
  result.written = operation.written;
  return result;
}

std::string_view to_string(AttentionPhase phase) { return phase == AttentionPhase::prefill ? "prefill" : "decode"; }

std::string text_of(const Gemm& gemm) {
  const std::string shape =
      fmt::format("gemm {} {:.6g} x {:.6g} x {:.6g}", to_string(gemm.type), gemm.m, gemm.n, gemm.k);
  return gemm.batch == 1 ? shape : fmt::format("{}, {:.6g} times", shape, gemm.batch);
}

std::string text_of(const GroupedGemm& gemm) {
  return fmt::format("grouped gemm {} {:.6g} x {:.6g} x {:.6g}, {:.6g} experts", to_string(gemm.type), gemm.rows,
                     gemm.n, gemm.k, gemm.groups);
}

std::string text_of(const Attention& attention) {
  return fmt::format("attention {} {} {:.6g} x {:.6g} of {:.6g} tokens, {:.6g} heads over {:.6g}",
                     to_string(attention.phase), to_string(attention.type), attention.batch, attention.query,
                     attention.context, attention.query_heads, attention.kv_heads);
}

std::string text_of(const Mla& mla) {
  return fmt::format("mla {} {} {:.6g} x {:.6g} of {:.6g} tokens, {:.6g} heads", to_string(mla.phase),
                     to_string(mla.type), mla.batch, mla.query, mla.context, mla.heads);
}

std::string text_of(const MemoryOp& operation) {
  return fmt::format("{} {}", operation.name, to_text(operation.read + operation.written));
}

}  // namespace

double attended_pairs(double query, double context, bool causal, double window) {
  check_counts({query, context, window});
  if (!causal) {
    return query * (window > 0 ? std::min(window, context) : context);
  }
  constexpr double rounding = 1e-9;  // of means
  PODIUM_CHECK(query <= context * (1 + rounding), "new tokens are part of their context");
  const double before = std::max(context - query, 0.0);
  // the i-th new token sees before + i tokens, until that is more than the window
  const double whole = window > 0 ? std::clamp(window - before, 0.0, query) : query;
  return whole * before + whole * (whole + 1) / 2 + (query - whole) * window;
}

double touched_experts(const GroupedGemm& gemm) {
  const double most = std::min(gemm.groups, gemm.rows);
  PODIUM_CHECK(gemm.touched <= most, "no more experts have rows than there are, nor than there are rows");
  return gemm.touched > 0 ? gemm.touched : most;
}

Work work(const Kernel& kernel) {
  return std::visit([](const auto& shape) { return work_of(shape); }, kernel);
}

std::string to_string(const Kernel& kernel) {
  return std::visit([](const auto& shape) { return text_of(shape); }, kernel);
}

}  // namespace podium
