#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "sim/network/network.h"
#include "tests/network/play.h"
#include "tests/network/problems.h"

namespace podium {
namespace {

using namespace literals;
using testing::alone;
using testing::capacity;
using testing::CapacityChange;
using testing::Message;
using testing::on;
using testing::Outcome;
using testing::picoseconds_apart;
using testing::play;
using testing::RandomTraffic;
using testing::route_over;
using testing::Share;
using testing::size;

void expect_arrivals(const Outcome& outcome, const std::vector<Seconds>& expected) {
  ASSERT_EQ(outcome.arrivals.size(), expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i) {
    EXPECT_LE(picoseconds_apart(outcome.arrivals[i], Time() + expected[i]), 1) << "message " << i;
  }
}

TEST(Flow, GivesTheLinkToTheLongTransferWhenTheShortOneHasEnded) {
  const Message small{route_over({on(0)}), size};
  const Message large{route_over({on(0)}), 3 * size};
  // half the link each until the small one is through, then the large one has the link alone
  expect_arrivals(play("flow", {capacity}, {small, large}), {2 * alone, 2 * alone + 2 * alone});
}

TEST(Flow, SharesWithALatecomerFromItsStartOn) {
  const Message first{route_over({on(0)}), size};
  const Message second{route_over({on(0)}), size, Time() + alone / 2};
  // half of the first is gone when the second comes; the other half takes twice as long
  expect_arrivals(play("flow", {capacity}, {first, second}), {alone / 2 + alone, 2 * alone});
}

TEST(Flow, GivesTheWeightyMoreOfTheLink) {
  const Message light{route_over({on(0)}), size};
  const Message heavy{route_over({on(0)}), size, {}, BytesPerSecond(0), 3};
  const Seconds heavy_end = alone * (1 + 3) / 3;
  expect_arrivals(play("flow", {capacity}, {light, heavy}), {2 * alone, heavy_end});
}

TEST(Flow, GivesAwayWhatACappedTransferLeaves) {
  const Message capped{route_over({on(0)}), size, {}, capacity * 0.25};
  const Message open{route_over({on(0)}), size};
  expect_arrivals(play("flow", {capacity}, {capped, open}), {4 * alone, alone / 0.75});
}

TEST(Flow, SolvesTheParkingLotStepByStep) {
  // a long transfer over both links; one on the first link, two on the second
  const Message across{route_over({on(0), on(1)}), size};
  const Message first{route_over({on(0)}), size};
  const Message second{route_over({on(1)}), size};
  // a third of the second link for each on it, and two thirds of the first for the one there; when that one ends the
  // others cannot use more, and end together
  expect_arrivals(play("flow", {capacity, capacity}, {across, first, second, second}),
                  {3 * alone, alone * 3 / 2, 3 * alone, 3 * alone});
}

TEST(Flow, SharesAnewWhenACapacityChangesAndWhenATransferIsCancelled) {
  Engine engine;
  const auto network = Networks::find("flow")(engine, {capacity});
  const Route route = route_over({on(0)});
  Time end;
  network->send({&route, size}, [&] { end = engine.now(); });
  const TransferId other = network->send({&route, 100 * size}, [] {});
  // a quarter goes until the link is halved, an eighth until the other is gone, the rest at half the capacity
  engine.after(alone / 2, [&] { network->set_capacity(LinkId(0), capacity / 2); });
  engine.after(alone, [&] { network->cancel(other); });
  engine.run();
  EXPECT_LE(picoseconds_apart(end, Time() + alone + alone * (1 - 0.25 - 0.125) * 2), 1);
}

TEST(Flow, TakesTransfersThatReplaceOneAnotherInOneInstantForOneChange) {
  // a delivery without latency sends the next in the same instant: the other's rate never changes
  Engine engine;
  const auto network = Networks::find("flow")(engine, {capacity});
  const Route route = route_over({on(0)});
  Time chained;
  Time single;
  network->send({&route, size}, [&] { network->send({&route, size}, [&] { chained = engine.now(); }); });
  network->send({&route, 2 * size}, [&] { single = engine.now(); });
  engine.run();
  EXPECT_EQ(chained, Time() + 4 * alone);
  EXPECT_EQ(single, chained);
}

TEST(Flow, TakesABundleForItsMembers) {
  const double members = 5;
  const Message member{route_over({on(0), on(1)}, 2_us), size};
  const Message bundle{route_over({on(0, members), on(1, members)}, 2_us), size};
  const Message other{route_over({on(0)}), 4 * size};
  std::vector<Message> unfolded(static_cast<std::size_t>(members), member);
  unfolded.push_back(other);
  const Outcome expected = play("flow", {capacity, capacity / 2}, unfolded);
  const Outcome folded = play("flow", {capacity, capacity / 2}, {bundle, other});
  EXPECT_EQ(folded.arrivals.front(), expected.arrivals.front());
  EXPECT_EQ(folded.arrivals.back(), expected.arrivals.back());
  for (const LinkId link : folded.carried.ids()) {
    EXPECT_EQ(folded.carried[link], expected.carried[link]);
  }
}

TEST(Flow, EndsTransfersThatBeganTogetherAndAreEqualInOneInstant) {
  // all to all over a star of n ports: every port sends and receives n - 1 messages
  const std::size_t ports = 48;
  std::vector<Message> messages;
  for (std::size_t from = 0; from < ports; ++from) {
    for (std::size_t to = 0; to < ports; ++to) {
      if (from != to) {
        messages.push_back({route_over({on(from), on(ports + to)}, 1_us), size});
      }
    }
  }
  Table<LinkId, BytesPerSecond> capacities(2 * ports, capacity);
  const Outcome outcome = play("flow", capacities, messages);
  const Time expected = Time() + alone * static_cast<double>(ports - 1) + 1_us;
  for (const Time arrival : outcome.arrivals) {
    ASSERT_EQ(arrival, expected);
  }
}

TEST(Flow, GivesTheSamePicosecondsWhateverTheOrderOfTheCalls) {
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    const RandomTraffic traffic(seed);
    std::vector<std::size_t> reversed;
    for (std::size_t i = traffic.messages.size(); i-- > 0;) {
      reversed.push_back(i);
    }
    EXPECT_EQ(play("flow", traffic.capacities, traffic.messages).arrivals,
              play("flow", traffic.capacities, traffic.messages, reversed).arrivals)
        << "seed " << seed;
  }
}

TEST(Flow, CountsATransfersBytesAnewOnlyWhenItsOwnRateChanges) {
  // ten minutes at a rate that no double holds exactly, while strangers come and go a thousand times
  const Message lasting{route_over({on(0, 3)}), Bytes(200e9)};
  std::vector<Message> messages{lasting};
  const std::int64_t strangers = 1000;
  const std::int64_t span = 600'000'000'000'000;
  for (std::int64_t i = 1; i <= strangers; ++i) {
    messages.push_back({route_over({on(1)}), size, Time::from_picoseconds(i * (span / (strangers + 7)) + i % 13)});
  }
  const Table<LinkId, BytesPerSecond> capacities{capacity, capacity};
  EXPECT_EQ(play("flow", capacities, messages).arrivals[0], play("flow", capacities, {lasting}).arrivals[0]);
}

TEST(Flow, NeverCarriesMoreThanTheCapacityBetweenAnyTwoInstants) {
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    const RandomTraffic traffic(seed);
    Engine engine;
    const auto network = Networks::find("flow")(engine, traffic.capacities);
    for (const Message& message : traffic.messages) {
      engine.at(message.start, [&network, &message] {
        network->send({&message.route, message.bytes, message.cap, message.weight}, [] {});
      });
    }
    const Seconds step = 0.1_ms;
    for (int i = 1; i <= 200; ++i) {
      engine.after(step * i, [] {});  // so that the clock stands there when the run stops
    }
    Table<LinkId, Bytes> before(traffic.capacities.size());
    for (int i = 1; i <= 200; ++i) {
      const Time until = Time() + step * i;
      engine.run(until);
      const Table<LinkId, Bytes> now = network->carried();
      for (const LinkId link : traffic.capacities.ids()) {
        const double most = (traffic.capacities[link] * step).value();
        ASSERT_LE((now[link] - before[link]).value(), most * (1 + 1e-6)) << "seed " << seed << " link " << link.index();
        ASSERT_GE(now[link], before[link]);
      }
      before = now;
    }
  }
}

