#include <fmt/format.h>
#include <gtest/gtest.h>

#include <iostream>

#include "sim/calibration/calibrate.h"
#include "tests/validation/kernel_rows.h"

/// Products by tiles against measured rows, which the figures in configs/calibration were fitted to; the errors on
/// shapes left out of a fit are in those files, and a tenth larger at most.
namespace podium {
namespace {

struct ProductStack {
  std::string chip, stack, file;
  std::map<std::string, double> bounds;  ///< of the mean absolute error in percent
};

TEST(TiledValidation, IsAsFarFromMeasuredProductsAsStated) {
  if (const std::string why = test::missing_data(); !why.empty()) {
    GTEST_SKIP() << why;
  }
  const std::vector<ProductStack> stacks{
      {"h100-sxm", "cublas", "measured/h100-sxm/gemm.csv", {{"bf16", 5.2}, {"fp8", 5}}},
      {"h100-sxm", "tensorrt-llm", "kernels/aic_h100_sxm_gemm.csv", {{"bf16", 6.8}, {"fp8", 4.8}, {"fp8_block", 12.5}}},
      {"gb200",
       "tensorrt-llm",
       "kernels/aic_gb200_gemm.csv",
       {{"bf16", 8}, {"fp8", 5.7}, {"fp8_block", 6.5}, {"nvfp4", 4}}},
      {"ascend-910b", "cann", "kernels/ascend910b_gemm.csv", {{"bf16", 11}, {"w8a8", 8}}}};
  for (const ProductStack& stack : stacks) {
    const TiledFigures figures = load_tiled(stack.chip, stack.stack);
    const auto rows = measured_gemms(load_table(test::data_folder() + "/" + stack.file), figures);
    for (const auto& [type, error] : errors_of(rows, load_chip(stack.chip), figures)) {
      std::cout << fmt::format("{:12} {:13} {:10} {:6} rows {:5.1f} %, p90 {:5.1f} %, bias {:+5.1f} %\n", stack.chip,
                               stack.stack, type, error.rows, 100 * error.mean, 100 * error.p90, 100 * error.bias);
      EXPECT_LE(100 * error.mean, stack.bounds.at(type)) << stack.chip << ", " << type;
    }
  }
}

TEST(TiledValidation, IsAsFarFromMeasuredExpertsAsStated) {
  if (const std::string why = test::missing_data(); !why.empty()) {
    GTEST_SKIP() << why;
  }
  const std::vector<ProductStack> stacks{
      {"gb200",
       "tensorrt-llm",
       "kernels/aic_gb200_moe.csv",
       {{"bf16", 12.2}, {"fp8", 11.5}, {"fp8_block", 8.5}, {"nvfp4", 12}, {"nvfp4_hasty", 11.5}, {"mxfp4", 11.8}}},
      {"h100-sxm", "tensorrt-llm", "kernels/aic_h100_sxm_moe.csv", {{"bf16", 16}, {"fp8", 15.5}, {"fp8_block", 10.5}}},
      {"ascend-910b", "cann", "kernels/ascend910b_moe.csv", {{"bf16", 17}, {"w8a8", 11.2}}}};
  for (const ProductStack& stack : stacks) {
    const ExpertFigures figures = *load_experts(stack.chip);
    const auto rows = measured_experts(load_table(test::data_folder() + "/" + stack.file), figures);
    const TiledFigures products = load_tiled(stack.chip, stack.stack);
    for (const auto& [type, error] : errors_of(rows, load_chip(stack.chip), products, figures)) {
      std::cout << fmt::format("{:12} experts       {:11} {:6} rows {:5.1f} %, p90 {:5.1f} %, bias {:+5.1f} %\n",
                               stack.chip, type, error.rows, 100 * error.mean, 100 * error.p90, 100 * error.bias);
      EXPECT_LE(100 * error.mean, stack.bounds.at(type)) << stack.chip << ", " << type;
    }
  }
}

}  // namespace
}  // namespace podium
