#include "sim/collective/uneven.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "sim/collective/verify.h"

namespace podium {
namespace {

using namespace literals;
using testing::HasSubstr;

const SizeMatrix uneven{{10_B, 30_B, 0_B}, {5_B, 0_B, 30_B}, {0_B, 0_B, 7_B}};

TEST(UnevenExchange, SendsToEachWhatIsForIt) {
  const Schedule schedule = uneven_exchange(uneven);
  EXPECT_EQ(largest_exchange(uneven), 35_B) << "of rank 1, without what it keeps";
  ASSERT_EQ(schedule.stages.size(), 1U);
  EXPECT_EQ(schedule.messages(), 3U) << "nothing, and what stays, is no message";
  EXPECT_DOUBLE_EQ(schedule.sent_per_rank(), 1) << "of rank 1";
  EXPECT_EQ(flaw_of(uneven, schedule), "");
}

TEST(UnevenExchange, IsTheDirectOneWhereAllSizesAreEqual) {
  const SizeMatrix even(6, std::vector<Bytes>(6, 1_MiB));
  const Schedule schedule = uneven_exchange(even);
  EXPECT_EQ(flaw_of(even, schedule), "");
  EXPECT_EQ(largest_exchange(even), 5_MiB);
  ASSERT_EQ(schedule.messages(), 30U);
  EXPECT_DOUBLE_EQ(schedule.stages.front().front().share, 0.2);
}

TEST(UnevenExchange, CountsWhatThePortOfTheBusiestRankCarries) {
  SizeMatrix own(4, std::vector<Bytes>(4, 1_B));
  for (std::size_t rank = 0; rank < own.size(); ++rank) {
    own[rank][rank] = 100_MiB;
  }
  EXPECT_EQ(largest_exchange(own), 3_B) << "what stays goes through no port";
  const SizeMatrix to_one{{0_B, 8_B, 0_B}, {0_B, 0_B, 0_B}, {0_B, 8_B, 0_B}};
  EXPECT_EQ(largest_exchange(to_one), 16_B) << "that reaches rank 1";
}

TEST(UnevenExchange, IsFoundOutWhereAMessageIsMissingOrAstray) {
  Schedule missing = uneven_exchange(uneven);
  missing.stages.front().pop_back();
  EXPECT_THAT(flaw_of(uneven, missing), HasSubstr("and should get 30"));
  Schedule astray = uneven_exchange(uneven);
  astray.stages.front().front().pairs.front() = {2, 0};
  EXPECT_NE(flaw_of(uneven, astray), "");
}

TEST(UnevenExchange, RefusesSizesThatAreNoMatrix) {
  const std::string path = (std::filesystem::path(testing::TempDir()) / "podium-sizes.csv").string();
  const auto refused = [&](const std::string& text, const std::string& problem) {
    std::ofstream(path) << text;
    try {
      read_sizes(path);
      ADD_FAILURE() << text;
    } catch (const InputError& error) {
      EXPECT_THAT(error.what(), HasSubstr(problem));
    }
  };
  refused("1,2\n3\n", "podium-sizes.csv:2: 1 sizes, the first row has 2");
  refused("1,2\n", "1 rows of 2 sizes");
  refused("", "0 rows of 0 sizes");
  refused("0,1.5 B\n2,0\n", ":1: '1.5 B' is not a whole number of bytes");
  refused("0,-4 B\n2,0\n", ":1: ");
  refused("0,0\n0,0\n", "nobody has anything to send");
  std::ofstream(path) << "0,64KiB\n12,0\n";
  EXPECT_EQ(read_sizes(path), (SizeMatrix{{0_B, 64_KiB}, {12_B, 0_B}}));
}

}  // namespace
}  // namespace podium
