#include "sim/compute/tiled.h"

#include <gtest/gtest.h>

#include <cmath>

namespace podium {
namespace {

/// A chip and figures of which one term at a time is made to matter.
struct ProductBench {
  ChipSpec chip = load_chip("h100-sxm");
  TiledFigures figures = load_tiled("h100-sxm");

  ProductBench() {
    TiledType type;
    type.store_bandwidth = 1e24;
    type.tiles = {{128, 128}};
    figures.types = {{DataType::bf16, type}};
    figures.start = 1e-6;
    figures.memory = 1;
    figures.cache_bandwidth = figures.sum_bandwidth = 1e24;
    figures.activations_resident = figures.split_start = 0;
    chip.memory_bandwidth = BytesPerSecond(1e24);
  }
  double busy(double m, double n, double k) const {
    return tiled_cost(Gemm{DataType::bf16, m, n, k, 1}, chip, figures, {}, Conditions::running).time.value() -
           figures.start;
  }
};

TEST(Tiled, TakesAsLongForATileAsForAWholeWaveOfThem) {
  const ProductBench bench;
  const double one = bench.busy(128, 128, 4096);
  const double core = bench.chip.peak(DataType::bf16).value() / bench.chip.matrix_cores;
  EXPECT_NEAR(one, 2 * 128.0 * 128 * 4096 / core, 1e-9 * one);
  EXPECT_DOUBLE_EQ(bench.busy(128.0 * bench.chip.matrix_cores, 128, 4096), one);
  EXPECT_DOUBLE_EQ(bench.busy(128.0 * bench.chip.matrix_cores + 1, 128, 4096), 2 * one);
}

TEST(Tiled, SplitsTheLoopWhereTilesAreFewAndTheSumIsCheap) {
  ProductBench bench;
  const double whole = bench.busy(128, 128, 4096);
  bench.figures.types.at(DataType::bf16).most_splits = 4;
  EXPECT_NEAR(bench.busy(128, 128, 4096), whole / 4, 1e-9 * whole);
  bench.figures.split_start = whole;
  EXPECT_DOUBLE_EQ(bench.busy(128, 128, 4096), whole);
}

TEST(Tiled, ChoosesTheFastestTileEitherWayRound) {
  ProductBench bench;
  const double square = bench.busy(64, 128.0 * bench.chip.matrix_cores, 4096);
  bench.figures.types.at(DataType::bf16).tiles.push_back({128, 64});
  EXPECT_NEAR(bench.busy(64, 128.0 * bench.chip.matrix_cores, 4096), square / 2, 1e-9 * square);
}

TEST(Tiled, HoldsAllCoresTogetherToWhatThePowerSustains) {
  ProductBench bench;
  bench.figures.types.at(DataType::bf16).sustained = 0.5;
  const double core = bench.chip.peak(DataType::bf16).value() / bench.chip.matrix_cores;
  const double tile = 2 * 128.0 * 128 * 4096 / core;
  EXPECT_NEAR(bench.busy(128.0 * bench.chip.matrix_cores, 128, 4096), 2 * tile, 1e-9 * tile);
  EXPECT_NEAR(bench.busy(128.0 * bench.chip.matrix_cores / 2, 128, 4096), tile, 1e-9 * tile) << "half the cores";
  EXPECT_NEAR(bench.busy(128, 128, 4096), tile, 1e-9 * tile) << "one core";
}

TEST(Tiled, LetsShortProductsRunAheadOfThePowerLimitOnAChipThatWasIdle) {
  ProductBench bench;
  TiledType& type = bench.figures.types.at(DataType::bf16);
  type.sustained = 0.5;
  type.burst = 0.8;
  const Gemm gemm{DataType::bf16, 4096, 128.0 * bench.chip.matrix_cores, 4096, 1};
  const double at_peak = (work(gemm).flops / bench.chip.peak(DataType::bf16)).value();
  const auto busy = [&](double settling, Conditions conditions) {
    bench.figures.settling = settling;
    return tiled_cost(gemm, bench.chip, bench.figures, {}, conditions).time.value() - bench.figures.start;
  };
  const double slow = at_peak / type.sustained;
  EXPECT_NEAR(busy(1e6 * slow, Conditions::measured), at_peak / type.burst, 1e-5 * slow) << "long before it settles";
  EXPECT_NEAR(busy(1e-6 * slow, Conditions::measured), slow, 1e-5 * slow) << "long after";
  EXPECT_NEAR(busy(slow, Conditions::measured), at_peak / (0.5 + 0.3 * (1 - std::exp(-1))), 1e-9 * slow);
  EXPECT_NEAR(busy(1e6 * slow, Conditions::running), slow, 1e-9 * slow) << "a running model never rests";
}

TEST(Tiled, HidesOfComputingAndReadingAllButTheExposedShareOfTheShorter) {
  ProductBench bench;
  const Gemm gemm{DataType::bf16, 128, 128.0 * bench.chip.matrix_cores, 4096, 1};
  const double computing = bench.busy(gemm.m, gemm.n, gemm.k);
  bench.chip.memory_bandwidth = work(gemm).read / Seconds(computing / 2);
  const double hidden = bench.busy(gemm.m, gemm.n, gemm.k);
  EXPECT_NEAR(hidden, computing, 1e-9 * computing);
  bench.figures.types.at(DataType::bf16).exposed = 0.4;
  EXPECT_NEAR(bench.busy(gemm.m, gemm.n, gemm.k), computing + 0.4 * computing / 2, 1e-9 * computing);
}

TEST(Tiled, ComputesOfATileAtTheEdgeOnlyTheStepsThatAreThere) {
  ProductBench bench;
  const double whole = bench.busy(1, 128, 4096);
  bench.figures.step = 16;
  EXPECT_NEAR(bench.busy(1, 128, 4096), whole * 16 / 128, 1e-9 * whole);
  EXPECT_NEAR(bench.busy(17, 128, 4096), whole * 32 / 128, 1e-9 * whole);
}

TEST(Tiled, ReadsWeightsAgainInARunningModelThoughTheMeasurementKeptThemInTheCache) {
  ProductBench bench;
  bench.chip.memory_bandwidth = BytesPerSecond(1e9);
  bench.figures.types.at(DataType::bf16).weights_resident = 0.8;
  bench.figures.in_turn = 1;
  const Gemm gemm{DataType::bf16, 1, 1024, 1024, 1};
  const Seconds running = tiled_cost(gemm, bench.chip, bench.figures, {}, Conditions::running).time;
  const Seconds measured = tiled_cost(gemm, bench.chip, bench.figures, {}, Conditions::measured).time;
  EXPECT_GE(running, 1024 * 1024 * size_of(DataType::bf16) / bench.chip.memory_bandwidth);
  EXPECT_LT(measured, 0.1 * running);
}

TEST(Tiled, QuantisesBeforeTheProductWhereTheStackWasMeasuredSo) {
  ProductBench bench;
  TiledType& type = bench.figures.types.at(DataType::bf16);
  const Gemm gemm{DataType::bf16, 256, 1024, 1024, 1};
  const Seconds plain = tiled_cost(gemm, bench.chip, bench.figures, {}, Conditions::measured).time;
  type.preparation = 5e-6;
  EXPECT_NEAR((tiled_cost(gemm, bench.chip, bench.figures, {}, Conditions::measured).time - plain).value(), 5e-6,
              1e-12);
  EXPECT_DOUBLE_EQ(tiled_cost(gemm, bench.chip, bench.figures, {}, Conditions::running).time.value(), plain.value());
}

TEST(Tiled, PredictsAnH200FromAnH100sFigures) {
  const TiledFigures own = load_tiled("h200-sxm");
  EXPECT_EQ(own.stack, load_tiled("h100-sxm").stack);
  EXPECT_EQ(own.start, load_tiled("h100-sxm").start);
}

TEST(Tiled, TakesTheFiguresOfTheNearestTypeThatWasMeasured) {
  const TiledFigures figures = load_tiled("h100-sxm");
  EXPECT_EQ(&figures.of(DataType::fp16), &figures.types.at(DataType::bf16));
  EXPECT_EQ(&figures.of(DataType::fp8_block), &figures.types.at(DataType::fp8));
  EXPECT_EQ(&figures.of(DataType::int8), &figures.types.at(DataType::fp8));
}

TEST(Tiled, HasFiguresForEveryChip) {
  for (const std::string& chip : list_files("configs/chips")) {
    const TiledFigures figures = load_tiled(chip);
    EXPECT_FALSE(figures.types.empty()) << chip;
  }
}

TEST(Tiled, RefusesAFigureThatPhysicsForbids) {
  EXPECT_THROW(read_tiled(Document::parse("description: d\nstack: s\nin_turn: 1\nsource: {text: t, grade: assumed}\n"
                                          "start: 1 s\ntypes: {bf16: {tiles: [[64, 64]], most_splits: 1}}\n")),
               InputError);
}

}  // namespace
}  // namespace podium
