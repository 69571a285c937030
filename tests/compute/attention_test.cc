#include "sim/compute/attention.h"

#include <gtest/gtest.h>

#include <cmath>

#include "sim/compute/tiled.h"

namespace podium {
namespace {

/// A chip and figures of which one term at a time is made to matter.
struct AttentionBench {
  ChipSpec chip = load_chip("h100-sxm");
  AttentionFigures figures;

  AttentionBench() {
    figures.types = {{DataType::bf16, {}}};
    figures.fewest_grouped = 1;
    chip.memory_bandwidth = BytesPerSecond(1e24);
  }
  double core() const { return chip.peak(DataType::bf16).value() / chip.matrix_cores; }
  double time(const Attention& attention, Conditions conditions = Conditions::running) const {
    return attention_cost(attention, chip, figures, {}, conditions).time.value();
  }
};

Attention prefill(double heads, double tokens) {
  return {AttentionPhase::prefill, DataType::bf16, DataType::bf16, 1, heads, heads, tokens, tokens, 128, true, 0};
}

Attention decode(double batch, double heads, double kv_heads, double context) {
  return {AttentionPhase::decode, DataType::bf16, DataType::bf16, batch, heads, kv_heads, 1, context, 128, true, 0};
}

/// Of one block of 128 new tokens by 128 of the context, in heads of 128.
double block(const AttentionBench& bench) { return 128.0 * 128 * 2 * (128 + 128) / bench.core(); }

TEST(AttentionByTiles, TakesAsLongAsTheLastTileWhileCoresAreFree) {
  const AttentionBench bench;
  EXPECT_NEAR(bench.time(prefill(1, 128)), block(bench), 1e-9 * block(bench));
  EXPECT_NEAR(bench.time(prefill(1, 4 * 128)), 4 * block(bench), 1e-9 * block(bench));
  EXPECT_NEAR(bench.time(prefill(0.25 * bench.chip.matrix_cores, 4 * 128)), 4 * block(bench), 1e-9 * block(bench));
}

TEST(AttentionByTiles, SharesTheTriangleOfManyHeadsAmongTheCores) {
  AttentionBench bench;
  const double heads = bench.chip.matrix_cores;
  const double whole = (1 + 2 + 3 + 4) * block(bench);
  EXPECT_NEAR(bench.time(prefill(heads, 4 * 128)), whole, 1e-9 * whole);
  bench.figures.tail = 0.5;
  EXPECT_NEAR(bench.time(prefill(heads, 4 * 128)), whole + 0.5 * 4 * block(bench), 1e-9 * whole);
}

TEST(AttentionByTiles, ComputesTheWholeSquareWithoutTheCausalMaskAndABandWithAWindow) {
  const AttentionBench bench;
  const double heads = bench.chip.matrix_cores;
  Attention square = prefill(heads, 4 * 128);
  square.causal = false;
  EXPECT_NEAR(bench.time(square), 16 * block(bench), 1e-9 * block(bench));
  Attention band = prefill(heads, 8 * 128);
  band.window = 129;  // reaches into the block before: one block in the first row, two in each other
  EXPECT_NEAR(bench.time(band), (1 + 7 * 2) * block(bench), 1e-9 * block(bench));
}

TEST(AttentionByTiles, CountsTheSoftmaxOfEachScoreBesideTheProducts) {
  AttentionBench bench;
  bench.figures.types.at(DataType::bf16).softmax = 1e-10;
  EXPECT_NEAR(bench.time(prefill(1, 128)), block(bench) + 128.0 * 128 * 1e-10, 1e-9 * block(bench));
}

TEST(AttentionByTiles, SplitsALongContextWhereSequencesAreFew) {
  AttentionBench bench;
  bench.figures.core_bandwidth = 50e9;
  const double context = 128 * 1024;
  const double token = 2 * 128 * 2 / bench.figures.core_bandwidth + 2.0 * (128 + 128) / bench.core();
  EXPECT_NEAR(bench.time(decode(1, 1, 1, context)), context / 128 * token, 1e-9);
  bench.figures.split_start = 1;
  EXPECT_NEAR(bench.time(decode(1, 1, 1, context)), context * token, 1e-9);
}

TEST(AttentionByTiles, ReadsTheCacheOnceForAllQueriesOfAGroup) {
  AttentionBench bench;
  bench.chip.memory_bandwidth = load_chip("h100-sxm").memory_bandwidth;
  const double grouped = bench.time(decode(64, 32, 4, 8192)), single = bench.time(decode(64, 4, 4, 8192));
  EXPECT_NEAR(grouped, single, 0.01 * single);
  const double cache = 2.0 * 64 * 8192 * 4 * 128 * 2;
  EXPECT_NEAR(single, cache / bench.chip.memory_bandwidth.value(), 0.05 * single);
}

TEST(AttentionByTiles, GoesHeadByHeadWhereAGroupIsMoreThanTheLibraryTakes) {
  AttentionBench bench;
  bench.figures.most_grouped = 16;
  bench.figures.head_element = 1e-10;
  const double elements = 2.0 * 1024 * 128;  // keys and values of a head
  const double each = elements * bench.figures.head_element;
  EXPECT_LT(bench.time(decode(bench.chip.matrix_cores, 16, 1, 1024)), 0.1 * each);
  EXPECT_NEAR(bench.time(decode(bench.chip.matrix_cores, 32, 1, 1024)), 32 * each, 1e-9 * each);
}

/// Figures of a library that splits contexts by its own rule; each part takes as long, whatever is in it.
AttentionBench ruled() {
  AttentionBench bench;
  bench.figures.part_tokens = 128;
  bench.figures.part_waves = 8;
  bench.figures.heads_at_once = 2;
  bench.figures.fewest_grouped = 2;
  bench.figures.split_start = 3e-6;
  bench.figures.head_start = 2e-6;
  AttentionType& type = bench.figures.types.at(DataType::bf16);
  type.decode_compute = 1e6;
  type.sequence = 4e-6;
  type.grouped_from = 0.25;
  return bench;
}

TEST(AttentionByTiles, SplitsContextsByTheLibrarysOwnRuleThoughMoreWavesTakeLonger) {
  const AttentionBench bench = ruled();
  const double cores = bench.chip.matrix_cores, part = 4e-6;
  EXPECT_NEAR(bench.time(decode(cores / 4, 32, 4, 127)), part, 1e-8) << "a part for each core";
  EXPECT_NEAR(bench.time(decode(cores / 4, 32, 4, 4 * 128)), 4 * part + 3e-6, 1e-8);
  EXPECT_NEAR(bench.time(decode(cores / 4, 32, 4, 64 * 128)), 8 * part + 3e-6, 1e-7) << "eight waves at most";
  EXPECT_NEAR(bench.time(decode(8 * cores, 32, 4, 64 * 128)), 32 * part, 1e-7) << "enough of them: whole contexts";
}

TEST(AttentionByTiles, GoesHeadByHeadWhereTheLibraryFindsTooFewParts) {
  const AttentionBench bench = ruled();
  const double few = bench.time(decode(1, 32, 4, 127)), enough = bench.time(decode(1, 32, 4, 16 * 128));
  EXPECT_NEAR(few, 2e-6, 1e-9) << "32 heads on cores of their own";
  EXPECT_NEAR(enough, 4e-6 + 3e-6, 1e-8) << "64 parts are more than a quarter of the cores";
}

TEST(AttentionByTiles, PassesPartsThatLieBeforeTheWindow) {
  AttentionBench bench = ruled();
  bench.figures.types.at(DataType::bf16).empty = 1e-6;
  Attention attention = decode(bench.chip.matrix_cores / 4, 32, 4, 8 * 128);
  attention.window = 128;
  // of eight waves the window's end and beginning lie in two
  EXPECT_NEAR(bench.time(attention), 2 * 4e-6 + 6 * 1e-6 + 3e-6, 1e-8);
}

TEST(AttentionByTiles, FindsASmallCacheOnTheChipOnlyAsMeasured) {
  AttentionBench bench;
  bench.figures.resident = 1;
  bench.chip.memory_bandwidth = BytesPerSecond(1e9);
  const Attention small = decode(1, 8, 8, 512);
  EXPECT_GE(bench.time(small), work(small).read.value() / 1e9);
  EXPECT_LT(bench.time(small, Conditions::measured), 0.1 * bench.time(small));
}

TEST(AttentionByTiles, IncludesWhatComesBeforeOnlyAsMeasured) {
  AttentionBench bench;
  bench.chip.memory_bandwidth = BytesPerSecond(1e12);
  const Attention shape = prefill(8, 1024);
  const double without = bench.time(shape, Conditions::measured);
  bench.figures.types.at(DataType::bf16).preparation = 0.5;
  EXPECT_DOUBLE_EQ(bench.time(shape), without);
  const double moved = 1024 * (8 + 2 * 8) * 128 * (2 + 2);
  EXPECT_NEAR(bench.time(shape, Conditions::measured) - without, moved / 0.5e12, 1e-9 * without);
}

TEST(AttentionByTiles, MultipliesInTheTypeOfANarrowCacheWhereTheLibraryDoes) {
  AttentionBench bench;
  Attention narrow = prefill(64, 4096);
  narrow.cache_type = DataType::fp8;
  const double wide = bench.time(narrow);
  bench.figures.types[DataType::fp8] = {};
  EXPECT_NEAR(bench.time(narrow), wide / 2, 1e-3 * wide);
}

TEST(AttentionByTiles, ReadsOneVectorForAllHeadsOfAbsorbedMla) {
  const ChipSpec chip = load_chip("gb200");
  const AttentionFigures figures = load_attention("mla", "gb200", "").value();
  const auto time = [&](double heads) {
    const Mla mla{AttentionPhase::decode, DataType::bf16, DataType::bf16, 256, heads, 1, 8192};
    return attention_cost(mla, chip, figures, {}, Conditions::running).time;
  };
  EXPECT_LT(time(16), 1.1 * time(2));
}

TEST(AttentionByTiles, CarriesOverToChipsOfTheSameDie) {
  EXPECT_EQ(load_tiled("h200-sxm").attention->tile_start, load_tiled("h100-sxm").attention->tile_start);
  EXPECT_EQ(load_tiled("b200-sxm").mla->tile_start, load_tiled("gb200").mla->tile_start);
  EXPECT_EQ(load_tiled("h200-sxm", "tensorrt-llm").attention->stack, "tensorrt-llm");
}

TEST(AttentionByTiles, KnowsNoFiguresWhereNoneWereMeasured) {
  EXPECT_FALSE(load_tiled("ascend-910b").mla);
  EXPECT_FALSE(load_attention("attention", "h100-sxm", "cann"));
}

TEST(AttentionByTiles, RefusesAFigureThatPhysicsForbids) {
  EXPECT_THROW(read_attention(Document::parse("description: d\nstack: s\ntile: 64\nfewest_grouped: 1\n"
                                              "most_grouped: 8\nsource: {text: t, grade: assumed}\nmemory: 1.5\n")),
               InputError);
}

TEST(AttentionByTiles, WaitInDecodeForTheLongestContext) {
  const ChipSpec chip = load_chip("h100-sxm");
  const AttentionFigures figures = *load_tiled("h100-sxm").attention;
  Attention alike;
  alike.batch = 132;
  alike.query_heads = 4;
  alike.kv_heads = 1;
  alike.query = 1;
  alike.head_dim = 128;
  alike.context = 256;
  Attention mixed = alike;
  mixed.longest = 256;
  const auto time = [&](const Attention& a) { return attention_cost(a, chip, figures, {}, Conditions::running).time; };
  EXPECT_EQ(time(mixed), time(alike));
  mixed.longest = 256 * 132;
  EXPECT_GT(time(mixed), time(alike));
  Attention all = alike;
  all.context = 256 * 132;
  EXPECT_LT(time(mixed), time(all));
}

}  // namespace
}  // namespace podium
