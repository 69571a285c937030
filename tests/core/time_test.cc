#include "sim/core/time.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "sim/core/check.h"

namespace podium {
namespace {

using namespace literals;

constexpr Seconds picoseconds(double count) { return Seconds(count * 1e-12); }

std::int64_t rounded(Seconds delay) { return (Time() + delay).picoseconds(); }

TEST(Time, RoundsADelayToTheNearestPicosecondHalvesUp) {
  EXPECT_EQ(rounded(picoseconds(0.25)), 0);
  EXPECT_EQ(rounded(Seconds(std::ldexp(1, -41))), 0);  // 0.4547 ps
  EXPECT_EQ(rounded(picoseconds(0.75)), 1);
  EXPECT_EQ(rounded(picoseconds(1.25)), 1);
  EXPECT_EQ(rounded(1.5_us), 1'500'000);
  // halves that survive the multiplication by 1e12 exactly
  for (const std::int64_t whole : {0, 1, 2, 3, 1001}) {
    const Seconds delay(std::nextafter((static_cast<double>(whole) + 0.5) * 1e-12, 1.0));
    EXPECT_EQ(rounded(delay), whole + 1);
  }
}

TEST(Time, KeepsAPicosecondOfLongDelays) {
  // above 2^52 ps, where adding a half before truncating is off by one
  const double odd = 0x1p52 + 1;
  const Seconds delay(odd / 1e12);
  EXPECT_NEAR(static_cast<double>(rounded(delay)), delay.value() * 1e12, 0.5);
}

TEST(Time, TransfersAreNotTruncatedPerByte) {
  // a byte at 900 GB/s takes 1.11 ps; a gigabyte must not be 11 % too fast
  const Seconds gigabyte = Bytes(1e9) / 900_GBps;
  EXPECT_NEAR(static_cast<double>(rounded(gigabyte)), 1e9 / 900e9 * 1e12, 0.5);
}

TEST(Time, DifferencesAreSeconds) {
  const Time start = Time() + 3_us;
  const Time end = start + 1.25_ms;
  EXPECT_DOUBLE_EQ((end - start).value(), 1.25e-3);
  EXPECT_DOUBLE_EQ((start - end).value(), -1.25e-3);
  EXPECT_DOUBLE_EQ(since_start(end).value(), 1.253e-3);
}

TEST(Time, RefusesDelaysThatCannotBe) {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  EXPECT_THROW(Time() + Seconds(-1e-12), Bug);
  EXPECT_THROW(Time() + Seconds(std::numeric_limits<double>::quiet_NaN()), Bug);
  EXPECT_THROW(Time() + Seconds(-infinity), Bug);
}

TEST(Time, SaysThatFiguresAreFarOffWhereItWouldPass106Days) {
  EXPECT_THROW(Time() + Seconds(std::numeric_limits<double>::infinity()), RunError);
  EXPECT_THROW(Time() + Seconds(107.0 * 86400), RunError);
  EXPECT_NO_THROW(Time() + Seconds(106.0 * 86400));
  EXPECT_THROW(Time() + Seconds(60.0 * 86400) + Seconds(60.0 * 86400), RunError);
  EXPECT_THROW(Time::max() + 1_ns, RunError);
}

RC_GTEST_PROP(Time, IsNeverHalfAPicosecondOff, (std::uint32_t high, std::uint32_t low)) {
  const Seconds delay(static_cast<double>(high % 9'000'000) + static_cast<double>(low) * 0x1p-32);
  const double exact = delay.value() * 1e12;
  const auto count = static_cast<double>((Time() + delay).picoseconds());
  RC_ASSERT(std::abs(count - exact) <= 0.5);
}

RC_GTEST_PROP(Time, IsMonotoneInTheDelay, (std::uint32_t a, std::uint32_t b)) {
  const Time start = Time::from_picoseconds(12345);
  const Time first = start + picoseconds(std::min(a, b) / 16.0);
  const Time second = start + picoseconds(std::max(a, b) / 16.0);
  RC_ASSERT(start <= first && first <= second);
}

}  // namespace
}  // namespace podium
