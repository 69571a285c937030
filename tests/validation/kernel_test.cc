#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <iostream>
#include <tuple>

#include "sim/compute/compute_model.h"
#include "sim/core/quantile.h"
#include "tests/validation/kernel_rows.h"

/// The roofline against published measured kernels. The figures of the chips' files come from the rows that are
/// marked as fitted (their computing from the large ones alone, see configs/chips/README.md): their errors say how far
/// three figures a family carry, not how well unseen kernels are predicted. The
/// rows are not part of Podium: $PODIUM_DATA, or shared/data beside the source tree, is where they lie.
namespace podium {
namespace {

using namespace test;

struct DataSet {
  std::string name;
  std::string chip;
  std::string file;
  std::string column;                                         ///< of the measured time
  std::function<std::optional<Kernels>(const Row&)> kernels;  ///< nothing: a row of another set
  bool fitted;
  double bound;  ///< of the mean absolute percentage error
};

constexpr auto prefill = AttentionPhase::prefill;
constexpr auto decode = AttentionPhase::decode;
constexpr auto bf16 = DataType::bf16;
constexpr auto fp8 = DataType::fp8;
constexpr auto fp8_block = DataType::fp8_block;
constexpr auto nvfp4 = DataType::nvfp4;
constexpr auto w8a8 = DataType::w8a8;
constexpr bool fitted = true;
constexpr bool unseen = false;

/// This project's own rows: cuBLAS, flash and cuDNN, PyTorch.
std::vector<DataSet> own_h100_sets() {
  const std::string chip = "h100-sxm", folder = "measured/h100-sxm/", time = "seconds";
  std::vector<DataSet> sets{
      {"gemm bf16, cuBLAS", chip, folder + "gemm.csv", time, gemm_rows(bf16, false, false), fitted, 9},
      {"gemm fp8, cuBLAS", chip, folder + "gemm.csv", time, gemm_rows(fp8, false, false), fitted, 10},
      {"grouped gemm bf16", chip, folder + "grouped_gemm.csv", time, grouped_row, fitted, 6},
      {"attention prefill bf16, cuDNN", chip, folder + "attention.csv", time, own_attention_rows("prefill"), fitted,
       14},
      {"attention decode bf16, cuDNN", chip, folder + "attention.csv", time, own_attention_rows("decode"), fitted, 7},
      {"memory add", chip, folder + "memory.csv", time, memory_rows("add"), fitted, 18},
      {"memory copy", chip, folder + "memory.csv", time, memory_rows("copy"), unseen, 31},
      {"memory rmsnorm", chip, folder + "memory.csv", time, memory_rows("rmsnorm"), unseen, 47},
      {"memory softmax", chip, folder + "memory.csv", time, memory_rows("softmax"), unseen, 48}};
  for (const std::string column : {"attn_pre_proj_ms", "attn_post_proj_ms", "mlp_up_proj_ms", "mlp_down_proj_ms"}) {
    sets.push_back({"gemm bf16, vidur " + column, chip, "kernels/vidur_h100_llama2_70b_layer_ops.csv", column,
                    vidur_rows(column), unseen, 19});
  }
  return sets;
}

/// TensorRT-LLM's operators; on the H100, bf16 is fitted to other rows.
std::vector<DataSet> trtllm_h100_sets() {
  const std::string chip = "h100-sxm", folder = "kernels/aic_h100_sxm_", time = "latency_us";
  const std::string cutlass = "moe_torch_flow_cutlass";
  return {
      {"gemm bf16", chip, folder + "gemm.csv", time, gemm_rows(bf16, true, true), unseen, 10},
      {"gemm fp8 + quantise", chip, folder + "gemm.csv", time, gemm_rows(fp8, true, true), unseen, 10},
      {"gemm fp8_block + quantise", chip, folder + "gemm.csv", time, gemm_rows(fp8_block, true, true), fitted, 19},
      {"mla bmm bf16", chip, folder + "mla_bmm.csv", time, mla_bmm_row, unseen, 16},
      {"moe bf16", chip, folder + "moe.csv", time, moe_rows("moe_dtype", bf16, cutlass, 4096), unseen, 16},
      {"moe fp8", chip, folder + "moe.csv", time, moe_rows("moe_dtype", fp8, cutlass, 4096), fitted, 24},
      {"moe fp8_block", chip, folder + "moe.csv", time, moe_rows("moe_dtype", fp8_block, cutlass, 4096), fitted, 11},
      {"attention prefill bf16", chip, folder + "attn_prefill.csv", time, attention_rows(prefill, bf16), unseen, 22},
      {"attention prefill fp8", chip, folder + "attn_prefill.csv", time, attention_rows(prefill, fp8), fitted, 17},
      {"attention decode bf16", chip, folder + "attn_decode.csv", time, attention_rows(decode, bf16), unseen, 17},
      {"mla prefill bf16", chip, folder + "mla_prefill.csv", time, mla_rows(prefill, bf16), fitted, 8},
      {"mla prefill fp8", chip, folder + "mla_prefill.csv", time, mla_rows(prefill, fp8), fitted, 15},
      {"mla decode bf16", chip, folder + "mla_decode.csv", time, mla_rows(decode, bf16), fitted, 10},
      {"mla decode fp8", chip, folder + "mla_decode.csv", time, mla_rows(decode, fp8), fitted, 13}};
}

/// The roofline of Blackwell's products in bf16 is that of sustained load, 10 % under most rows, which are bursts.
std::vector<DataSet> trtllm_gb200_sets() {
  const std::string chip = "gb200", folder = "kernels/aic_gb200_", time = "latency_us";
  const std::string cutlass = "moe_torch_flow_cutlass";
  return {
      {"gemm bf16", chip, folder + "gemm.csv", time, gemm_rows(bf16, true, true), fitted, 14},
      {"gemm fp8 + quantise", chip, folder + "gemm.csv", time, gemm_rows(fp8, true, true), fitted, 14},
      {"gemm fp8_block + quantise", chip, folder + "gemm.csv", time, gemm_rows(fp8_block, true, true), fitted, 14},
      {"gemm nvfp4 + quantise", chip, folder + "gemm.csv", time, gemm_rows(nvfp4, true, true), fitted, 29},
      {"mla bmm bf16", chip, folder + "mla_bmm.csv", time, mla_bmm_row, unseen, 33},
      {"moe bf16", chip, folder + "moe.csv", time, moe_rows("moe_dtype", bf16, cutlass, 4096), fitted, 13},
      {"moe fp8", chip, folder + "moe.csv", time, moe_rows("moe_dtype", fp8, cutlass, 4096), fitted, 16},
      {"moe fp8_block", chip, folder + "moe.csv", time, moe_rows("moe_dtype", fp8_block, "deepgemm", 4096), fitted, 13},
      {"moe nvfp4", chip, folder + "moe.csv", time, moe_rows("moe_dtype", nvfp4, cutlass, 4096), fitted, 22},
      {"attention prefill bf16", chip, folder + "attn_prefill.csv", time, attention_rows(prefill, bf16), fitted, 17},
      {"attention prefill fp8", chip, folder + "attn_prefill.csv", time, attention_rows(prefill, fp8), fitted, 18},
      {"attention decode bf16", chip, folder + "attn_decode.csv", time, attention_rows(decode, bf16), fitted, 9},
      {"mla prefill bf16", chip, folder + "mla_prefill.csv", time, mla_rows(prefill, bf16), fitted, 14},
      {"mla prefill fp8", chip, folder + "mla_prefill.csv", time, mla_rows(prefill, fp8), fitted, 16},
      {"mla decode bf16", chip, folder + "mla_decode.csv", time, mla_rows(decode, bf16), fitted, 13},
      {"mla decode fp8", chip, folder + "mla_decode.csv", time, mla_rows(decode, fp8), fitted, 14}};
}

/// vllm-ascend's operators.
std::vector<DataSet> ascend_sets() {
  const std::string chip = "ascend-910b", die = "ascend-910c-die", folder = "kernels/ascend910b_", time = "latency_us";
  const std::string in_situ = "kernels/ascend_a3_die_gemm_in_situ.csv";
  return {{"gemm bf16", chip, folder + "gemm.csv", time, gemm_rows(bf16, false, true), fitted, 20},
          {"gemm w8a8", chip, folder + "gemm.csv", time, gemm_rows(w8a8, false, true), fitted, 16},
          {"moe bf16", chip, folder + "moe.csv", time, moe_rows("dtype", bf16, "", 2048), fitted, 20},
          {"moe w8a8", chip, folder + "moe.csv", time, moe_rows("dtype", w8a8, "", 2048), fitted, 19},
          {"attention prefill bf16", chip, folder + "attention.csv", time, ascend_attention_rows(prefill), fitted, 23},
          {"attention decode bf16", chip, folder + "attention.csv", time, ascend_attention_rows(decode), fitted, 21},
          {"gemm bf16, inside vLLM", die, in_situ, time, gemm_rows(bf16, false, false), fitted, 12},
          {"gemm int8, inside vLLM", die, in_situ, time, in_situ_int8_row, fitted, 10}};
}

/// Predicted over measured time, less one, of each row; the fastest of the rows that have one shape counts.
std::vector<double> errors(const DataSet& set) {
  const ChipSpec chip = load_chip(set.chip);
  const std::unique_ptr<ComputeModel> model = ComputeModels::find("roofline")(chip);
  std::map<std::string, std::pair<double, double>> times;  // predicted and measured, by shape
  std::size_t count = 0;
  for (const Row& row : read_rows(set.file)) {
    const std::optional<Kernels> kernels = set.kernels(row);
    if (!kernels) {
      continue;
    }
    Seconds predicted;
    std::string shape = row.count("backend") > 0 ? "" : fmt::format("{} ", count++);
    for (const Kernel& kernel : *kernels) {
      predicted += model->cost(kernel, chip, {}).time;
      shape += to_string(kernel);
    }
    const double measured = measured_seconds(row, set.column);
    const auto [place, added] = times.try_emplace(shape, predicted.value(), measured);
    place->second.second = std::min(place->second.second, measured);
  }
  std::vector<double> result;
  for (const auto& [shape, time] : times) {
    result.push_back(time.first / time.second - 1);
  }
  return result;
}

TEST(KernelValidation, RooflineIsAsFarFromMeasuredKernelsAsStated) {
  if (const std::string why = missing_data(); !why.empty()) {
    GTEST_SKIP() << why;
  }
  std::vector<DataSet> sets;
  for (const auto& more : {ascend_sets(), trtllm_gb200_sets(), own_h100_sets(), trtllm_h100_sets()}) {
    sets.insert(sets.end(), more.begin(), more.end());
  }
  std::cout << fmt::format("{:16}{:34}{:>6} {:>7} {:>7} {:>7} {:>7}  {}\n", "chip", "kernels", "rows", "mean %",
                           "p90 %", "bias %", "bound %", "figures");
  for (const DataSet& set : sets) {
    const std::vector<double> found = errors(set);
    ASSERT_FALSE(found.empty()) << set.chip << ", " << set.name;
    std::vector<double> absolute;
    for (const double error : found) {
      absolute.push_back(100 * std::abs(error));
    }
    const double mean_error = mean(absolute);
    std::cout << fmt::format("{:16}{:34}{:6} {:7.1f} {:7.1f} {:+7.1f} {:7.0f}  {}\n", set.chip, set.name, found.size(),
                             mean_error, quantile(absolute, 0.9), 100 * mean(found), set.bound,
                             set.fitted ? "fitted" : "never seen");
    EXPECT_LE(mean_error, set.bound) << set.chip << ", " << set.name;
  }
}

}  // namespace
}  // namespace podium
