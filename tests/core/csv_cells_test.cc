#include "sim/core/csv_cells.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/core/error_of.h"

namespace podium {
namespace {

using testing::ElementsAre;

TEST(CsvCells, AreSplitAtCommasOutsideQuotationMarks) {
  EXPECT_THAT(split_cells("", {}), ElementsAre(""));
  EXPECT_THAT(split_cells("a,,b", {}), ElementsAre("a", "", "b"));
  EXPECT_THAT(split_cells(R"("a,b","say ""x""",5"6)", {}), ElementsAre("a,b", R"(say "x")", R"(5"6)"));
  EXPECT_EQ(test::error_of([] { split_cells("a,\"b", {"f", 3}); }), "f:3: a quoted cell does not end with its line");
}

TEST(CsvCells, AreReadBackAsTheyWere) {
  for (const std::string text : {"", "plain", "a,b", "say \"x\"", "\"", "\"\""}) {
    EXPECT_THAT(split_cells(csv_cell(text) + "," + quoted_cell(text), {}), ElementsAre(text, text));
  }
  EXPECT_EQ(csv_cell("plain"), "plain");
  EXPECT_EQ(csv_cell("two\nlines"), "\"two\nlines\"");
}

}  // namespace
}  // namespace podium