/// All links have their capacity again at the end, so that everything arrives.
std::vector<CapacityChange> random_changes(const RandomTraffic& traffic, std::uint64_t seed) {
  Rng rng(seed, "changes");
  std::vector<CapacityChange> changes;
  const auto at_most = [&](std::uint64_t picoseconds) {
    return Time::from_picoseconds(static_cast<std::int64_t>(1 + rng.below(picoseconds)));
  };
  for (std::uint64_t count = rng.below(12); count > 0; --count) {
    const LinkId link(rng.below(traffic.capacities.size()));
    changes.push_back(
        {at_most(9'000'000'000), link, traffic.capacities[link] * (0.5 * static_cast<double>(rng.below(4)))});
  }
  std::stable_sort(changes.begin(), changes.end(), [](const auto& a, const auto& b) { return a.when < b.when; });
  for (const LinkId link : traffic.capacities.ids()) {
    changes.push_back({Time::from_picoseconds(10'000'000'000), link, traffic.capacities[link]});
  }
  return changes;
}

/// The fluid model as its definition words it, in continuous time: rates are solved anew at each start, end and change,
/// and all remaining bytes are counted anew then.
std::vector<double> fluid_ends(const RandomTraffic& traffic, const std::vector<CapacityChange>& changes) {
  const std::size_t count = traffic.messages.size();
  testing::Problem problem;
  for (const BytesPerSecond link : traffic.capacities) {
    problem.capacity.push_back(link.value());
  }
  std::vector<double> left(count);
  std::vector<double> ends(count, -1);
  for (std::size_t i = 0; i < count; ++i) {
    left[i] = traffic.messages[i].bytes.value();
  }
  auto change = changes.begin();
  double now = 0;
  for (std::size_t ended = 0; ended < count;) {
    double next = std::numeric_limits<double>::infinity();
    for (; change != changes.end() && since_start(change->when).value() <= now; ++change) {
      problem.capacity[change->link.index()] = change->capacity.value();
    }
    next = change != changes.end() ? since_start(change->when).value() : next;
    std::vector<std::size_t> active;
    problem.shares.clear();
    for (std::size_t i = 0; i < count; ++i) {
      const Message& message = traffic.messages[i];
      const double start = since_start(message.start).value();
      if (start > now) {
        next = std::min(next, start);
      } else if (ends[i] < 0) {
        Share share{{}, message.weight, message.cap.value()};
        for (const LinkLoad& use : message.route.links) {
          share.uses.emplace_back(use.link.index(), use.load);
        }
        active.push_back(i);
        problem.shares.push_back(share);
      }
    }
    const std::vector<double> rates = testing::rates_of(problem);
    for (std::size_t k = 0; k < active.size(); ++k) {
      next = rates[k] > 0 ? std::min(next, now + left[active[k]] / rates[k]) : next;
    }
    for (std::size_t k = 0; k < active.size(); ++k) {
      left[active[k]] -= rates[k] * (next - now);
      if (left[active[k]] < 1e-3) {
        ends[active[k]] = next;
        ++ended;
      }
    }
    now = next;
  }
  return ends;
}

void expect_fluid_ends(const RandomTraffic& traffic, const std::vector<CapacityChange>& changes, std::uint64_t seed) {
  const std::vector<Time> arrivals = play("flow", traffic.capacities, traffic.messages, {}, changes).arrivals;
  const std::vector<double> ends = fluid_ends(traffic, changes);
  for (std::size_t i = 0; i < ends.size(); ++i) {
    const double expected = ends[i] + traffic.messages[i].route.latency.value();
    ASSERT_NEAR(since_start(arrivals[i]).value(), expected, 20e-12) << "seed " << seed << " message " << i;
  }
}

TEST(Flow, FollowsTheFluidModelOnRandomTraffic) {
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    expect_fluid_ends(RandomTraffic(seed), {}, seed);
  }
}

TEST(Flow, FollowsTheFluidModelWhileLinksFailAreDegradedAndComeBack) {
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    const RandomTraffic traffic(seed);
    expect_fluid_ends(traffic, random_changes(traffic, seed), seed);
  }
}

TEST(Flow, GivesTheSamePicosecondsForARunAndItsFold) {
  // two halves that are equal, each with all of the traffic; or one half with the halves' loads and bundles of two
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    RandomTraffic half(seed);
    for (Message& message : half.messages) {
      message.weight = 1;
      for (LinkLoad& use : message.route.links) {
        use.load = std::ceil(use.load * 64) / 64;
      }
    }
    RandomTraffic whole = half;
    RandomTraffic fold = half;
    for (const Message& message : half.messages) {
      whole.messages.push_back(message);
    }
    for (Message& message : fold.messages) {
      for (LinkLoad& use : message.route.links) {
        use.load *= 2;
      }
    }
    const std::vector<CapacityChange> changes = random_changes(half, seed);
    std::vector<Time> expected = play("flow", fold.capacities, fold.messages, {}, changes).arrivals;
    const std::vector<Time> once = expected;
    expected.insert(expected.end(), once.begin(), once.end());
    EXPECT_EQ(play("flow", whole.capacities, whole.messages, {}, changes).arrivals, expected) << "seed " << seed;
  }
}

TEST(Flow, TakesALinkThatBothDirectionsShareForHalfDuplex) {
  // what goes there and what comes back cross one entry; alone, each would have all of it
  const Message there{route_over({on(0), on(2)}), size};
  const Message back{route_over({on(1), on(2)}), size};
  const Table<LinkId, BytesPerSecond> capacities{capacity, capacity, capacity};
  expect_arrivals(play("flow", capacities, {there}), {alone});
  expect_arrivals(play("flow", capacities, {there, back}), {2 * alone, 2 * alone});
}

TEST(Flow, TakesTheCapacityOfASwitchForOneMoreLinkOfItsRoutes) {
  // n ports send to n others through a chip that can do half of that
  const std::size_t ports = 8;
  std::vector<Message> messages;
  Table<LinkId, BytesPerSecond> capacities(2 * ports, capacity);
  const std::size_t chip = capacities.push_back(capacity * (0.5 * ports)).index();
  for (std::size_t port = 0; port < ports; ++port) {
    messages.push_back({route_over({on(port), on(ports + port), on(chip)}), size});
  }
  expect_arrivals(play("flow", capacities, messages), std::vector<Seconds>(ports, 2 * alone));
}

}  // namespace
}  // namespace podium
