#include "sim/core/time.h"

#include <cmath>

#include "sim/core/check.h"

namespace podium {

Time operator+(Time start, Seconds delay) {
  const double picoseconds = std::floor(delay.value() * 1e12 + 0.5);
  PODIUM_CHECK(delay.value() >= 0 && picoseconds < 9.2e18, "a delay is finite, not negative, and under 106 days");
  const auto count = static_cast<std::int64_t>(picoseconds);
  PODIUM_CHECK(count <= INT64_MAX - start.picoseconds(), "simulated time is under 106 days");
  return Time::from_picoseconds(start.picoseconds() + count);
}

}  // namespace podium
