#include "sim/study/serving_split.h"

#include <gtest/gtest.h>

namespace podium::test {
namespace {

/// An instance of `ranks` ranks that takes so many requests a second.
ServingCandidate candidate(Stage stage, std::uint32_t ranks, double rate) {
  ServingCandidate c;
  c.stage = stage;
  c.plan.dp = static_cast<decltype(c.plan.dp)>(ranks);
  c.rate = c.most = rate;
  return c;
}

Split split_of(const ServingCandidate& prefill, std::uint32_t prefills, const ServingCandidate& decode,
               std::uint32_t decodes) {
  return {&prefill, &decode, prefills, decodes, std::min(prefills * prefill.rate, decodes * decode.rate)};
}

TEST(MakeCell, IsTheWholeWhereThatIsSmallEnough) {
  const ServingCandidate prefill = candidate(Stage::prefill, 8, 10), decode = candidate(Stage::decode, 8, 40);
  const Split whole = split_of(prefill, 8, decode, 2);
  const Cell cell = make_cell(whole, whole.rate);
  EXPECT_EQ(cell.copies, 1);
  EXPECT_EQ(cell.split.prefill_instances, 8U);
  EXPECT_EQ(cell.split.decode_instances, 2U);
}

TEST(MakeCell, DividesEvenlyWhereThatGoes) {
  const ServingCandidate prefill = candidate(Stage::prefill, 8, 10), decode = candidate(Stage::decode, 8, 40);
  const Cell cell = make_cell(split_of(prefill, 400, decode, 100), 200);
  EXPECT_EQ(cell.split.decode_instances, 5U) << "as large as it may be";
  EXPECT_EQ(cell.split.prefill_instances, 20U);
  EXPECT_EQ(cell.copies, 20);
  EXPECT_EQ(cell.split.rate, 200);
}

TEST(MakeCell, LosesLittleWhereNothingDividesAndNeverPromisesMore) {
  const ServingCandidate prefill = candidate(Stage::prefill, 16, 10.3), decode = candidate(Stage::decode, 64, 241);
  for (std::uint32_t decodes = 20; decodes < 60; ++decodes) {
    const Split whole = split_of(prefill, decodes * 23 + 11, decode, decodes);
    const Cell cell = make_cell(whole, 1000);
    EXPECT_LE(cell.split.rate, 1000);
    EXPECT_LE(cell.copies * cell.split.prefill_instances, whole.prefill_instances * (1 + 1e-12));
    EXPECT_LE(cell.copies * cell.split.decode_instances, whole.decode_instances * (1 + 1e-12));
    EXPECT_LE(cell.copies * cell.split.rate, whole.rate * (1 + 1e-12));
    EXPECT_GE(cell.copies * cell.split.rate, 0.985 * whole.rate) << decodes;
  }
}

TEST(MakeCell, HasOneInstanceOfEachKindAtLeast) {
  const ServingCandidate large = candidate(Stage::decode, 64, 5000), small = candidate(Stage::prefill, 8, 100);
  const Cell cell = make_cell(split_of(small, 100, large, 2), 300);
  EXPECT_EQ(cell.split.decode_instances, 1U);
  EXPECT_EQ(cell.split.prefill_instances, 50U);
  const ServingCandidate mixed = candidate(Stage::mixed, 8, 50);
  EXPECT_EQ(make_cell({nullptr, &mixed, 0, 90, 4500}, 500).split.decode_instances, 10U);
}

TEST(MakeCell, HasEightReplicasOfEachKindAtLeastThatRequestsMayChooseFrom) {
  const ServingCandidate one = candidate(Stage::mixed, 1, 50), four = candidate(Stage::prefill, 4, 50);
  EXPECT_EQ(make_cell({nullptr, &one, 0, 32, 1600}, 1).split.decode_instances, 8U);
  EXPECT_EQ(make_cell({nullptr, &one, 0, 6, 300}, 1).split.decode_instances, 6U) << "there are no more";
  const Cell cell = make_cell(split_of(four, 32, one, 32), 1);
  EXPECT_EQ(cell.split.prefill_instances, 8U);
  EXPECT_EQ(cell.split.decode_instances, 8U);
}

TEST(MakeCell, IsTheWholeWhereAPartWouldLeaveInstancesIdle) {
  const ServingCandidate prefill = candidate(Stage::prefill, 8, 1000), decode = candidate(Stage::decode, 8, 60);
  for (const std::uint32_t prefills : {1U, 2U, 3U}) {
    for (std::uint32_t decodes = prefills; decodes < 16; ++decodes) {
      const Split whole = split_of(prefill, prefills, decode, decodes);
      const Cell cell = make_cell(whole, 30);
      EXPECT_GE(cell.copies * cell.split.rate, 0.985 * whole.rate) << prefills << " and " << decodes;
      EXPECT_LE(cell.copies * cell.split.decode_instances, whole.decode_instances * (1 + 1e-12));
    }
  }
  EXPECT_EQ(make_cell(split_of(prefill, 1, decode, 8), 30).split.decode_instances, 8U);
}

TEST(MakeCell, LoadsPrefillAndDecodeAsTheWholeDoes) {
  const ServingCandidate prefill = candidate(Stage::prefill, 8, 10), decode = candidate(Stage::decode, 8, 40);
  EXPECT_EQ(make_cell(split_of(prefill, 7, decode, 2), 30).copies, 1)
      << "4 and 1 would leave decode less to do it with";
  const Cell cell = make_cell(split_of(prefill, 14, decode, 4), 80);
  EXPECT_EQ(cell.copies, 2);
  EXPECT_EQ(cell.split.prefill_instances, 7U);
  EXPECT_EQ(cell.split.decode_instances, 2U);
}

TEST(Neighbours, HaveOneDecodeInstanceMoreOrFewerAndAllThatFitsBesideIt) {
  const ServingCandidate prefill = candidate(Stage::prefill, 16, 10), decode = candidate(Stage::decode, 32, 25);
  const std::vector<std::uint32_t> domains(3, 100);
  const std::vector<Split> splits = make_splits({&prefill, &decode}, domains);
  ASSERT_EQ(splits.size(), 1U);
  const std::vector<Split> found = neighbours(splits[0], domains);
  ASSERT_EQ(found.size(), 2U);
  EXPECT_EQ(found[0].decode_instances + 1, splits[0].decode_instances);
  EXPECT_EQ(found[1].decode_instances, splits[0].decode_instances + 1);
  for (const Split& one : found) {
    EXPECT_LE(one.rate, splits[0].rate) << "the prediction had them before";
    EXPECT_EQ(one.rate, std::min(one.prefill_instances * prefill.rate, one.decode_instances * decode.rate));
    EXPECT_LE(16 * one.prefill_instances + 32 * one.decode_instances, 300U);
  }
}

TEST(Neighbours, AreNotWhatLeavesOneKindWithout) {
  const ServingCandidate prefill = candidate(Stage::prefill, 8, 10), decode = candidate(Stage::decode, 8, 10);
  EXPECT_TRUE(neighbours(split_of(prefill, 1, decode, 1), {16}).empty());
  EXPECT_TRUE(neighbours({nullptr, &prefill, 0, 2, 20}, {16}).empty());
}

TEST(MakeSplits, BeginAtBothBalancesWhereTheTimeToTheFirstTokenIsShort) {
  ServingCandidate prefill = candidate(Stage::prefill, 8, 1);
  const ServingCandidate decode = candidate(Stage::decode, 8, 25);
  const std::vector<std::uint32_t> domains(2, 64);
  EXPECT_EQ(make_splits({&prefill, &decode}, domains).size(), 1U);
  prefill.most = 10;  // of which a lone instance keeps a tenth within its time
  const std::vector<Split> splits = make_splits({&prefill, &decode}, domains);
  ASSERT_EQ(splits.size(), 2U);
  EXPECT_EQ(splits[0].decode_instances, 1U);
  EXPECT_EQ(splits[1].decode_instances, 5U) << "which take 125; 11 beside them give 110";
}

}  // namespace
}  // namespace podium::test
