// Laws that every registered network model keeps.
#include <gtest/gtest.h>

#include <limits>
#include <memory>
#include <numeric>
#include <string>
#include <vector>

#include "sim/core/check.h"
#include "sim/network/network.h"
#include "tests/network/play.h"

namespace podium {
namespace {

using namespace literals;
using testing::Message;
using testing::on;
using testing::Outcome;
using testing::picoseconds_apart;
using testing::play;
using testing::RandomTraffic;
using testing::route_over;

class NetworkLaws : public ::testing::TestWithParam<std::string> {
 protected:
  std::unique_ptr<Network> make(const Table<LinkId, BytesPerSecond>& capacities) {
    return Networks::find(GetParam())(engine_, capacities);
  }
  /// Notes when it runs.
  Action note(Time& arrival) {
    return [this, &arrival] { arrival = engine_.now(); };
  }
  Engine engine_;
};

/// Models on wires have laws of their own: see packet_test.cc.
std::vector<std::string> models_on_capacities() {
  std::vector<std::string> names = Networks::names();
  std::erase_if(names, [](const std::string& name) { return Networks::find(name).needs_wires(); });
  return names;
}

INSTANTIATE_TEST_SUITE_P(All, NetworkLaws, ::testing::ValuesIn(models_on_capacities()),
                         [](const auto& info) { return info.param; });

TEST_P(NetworkLaws, TakesATransferAloneThroughItsNarrowestLinkAndThenItsLatency) {
  const Table<LinkId, BytesPerSecond> capacities{100_GBps, 40_GBps, 60_GBps};
  const Message message{route_over({on(0), on(1), on(2, 2)}, 3_us), 1_MiB};
  const Time narrowest = Time() + message.bytes * 2.0 / (60_GBps);
  EXPECT_LE(picoseconds_apart(play(GetParam(), capacities, {message}).arrivals[0], narrowest + 3_us), 1);
}

TEST_P(NetworkLaws, DeliversNothingAndSendsToOneselfAfterTheLatency) {
  const Table<LinkId, BytesPerSecond> capacities{1_GBps};
  const std::vector<Message> messages{
      {route_over({on(0)}, 5_us), Bytes(0)}, {route_over({}, 2_us), 1_GiB}, {route_over({}), 1_GiB}};
  EXPECT_EQ(play(GetParam(), capacities, messages).arrivals, (std::vector<Time>{Time() + 5_us, Time() + 2_us, Time()}));
}

TEST_P(NetworkLaws, HoldsATransferToItsCap) {
  const Message message{route_over({on(0)}), 1_MiB, {}, 10_GBps};
  EXPECT_LE(picoseconds_apart(play(GetParam(), {40_GBps}, {message}).arrivals[0], Time() + 1_MiB / (10_GBps)), 1);
}

TEST_P(NetworkLaws, KeepsAPortBusyOnceForEachOfItsMessages) {
  const std::size_t count = 383;
  const Message message{route_over({on(0)}, 1_us), 64_KiB};
  const Outcome outcome = play(GetParam(), {50_GBps}, std::vector<Message>(count, message));
  const Time all = Time() + message.bytes * static_cast<double>(count) / (50_GBps) + 1_us;
  EXPECT_LE(picoseconds_apart(outcome.last(), all), 1);
}

TEST_P(NetworkLaws, CarriesTheBytesOfEachTransferTimesItsLoads) {
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    const RandomTraffic traffic(seed);
    Table<LinkId, Bytes> expected(traffic.capacities.size());
    for (const Message& message : traffic.messages) {
      for (const LinkLoad& use : message.route.links) {
        expected[use.link] += message.bytes * use.load;
      }
    }
    const Outcome outcome = play(GetParam(), traffic.capacities, traffic.messages);
    for (const LinkId link : expected.ids()) {
      EXPECT_NEAR(outcome.carried[link].value(), expected[link].value(), 1e-9 * expected[link].value())
          << "seed " << seed << " link " << link.index();
    }
  }
}

TEST_P(NetworkLaws, NeverBeatsWhatATransferWouldTakeAlone) {
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    const RandomTraffic traffic(seed);
    const Outcome outcome = play(GetParam(), traffic.capacities, traffic.messages);
    for (std::size_t i = 0; i < traffic.messages.size(); ++i) {
      const Message& message = traffic.messages[i];
      const Time alone = play(GetParam(), traffic.capacities, {message}).arrivals[0];
      EXPECT_GE(outcome.arrivals[i].picoseconds() + 2, alone.picoseconds()) << "seed " << seed << " message " << i;
      EXPECT_LT(outcome.arrivals[i], Time::max());
    }
  }
}

