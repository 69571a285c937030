#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "sim/compute/compute_model.h"

/// The chips that Podium ships, against what their makers and the papers publish.
namespace podium {
namespace {

struct Published {
  std::string chip;
  double bf16;     // dense TFLOP/s
  DataType eight;  // the type of eight bits that it serves in
  double eight_peak;
  double bandwidth;  // TB/s
  double watts;      // 0: not published
};

/// NVIDIA: H100 white paper V1.04; H200, Blackwell and Blackwell Ultra data sheets, dense. Ascend: arXiv 2506.12708
/// (910C, half a package), 24 cores x 8,192 x 1.8 GHz (910B), Ascend 950 white paper table 3-1, cube cores alone.
const std::vector<Published> published{
    {"h100-sxm", 989.4, DataType::fp8, 1978.9, 3.35, 700}, {"h200-sxm", 989.4, DataType::fp8, 1978.9, 4.8, 700},
    {"h800-sxm", 989.4, DataType::fp8, 1978.9, 3.35, 700}, {"b200-sxm", 2250, DataType::fp8, 4500, 8, 1000},
    {"gb200", 2500, DataType::fp8, 5000, 8, 1200},         {"gb300", 2500, DataType::fp8, 5000, 8, 1400},
    {"ascend-910b", 353.9, DataType::int8, 707.8, 1.6, 0}, {"ascend-910c-die", 376, DataType::int8, 752, 1.6, 0},
    {"ascend-950dt", 486, DataType::fp8, 973, 4, 0},
};

TEST(ChipFiles, HaveThePublishedPeaks) {
  for (const Published& expected : published) {
    SCOPED_TRACE(expected.chip);
    const ChipSpec chip = load_chip(expected.chip);
    EXPECT_DOUBLE_EQ(chip.peak(DataType::bf16).value(), expected.bf16 * 1e12);
    EXPECT_DOUBLE_EQ(chip.peak(expected.eight).value(), expected.eight_peak * 1e12);
    EXPECT_DOUBLE_EQ(chip.memory_bandwidth.value(), expected.bandwidth * 1e12);
    if (expected.watts > 0) {
      EXPECT_DOUBLE_EQ(chip.power.value(), expected.watts);
    }
  }
}

TEST(ChipFiles, AreAllCheckedHere) {
  for (const std::string& name : list_files("configs/chips")) {
    const auto same = [&](const Published& row) { return row.chip == name; };
    EXPECT_TRUE(std::any_of(published.begin(), published.end(), same)) << name << " has no published figures here";
  }
}

TEST(ChipFiles, HaveTheRatiosOfTheComparison) {
  // SemiAnalysis, 2025-04-16: a 910C package over a GB200 GPU has 0.31 of the bf16 (with 780), 0.4 of the bandwidth
  const ChipSpec die = load_chip("ascend-910c-die");
  const ChipSpec gpu = load_chip("gb200");
  EXPECT_NEAR(2 * die.peak(DataType::bf16) / gpu.peak(DataType::bf16), 0.31, 0.015);
  EXPECT_NEAR(2 * die.memory_bandwidth / gpu.memory_bandwidth, 0.40, 0.005);
}

TEST(ChipFiles, NameAComputeModelThatThereIs) {
  for (const std::string& name : list_files("configs/chips")) {
    EXPECT_NO_THROW(ComputeModels::find(load_chip(name).compute_model)) << name;
  }
}

TEST(ChipFiles, LackWhatTheChipsLack) {
  EXPECT_THROW(load_chip("ascend-910c-die").peak(DataType::fp8), InputError);
  EXPECT_THROW(load_chip("h100-sxm").peak(DataType::nvfp4), InputError);
  EXPECT_THROW(load_chip("ascend-950dt").peak(DataType::nvfp4), InputError);
}

/// Utilisation of one kernel against the peak, percent.
double utilisation(const ChipSpec& chip, const Kernel& kernel) {
  const Cost cost = ComputeModels::find("roofline")(chip)->cost(kernel, chip, {});
  return 100 * (cost.flops / cost.time / chip.peak(work(kernel).type));
}

TEST(Ascend910cDie, MeetsThePublishedGroupedGemms) {
  // arXiv 2506.12708, table 9: groups, rows of each, n, k, percent of 752 TOPS
  const double table[][5] = {{4, 7168, 4096, 4096, 79.4}, {4, 2048, 7168, 4096, 77.4}, {4, 7168, 4096, 8192, 82.7},
                             {4, 2048, 7168, 8192, 81.1}, {8, 7168, 4096, 4096, 79.6}, {8, 2048, 7168, 4096, 77.9}};
  const ChipSpec chip = load_chip("ascend-910c-die");
  for (const auto& [groups, rows, n, k, percent] : table) {
    const GroupedGemm kernel{DataType::int8, groups, groups * rows, n, k, 0};
    EXPECT_NEAR(utilisation(chip, kernel), percent, 5) << to_string(Kernel(kernel));
  }
}

TEST(Ascend910cDie, MeetsThePublishedMla) {
  // arXiv 2506.12708, tables 7 and 8, long enough for the start to vanish
  const ChipSpec chip = load_chip("ascend-910c-die");
  Mla mla;
  mla.batch = 512, mla.heads = 128, mla.context = 16384;
  mla.query = 4;  // 4 queries share a read of the cache: bound by compute
  EXPECT_NEAR(utilisation(chip, mla), 65.4, 1);
  mla.query = 1, mla.heads = 16;
  const Cost cost = ComputeModels::find("roofline")(chip)->cost(mla, chip, {});
  EXPECT_EQ(cost.bound, Bound::memory);
  EXPECT_NEAR(100 * (cost.bytes / cost.time / chip.memory_bandwidth), 84.1, 1);
}

}  // namespace
}  // namespace podium
