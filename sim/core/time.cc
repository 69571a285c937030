#include "sim/core/time.h"

#include "sim/core/check.h"

namespace podium {

Time operator+(Time start, Seconds delay) {
  const double picoseconds = delay.value() * 1e12;
  PODIUM_CHECK(picoseconds >= 0 && picoseconds < 9.2e18, "a delay is finite, not negative, and under 106 days");
  auto count = static_cast<std::int64_t>(picoseconds);
  // the difference is exact, where adding a half first would round twice
  count += picoseconds - static_cast<double>(count) >= 0.5 ? 1 : 0;
  PODIUM_CHECK(count <= INT64_MAX - start.picoseconds(), "simulated time is under 106 days");
  return Time::from_picoseconds(start.picoseconds() + count);
}

}  // namespace podium
