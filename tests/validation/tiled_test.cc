#include <fmt/format.h>
#include <gtest/gtest.h>

#include <iostream>

#include "sim/calibration/calibrate.h"
#include "tests/validation/kernel_rows.h"

/// Products by tiles against measured rows, which the figures in configs/calibration were fitted to; the errors on
/// shapes left out of a fit are in those files, and a tenth larger at most.
namespace podium {
namespace {

struct Stack {
  std::string chip, stack, file;
  std::map<DataType, double> bounds;  ///< of the mean absolute error in percent
};

TEST(TiledValidation, IsAsFarFromMeasuredProductsAsStated) {
  if (const std::string why = test::missing_data(); !why.empty()) {
    GTEST_SKIP() << why;
  }
  const std::vector<Stack> stacks{
      {"h100-sxm", "cublas", "measured/h100-sxm/gemm.csv", {{DataType::bf16, 5.2}, {DataType::fp8, 5}}},
      {"h100-sxm",
       "tensorrt-llm",
       "kernels/aic_h100_sxm_gemm.csv",
       {{DataType::bf16, 6.8}, {DataType::fp8, 4.8}, {DataType::fp8_block, 12.5}}},
      {"gb200",
       "tensorrt-llm",
       "kernels/aic_gb200_gemm.csv",
       {{DataType::bf16, 8}, {DataType::fp8, 5.7}, {DataType::fp8_block, 6.5}, {DataType::nvfp4, 4}}},
      {"ascend-910b", "cann", "kernels/ascend910b_gemm.csv", {{DataType::bf16, 11}, {DataType::w8a8, 8}}}};
  for (const Stack& stack : stacks) {
    const TiledFigures figures = load_tiled(stack.chip, stack.stack);
    const auto rows = measured_gemms(load_table(test::data_folder() + "/" + stack.file), figures);
    for (const auto& [type, error] : errors_of(rows, load_chip(stack.chip), figures)) {
      std::cout << fmt::format("{:12} {:13} {:10} {:6} rows {:5.1f} %, p90 {:5.1f} %, bias {:+5.1f} %\n", stack.chip,
                               stack.stack, to_string(type), error.rows, 100 * error.mean, 100 * error.p90,
                               100 * error.bias);
      EXPECT_LE(100 * error.mean, stack.bounds.at(type)) << stack.chip << ", " << to_string(type);
    }
  }
}

}  // namespace
}  // namespace podium
