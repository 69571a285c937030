#pragma once

#include <cstdint>

#include "sim/core/check.h"
#include "sim/core/units.h"

namespace podium {

// The arithmetic of sharing: whole numbers throughout, so that a sum does not depend on its order, and the same problem
// has the same levels to the last bit whatever led up to it. A level times a sum of demands is in the unit of a
// capacity.

/// A rate per weight, rounded down: by number, in steps of 2^-16 B/s up to 2^46 B/s, and of 1 B/s beyond, where a flow
/// is that has a fast link to itself and weighs next to nothing, as one message of thousands does.
using Level = std::uint64_t;
/// A load times a weight, in 2^-40: what one level puts on a link.
using Demand = std::uint64_t;
/// Sums of demands, and capacities in 2^-56 B/s.
__extension__ using Wide = __int128;
__extension__ using UnsignedWide = unsigned __int128;

constexpr Level no_level = UINT64_MAX;
constexpr Level first_coarse = Level{1} << 62;
constexpr int coarse_bits = 16;

/// In 2^-16 B/s.
inline UnsignedWide value_of(Level level) {
  return level <= first_coarse ? level
                               : first_coarse + (static_cast<UnsignedWide>(level - first_coarse) << coarse_bits);
}
/// The highest level of at most a value; `no_level` where the value is beyond all.
inline Level level_of(UnsignedWide value) {
  if (value <= first_coarse) {
    return static_cast<Level>(value);
  }
  const UnsignedWide level = first_coarse + ((value - first_coarse) >> coarse_bits);
  return level < no_level ? static_cast<Level>(level) : no_level;
}

/// To the nearest; exact for multiples of 2^-40. Of a bundle it is so many times its member's, so that a bundle is just
/// what its members are. A member's beyond 2^-40, or all members' beyond 2^24, is a Bug.
inline Demand to_demand(double load, double weight, std::uint64_t members = 1) {
  const double demand = load * weight * 0x1p40;
  PODIUM_CHECK(demand >= 1 && demand * static_cast<double>(members) < 0x1p64,
               "a load times a weight is from 2^-40 to 2^24");
  const auto whole = static_cast<Demand>(demand);
  return (whole + (demand - static_cast<double>(whole) >= 0.5 ? 1 : 0)) * members;
}

inline Wide to_wide(BytesPerSecond capacity) {
  PODIUM_CHECK(capacity.value() >= 0 && capacity.value() < 0x1p70, "a capacity is not negative and under 2^70 B/s");
  return static_cast<Wide>(capacity.value() * 0x1p56);
}

/// The level at which a flow is at its cap; `no_level` where it has none that it can reach.
inline Level cap_level(BytesPerSecond cap, double weight) {
  const double value = cap.value() / weight * 0x1p16;
  return value > 0 && value < 0x1p80 ? level_of(static_cast<UnsignedWide>(value)) : no_level;
}

inline BytesPerSecond rate_at(Level level, double weight) {
  return BytesPerSecond(static_cast<double>(value_of(level)) * 0x1p-16 * weight);
}

/// The level at which `demand` uses all of `left`, neither negative; `no_level` where it never does.
inline Level full_level(Wide left, Wide demand) {
  if (demand == 0) {
    return no_level;
  }
  return level_of(static_cast<UnsignedWide>(left) / static_cast<UnsignedWide>(demand));
}

/// What a flow that is at a level puts on a link; never more than a capacity.
inline Wide product(Demand demand, Level level) {
  return static_cast<Wide>(static_cast<UnsignedWide>(demand) * value_of(level));
}

}  // namespace podium
