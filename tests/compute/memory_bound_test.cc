#include "sim/compute/memory_bound.h"

#include <gtest/gtest.h>

#include "sim/compute/tiled.h"

namespace podium {
namespace {

/// A chip and figures of which one term at a time is made to matter.
struct MemoryBench {
  ChipSpec chip = load_chip("h100-sxm");
  MemoryFigures figures;

  MemoryBench() {
    figures.resident = 1e-6;
    figures.cache_bandwidth = 1e24;
  }
  double time(const MemoryOp& kernel, Conditions conditions = Conditions::running) const {
    return memory_cost(kernel, chip, figures, {}, conditions).time.value();
  }
};

MemoryOp softmax(double rows, double columns) {
  const Bytes tensor(2 * rows * columns);
  return {"softmax", tensor, tensor, Flops(0), columns};
}

TEST(MemoryBound, StreamsLargeTensorsAtTheMemorysBandwidth) {
  MemoryBench bench;
  bench.figures.memory = 0.9;
  const MemoryOp copy{"copy", Bytes(1e9), Bytes(1e9), Flops(0)};
  const double expected = 2e9 / (0.9 * bench.chip.memory_bandwidth.value());
  EXPECT_NEAR(bench.time(copy), expected, 1e-9 * expected);
  bench.figures.start = 1e-6;
  bench.figures.latency = 2e-6;
  EXPECT_NEAR(bench.time(copy), expected + 3e-6, 1e-9 * expected);
}

TEST(MemoryBound, FindsInTheCacheWhatTheMeasurementTookInTurn) {
  MemoryBench bench;
  bench.figures.resident = 1;
  const MemoryOp copy{"copy", 0.1 * bench.chip.cache_size, 0.1 * bench.chip.cache_size, Flops(0)};
  const double alone = bench.time(copy, Conditions::measured);
  bench.figures.in_turn = 64;
  EXPECT_GT(bench.time(copy, Conditions::measured), 10 * alone);
  EXPECT_DOUBLE_EQ(bench.time(copy), alone);
}

TEST(MemoryBound, GoesThroughARowColumnByColumnHoweverFewRowsThereAre) {
  MemoryBench bench;
  bench.figures.operations["softmax"] = {1e-9, 1e24, 0};
  EXPECT_NEAR(bench.time(softmax(1, 8192)), 8192e-9, 1e-12);
  EXPECT_NEAR(bench.time(softmax(2, 8192)), 8192e-9, 1e-12);
  bench.figures.operations["softmax"].column = 0;
  EXPECT_LT(bench.time(softmax(1, 8192)), 1e-7);
}

TEST(MemoryBound, ReadsAgainWhatOfARowDoesNotStayNearTheCore) {
  MemoryBench bench;
  bench.figures.operations["softmax"] = {0, 1e12, 4e12};
  bench.figures.near = 4096;
  const auto again = [&](double columns) {
    const MemoryOp kernel = softmax(4096, columns);
    return bench.time(kernel) - 2 * kernel.read.value() / bench.chip.memory_bandwidth.value();
  };
  const auto read = [](double columns) { return 2 * 4096 * columns; };
  EXPECT_NEAR(again(4096), read(4096) / 1e12 / 2, 1e-12);
  EXPECT_NEAR(again(8192), read(8192) / 1e12 * 4 / 5, 1e-12);
  bench.figures.long_row = 4096;
  EXPECT_NEAR(again(8192), read(8192) / 4e12 * 4 / 5, 1e-12);
}

TEST(MemoryBound, BelongsToTheModelOfTheChipsThatWereMeasured) {
  EXPECT_EQ(load_tiled("h200-sxm").memory_bound->operations.size(), load_memory("h100-sxm", "")->operations.size());
  EXPECT_FALSE(load_tiled("gb200").memory_bound);
}

}  // namespace
}  // namespace podium
