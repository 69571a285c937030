#include "sim/core/check.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace podium {
namespace {

TEST(Location, LeavesOutWhatIsNotKnown) {
  EXPECT_EQ(to_string(Location{"a.yaml", 3, 7}), "a.yaml:3:7");
  EXPECT_EQ(to_string(Location{"a.yaml", 3}), "a.yaml:3");
  EXPECT_EQ(to_string(Location{"a.yaml"}), "a.yaml");
}

TEST(InputError, PutsThePlaceFirst) {
  EXPECT_STREQ(InputError({"a.yaml", 3, 7}, "wrong").what(), "a.yaml:3:7: wrong");
  EXPECT_STREQ(InputError(Location{}, "wrong").what(), "wrong");
  EXPECT_STREQ(InputError("wrong").what(), "wrong");
}

TEST(PodiumCheck, ThrowsABugThatNamesTheConditionAndThePlace) {
  const int two = 2;
  EXPECT_NO_THROW(PODIUM_CHECK(two == 2));
  try {
    PODIUM_CHECK(two == 3, "two is not three");
    FAIL();
  } catch (const Bug& bug) {
    const std::string what = bug.what();
    EXPECT_NE(what.find("check_test.cc:"), std::string::npos) << what;
    EXPECT_NE(what.find("two == 3"), std::string::npos) << what;
    EXPECT_NE(what.find("two is not three"), std::string::npos) << what;
  }
}

TEST(Nearest, FindsMisspeltNames) {
  const std::vector<std::string> known{"bandwidth", "latency", "size"};
  EXPECT_EQ(nearest("bandwith", known), "bandwidth");
  EXPECT_EQ(nearest("latnecy", known), "latency");
  EXPECT_EQ(nearest("sise", known), "size");
  EXPECT_EQ(nearest("Size", known), "size");
}

TEST(Nearest, FindsTheBeginningOfALongName) {
  const std::vector<std::string> known{"cloudmatrix384", "gb200-nvl72", "h100-sxm"};
  EXPECT_EQ(nearest("gb200", known), "gb200-nvl72");
  EXPECT_EQ(nearest("h100", known), "h100-sxm");
}

TEST(Nearest, NamesNothingThatIsFar) {
  const std::vector<std::string> known{"ab", "bandwidth", "x"};
  EXPECT_EQ(nearest("topology", known), "");
  EXPECT_EQ(nearest("q", known), "");
  EXPECT_EQ(nearest("zz", known), "");
  EXPECT_EQ(nearest("", known), "");
  EXPECT_EQ(nearest("size", {}), "");
}

TEST(Nearest, TakesTheFirstOfEquallyNear) {
  const std::vector<std::string> known{"ring1", "ring2"};
  EXPECT_EQ(nearest("ring", known), "ring1");
}

TEST(UnknownName, ListsWhatIsKnown) {
  const std::vector<std::string> known{"flow", "packet"};
  EXPECT_EQ(unknown_name("network", "flwo", known),
            "unknown network 'flwo' (did you mean 'flow'?); known: flow, packet");
  EXPECT_EQ(unknown_name("network", "analytic", known), "unknown network 'analytic'; known: flow, packet");
  EXPECT_EQ(unknown_name("network", "flow", {}), "unknown network 'flow'; none is known");
}

}  // namespace
}  // namespace podium
