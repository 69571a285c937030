#include "sim/core/text.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cmath>
#include <string>

#include "tests/core/error_of.h"

namespace podium {
namespace {

using namespace literals;
using test::error_of;

template <class Q>
std::string error_of(std::string_view text) {
  return error_of([text] { parse_quantity<Q>(text); });
}

TEST(ParseQuantity, ScalesDecimalAndBinaryPrefixes) {
  EXPECT_EQ(parse_quantity<Bytes>("512 B"), 512_B);
  EXPECT_EQ(parse_quantity<Bytes>("2 kB"), Bytes(2e3));
  EXPECT_EQ(parse_quantity<Bytes>("3 MB"), Bytes(3e6));
  EXPECT_EQ(parse_quantity<Bytes>("4 GB"), Bytes(4e9));
  EXPECT_EQ(parse_quantity<Bytes>("5 TB"), Bytes(5e12));
  EXPECT_EQ(parse_quantity<Bytes>("6 PB"), Bytes(6e15));
  EXPECT_EQ(parse_quantity<Bytes>("2 KiB"), 2_KiB);
  EXPECT_EQ(parse_quantity<Bytes>("3 MiB"), 3_MiB);
  EXPECT_EQ(parse_quantity<Bytes>("64 GiB"), 64_GiB);
  EXPECT_EQ(parse_quantity<Bytes>("1 TiB"), 1024_GiB);
}

TEST(ParseQuantity, TellsBitsFromBytes) {
  EXPECT_EQ(parse_quantity<Bytes>("64 Gb") * 8, parse_quantity<Bytes>("64 GB"));
  EXPECT_EQ(parse_quantity<Bytes>("64 Gbit"), parse_quantity<Bytes>("64 Gb"));
  EXPECT_EQ(parse_quantity<BytesPerSecond>("400 Gb/s"), 50_GBps);
  EXPECT_EQ(parse_quantity<BytesPerSecond>("8 Kib/s"), parse_quantity<BytesPerSecond>("1 KiB/s"));
}

TEST(ParseQuantity, CountsOperationsAsFlops) {
  for (const char* const text : {"752 TFLOP/s", "752 TOP/s", "752 TOPS", "752 TFLOPS", "0.752 PFLOP/s"}) {
    EXPECT_DOUBLE_EQ(parse_quantity<FlopsPerSecond>(text).value(), 752e12) << text;
  }
  EXPECT_EQ(parse_quantity<Flops>("3 TFLOP"), Flops(3e12));
}

TEST(ParseQuantity, KnowsTimesFromPicosecondsToDays) {
  EXPECT_EQ(parse_quantity<Seconds>("1.2 us"), 1.2_us);
  EXPECT_EQ(parse_quantity<Seconds>("1.2 \u00b5s"), 1.2_us);
  EXPECT_EQ(parse_quantity<Seconds>("1.2 \u03bcs"), 1.2_us);
  EXPECT_DOUBLE_EQ(parse_quantity<Seconds>("7 ps").value() * 1000, parse_quantity<Seconds>("7 ns").value());
  EXPECT_EQ(parse_quantity<Seconds>("90 min"), parse_quantity<Seconds>("1.5 h"));
  EXPECT_EQ(parse_quantity<Seconds>("2 d"), parse_quantity<Seconds>("48 h"));
}

TEST(ParseQuantity, KnowsPowerMoneyAndRates) {
  EXPECT_EQ(parse_quantity<Watts>("559.378 kW"), Watts(559378));
  EXPECT_EQ(parse_quantity<Watts>("1.2 MW"), Watts(1.2e6));
  EXPECT_EQ(parse_quantity<Dollars>("3.3 M$"), Dollars(3.3e6));
  EXPECT_EQ(parse_quantity<Dollars>("4,672 $"), Dollars(4672));
  EXPECT_DOUBLE_EQ(parse_quantity<DollarsPerSecond>("2.75 $/h").value(), 2.75 / 3600);
  EXPECT_EQ(parse_quantity<PerSecond>("12 /s"), PerSecond(12));
  EXPECT_EQ(parse_quantity<PerSecond>("90 /min"), PerSecond(1.5));
  EXPECT_EQ(parse_quantity<PerSecond>("1.8 GHz"), PerSecond(1.8e9));
}

TEST(ParseQuantity, TakesTheUnitWithOrWithoutABlank) {
  EXPECT_EQ(parse_quantity<Bytes>("64GiB"), 64_GiB);
  EXPECT_EQ(parse_quantity<Bytes>("  64   GiB "), 64_GiB);
  EXPECT_EQ(parse_quantity<Bytes>("6.4e1 GiB"), 64_GiB);
}

TEST(ParseQuantity, TakesCommasOnlyBetweenThousands) {
  EXPECT_EQ(parse_quantity<Bytes>("1,943 B"), 1943_B);
  EXPECT_EQ(parse_quantity<Bytes>("12,345,678.5 B"), Bytes(12345678.5));
  for (const char* const text : {"1,94 B", "1,9433 B", "1943,123 B", ",123 B", "1,,234 B", "1,234567 B"}) {
    EXPECT_THROW(parse_quantity<Bytes>(text), InputError) << text;
  }
}

TEST(ParseQuantity, SaysWhichUnitsWouldBeRight) {
  EXPECT_EQ(error_of<BytesPerSecond>("392"), "'392' needs a unit of bandwidth (GB/s, TB/s, GiB/s, Gb/s)");
  EXPECT_EQ(error_of<BytesPerSecond>("392 GBs"),
            "'392 GBs': 'GBs' is not a unit of bandwidth (GB/s, TB/s, GiB/s, Gb/s)");
  EXPECT_EQ(error_of<BytesPerSecond>("392 GB"),
            "'392 GB' has a unit of size, not of bandwidth (GB/s, TB/s, GiB/s, Gb/s)");
  EXPECT_EQ(error_of<Watts>("many W"), "'many W' is not a number with a unit of power (W, kW, MW)");
}

TEST(ParseQuantity, NamesThePlace) {
  const std::string message = error_of([] { parse_quantity<Watts>("7", {"a.yaml", 3, 9}); });
  EXPECT_EQ(message, "a.yaml:3:9: '7' needs a unit of power (W, kW, MW)");
}

TEST(ParseQuantity, RefusesWhatIsNegativeOrNotFinite) {
  for (const char* const text :
       {"-1 B", "-1e-30 GB", "nan B", "-nan B", "inf B", "infinity GB", "1e999 B", "1e308 TB"}) {
    EXPECT_THROW(parse_quantity<Bytes>(text), InputError) << text;
  }
  EXPECT_FALSE(std::signbit(parse_quantity<Bytes>("-0 B").value()));
}

TEST(ParseQuantity, RefusesUnitsThatOnlyLookRight) {
  for (const char* const text :
       {"5 mB", "5 gb/s", "5 GiB/", "5 /", "5 B B", "5 B.", "5 KKB", "5 Ti", "", " ", "B", "0x10 B"}) {
    EXPECT_THROW(parse_quantity<Bytes>(text), InputError) << text;
  }
  EXPECT_THROW(parse_quantity<Seconds>("5 Ms"), InputError);   // mega, not milli
  EXPECT_THROW(parse_quantity<Seconds>("5 m"), InputError);    // metres or minutes
  EXPECT_THROW(parse_quantity<PerSecond>("5 s"), InputError);  // a time
}

TEST(ParseNumber, ReadsNumbersAndPercentages) {
  EXPECT_EQ(parse_number("0.85"), 0.85);
  EXPECT_EQ(parse_number("85 %"), 0.85);
  EXPECT_EQ(parse_number("85%"), 0.85);
  EXPECT_EQ(parse_number("-3"), -3);
  EXPECT_EQ(parse_number("1,943"), 1943);
}

TEST(ParseNumber, RefusesWhatFollowsTheNumber) {
  for (const char* const text : {"0.85 GB", "0.85 % %", "1 2", "1.2.3", "nan", "1e400", "", "one", "+5"}) {
    EXPECT_THROW(parse_number(text), InputError) << text;
  }
}

TEST(ParseCount, TakesWholeNumbersOnly) {
  EXPECT_EQ(parse_count("4096"), 4096);
  EXPECT_EQ(parse_count("4,096"), 4096);
  EXPECT_EQ(parse_count("0"), 0);
  EXPECT_EQ(parse_count("9007199254740991"), 9007199254740991);
  for (const char* const text : {"-1", "1.5", "9007199254740993", "1e300", "50 %", "4 KiB", "", "4096x"}) {
    EXPECT_THROW(parse_count(text), InputError) << text;
  }
}

TEST(ParseCount, SaysWhatTheLargestIsOfOneThatIsTooLarge) {
  EXPECT_EQ(error_of([] { parse_count("99999999999999999999999"); }),
            "'99999999999999999999999' is too large a count; the largest is 9,007,199,254,740,991");
}

TEST(ToText, GivesThreeSignificantDigitsInTheUnitThatSuits) {
  EXPECT_EQ(to_text(Seconds(1.2604e-3)), "1.26 ms");
  EXPECT_EQ(to_text(392_GBps), "392 GB/s");
  EXPECT_EQ(to_text(752_TFLOPs), "752 TFLOP/s");
  EXPECT_EQ(to_text(Flops(2.5e15)), "2.5 PFLOP");
  EXPECT_EQ(to_text(Watts(559378)), "559 kW");
  EXPECT_EQ(to_text(Joules(0.25)), "250 mJ");
  EXPECT_EQ(to_text(Dollars(3.3e6)), "3.3 M$");
  EXPECT_EQ(to_text(DollarsPerSecond(2.75 / 3600)), "2.75 $/h");
  EXPECT_EQ(to_text(PerSecond(1943)), "1.94 k/s");
}

TEST(ToText, UsesBinaryUnitsForWholeNumbersOfThemOnly) {
  EXPECT_EQ(to_text(64_GiB), "64 GiB");
  EXPECT_EQ(to_text(1023_MiB), "1023 MiB");
  EXPECT_EQ(to_text(7_KiB), "7 KiB");
  EXPECT_EQ(to_text(Bytes(64e9)), "64 GB");
  EXPECT_EQ(to_text(1_GiB + 1_B), "1.07 GB");
  EXPECT_EQ(to_text(100_B), "100 B");
}

TEST(ToText, NeverRoundsUpToFourDigits) {
  EXPECT_EQ(to_text(Seconds(999.4e-9)), "999 ns");
  EXPECT_EQ(to_text(Seconds(999.6e-9)), "1 us");
  EXPECT_EQ(to_text(BytesPerSecond(999.6e9)), "1 TB/s");
}

TEST(ToText, SpansZeroAndTheEndsOfTheScale) {
  EXPECT_EQ(to_text(Seconds(0)), "0 s");
  EXPECT_EQ(to_text(Bytes(0)), "0 B");
  EXPECT_EQ(to_text(Watts(0)), "0 W");
  EXPECT_EQ(to_text(Seconds(5e-15)), "0.005 ps");
  EXPECT_EQ(to_text(Seconds(3600.0 * 72)), "72 h");
  EXPECT_EQ(to_text(Bytes(2.5e22)), "25000 EB");
  EXPECT_EQ(to_text(Seconds(-2e-3)), "-2 ms");
}

TEST(WithCommas, SeparatesThousands) {
  EXPECT_EQ(with_commas(0), "0");
  EXPECT_EQ(with_commas(999), "999");
  EXPECT_EQ(with_commas(1000), "1,000");
  EXPECT_EQ(with_commas(-123), "-123");
  EXPECT_EQ(with_commas(-1234567), "-1,234,567");
}

TEST(ParseRange, TakesOneNumberOrTheFirstAndTheLast) {
  EXPECT_EQ(parse_range("5"), std::pair(5U, 5U));
  EXPECT_EQ(parse_range("8..15"), std::pair(8U, 15U));
  EXPECT_EQ(parse_range("15..8"), std::pair(15U, 8U));
  for (const char* wrong : {"", "..", "5..", "..5", "1.5", "-1", "a", "1..2..3", "12345678"}) {
    EXPECT_EQ(parse_range(wrong), std::nullopt) << wrong;
  }
}

RC_GTEST_PROP(WithCommas, IsReadBackByParseCount, (std::uint32_t count)) {
  RC_ASSERT(parse_count(with_commas(count)) == static_cast<std::int64_t>(count));
}

RC_GTEST_PROP(ToText, IsReadBackWithinThreeDigits, (std::uint32_t mantissa)) {
  const int exponent = *rc::gen::inRange(-12, 12);
  const double value = (1 + mantissa) * std::pow(10.0, exponent - 6);
  const auto near = [value](double other) { return std::abs(other - value) <= 0.00501 * value; };
  RC_ASSERT(near(parse_quantity<BytesPerSecond>(to_text(BytesPerSecond(value))).value()) || value < 1);
  RC_ASSERT(near(parse_quantity<Seconds>(to_text(Seconds(value))).value()));
  RC_ASSERT(near(parse_quantity<Watts>(to_text(Watts(value))).value()));
}

RC_GTEST_PROP(ParseQuantity, ThrowsNothingButInputErrors, (const std::string& text)) {
  try {
    parse_quantity<Bytes>(text);
  } catch (const InputError&) {
  }
  try {
    parse_quantity<PerSecond>("1" + text);
  } catch (const InputError&) {
  }
}

}  // namespace
}  // namespace podium
