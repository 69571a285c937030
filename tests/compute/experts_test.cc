#include "sim/compute/experts.h"

#include <gtest/gtest.h>

namespace podium {
namespace {

/// A rank of eight with 32 of 256 experts, reached by `rows`.
ExpertShare share_of(double tokens, double rows, double touched) {
  return {DataType::bf16, tokens, 8, 4096, 1536, 32, rows, touched};
}

struct ExpertBench {
  ChipSpec chip = load_chip("gb200");
  TiledFigures products = load_tiled("gb200");
  ExpertFigures figures = *load_experts("gb200");

  double time(const ExpertShare& share) const { return experts_time(share, chip, products, figures).value(); }
};

TEST(Experts, ReadTheWeightsOfThoseThatHaveRows) {
  const ExpertBench bench;
  const ExpertShare share = share_of(32, 32, 8);
  const double weights = 3 * share.hidden * share.inner * size_of(DataType::bf16).value();
  const double most = bench.chip.memory_bandwidth.value();
  EXPECT_GT(bench.time(share_of(32, 32, 32)) - bench.time(share), 24 * weights / most);
  EXPECT_GT(bench.time(share), 8 * weights / most);
}

TEST(Experts, TakeLongerWithMoreRowsAndWithMoreTokensToSort) {
  const ExpertBench bench;
  double last = 0;
  for (double rows = 32; rows < 1e6; rows *= 2) {
    const double time = bench.time(share_of(rows, rows, 32));
    EXPECT_GT(time, last) << rows;
    last = time;
  }
  EXPECT_GT(bench.time(share_of(8192, 1024, 32)), bench.time(share_of(1024, 1024, 32)));
}

TEST(Experts, LeaveTilesUnfilledWhereRowsAreUneven) {
  const ExpertBench bench;
  ExpertShare share = share_of(32 * 1024, 32 * 1024, 32);
  const double even = bench.time(share);
  share.spread = RowSpread::skewed;
  EXPECT_GT(bench.time(share), even);
}

TEST(Experts, PadRowsToTheTileThatAllTokensOfTheGroupWouldFill) {
  ExpertBench bench;
  ExpertShare share = share_of(16, 32, 32);
  share.type = DataType::mxfp4;
  bench.figures.choice = bench.figures.pair = 0;
  bench.figures.types["mxfp4"].token = bench.figures.types["mxfp4"].moving = 0;
  const double few = bench.time(share);
  share.tokens = 1024;  // of whose choices each of the 32 experts would have 256
  const double many = bench.time(share);
  EXPECT_GT(many, 1.5 * few);
  share.rows = 32 * 256;  // which fill the tiles
  EXPECT_NEAR(bench.time(share), many, 0.05 * many);
}

TEST(Experts, ReadWeightsAgainForEachFurtherRowOfTilesWhereTheCacheDoesNotKeepThem) {
  const ChipSpec chip = load_chip("ascend-910b");
  const TiledFigures products = load_tiled("ascend-910b");
  ExpertFigures figures = *load_experts("ascend-910b");
  const auto again = [&](double rows) {
    ExpertShare share = share_of(rows, 32 * rows, 32);
    share.type = DataType::w8a8;
    const auto time = [&](double reread) {
      figures.types.at("w8a8").reread = reread;
      return experts_time(share, chip, products, figures);
    };
    return time(0.001) - time(0);
  };
  const double weights = 3.0 * 32 * 4096 * 1536;
  EXPECT_EQ(again(128).value(), 0);
  EXPECT_GT(again(129).value(), 0);  // but what computing hides
  EXPECT_LE(again(129).value(), weights / (chip.memory_bandwidth.value() * figures.memory));
}

TEST(Experts, RefuseATypeThatTheStackWasNotMeasuredWith) {
  const ExpertBench bench;
  ExpertShare share = share_of(32, 32, 8);
  share.type = DataType::tf32;
  EXPECT_THROW(bench.time(share), InputError);
}

TEST(Experts, OfABareDieAreThoseOfItsSibling) {
  EXPECT_EQ(load_experts("b200-sxm")->stack, load_experts("gb200")->stack);
  EXPECT_EQ(load_experts("b200-sxm")->choice, load_experts("gb200")->choice);
  EXPECT_FALSE(load_experts("gb200", "cublas").has_value());
  EXPECT_FALSE(load_experts("gb300").has_value());
}

}  // namespace
}  // namespace podium
