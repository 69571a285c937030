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
  EXPECT_EQ(largest_row(uneven), 40_B);
  ASSERT_EQ(schedule.stages.size(), 1U);
  EXPECT_EQ(schedule.messages(), 3U) << "nothing, and what stays, is no message";
  EXPECT_DOUBLE_EQ(schedule.sent_per_rank() * 40, 35) << "of rank 1";
  EXPECT_EQ(flaw_of(uneven, schedule), "");
}

TEST(UnevenExchange, IsTheDirectOneWhereAllSizesAreEqual) {
  const Schedule schedule = uneven_exchange(SizeMatrix(6, std::vector<Bytes>(6, 1_MiB)));
  EXPECT_EQ(flaw_of(CollectiveKind::all_to_all, schedule), "");
  EXPECT_DOUBLE_EQ(schedule.sent_per_rank(), 5.0 / 6);
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
