#include "sim/network/packet_calendar.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "sim/core/rng.h"

namespace podium {
namespace {

TEST(PacketCalendar, GivesEventsByTimeAndThoseOfOneInstantInTheOrderInWhichTheyCame) {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    Rng rng(seed, "calendar");
    PacketCalendar calendar;
    std::vector<PacketEvent> pending;
    std::int64_t now = 0;
    std::uint32_t count = 0;
    for (int step = 0; step < 5000; ++step) {
      const bool grows = calendar.empty() || rng.below(200) < (step < 3000 ? 110U : 80U);
      if (grows) {
        // mostly near, some at once, some far, and a few before what has left last
        const std::uint64_t kind = rng.below(100);
        const std::int64_t ahead = static_cast<std::int64_t>(rng.below(kind < 10 ? 2 : kind < 90 ? 3000 : 1ULL << 40));
        const std::int64_t time = kind == 99 ? now - std::min<std::int64_t>(now, ahead % 1000) : now + ahead;
        calendar.push({time, 0, count});
        pending.push_back({time, 0, count++});
        continue;
      }
      const auto first =
          std::min_element(pending.begin(), pending.end(), [](const PacketEvent& a, const PacketEvent& b) {
            return a.time < b.time || (a.time == b.time && a.index < b.index);
          });
      ASSERT_EQ(calendar.next_time(), first->time) << "seed " << seed << " step " << step;
      ASSERT_EQ(calendar.front().index, first->index) << "seed " << seed << " step " << step;
      now = first->time;
      calendar.pop();
      pending.erase(first);
      ASSERT_EQ(calendar.size(), pending.size());
    }
  }
}

}  // namespace
}  // namespace podium