TEST_P(NetworkLaws, NeverDrainsALinkFasterThanItsCapacity) {
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    const RandomTraffic traffic(seed);
    const Outcome outcome = play(GetParam(), traffic.capacities, traffic.messages);
    for (const LinkId link : traffic.capacities.ids()) {
      // what one batch (the transfers that start at zero) puts on the link cannot be over sooner than the link allows
      Bytes load{};
      Time last;
      for (std::size_t i = 0; i < traffic.messages.size(); ++i) {
        for (const LinkLoad& use : traffic.messages[i].route.links) {
          if (use.link == link && traffic.messages[i].start == Time()) {
            load += traffic.messages[i].bytes * use.load;
            last = std::max(last, outcome.arrivals[i]);
          }
        }
      }
      const Time bound = Time() + load / traffic.capacities[link];
      EXPECT_GE(last.picoseconds() + 2, bound.picoseconds()) << "seed " << seed << " link " << link.index();
    }
  }
}

TEST_P(NetworkLaws, BeginsTransfersOfOneRoundTogetherWhateverTheOrderOfTheCalls) {
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    const RandomTraffic traffic(seed);
    std::vector<std::size_t> order(traffic.messages.size());
    std::iota(order.begin(), order.end(), 0U);
    Rng rng(seed, "order");
    for (std::size_t i = order.size(); i > 1; --i) {
      std::swap(order[i - 1], order[rng.below(i)]);
    }
    const Outcome one = play(GetParam(), traffic.capacities, traffic.messages);
    const Outcome other = play(GetParam(), traffic.capacities, traffic.messages, order);
    for (std::size_t i = 0; i < traffic.messages.size(); ++i) {
      EXPECT_LE(picoseconds_apart(one.arrivals[i], other.arrivals[i]), 1) << "seed " << seed << " message " << i;
    }
  }
}

TEST_P(NetworkLaws, LetsTransfersThatShareNoLinkNotDisturbEachOther) {
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    const RandomTraffic one(2 * seed);
    const RandomTraffic other(2 * seed + 1);
    RandomTraffic both = one;
    for (const BytesPerSecond capacity : other.capacities) {
      both.capacities.push_back(capacity);
    }
    for (Message message : other.messages) {
      for (LinkLoad& use : message.route.links) {
        use.link = LinkId(use.link.index() + one.capacities.size());
      }
      both.messages.push_back(message);
    }
    std::vector<Time> expected = play(GetParam(), one.capacities, one.messages).arrivals;
    const std::vector<Time> rest = play(GetParam(), other.capacities, other.messages).arrivals;
    expected.insert(expected.end(), rest.begin(), rest.end());
    EXPECT_EQ(play(GetParam(), both.capacities, both.messages).arrivals, expected) << "seed " << seed;
  }
}

TEST_P(NetworkLaws, TakesTheSameTimeForTwiceTheBytesAtTwiceTheRates) {
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    const RandomTraffic traffic(seed);
    RandomTraffic twice = traffic;
    for (BytesPerSecond& capacity : twice.capacities) {
      capacity *= 2;
    }
    for (Message& message : twice.messages) {
      message.bytes *= 2;
      message.cap *= 2;
    }
    EXPECT_EQ(play(GetParam(), twice.capacities, twice.messages).arrivals,
              play(GetParam(), traffic.capacities, traffic.messages).arrivals)
        << "seed " << seed;
  }
}

TEST_P(NetworkLaws, TakesHalfTheTimeAtTwiceTheRatesAndHalfTheLatencies) {
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    RandomTraffic traffic(seed);
    for (Message& message : traffic.messages) {
      message.start = Time::from_picoseconds(message.start.picoseconds() / 2 * 2);
    }
    RandomTraffic faster = traffic;
    for (BytesPerSecond& capacity : faster.capacities) {
      capacity *= 2;
    }
    for (Message& message : faster.messages) {
      message.start = Time::from_picoseconds(message.start.picoseconds() / 2);
      message.route.latency /= 2;
      message.cap *= 2;
    }
    const Outcome slow = play(GetParam(), traffic.capacities, traffic.messages);
    const Outcome fast = play(GetParam(), faster.capacities, faster.messages);
    for (std::size_t i = 0; i < slow.arrivals.size(); ++i) {
      const Time doubled = Time::from_picoseconds(2 * fast.arrivals[i].picoseconds());
      // half a picosecond for each time that a rate has changed
      EXPECT_LE(picoseconds_apart(doubled, slow.arrivals[i]), 100) << "seed " << seed << " message " << i;
    }
  }
}

