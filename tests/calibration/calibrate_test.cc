#include "sim/calibration/calibrate.h"

#include <gtest/gtest.h>

namespace podium {
namespace {

/// Rows as the model itself predicts them, over shapes that every figure matters for.
std::vector<MeasuredGemm> invented_rows(const ChipSpec& chip, const TiledFigures& truth) {
  std::vector<MeasuredGemm> rows;
  for (const double width : {512, 1024, 2048, 4096, 8192}) {
    for (double m = 1; m <= 8192; m *= 8) {
      for (const auto& [type, figures] : truth.types) {
        const Gemm gemm{type, m, width, 2 * width, 1};
        rows.push_back({gemm, tiled_cost(gemm, chip, truth, {}, Conditions::measured).time});
      }
    }
  }
  return rows;
}

TEST(Calibrate, ExplainsRowsThatTheModelItselfMade) {
  const ChipSpec chip = load_chip("h100-sxm");
  const TiledFigures truth = load_tiled("h100-sxm");
  TiledFigures start = truth;
  start.start *= 1.3;
  start.memory *= 0.9;
  start.types.begin()->second.compute *= 0.8;
  const Calibration<TiledFigures> found = calibrate_gemm(invented_rows(chip, truth), chip, start, 2);
  for (const auto& [type, error] : found.fitted) {
    EXPECT_GT(found.before.at(type).mean, 0.05);
    EXPECT_LT(error.mean, 0.01);
  }
}

TEST(Calibrate, WritesAFileThatReadsBackAsTheSameModel) {
  const ChipSpec chip = load_chip("gb200");
  Calibration<TiledFigures> calibration;
  calibration.figures = load_tiled("gb200");
  const TiledFigures back = read_tiled(Document::parse(to_yaml(calibration, chip, "invented")));
  for (const auto& [type, figures] : calibration.figures.types) {
    const Gemm gemm{type, 300, 5000, 4000, 1};
    const double before = tiled_cost(gemm, chip, calibration.figures, {}, Conditions::measured).time.value();
    EXPECT_NEAR(tiled_cost(gemm, chip, back, {}, Conditions::measured).time.value(), before, 1e-3 * before);
  }
}

TEST(Calibrate, ExplainsExpertsThatTheModelItselfMade) {
  const ChipSpec chip = load_chip("gb200");
  const TiledFigures products = load_tiled("gb200");
  const ExpertFigures truth = *load_experts("gb200");
  std::vector<MeasuredExperts> rows;
  for (const double inner : {512, 1024, 2048, 4096}) {
    for (double tokens = 1; tokens <= 16384; tokens *= 4) {
      for (const DataType type : {DataType::bf16, DataType::fp8}) {
        const ExpertShare share{type, tokens, 8, 4096, inner, 16, tokens, std::min(16.0, tokens)};
        rows.push_back({share, experts_time(share, chip, products, truth)});
      }
    }
  }
  ExpertFigures start = truth;
  std::erase_if(start.types, [](const auto& own) { return own.first != "bf16" && own.first != "fp8"; });
  start.types.at("bf16").start *= 1.5;
  start.memory *= 0.8;
  const Calibration<ExpertFigures> found = calibrate_experts(rows, chip, products, start, 2);
  for (const auto& [type, error] : found.fitted) {
    EXPECT_GT(found.before.at(type).mean, 0.02);
    EXPECT_LT(error.mean, 0.01);
  }
  const ExpertFigures back = read_experts(Document::parse(to_yaml(found, chip, "invented")));
  const double before = experts_time(rows.back().share, chip, products, found.figures).value();
  EXPECT_NEAR(experts_time(rows.back().share, chip, products, back).value(), before, 1e-3 * before);
}

TEST(Calibrate, ExplainsGroupsOfProductsThatTheModelItselfMade) {
  const ChipSpec chip = load_chip("h100-sxm");
  const TiledFigures truth = *load_tiled("h100-sxm").grouped;
  std::vector<MeasuredGroup> rows;
  for (const double groups : {1, 4, 16}) {
    for (double each = 8; each <= 4096; each *= 2) {
      const GroupedGemm gemm{DataType::bf16, groups, groups * each, 2048, 4096, 0};
      rows.push_back({gemm, tiled_cost(gemm, chip, truth, {}, Conditions::measured).time});
    }
  }
  TiledFigures start = truth;
  start.start *= 1.2;
  start.memory *= 0.85;
  const ErrorSummary fitted = calibrate_groups(rows, chip, start, 3).fitted.at("grouped_gemm bf16");
  EXPECT_LT(fitted.mean, 0.01);
}

TEST(Calibrate, RefusesFewerRowsThanFigures) {
  const ChipSpec chip = load_chip("h100-sxm");
  const TiledFigures start = load_tiled("h100-sxm");
  EXPECT_THROW(calibrate_gemm({{Gemm{DataType::bf16, 1, 1, 1, 1}, Seconds(1e-6)}}, chip, start), InputError);
}

}  // namespace
}  // namespace podium
