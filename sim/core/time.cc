#include "sim/core/time.h"

#include <fmt/format.h>

#include "sim/core/check.h"

namespace podium {

Time operator+(Time start, Seconds delay) {
  const double picoseconds = delay.value() * 1e12;
  PODIUM_CHECK(picoseconds >= 0, "a delay is a number and not negative");
  if (picoseconds >= 9.2e18) {
    throw RunError(
        fmt::format("something takes {:.3g} s, more than the 106 days that can be simulated: is a rate, a "
                    "latency or a size far from what a machine has?",
                    delay.value()));
  }
  auto count = static_cast<std::int64_t>(picoseconds);
  // the difference is exact, where adding a half first would round twice
  count += picoseconds - static_cast<double>(count) >= 0.5 ? 1 : 0;
  if (count > INT64_MAX - start.picoseconds()) {
    throw RunError("the run lasts longer than the 106 days that can be simulated");
  }
  return Time::from_picoseconds(start.picoseconds() + count);
}

}  // namespace podium
