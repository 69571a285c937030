#include <fmt/format.h>
#include <gtest/gtest.h>

#include <iostream>

#include "sim/calibration/kernel_fit.h"
#include "tests/core/measured_rows.h"

/// Attention by tiles against measured rows. Whole shapes (heads, widths, sequences) are left out of a fit in turn and
/// predicted by it; the figures in configs/calibration are fitted to all rows, in the same way.
namespace podium {
namespace {

using test::number;
using test::Row;

struct AttentionStack {
  std::string chip, stack, kind;
  std::string prefill_file, decode_file;
  double prefill_bound, decode_bound;  ///< of the mean absolute error in percent
};

constexpr std::size_t every = 9;  ///< of TensorRT-LLM's rows one is fitted, so that the test is quick

double either(const Row& row, const std::string& one, const std::string& other) {
  return number(row, row.contains(one) ? one : other);
}

/// New tokens and all that they see; TensorRT-LLM counts what was there before a decoded token.
template <class Shape>
void set_lengths(Shape& shape, const Row& row) {
  const bool prefill = shape.phase == AttentionPhase::prefill;
  if (row.contains("q_len")) {
    shape.query = number(row, "q_len");
    shape.context = number(row, "kv_len");
  } else if (row.contains("seq_or_kv_len")) {
    shape.context = number(row, "seq_or_kv_len");
    shape.query = prefill ? shape.context : 1;
  } else {
    shape.context = prefill ? number(row, "seq_len") : number(row, "kv_len") + 1;
    shape.query = prefill ? shape.context : 1;
  }
}

Kernel kernel_of(const Row& row, const std::string& kind, AttentionPhase phase) {
  const auto type = [&row](const std::string& column) {
    return row.contains(column) ? parse_data_type(row.at(column)) : DataType::bf16;
  };
  const double batch = either(row, "batch", "batch_size"), heads = either(row, "q_heads", "num_heads");
  if (kind == "mla") {
    Mla mla{phase, type("mla_dtype"), type("kv_cache_dtype"), batch, heads};
    set_lengths(mla, row);
    return mla;
  }
  Attention attention{phase, type("attn_dtype"), type("kv_cache_dtype"), batch, heads, number(row, "kv_heads")};
  attention.head_dim = number(row, "head_dim");
  attention.window = row.contains("window_size") ? number(row, "window_size") : 0;
  set_lengths(attention, row);
  return attention;
}

/// Rows of one phase; files that hold both say it in a column.
void add_rows(std::vector<MeasuredKernel>& rows, const AttentionStack& stack, AttentionPhase phase) {
  const bool prefill = phase == AttentionPhase::prefill;
  for (const Row& row : test::read_rows(prefill ? stack.prefill_file : stack.decode_file)) {
    const std::string name = row.contains("phase") ? row.at("phase") : row.contains("op") ? row.at("op") : "";
    if (!name.empty() && (name == "prefill" || name == "attention_context") != prefill) {
      continue;
    }
    if (row.contains("backend") && row.at("backend") != "cudnn") {
      continue;
    }
    const bool in_seconds = row.contains("seconds");
    rows.push_back({kernel_of(row, stack.kind, phase),
                    Seconds(number(row, in_seconds ? "seconds" : "latency_us") * (in_seconds ? 1 : 1e-6))});
  }
}

std::vector<MeasuredKernel> some_of(const std::vector<MeasuredKernel>& rows) {
  std::vector<MeasuredKernel> some;
  for (std::size_t i = 0; i < rows.size(); i += rows.size() < 2000 ? 1 : every) {
    some.push_back(rows[i]);
  }
  return some;
}

void expect_within(const ErrorsByType& errors, const AttentionStack& stack, std::string_view which) {
  for (const auto& [name, error] : errors) {
    std::cout << fmt::format("{:12} {:13} {:24} {:7} {:6} rows {:5.1f} %, p90 {:5.1f} %, bias {:+5.1f} %\n", stack.chip,
                             stack.stack, name, which, error.rows, 100 * error.mean, 100 * error.p90, 100 * error.bias);
    const bool prefill = name.find("prefill") != std::string::npos;
    EXPECT_LE(100 * error.mean, prefill ? stack.prefill_bound : stack.decode_bound)
        << stack.chip << ", " << name << ", " << which;
  }
}

TEST(AttentionValidation, IsAsFarFromMeasuredKernelsAsStated) {
  if (const std::string why = test::missing_data(); !why.empty()) {
    GTEST_SKIP() << why;
  }
  const std::string own = "measured/h100-sxm/attention.csv", cann = "kernels/ascend910b_attention.csv";
  const auto trtllm = [](const std::string& chip, const std::string& kind) {
    const std::string place = fmt::format("kernels/aic_{}_{}", chip, kind);
    return std::pair{place + "_prefill.csv", place + "_decode.csv"};
  };
  std::vector<AttentionStack> stacks{{"h100-sxm", "cublas", "attention", own, own, 4, 5},
                                     {"ascend-910b", "cann", "attention", cann, cann, 9, 12}};
  for (const auto& [chip, file, kind, prefill, decode] :
       {std::tuple{"h100-sxm", "h100_sxm", "attention", 11.0, 18.0},
        std::tuple{"gb200", "gb200", "attention", 10.5, 11.0}, std::tuple{"h100-sxm", "h100_sxm", "mla", 8.0, 10.0},
        std::tuple{"gb200", "gb200", "mla", 10.0, 11.0}}) {
    const auto files = trtllm(file, kind == std::string("mla") ? "mla" : "attn");
    stacks.push_back({chip, "tensorrt-llm", kind, files.first, files.second, prefill, decode});
  }
  for (const AttentionStack& stack : stacks) {
    const ChipSpec chip = load_chip(stack.chip);
    AttentionFigures figures = load_attention(stack.kind, stack.chip, stack.stack).value();
    std::vector<MeasuredKernel> rows;
    add_rows(rows, stack, AttentionPhase::prefill);
    add_rows(rows, stack, AttentionPhase::decode);
    const KernelTimer time = attention_time(chip, figures);
    expect_within(errors_of(rows, time), stack, "all");
    expect_within(fit_kernels(some_of(rows), parameters_of(figures), time, 3).unseen, stack, "unseen");
  }
}

TEST(MemoryValidation, PredictsUnseenShapesWithin8Percent) {
  if (const std::string why = test::missing_data(); !why.empty()) {
    GTEST_SKIP() << why;
  }
  const ChipSpec chip = load_chip("h100-sxm");
  MemoryFigures figures = load_memory("h100-sxm", "cublas").value();
  const auto rows = measured_kernels(load_table(test::data_folder() + "/measured/h100-sxm/memory.csv"), "memory");
  constexpr int folds = 9;
  const KernelFit fit = fit_kernels(rows, parameters_of(figures), memory_time(chip, figures), folds);
  for (const auto& [name, error] : fit.unseen) {
    std::cout << fmt::format("{:24} {:6} rows {:5.1f} %\n", name, error.rows, 100 * error.mean);
    EXPECT_LE(100 * error.mean, 8.0) << name;
  }
}

}  // namespace
}  // namespace podium