TEST_P(NetworkLaws, NeverSlowsATransferAloneByMoreBandwidth) {
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    RandomTraffic traffic(seed);
    const std::vector<Message> alone{traffic.messages[0]};
    const Time before = play(GetParam(), traffic.capacities, alone).last();
    Rng rng(seed, "widen");
    traffic.capacities[LinkId(rng.below(traffic.capacities.size()))] *= 1 + rng.uniform();
    EXPECT_LE(play(GetParam(), traffic.capacities, alone).last(), before) << "seed " << seed;
  }
}

TEST_P(NetworkLaws, RunsTheSameTwice) {
  const RandomTraffic traffic(7);
  const Outcome one = play(GetParam(), traffic.capacities, traffic.messages);
  const Outcome other = play(GetParam(), traffic.capacities, traffic.messages);
  EXPECT_EQ(one.arrivals, other.arrivals);
  EXPECT_EQ(one.signature, other.signature);
}

TEST_P(NetworkLaws, NeverDeliversWhatWasCancelledAtAnyStage) {
  const auto network = make({1_GBps});
  const Route route = route_over({on(0)}, 10_us);
  const Bytes bytes(1e6);  // 1 ms on the link
  for (const Seconds when : {0_s, 0.3_ms, 1.005_ms}) {
    Time arrival = Time::max();
    const Time start = engine_.now();
    const TransferId id = network->send({&route, bytes}, note(arrival));
    const double before = network->carried()[LinkId(0)].value();
    engine_.after(when, [&] { network->cancel(id); });
    engine_.run();
    EXPECT_EQ(arrival, Time::max()) << when.value();
    EXPECT_EQ(engine_.now(), start + when) << "nothing is left to happen";
    const double gone = std::min(1.0, when / (bytes / (1_GBps)));
    EXPECT_NEAR(network->carried()[LinkId(0)].value() - before, gone * bytes.value(), 1e-6 * bytes.value());
    network->cancel(id);
  }
}

TEST_P(NetworkLaws, IgnoresTheCancellingOfWhatHasArrived) {
  const auto network = make({1_GBps});
  const Route route = route_over({on(0)});
  Time first = Time::max();
  Time second = Time::max();
  const TransferId finished = network->send({&route, 1_KiB}, note(first));
  engine_.run();
  network->send({&route, 1_KiB}, note(second));
  network->cancel(finished);
  network->cancel(TransferId());
  engine_.run();
  EXPECT_LT(first, Time::max());
  EXPECT_LT(second, Time::max());
}

TEST_P(NetworkLaws, StallsOnALinkWithoutCapacityUntilItHasOneAgain) {
  const auto network = make({1_GBps, 1_GBps});
  const Route route = route_over({on(0), on(1)}, 1_us);
  Time arrival = Time::max();
  network->send({&route, Bytes(1e6)}, note(arrival));  // 1 ms
  engine_.after(0.25_ms, [&] { network->set_capacity(LinkId(1), BytesPerSecond(0)); });
  engine_.run();
  EXPECT_EQ(arrival, Time::max());
  EXPECT_NEAR(network->carried()[LinkId(0)].value(), 0.25e6, 1);
  engine_.after(1_ms, [&] { network->set_capacity(LinkId(1), 0.5_GBps); });
  engine_.run();
  EXPECT_LE(picoseconds_apart(arrival, Time() + 0.25_ms + 1_ms + 1.5_ms + 1_us), 2);
  EXPECT_NEAR(network->carried()[LinkId(0)].value(), 1e6, 1);
}

TEST_P(NetworkLaws, TakesAnotherRouteForWhatIsLeft) {
  const auto network = make({1_GBps, 1_GBps, 2_GBps});
  const Route route = route_over({on(0), on(1)}, 1_us);
  const Route around = route_over({on(0), on(2, 2)}, 5_us);
  Time arrival = Time::max();
  const TransferId id = network->send({&route, Bytes(1e6), 0.5_GBps}, note(arrival));  // 2 ms by its cap
  engine_.after(0.5_ms, [&] { network->set_capacity(LinkId(1), BytesPerSecond(0)); });
  engine_.after(0.75_ms, [&] { network->reroute(id, around); });
  engine_.run();
  EXPECT_LE(picoseconds_apart(arrival, Time() + 2_ms + 0.25_ms + 5_us), 2) << "at its cap on the other route too";
  EXPECT_NEAR(network->carried()[LinkId(0)].value(), 1e6, 1);
  EXPECT_NEAR(network->carried()[LinkId(1)].value(), 0.25e6, 1);
  EXPECT_NEAR(network->carried()[LinkId(2)].value(), 2 * 0.75e6, 1);
}

