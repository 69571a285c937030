#include <gtest/gtest.h>

#include "sim/compute/compute_model.h"

namespace podium {
namespace {

using namespace literals;

struct RooflineTest : testing::Test {
  ChipSpec chip;
  std::unique_ptr<ComputeModel> model;

  RooflineTest() {
    chip.name = "test";
    chip.matrix_peak = {{DataType::bf16, 100_TFLOPs}, {DataType::int8, 200_TFLOPs}};
    chip.vector_peak = 10_TFLOPs;
    chip.matrix_cores = 10;
    chip.vector_cores = 20;
    chip.memory_bandwidth = 1000_GBps;
    for (const KernelFamily family : all_kernel_families()) {
      for (const DataType type : {DataType::bf16, DataType::int8, DataType::w8a8}) {
        chip.achieved[family][type] = {0.8, 0.5, 3_us};
      }
    }
    chip.achieved[KernelFamily::memory][DataType::bf16] = {0.4, 0.25, 2_us};
    model = ComputeModels::find("roofline")(chip);
  }

  Cost cost(const Kernel& kernel, CoreShare share = {}) const { return model->cost(kernel, chip, share); }
};

const Kernel square = Gemm{DataType::bf16, 8192, 8192, 8192, 1};
const Kernel thin = Gemm{DataType::bf16, 1, 8192, 8192, 1};

TEST_F(RooflineTest, TakesFlopsOverWhatThePeakAchieves) {
  const Cost one = cost(square);
  EXPECT_EQ(one.bound, Bound::compute);
  EXPECT_DOUBLE_EQ(one.time.value(), 3e-6 + 2.0 * 8192 * 8192 * 8192 / (0.8 * 100e12));
  EXPECT_EQ(one.launch, 3_us);
}

TEST_F(RooflineTest, TakesBytesOverWhatTheMemoryAchieves) {
  const Cost one = cost(thin);
  EXPECT_EQ(one.bound, Bound::memory);
  EXPECT_DOUBLE_EQ(one.time.value(), 3e-6 + 2.0 * (8192.0 * 8192 + 8192 + 8192) / (0.5 * 1000e9));
}

TEST_F(RooflineTest, NamesTheLaunchWhereTheRestIsShorter) {
  EXPECT_EQ(cost(Gemm{DataType::bf16, 1, 64, 64, 1}).bound, Bound::launch);
}

TEST_F(RooflineTest, SharesTheCoresButNotTheMemory) {
  const CoreShare half{0.5, 1};
  EXPECT_DOUBLE_EQ((cost(square, half).time - 3_us).value(), 2 * (cost(square).time - 3_us).value());
  EXPECT_EQ(cost(thin, half).time, cost(thin).time);
}

TEST_F(RooflineTest, RunsMemoryOpsOnTheVectorUnits) {
  const MemoryOp heavy{"exp", Bytes(10), Bytes(10), Flops(1e9)};
  EXPECT_DOUBLE_EQ(cost(heavy).time.value(), 2e-6 + 1e9 / (0.4 * 10e12));
  EXPECT_EQ(cost(heavy, {0.5, 1}).time, cost(heavy).time);
  EXPECT_GT(cost(heavy, {1, 0.5}).time, cost(heavy).time);
  chip.vector_cores = 0;  // the matrix cores do the vector work
  EXPECT_GT(cost(heavy, {0.5, 1}).time, cost(heavy).time);
  EXPECT_EQ(cost(heavy, {1, 0.5}).time, cost(heavy).time);
}

TEST_F(RooflineTest, QuantisesBeforeItMultiplies) {
  const double m = 4096, n = 512, k = 8192;
  const Seconds plain = cost(Gemm{DataType::int8, m, n, k, 1}).time;
  const Seconds dynamic = cost(Gemm{DataType::w8a8, m, n, k, 1}).time;
  EXPECT_DOUBLE_EQ((dynamic - plain).value(), m * k * (2 + 1) / (0.25 * 1000e9));
}

TEST_F(RooflineTest, RefusesNoCores) {
  EXPECT_THROW(cost(square, {0, 1}), Bug);
  EXPECT_THROW(cost(square, {1, 1.5}), Bug);
}

}  // namespace
}  // namespace podium
