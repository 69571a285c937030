#include "sim/compute/kernel.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <limits>
#include <set>

#include "sim/compute/compute_model.h"
#include "tests/compute/kernels.h"

namespace podium {
namespace {

constexpr double bf16 = 2;

/// Pairs counted one by one: new token i of `query` sees itself and what is before it.
double counted_pairs(int query, int context, bool causal, int window) {
  double pairs = 0;
  for (int i = 1; i <= query; ++i) {
    const int sees = causal ? context - query + i : context;
    pairs += window > 0 ? std::min(sees, window) : sees;
  }
  return pairs;
}

RC_GTEST_PROP(AttendedPairs, AreThoseCountedOneByOne, ()) {
  const int query = *rc::gen::inRange(0, 60);
  const int context = query + *rc::gen::inRange(0, 60);
  const int window = *rc::gen::inRange(0, 130);
  const bool causal = *rc::gen::arbitrary<bool>();
  RC_ASSERT(attended_pairs(query, context, causal, window) == counted_pairs(query, context, causal, window));
}

TEST(AttendedPairs, RefuseNewTokensThatAreNotInTheirContext) {
  EXPECT_THROW(attended_pairs(3, 2, true, 0), Bug);
  EXPECT_NO_THROW(attended_pairs(1.0 / 3 + 1e-16, 1.0 / 3, true, 0));
}

TEST(GemmWork, IsTwoFlopsAMultiplyAddAndEachMatrixOnce) {
  const double m = 3, n = 5, k = 7, batch = 11;
  const Work one = work(Gemm{DataType::bf16, m, n, k, batch});
  EXPECT_EQ(one.flops.value(), 2 * m * n * k * batch);
  EXPECT_EQ(one.read.value(), (m * k + k * n) * batch * bf16);
  EXPECT_EQ(one.written.value(), m * n * batch * bf16);
}

TEST(GemmWork, ReadsOperandsInTheirTypeAndWritesBf16) {
  const double m = 3, n = 5, k = 32;
  for (const DataType type : {DataType::fp8, DataType::int8, DataType::nvfp4}) {
    const Work quantised = work(Gemm{type, m, n, k, 1});
    EXPECT_DOUBLE_EQ(quantised.read.value(), (m * k + k * n) * size_of(type).value());
    EXPECT_EQ(quantised.written.value(), m * n * bf16);
    EXPECT_EQ(quantised.quantising.value(), 0);
  }
  EXPECT_EQ(work(Gemm{DataType::tf32, m, n, k, 1}).written.value(), m * n * 4);
}

TEST(GemmWork, OfW8a8ReadsBf16AndQuantisesItFirst) {
  const double m = 3, n = 5, k = 7;
  const Work plain = work(Gemm{DataType::int8, m, n, k, 1});
  const Work dynamic = work(Gemm{DataType::w8a8, m, n, k, 1});
  EXPECT_EQ(dynamic.quantising.value(), m * k * (bf16 + 1));
  EXPECT_EQ(dynamic.read - plain.read, Bytes(m * k * bf16));
  EXPECT_EQ(dynamic.written - plain.written, Bytes(m * k));
  EXPECT_EQ(dynamic.flops, plain.flops);
}

TEST(GroupedGemmWork, OfEvenRowsIsThatOfItsProducts) {
  const double groups = 4, each = 6, n = 5, k = 7;
  const Work grouped = work(GroupedGemm{DataType::bf16, groups, groups * each, n, k, 0});
  const Work single = work(Gemm{DataType::bf16, each, n, k, groups});
  EXPECT_EQ(grouped.flops, single.flops);
  EXPECT_EQ(grouped.read, single.read);
  EXPECT_EQ(grouped.written, single.written);
}

/// Weights that a grouped product reads, in experts.
double experts_read(double groups, double rows, double touched) {
  const double n = 5, k = 7;
  return (work(GroupedGemm{DataType::bf16, groups, rows, n, k, touched}).read.value() / bf16 - rows * k) / (n * k);
}

TEST(GroupedGemmWork, ReadsNoWeightsOfExpertsThatHaveNoRow) {
  EXPECT_DOUBLE_EQ(experts_read(8, 3, 0), 3);  // three rows reach three experts
  EXPECT_DOUBLE_EQ(experts_read(8, 10, 1), 1);
  EXPECT_DOUBLE_EQ(experts_read(8, 10, 4.5), 4.5);  // a mean
  EXPECT_DOUBLE_EQ(experts_read(8, 100, 0), 8);
  EXPECT_DOUBLE_EQ(experts_read(8, 0, 0), 0);
  EXPECT_DOUBLE_EQ(experts_read(8, 0.5, 0), 0.5);
}

TEST(GroupedGemmWork, HasTheFlopsOfAllRowsHoweverTheyAreSpread) {
  EXPECT_EQ(work(GroupedGemm{DataType::bf16, 8, 100, 5, 7, 0}).flops,
            work(GroupedGemm{DataType::bf16, 8, 100, 5, 7, 3}).flops);
  EXPECT_THROW(work(GroupedGemm{DataType::bf16, 8, 100, 5, 7, 9}), Bug);
}

TEST(AttentionWork, OfDecodeReadsTheCacheOnceASequence) {
  const double batch = 3, heads = 8, kv_heads = 2, context = 100, dim = 16, query = 1;
  Attention decode;
  decode.batch = batch, decode.query_heads = heads, decode.kv_heads = kv_heads;
  decode.query = query, decode.context = context, decode.head_dim = dim;
  decode.cache_type = DataType::fp8;
  const Work done = work(decode);
  const double queries = batch * heads * dim;
  EXPECT_EQ(done.flops.value(), batch * heads * context * (2 * dim + 2 * dim));
  EXPECT_EQ(done.read.value(), queries * bf16 + 2 * batch * context * kv_heads * dim * size_of(DataType::fp8).value());
  EXPECT_EQ(done.written.value(), queries * bf16);
}

TEST(AttentionWork, OfPrefillIsHalfWhenCausalButForTheDiagonal) {
  Attention prefill;
  prefill.phase = AttentionPhase::prefill;
  prefill.batch = 1, prefill.query_heads = 1, prefill.kv_heads = 1, prefill.head_dim = 16;
  prefill.query = prefill.context = 50;
  const Flops causal = work(prefill).flops;
  prefill.causal = false;
  const Flops whole = work(prefill).flops;
  const Flops diagonal(4 * 16 * 50);
  EXPECT_EQ(2 * causal, whole + diagonal);
}

TEST(AttentionWork, ReadsNoFurtherBackThanItsWindow) {
  Attention decode;
  decode.batch = 1, decode.query_heads = 1, decode.kv_heads = 1, decode.head_dim = 1;
  decode.query = 3, decode.context = 100, decode.window = 10;
  const double query = 3;
  EXPECT_EQ(work(decode).read.value(), bf16 * (query + 2 * (10 + query - 1)));
  decode.window = 1000;
  EXPECT_EQ(work(decode).read.value(), bf16 * (query + 2 * 100));
}

TEST(MlaWork, OfDecodeIsOverTheLatent) {
  const double batch = 3, heads = 128, query = 2, context = 1000;
  Mla decode;
  decode.batch = batch, decode.heads = heads, decode.query = query, decode.context = context;
  const Work done = work(decode);
  const double pairs = context * query - query * (query - 1) / 2;
  const double key = 512 + 64, sum = 512;
  EXPECT_EQ(done.flops.value(), 2 * batch * heads * pairs * (key + sum));
  // one vector a token for all heads
  EXPECT_EQ(done.read.value(), bf16 * batch * (query * heads * key + context * key));
  EXPECT_EQ(done.written.value(), bf16 * batch * query * heads * sum);
}

TEST(MlaWork, OfPrefillIsThatOfAttentionOverExpandedHeads) {
  Mla prefill;
  prefill.phase = AttentionPhase::prefill;
  prefill.batch = 3, prefill.heads = 16, prefill.query = 40, prefill.context = 100;
  prefill.nope = 48, prefill.rope = 16, prefill.value = 64;
  Attention same;
  same.phase = AttentionPhase::prefill;
  same.batch = 3, same.query_heads = 16, same.kv_heads = 16, same.query = 40, same.context = 100, same.head_dim = 64;
  EXPECT_EQ(work(prefill).flops, work(same).flops);
  EXPECT_EQ(work(prefill).read, work(same).read);
  EXPECT_EQ(work(prefill).written, work(same).written);
}

TEST(MemoryOpWork, IsWhatItSays) {
  const Work done = work(MemoryOp{"rmsnorm", Bytes(300), Bytes(200), Flops(70)});
  EXPECT_EQ(done.read, Bytes(300));
  EXPECT_EQ(done.written, Bytes(200));
  EXPECT_EQ(done.flops, Flops(70));
}

TEST(Work, RefusesCountsThatAreNone) {
  EXPECT_THROW(work(Gemm{DataType::bf16, -1, 1, 1, 1}), Bug);
  EXPECT_THROW(work(Gemm{DataType::bf16, std::numeric_limits<double>::quiet_NaN(), 1, 1, 1}), Bug);
  EXPECT_THROW(work(MemoryOp{"copy", Bytes(-1), Bytes(0), Flops(0)}), Bug);
}

TEST(Kernel, IsNamedByItsShape) {
  EXPECT_EQ(to_string(Kernel(Gemm{DataType::bf16, 4096, 7168, 2048, 1})), "gemm bf16 4096 x 7168 x 2048");
  EXPECT_EQ(to_string(Kernel(Gemm{DataType::fp8, 1, 512, 128, 128})), "gemm fp8 1 x 512 x 128, 128 times");
  std::set<std::string> texts;
  const auto shapes = test::kernels(DataType::bf16, 1);
  for (const Kernel& kernel : shapes) {
    texts.insert(to_string(kernel));
  }
  // the fullest expert and the window are not named
  EXPECT_EQ(texts.size(), shapes.size() - 2);
}

TEST(Kernel, BelongsToTheFamilyOfItsPhase) {
  Mla mla;
  EXPECT_EQ(family_of(mla), KernelFamily::mla_decode);
  mla.phase = AttentionPhase::prefill;
  EXPECT_EQ(family_of(mla), KernelFamily::mla_prefill);
  Attention attention;
  EXPECT_EQ(family_of(attention), KernelFamily::attention_decode);
  attention.phase = AttentionPhase::prefill;
  EXPECT_EQ(family_of(attention), KernelFamily::attention_prefill);
  EXPECT_EQ(family_of(Gemm{}), KernelFamily::gemm);
  EXPECT_EQ(family_of(GroupedGemm{}), KernelFamily::grouped_gemm);
  EXPECT_EQ(family_of(MemoryOp{}), KernelFamily::memory);
}

TEST(Work, OfWeightGradientsReadsRowsAndAddsToSums) {
  GroupedGemm product;
  product.type = DataType::fp8;
  product.groups = 4;
  product.rows = 100;
  product.n = 30;
  product.k = 20;
  product.sum = Bytes(4);
  const double sums = product.groups * product.n * product.k * 4;
  EXPECT_DOUBLE_EQ(work(product).flops.value(), 2.0 * product.rows * product.n * product.k);
  EXPECT_DOUBLE_EQ(work(product).read.value(), product.rows * (product.n + product.k) + sums);
  EXPECT_DOUBLE_EQ(work(product).written.value(), sums);
}

}  // namespace
}  // namespace podium
