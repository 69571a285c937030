#include "sim/system/account.h"

#include <gtest/gtest.h>

namespace podium::test {
namespace {

using namespace literals;

TEST(Account, AddsUpPartsByName) {
  Account account;
  account.add("compute", 3_us);
  account.add("bubble", 1_us);
  account.add("compute", 2_us);
  EXPECT_DOUBLE_EQ(account.part("compute").value(), (5_us).value());
  EXPECT_DOUBLE_EQ(account.total().value(), (6_us).value());
  EXPECT_EQ(account.part("no such part").value(), 0);
  EXPECT_EQ(account.parts().front().first, "compute");
}

TEST(Account, AddsAMultipleOfAnother) {
  Account one, sum;
  one.add("memory", 2_us);
  sum.add("memory", 1_us);
  sum.add(one, 3);
  EXPECT_DOUBLE_EQ(sum.total().value(), (7_us).value());
}

}  // namespace
}  // namespace podium::test
