#pragma once

#include <compare>
#include <concepts>

namespace podium {

/// A number with its physical dimension: powers of byte, flop, second, watt and dollar. Values are in SI base units
/// (bytes, flops, seconds, watts, dollars), so that nothing is ever scaled but at the program's edges. The compiler
/// checks the algebra: Bytes / BytesPerSecond is Seconds. A simple strong type, not a mathematical class.
template <int Byte, int Flop, int Second, int Watt, int Dollar>
class Quantity {
 public:
  constexpr Quantity() = default;
  constexpr explicit Quantity(double value) : value_(value) {}

  constexpr double value() const { return value_; }

  constexpr auto operator<=>(const Quantity&) const = default;
  constexpr Quantity operator-() const { return Quantity(-value_); }
  constexpr Quantity& operator+=(Quantity other) {
    value_ += other.value_;
    return *this;
  }
  constexpr Quantity& operator-=(Quantity other) {
    value_ -= other.value_;
    return *this;
  }
  constexpr Quantity& operator*=(double factor) {
    value_ *= factor;
    return *this;
  }
  constexpr Quantity& operator/=(double divisor) {
    value_ /= divisor;
    return *this;
  }

  friend constexpr Quantity operator+(Quantity a, Quantity b) { return Quantity(a.value_ + b.value_); }
  friend constexpr Quantity operator-(Quantity a, Quantity b) { return Quantity(a.value_ - b.value_); }
  friend constexpr Quantity operator*(Quantity a, double factor) { return Quantity(a.value_ * factor); }
  friend constexpr Quantity operator*(double factor, Quantity a) { return Quantity(factor * a.value_); }
  friend constexpr Quantity operator/(Quantity a, double divisor) { return Quantity(a.value_ / divisor); }

 private:
  double value_ = 0;
};

namespace detail {
/// A dimensionless result is a plain double.
template <int B, int F, int S, int W, int D>
constexpr auto make_quantity(double value) {
  if constexpr (B == 0 && F == 0 && S == 0 && W == 0 && D == 0) {
    return value;
  } else {
    return Quantity<B, F, S, W, D>(value);
  }
}
}  // namespace detail

template <int B1, int F1, int S1, int W1, int D1, int B2, int F2, int S2, int W2, int D2>
constexpr auto operator*(Quantity<B1, F1, S1, W1, D1> a, Quantity<B2, F2, S2, W2, D2> b) {
  return detail::make_quantity<B1 + B2, F1 + F2, S1 + S2, W1 + W2, D1 + D2>(a.value() * b.value());
}

template <int B1, int F1, int S1, int W1, int D1, int B2, int F2, int S2, int W2, int D2>
constexpr auto operator/(Quantity<B1, F1, S1, W1, D1> a, Quantity<B2, F2, S2, W2, D2> b) {
  return detail::make_quantity<B1 - B2, F1 - F2, S1 - S2, W1 - W2, D1 - D2>(a.value() / b.value());
}

template <int B, int F, int S, int W, int D>
constexpr auto operator/(double a, Quantity<B, F, S, W, D> b) {
  return detail::make_quantity<-B, -F, -S, -W, -D>(a / b.value());
}

using Bytes = Quantity<1, 0, 0, 0, 0>;
using Flops = Quantity<0, 1, 0, 0, 0>;
using Seconds = Quantity<0, 0, 1, 0, 0>;
using Watts = Quantity<0, 0, 0, 1, 0>;
using Dollars = Quantity<0, 0, 0, 0, 1>;
using Joules = Quantity<0, 0, 1, 1, 0>;
using BytesPerSecond = Quantity<1, 0, -1, 0, 0>;
using FlopsPerSecond = Quantity<0, 1, -1, 0, 0>;
using DollarsPerSecond = Quantity<0, 0, -1, 0, 1>;
using PerSecond = Quantity<0, 0, -1, 0, 0>;

namespace literals {
constexpr Bytes operator""_B(unsigned long long v) { return Bytes(static_cast<double>(v)); }
constexpr Bytes operator""_KiB(unsigned long long v) { return Bytes(static_cast<double>(v) * 1024.0); }
constexpr Bytes operator""_MiB(unsigned long long v) { return Bytes(static_cast<double>(v) * 1048576.0); }
constexpr Bytes operator""_GiB(unsigned long long v) { return Bytes(static_cast<double>(v) * 1073741824.0); }
constexpr Seconds operator""_s(long double v) { return Seconds(static_cast<double>(v)); }
constexpr Seconds operator""_s(unsigned long long v) { return Seconds(static_cast<double>(v)); }
constexpr Seconds operator""_ms(long double v) { return Seconds(static_cast<double>(v) * 1e-3); }
constexpr Seconds operator""_ms(unsigned long long v) { return Seconds(static_cast<double>(v) * 1e-3); }
constexpr Seconds operator""_us(long double v) { return Seconds(static_cast<double>(v) * 1e-6); }
constexpr Seconds operator""_us(unsigned long long v) { return Seconds(static_cast<double>(v) * 1e-6); }
constexpr Seconds operator""_ns(long double v) { return Seconds(static_cast<double>(v) * 1e-9); }
constexpr Seconds operator""_ns(unsigned long long v) { return Seconds(static_cast<double>(v) * 1e-9); }
constexpr BytesPerSecond operator""_GBps(long double v) { return BytesPerSecond(static_cast<double>(v) * 1e9); }
constexpr BytesPerSecond operator""_GBps(unsigned long long v) { return BytesPerSecond(static_cast<double>(v) * 1e9); }
constexpr FlopsPerSecond operator""_TFLOPs(long double v) { return FlopsPerSecond(static_cast<double>(v) * 1e12); }
constexpr FlopsPerSecond operator""_TFLOPs(unsigned long long v) {
  return FlopsPerSecond(static_cast<double>(v) * 1e12);
}
}  // namespace literals

}  // namespace podium
