#include <gtest/gtest.h>

#include <vector>

#include "sim/network/network.h"
#include "tests/network/play.h"

namespace podium {
namespace {

using namespace literals;
using testing::alone;
using testing::capacity;
using testing::Message;
using testing::on;
using testing::Outcome;
using testing::picoseconds_apart;
using testing::play;
using testing::RandomTraffic;
using testing::route_over;
using testing::size;

TEST(Analytic, CountsALinksUseWithinABatchOnly) {
  const Message first{route_over({on(0)}), size};
  const Message second{route_over({on(0)}), size, Time() + alone / 2};
  // of another batch: neither sees the other
  EXPECT_EQ(play("analytic", {capacity}, {first, second}).arrivals,
            (std::vector<Time>{Time() + alone, Time() + alone / 2 + alone}));
  const Message with_first{route_over({on(0)}), size};
  EXPECT_EQ(play("analytic", {capacity}, {first, with_first}).arrivals, (std::vector<Time>(2, Time() + 2 * alone)));
}

TEST(Analytic, SaysByHowMuchItsLinksAreOverdrawn) {
  const auto overdrawn = [](std::vector<Time> starts) {
    Engine engine;
    const auto network = Networks::find("analytic")(engine, {capacity});
    const Route route = route_over({on(0)});
    for (const Time start : starts) {
      engine.at(start, [&] { network->send({&route, size}, [] {}); });
    }
    engine.run();
    return network->overdrawn().value();
  };
  EXPECT_NEAR(overdrawn({Time(), Time()}), 0, 1e-12) << "of one batch all is counted";
  EXPECT_NEAR(overdrawn({Time(), Time() + alone}), 0, 1e-12);
  EXPECT_NEAR(overdrawn({Time(), Time() + alone / 2}), (alone / 2).value(), 1e-12);
  EXPECT_NEAR(overdrawn({Time(), Time() + alone / 2, Time() + 5 * alone}), (alone / 2).value(), 1e-12);
}

TEST(Analytic, CountsBatchesOfOneInstantBySendingRound) {
  Engine engine;
  const auto network = Networks::find("analytic")(engine, {capacity});
  const Route route = route_over({on(0)});
  std::vector<Time> ends;
  const auto send = [&] { network->send({&route, size}, [&] { ends.push_back(engine.now()); }); };
  send();
  // settle opens the next round of the same instant
  engine.at(
      engine.now(), [&] { engine.at(engine.now(), send); }, Phase::settle);
  engine.run();
  EXPECT_EQ(ends, (std::vector<Time>(2, Time() + alone)));
}

TEST(Analytic, LetsTheSmallerOfABatchThroughFirst) {
  const Message small{route_over({on(0)}), size};
  const Message large{route_over({on(0)}), 3 * size};
  const std::vector<Time> arrivals = play("analytic", {capacity}, {large, small}).arrivals;
  EXPECT_EQ(arrivals[1], Time() + 2 * alone);
  EXPECT_EQ(arrivals[0], Time() + 4 * alone);
}

TEST(Analytic, TakesTheWorstOfATransfersLinks) {
  const Message across{route_over({on(0), on(1)}), size};
  const Message first{route_over({on(0)}), size};
  const Message second{route_over({on(1)}), size};
  // each link is taken as if it were alone: two transfers on the first, three on the second
  EXPECT_EQ(play("analytic", {capacity, capacity}, {across, first, second, second}).arrivals,
            (std::vector<Time>{Time() + 3 * alone, Time() + 2 * alone, Time() + 3 * alone, Time() + 3 * alone}));
}

TEST(Analytic, TakesABundleForItsMembers) {
  const double members = 383;
  const Message bundle{route_over({on(0, members)}), size};
  EXPECT_EQ(play("analytic", {capacity}, {bundle}).arrivals[0], Time() + alone * members);
}

TEST(Analytic, AgreesWithFlowWhereNothingIsShared) {
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    RandomTraffic traffic(seed);
    // each message on links of its own
    Table<LinkId, BytesPerSecond> capacities;
    for (Message& message : traffic.messages) {
      for (LinkLoad& use : message.route.links) {
        use.link = capacities.push_back(traffic.capacities[use.link]);
      }
    }
    const Outcome analytic = play("analytic", capacities, traffic.messages);
    const Outcome flow = play("flow", capacities, traffic.messages);
    for (std::size_t i = 0; i < traffic.messages.size(); ++i) {
      EXPECT_LE(picoseconds_apart(analytic.arrivals[i], flow.arrivals[i]), 1) << "seed " << seed << " message " << i;
    }
  }
}

TEST(Analytic, AgreesWithFlowOnOneLinkThatABatchShares) {
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    RandomTraffic traffic(seed);
    for (Message& message : traffic.messages) {
      message.route.links = {on(0, message.route.links.front().load)};
      message.start = Time();
      message.cap = BytesPerSecond(0);
    }
    const Outcome analytic = play("analytic", traffic.capacities, traffic.messages);
    const Outcome flow = play("flow", traffic.capacities, traffic.messages);
    for (std::size_t i = 0; i < traffic.messages.size(); ++i) {
      // half a picosecond for each end that changed the rates
      EXPECT_LE(picoseconds_apart(analytic.arrivals[i], flow.arrivals[i]), 25) << "seed " << seed << " message " << i;
    }
  }
}

TEST(Analytic, NeverTakesLongerForABatchThanFlowDoes) {
  int faster = 0;
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    RandomTraffic traffic(seed);
    for (Message& message : traffic.messages) {
      message.start = Time();
      message.route.latency = 1_us;
    }
    const Time analytic = play("analytic", traffic.capacities, traffic.messages).last();
    const Time flow = play("flow", traffic.capacities, traffic.messages).last();
    EXPECT_LE(analytic.picoseconds(), flow.picoseconds() + 25) << "seed " << seed;
    faster += analytic.picoseconds() + 1000 < flow.picoseconds() ? 1 : 0;
  }
  EXPECT_GT(faster, 0) << "the two are not the same model";
}

}  // namespace
}  // namespace podium
