#include "sim/calibration/kernel_fit.h"

#include <gtest/gtest.h>

#include <sstream>

namespace podium {
namespace {

AttentionFigures figures_of(const std::string& chip) { return load_attention("attention", chip, "").value(); }

/// Rows as the model itself predicts them.
std::vector<MeasuredKernel> invented_rows(const KernelTimer& time) {
  std::vector<MeasuredKernel> rows;
  for (const double heads : {8, 32, 64}) {
    for (double tokens = 128; tokens <= 32768; tokens *= 4) {
      Attention attention;
      attention.batch = heads;
      attention.query_heads = heads;
      attention.kv_heads = 8;
      attention.head_dim = 128;
      attention.query = 1;
      attention.context = tokens;
      rows.push_back({attention, time(attention)});
      attention.phase = AttentionPhase::prefill;
      attention.query = tokens;
      rows.push_back({attention, time(attention)});
    }
  }
  return rows;
}

TEST(KernelFit, ExplainsRowsThatTheModelItselfMade) {
  const ChipSpec chip = load_chip("h100-sxm");
  const AttentionFigures truth = figures_of("h100-sxm");
  AttentionFigures figures = truth;
  figures.decode_start *= 1.5;
  figures.memory *= 0.8;
  figures.types.begin()->second.compute *= 0.7;
  const auto rows = invented_rows(attention_time(chip, truth));
  const KernelFit fit = fit_kernels(rows, parameters_of(figures), attention_time(chip, figures), 3);
  ASSERT_EQ(fit.before.size(), 2U);
  for (const auto& [name, before] : fit.before) {
    EXPECT_GT(before.mean, 0.05) << name;
    EXPECT_LT(fit.fitted.at(name).mean, 0.01) << name;
    EXPECT_LT(fit.unseen.at(name).mean, before.mean) << name;
  }
}

TEST(KernelFit, WritesAFileThatReadsBackAsTheSameModel) {
  for (const std::string chip_name : {"h100-sxm", "gb200", "ascend-910b"}) {
    const ChipSpec chip = load_chip(chip_name);
    const AttentionFigures figures = figures_of(chip_name);
    const std::string text = to_yaml(figures, "attention", {}, chip, "invented");
    const AttentionFigures back = read_attention(Document::parse(text));
    for (const MeasuredKernel& row : invented_rows(attention_time(chip, figures))) {
      EXPECT_NEAR(attention_time(chip, back)(row.kernel) / row.time, 1, 2e-3) << to_string(row.kernel);
    }
  }
}

TEST(KernelFit, TakesTheFasterOfTwoBackEnds) {
  std::istringstream text(
      "phase,backend,batch,q_heads,kv_heads,q_len,kv_len,head_dim,seconds\n"
      "decode,flash,1,8,8,1,512,128,3e-6\ndecode,cudnn,1,8,8,1,512,128,2e-6\ndecode,cudnn,2,8,8,1,512,128,4e-6\n");
  const auto rows = measured_kernels(read_table(text, "rows"), "attention");
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(rows.front().time, Seconds(2e-6));
}

TEST(KernelFit, RefusesFewerRowsThanFigures) {
  const ChipSpec chip = load_chip("h100-sxm");
  AttentionFigures figures = figures_of("h100-sxm");
  const auto rows = invented_rows(attention_time(chip, figures));
  EXPECT_THROW(fit_kernels(std::span(rows).first(3), parameters_of(figures), attention_time(chip, figures), 2),
               InputError);
}

}  // namespace
}  // namespace podium