TEST_P(NetworkLaws, ChangesNothingByARouteThatIsTheSame) {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    const RandomTraffic traffic(seed);
    const auto network = make(traffic.capacities);
    std::vector<Time> arrivals(traffic.messages.size(), Time::max());
    std::vector<TransferId> ids;
    for (std::size_t i = 0; i < arrivals.size(); ++i) {
      const Message& it = traffic.messages[i];
      ids.push_back(network->send({&it.route, it.bytes, it.cap, it.weight}, note(arrivals[i])));
    }
    // in the round in which they were sent
    for (std::size_t i = 0; i < ids.size(); i += 2) {
      network->reroute(ids[i], traffic.messages[i].route);
    }
    const Time start = engine_.now();
    engine_.run();
    std::vector<Message> together = traffic.messages;
    for (Message& it : together) {
      it.start = Time();
    }
    const Outcome outcome = play(GetParam(), traffic.capacities, together);
    for (std::size_t i = 0; i < arrivals.size(); ++i) {
      EXPECT_LE(picoseconds_apart(Time() + (arrivals[i] - start), outcome.arrivals[i]), 1) << "seed " << seed;
    }
    network->reroute(ids[0], traffic.messages[0].route);
  }
}

TEST_P(NetworkLaws, WaitsForCapacityFromTheStart) {
  const auto network = make({BytesPerSecond(0)});
  const Route route = route_over({on(0)});
  Time arrival = Time::max();
  network->send({&route, Bytes(1e6)}, note(arrival));
  engine_.run();
  EXPECT_EQ(arrival, Time::max());
  engine_.after(1_s, [&] { network->set_capacity(LinkId(0), 1_GBps); });
  engine_.run();
  EXPECT_LE(picoseconds_apart(arrival, Time() + 1_s + 1_ms), 1);
}

TEST_P(NetworkLaws, LeavesWhatIsPastALinkAloneWhenTheLinkFails) {
  const auto network = make({1_GBps});
  const Route route = route_over({on(0)}, 1_ms);
  Time arrival = Time::max();
  network->send({&route, Bytes(1e6)}, note(arrival));  // drained after 1 ms, and another of latency
  engine_.after(1.5_ms, [&] { network->set_capacity(LinkId(0), BytesPerSecond(0)); });
  engine_.run();
  EXPECT_LE(picoseconds_apart(arrival, Time() + 1_ms + 1_ms), 1);
}

TEST_P(NetworkLaws, LetsADeliveryBeginTheNextTransfer) {
  const auto network = make({1_GBps});
  const Route route = route_over({on(0)});
  const int chain = 100;
  int left = chain;
  Time arrival = Time::max();
  const std::function<void()> next = [&] {
    arrival = engine_.now();
    if (left-- > 0) {
      network->send({&route, Bytes(1e3)}, [&next] { next(); });
    }
  };
  next();
  engine_.run();
  EXPECT_EQ(arrival, Time() + Seconds(chain * 1e-6));
}

TEST_P(NetworkLaws, TakesWhatDoesNotLookLikeATransferForABug) {
  const auto network = make({1_GBps});
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const Route route = route_over({on(0)});
  const Route nowhere = route_over({on(1)});
  const Route weightless = route_over({on(0, 0)});
  const auto send = [&](const Transfer& transfer) { network->send(transfer, [] {}); };
  EXPECT_THROW(send({nullptr, 1_KiB}), Bug);
  EXPECT_THROW(send({&nowhere, 1_KiB}), Bug);
  EXPECT_THROW(send({&weightless, 1_KiB}), Bug);
  EXPECT_THROW(send({&route, Bytes(-1)}), Bug);
  EXPECT_THROW(send({&route, Bytes(nan)}), Bug);
  EXPECT_THROW(send({&route, 1_KiB, BytesPerSecond(-1)}), Bug);
  EXPECT_THROW(send({&route, 1_KiB, BytesPerSecond(0), 0}), Bug);
  EXPECT_THROW(network->set_capacity(LinkId(0), BytesPerSecond(-1)), Bug);
  EXPECT_THROW(network->set_capacity(LinkId(7), 1_GBps), Bug);
  EXPECT_THROW(make({BytesPerSecond(nan)}), Bug);
  EXPECT_EQ(engine_.pending(), 0U) << "nothing is half done";
}

}  // namespace
}  // namespace podium
