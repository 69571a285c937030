#include "sim/compute/carry_over.h"

#include <gtest/gtest.h>

#include "tests/compute/kernels.h"

namespace podium {
namespace {

TEST(CarryOver, GivesAnH200TheTriadThatWasPublished) {
  const ChipSpec h100 = load_chip("h100-sxm"), h200 = load_chip("h200-sxm");
  const double own = load_tiled_for(h200).memory * h200.memory_bandwidth.value();
  EXPECT_NEAR(own / (load_tiled_for(h100).memory * h100.memory_bandwidth.value()), 4.15 / 2.97, 0.002);
}

TEST(CarryOver, ChangesNothingBetweenEqualDataSheets) {
  const ChipSpec from = load_chip("h100-sxm"), to = load_chip("h800-sxm");
  const TiledFigures before = load_tiled("h100-sxm"), after = carried_over(before, from, to);
  EXPECT_DOUBLE_EQ(after.memory, before.memory);
  EXPECT_DOUBLE_EQ(after.types.at(DataType::bf16).sustained, before.types.at(DataType::bf16).sustained);
  EXPECT_DOUBLE_EQ(after.grouped->memory, before.grouped->memory);
}

TEST(CarryOver, SlowsTheSustainedRateByLessThanThePower) {
  const ChipSpec from = load_chip("gb200"), to = load_chip("b200-sxm");
  const double before = load_tiled("gb200").of(DataType::bf16).sustained * from.peak(DataType::bf16).value();
  const double after = load_tiled_for(to).of(DataType::bf16).sustained * to.peak(DataType::bf16).value();
  EXPECT_LT(after, before);
  // published best rates (stas00/ml-engineering): 1,745 against 1,822 TFLOP/s
  EXPECT_NEAR(after / before, 1745.0 / 1822, 0.03);
}

TEST(CarryOver, DependsOnTheDataSheetAndNotOnTheName) {
  const ChipSpec from = load_chip("h100-sxm"), to = load_chip("h200-sxm");
  ChipSpec renamed = to;
  renamed.name = "mine";
  EXPECT_DOUBLE_EQ(carried_over(load_tiled("h100-sxm"), from, renamed).memory, load_tiled_for(to).memory);
}

TEST(CarryOver, MakesAnH200NoSlowerThanAnH100AndGainsNoMoreThanTheMemory) {
  const ChipSpec h100 = load_chip("h100-sxm"), h200 = load_chip("h200-sxm");
  const double most = h200.memory_bandwidth / h100.memory_bandwidth;
  const auto slow = tiled_model(load_tiled_for(h100), Conditions::running);
  const auto fast = tiled_model(load_tiled_for(h200), Conditions::running);
  for (const double scale : {0.1, 1.0, 16.0}) {
    for (const Kernel& kernel : test::kernels(DataType::bf16, scale)) {
      const double gain = slow->cost(kernel, h100, {}).time / fast->cost(kernel, h200, {}).time;
      EXPECT_GE(gain, 1 - 1e-9) << to_string(kernel);
      EXPECT_LE(gain, most) << to_string(kernel);
    }
  }
}

TEST(CarryOver, ReachesExpertsToo) {
  EXPECT_LT(load_experts_for(load_chip("h200-sxm"))->memory, load_experts("h100-sxm")->memory);
  EXPECT_EQ(load_experts_for(load_chip("b200-sxm"))->memory, load_experts("gb200")->memory);
  EXPECT_FALSE(load_experts_for(load_chip("ascend-950dt")).has_value());
}

}  // namespace
}  // namespace podium
