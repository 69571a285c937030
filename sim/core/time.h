#pragma once

#include <compare>
#include <cstdint>

#include "sim/core/units.h"

namespace podium {

/// An instant: whole picoseconds since the start of a simulation (up to 106 days).
class Time {
 public:
  constexpr Time() = default;
  static constexpr Time from_picoseconds(std::int64_t count) { return Time(count); }
  static constexpr Time max() { return Time(INT64_MAX); }

  constexpr std::int64_t picoseconds() const { return picoseconds_; }
  constexpr auto operator<=>(const Time&) const = default;

  friend constexpr Seconds operator-(Time later, Time earlier) {
    return Seconds(static_cast<double>(later.picoseconds_ - earlier.picoseconds_) * 1e-12);
  }

 private:
  constexpr explicit Time(std::int64_t picoseconds) : picoseconds_(picoseconds) {}
  std::int64_t picoseconds_ = 0;
};

/// The one place where time is rounded: to the nearest picosecond, halves up. A delay that is negative or not a number
/// is a Bug; one beyond the range, as figures far off make, a RunError.
Time operator+(Time start, Seconds delay);

/// Seconds since the start of the simulation.
constexpr Seconds since_start(Time t) { return t - Time(); }

}  // namespace podium
