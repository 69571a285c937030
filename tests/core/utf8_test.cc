#include "sim/core/utf8.h"

#include <gtest/gtest.h>

namespace podium {
namespace {

TEST(Utf8, KeepsWhatIsValidAndReplacesEachByteThatIsNot) {
  EXPECT_EQ(valid_utf8("plain, µs, 中, 😀"), "plain, µs, 中, 😀");
  EXPECT_EQ(valid_utf8("a\xff\xfe z"), "a\xEF\xBF\xBD\xEF\xBF\xBD z");
  EXPECT_EQ(valid_utf8("cut \xe4\xb8"), "cut \xEF\xBF\xBD\xEF\xBF\xBD");
  EXPECT_EQ(valid_utf8("overlong \xc0\x80"), "overlong \xEF\xBF\xBD\xEF\xBF\xBD");
  EXPECT_EQ(valid_utf8(""), "");
}

}  // namespace
}  // namespace podium
