#include "sim/report/format.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>
#include <string>

namespace podium {
namespace {

TEST(Format, GivesThreeSignificantDigits) {
  EXPECT_EQ(three_digits(0), "0");
  EXPECT_EQ(three_digits(1.5), "1.50");
  EXPECT_EQ(three_digits(5.655), "5.66");
  EXPECT_EQ(three_digits(72), "72.0");
  EXPECT_EQ(three_digits(999.4), "999");
  EXPECT_EQ(three_digits(0.0822504), "0.0823");
  EXPECT_EQ(three_digits(-48.123), "-48.1");
}

TEST(Format, SeparatesThousandsOfLargeNumbersAfterRounding) {
  EXPECT_EQ(three_digits(221843), "222,000");
  EXPECT_EQ(three_digits(999.9), "1,000");
  EXPECT_EQ(three_digits(1234567890.0), "1,230,000,000");
}

TEST(Format, GivesAnExponentToTheVerySmall) { EXPECT_EQ(three_digits(1.2345e-7), "1.23e-07"); }

TEST(Format, NeverLosesMoreThanHalfAUnitOfTheThirdDigit) {
  std::mt19937 random(7);
  for (int i = 0; i < 1000; ++i) {
    const double value = std::exp((static_cast<double>(random()) / 4294967296.0 - 0.5) * 40);
    std::string text = three_digits(value);
    std::erase(text, ',');
    EXPECT_NEAR(std::stod(text) / value, 1, 0.00501) << value << " as " << text;
  }
}

TEST(Format, ExactNumbersReadBackAsTheyWere) {
  std::mt19937_64 random(11);
  for (int i = 0; i < 1000; ++i) {
    const double value = static_cast<double>(random()) * std::exp2(static_cast<double>(random() % 200) - 100);
    EXPECT_EQ(std::stod(exact(value)), value);
  }
  EXPECT_EQ(exact(0.1), "0.1");
  EXPECT_EQ(exact(std::numeric_limits<double>::infinity()), "");
}

TEST(Format, WritesSharesFactorsAndSignatures) {
  EXPECT_EQ(percent(0.9456), "94.6 %");
  EXPECT_EQ(factor(1.9572), "1.96×");
  EXPECT_EQ(hexadecimal(0xab), "00000000000000ab");
  EXPECT_EQ(count(34662), "34,662");
}

}  // namespace
}  // namespace podium
