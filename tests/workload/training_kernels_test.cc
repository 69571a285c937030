#include "sim/workload/training_kernels.h"

#include <gtest/gtest.h>

#include "tests/workload/graph_tools.h"
#include "tests/workload/training_examples.h"

namespace podium {
namespace {

using test::test_chip;

constexpr double n = 1000;

/// Bytes that kernels read and write for each of n elements.
double traffic(const std::vector<Kernel>& kernels) {
  Bytes sum;
  for (const Kernel& kernel : kernels) {
    sum += work(kernel).read + work(kernel).written;
  }
  return sum.value() / n;
}

ChipSpec chip(bool transposes) {
  ChipSpec result = test_chip();
  result.transposes_operands = transposes;
  return result;
}

TEST(TrainingKernels, WriteBf16OperandsAsResults) {
  const Operands bf16 = operands(chip(true), DataType::bf16);
  EXPECT_EQ(norm(n, bf16).size(), 1U);
  EXPECT_DOUBLE_EQ(traffic(norm(n, bf16)), 2 + 2);
  EXPECT_TRUE(quantise(n, bf16).empty());
  EXPECT_TRUE(transpose(n, bf16).empty());
}

TEST(TrainingKernels, FindTheLargestElementBeforeTheyQuantiseByTensor) {
  // norm: read and write bf16; the largest: read it; quantise: read it and write the copies
  const Operands one = operands(chip(false), DataType::fp8);
  EXPECT_DOUBLE_EQ(traffic(norm(n, one)), (2 + 2) + 2 + (2 + 1));
  EXPECT_DOUBLE_EQ(traffic(quantise(n, one)), 2 + (2 + 1));
  EXPECT_TRUE(transpose(n, one).empty());
  const Operands two = operands(chip(true), DataType::fp8);
  EXPECT_DOUBLE_EQ(traffic(norm(n, two)), (2 + 2) + 2 + (2 + 2));
  EXPECT_DOUBLE_EQ(traffic(transpose(n, two)), 1 + 1);
}

TEST(TrainingKernels, QuantiseBlocksOnTheWay) {
  for (const DataType type : {DataType::fp8_block, DataType::mxfp8, DataType::mxfp4}) {
    for (const bool transposes : {false, true}) {
      const Operands blocks = operands(chip(transposes), type);
      EXPECT_EQ(norm(n, blocks).size(), 1U);
      EXPECT_DOUBLE_EQ(traffic(norm(n, blocks)), 2 + 2 * size_of(type).value());
      EXPECT_TRUE(transpose(n, blocks).empty()) << "scales run the other way";
    }
  }
}

TEST(TrainingKernels, QuantiseBothHalvesOfAGatedGradient) {
  const FfnShare ffn{{64, 2 * 8}, {8, 64}};
  const double tokens = n / 8;
  // reads both inputs and the gradient, writes two gradients; each is read twice and written narrow
  EXPECT_DOUBLE_EQ(traffic(activation_backward(ffn, tokens, operands(chip(false), DataType::fp8))),
                   (2 + 1) * 2 + 2 * 2 + 2 * (2 + 2 + 1));
}

TEST(TrainingKernels, AddGradientsOfWeightsToTheirSums) {
  TrainingPlan plan = test::small_plan(1, 1, 1);
  const Linear linear{300, 500};
  const double tokens = 700;
  const auto moved = [&] { return work(weight_product(linear, tokens, DataType::fp8, plan)); };
  EXPECT_EQ(moved().flops, work(forward_product(linear, tokens, DataType::fp8)).flops);
  const double operands = tokens * (linear.in + linear.out);
  EXPECT_DOUBLE_EQ(moved().read.value(), operands + 4 * linear.weights());
  EXPECT_DOUBLE_EQ(moved().written.value(), 4 * linear.weights());
  plan.gradient_type = DataType::bf16;
  EXPECT_DOUBLE_EQ(moved().written.value(), 2 * linear.weights());
}

TEST(TrainingKernels, TransposeWhatTensorParallelRanksGather) {
  const auto transposed = [](const ChipSpec& chip, std::uint32_t tp) {
    TrainingPlan plan = test::small_plan(1, 1, 1);
    plan.tp = tp;
    plan.matrix_type = DataType::fp8;
    const ModelSpec model = test::small_model(1);
    Bytes read;
    const TaskGraph step = training_step(model, chip, plan);
    for (const TaskGraph& block : step.blocks()) {
      for (const auto& kernels : block.kernels()) {
        for (const Kernel& kernel : kernels) {
          const auto* op = std::get_if<MemoryOp>(&kernel);
          read += op != nullptr && op->name == "transpose" ? op->read : Bytes();
        }
      }
    }
    return read.value();
  };
  EXPECT_EQ(transposed(chip(true), 1), 0);
  EXPECT_EQ(transposed(chip(false), 2), 0);
  // in one layer's backward pass: inputs of QKV and of the FFN, gradients of the results of both sub-layers
  const TrainingPlan plan = test::small_plan(1, 1, 1);
  EXPECT_DOUBLE_EQ(transposed(chip(true), 2), 4 * plan.micro_batch * plan.sequence * test::small_model(1).hidden * 1);
}

}  // namespace
}  // namespace podium
