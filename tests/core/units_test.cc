#include "sim/core/units.h"

#include <gtest/gtest.h>

#include <concepts>
#include <type_traits>

namespace podium {
namespace {

using namespace literals;

template <class A, class B>
concept Addable = requires(A a, B b) {
  a + b;
};
template <class A, class B>
concept Subtractable = requires(A a, B b) {
  a - b;
};
template <class A, class B>
concept Comparable = requires(A a, B b) {
  a < b;
};
template <class A, class B>
concept Assignable = requires(A a, B b) {
  a = b;
};
template <class A, class B>
concept Accumulable = requires(A a, B b) {
  a += b;
};

// dimensions multiply and divide
static_assert(std::same_as<decltype(Bytes() / BytesPerSecond()), Seconds>);
static_assert(std::same_as<decltype(BytesPerSecond() * Seconds()), Bytes>);
static_assert(std::same_as<decltype(Flops() / FlopsPerSecond()), Seconds>);
static_assert(std::same_as<decltype(Flops() / Seconds()), FlopsPerSecond>);
static_assert(std::same_as<decltype(Watts() * Seconds()), Joules>);
static_assert(std::same_as<decltype(Dollars() / Seconds()), DollarsPerSecond>);
static_assert(std::same_as<decltype(1.0 / Seconds()), PerSecond>);
static_assert(std::same_as<decltype(2 * Bytes() / 3), Bytes>);

// what has no dimension is a number
static_assert(std::same_as<decltype(Bytes() / Bytes()), double>);
static_assert(std::same_as<decltype(PerSecond() * Seconds()), double>);

// and the wrong algebra does not compile
static_assert(Addable<Bytes, Bytes> && !Addable<Bytes, Seconds> && !Addable<Bytes, double> && !Addable<double, Bytes>);
static_assert(Subtractable<Watts, Watts> && !Subtractable<Watts, Joules>);
static_assert(Comparable<Seconds, Seconds> && !Comparable<Seconds, PerSecond> && !Comparable<Seconds, double>);
static_assert(Assignable<Bytes&, Bytes> && !Assignable<Bytes&, Flops> && !Assignable<Bytes&, double>);
static_assert(Accumulable<Bytes&, Bytes> && !Accumulable<Bytes&, BytesPerSecond> && !Accumulable<Bytes&, double>);
static_assert(!std::convertible_to<double, Bytes> && !std::convertible_to<Bytes, double>);

// a quantity costs what a double costs
static_assert(sizeof(Bytes) == sizeof(double) && std::is_trivially_copyable_v<Bytes>);

TEST(Quantity, DividesBytesByBandwidthIntoSeconds) {
  constexpr Seconds time = 392_B / 196_GBps;
  EXPECT_DOUBLE_EQ(time.value(), 392.0 / 196e9);
  EXPECT_DOUBLE_EQ((time * 196_GBps).value(), 392);
}

TEST(Quantity, AddsSubtractsAndScales) {
  Bytes bytes = 3_KiB;
  bytes += 1_KiB;
  bytes -= 2_KiB;
  bytes *= 4;
  bytes /= 2;
  EXPECT_EQ(bytes, 4_KiB);
  EXPECT_EQ(-bytes + bytes * 2, 4_KiB);
  EXPECT_EQ(bytes / 1_KiB, 4.0);
}

TEST(Quantity, StartsAtZeroAndIsOrdered) {
  EXPECT_EQ(Seconds(), 0_s);
  EXPECT_LT(1_ns, 1_us);
  EXPECT_GT(1_MiB, 1_KiB);
}

TEST(Quantity, LiteralsAgreeAcrossScales) {
  EXPECT_EQ(1_MiB, 1024_KiB);
  EXPECT_EQ(1_GiB, 1024_MiB);
  EXPECT_DOUBLE_EQ((1_ms).value(), (1000_us).value());
  EXPECT_DOUBLE_EQ((1.5_us).value(), (1500_ns).value());
  EXPECT_DOUBLE_EQ((1.5_s).value(), (1500_ms).value());
  EXPECT_EQ(2.5_TFLOPs, 5_TFLOPs / 2);
  EXPECT_EQ(2.5_GBps, 5_GBps / 2);
}

}  // namespace
}  // namespace podium
