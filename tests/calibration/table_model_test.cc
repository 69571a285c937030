#include "sim/calibration/table_model.h"

#include <gtest/gtest.h>

namespace podium {
namespace {

Gemm gemm(double m, double n, double k) { return {DataType::bf16, m, n, k, 1}; }

/// Rows at the corners of sizes that the tests look between; the time tells the corner.
const std::vector<MeasuredKernel> rows{
    {gemm(64, 1024, 2048), Seconds(10e-6)},  {gemm(128, 1024, 2048), Seconds(14e-6)},
    {gemm(64, 1024, 4096), Seconds(20e-6)},  {gemm(128, 1024, 4096), Seconds(24e-6)},
    {gemm(512, 1024, 4096), Seconds(80e-6)},
};

struct Bench {
  ChipSpec chip = load_chip("h100-sxm");
  std::unique_ptr<ComputeModel> model = table_model(rows);
  std::unique_ptr<ComputeModel> roofline = ComputeModels::find("roofline")(chip);

  Cost cost(const Kernel& kernel, CoreShare share = {}) const { return model->cost(kernel, chip, share); }
  Seconds by_roofline(const Kernel& kernel) const { return roofline->cost(kernel, chip, {}).time; }
};

TEST(TableModel, ReturnsTheRowsThemselves) {
  const Bench bench;
  for (const MeasuredKernel& row : rows) {
    EXPECT_NEAR(bench.cost(row.kernel).time.value(), row.time.value(), 1e-15);
    EXPECT_FALSE(bench.cost(row.kernel).extrapolated);
  }
}

TEST(TableModel, IsLinearInEachSizeBetweenRows) {
  const Bench bench;
  EXPECT_NEAR(bench.cost(gemm(96, 1024, 2048)).time.value(), 12e-6, 1e-15);
  EXPECT_NEAR(bench.cost(gemm(64, 1024, 3072)).time.value(), 15e-6, 1e-15);
  EXPECT_NEAR(bench.cost(gemm(80, 1024, 2560)).time.value(), 13.5e-6, 1e-15);
  EXPECT_NEAR(bench.cost(gemm(320, 1024, 4096)).time.value(), 52e-6, 1e-15);
  EXPECT_FALSE(bench.cost(gemm(80, 1024, 2560)).extrapolated);
}

TEST(TableModel, SaysWhereItExtrapolatesFromTheNearestRow) {
  const Bench bench;
  const Gemm wide = gemm(128, 1100, 4096);
  const Cost cost = bench.cost(wide);
  EXPECT_TRUE(cost.extrapolated);
  const double expected = 24e-6 * (bench.by_roofline(wide) / bench.by_roofline(gemm(128, 1024, 4096)));
  EXPECT_NEAR(cost.time.value(), expected, 1e-15);
}

TEST(TableModel, SaysThatItHasNoRowsOfAKind) {
  const Bench bench;
  Gemm other = gemm(64, 1024, 2048);
  other.type = DataType::fp8;
  EXPECT_TRUE(bench.cost(other).extrapolated);
  EXPECT_EQ(bench.cost(other).time, bench.by_roofline(other));
}

TEST(TableModel, IsNoFasterWithFewerCores) {
  const Bench bench;
  EXPECT_GE(bench.cost(rows[4].kernel, {0.25, 0.25}).time, bench.cost(rows[4].kernel).time);
}

TEST(TableModel, HasTheRowsThatWereMeasuredOnAnH100) {
  const ChipSpec chip = load_chip("h100-sxm");
  const std::vector<MeasuredKernel> measured = load_measured_rows(chip.name);
  EXPECT_GT(measured.size(), 600u);
  const auto model = ComputeModels::find("table")(chip);
  for (std::size_t i = 0; i < measured.size(); i += 37) {
    EXPECT_NEAR(model->cost(measured[i].kernel, chip, {}).time.value(), measured[i].time.value(),
                1e-9 * measured[i].time.value())
        << to_string(measured[i].kernel);
  }
}

TEST(TableModel, RefusesAChipOfWhichNothingWasMeasured) {
  EXPECT_THROW(ComputeModels::find("table")(load_chip("gb200")), InputError);
}

}  // namespace
}  // namespace podium
