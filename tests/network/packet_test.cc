// What packets do on small networks whose times can be worked out by hand, and on large ones against the fluid answer.
#include "sim/network/packet.h"

#include <gtest/gtest.h>

#include <cmath>
#include <set>
#include <string>

#include "tests/network/packet_fabrics.h"

namespace podium {
namespace {

using namespace literals;
using testing::HostMessage;
using testing::incast;
using testing::packet_fat_tree;
using testing::packet_leaf_spine;
using testing::packet_star;
using testing::PacketFabric;
using testing::PacketOutcome;
using testing::permutation;
using testing::play_packets;

std::int64_t apart(Time a, Time b) { return std::abs(a.picoseconds() - b.picoseconds()); }

TEST(PacketNetwork, TakesATransferAloneThroughACutThroughSwitchAsAFluidWouldGo) {
  const PacketFabric star = packet_star(2, 10_GBps, 1_us);
  const std::size_t packets = 100;
  const PacketOutcome outcome = play_packets(star, {}, {{0, 1, Bytes(4096.0 * packets)}});
  const Seconds latency = star.plane().endpoint_latency + star.plane().switch_latency;
  EXPECT_LE(apart(outcome.last, Time() + Bytes(4096.0 * packets) / (10_GBps) + latency), static_cast<int>(packets));
  EXPECT_EQ(outcome.packet_hops, 2 * packets);
}

TEST(PacketNetwork, AddsAPacketsTimeForEachSwitchThatStoresAndForwards) {
  const PacketFabric fabric = packet_leaf_spine(2, 1, 10_GBps, 1_us);
  PacketSettings settings;
  const std::vector<HostMessage> one{{0, 1, 1_MiB}};
  const PacketOutcome through = play_packets(fabric, settings, one);
  settings.forwarding = Forwarding::store_and_forward;
  const PacketOutcome stored = play_packets(fabric, settings, one);
  const Seconds switches = 3 * (settings.payload / (10_GBps));
  EXPECT_LE(apart(stored.last, through.last + switches), 300);
}

TEST(PacketNetwork, SendsAHeaderWithEveryPacketTheLastAndShortOneToo) {
  const double efficiency = 0.8;
  const PacketFabric star = packet_star(2, 10_GBps, 1_us, efficiency);
  const PacketSettings settings;
  const Bytes bytes = settings.payload * 2.0 + Bytes(100);
  const PacketOutcome outcome = play_packets(star, settings, {{0, 1, bytes}});
  const Bytes header = settings.payload * (1 / efficiency - 1);
  const Bytes wire = bytes + header * 3;
  EXPECT_NEAR(outcome.carried[star.link(NodeId(0), NodeId(2))].value(), wire.value(), 1e-6);
  // the last packet is shorter, so that the one before it holds the second link a little longer
  const Bytes difference = settings.payload - Bytes(100);
  const Time bound = Time() + wire / (10_GBps) + star.plane().endpoint_latency + star.plane().switch_latency;
  EXPECT_GE(outcome.last.picoseconds() + 10, bound.picoseconds());
  EXPECT_LE(outcome.last, bound + difference / (10_GBps));
}

TEST(PacketNetwork, HoldsAPacketBackUntilItsTailIsThereWhereAFastLinkFollowsASlowOne) {
  PacketFabric fabric(2, 1_us, 2_us);
  const NodeId middle = fabric.add_switch();
  fabric.connect(NodeId(0), middle, 10_GBps);
  fabric.connect(middle, NodeId(1), 100_GBps);
  const PacketOutcome outcome = play_packets(fabric, {}, {{0, 1, 1_MiB}});
  EXPECT_LE(apart(outcome.last, Time() + 1_MiB / (10_GBps) + 3_us), 300);
}

TEST(PacketNetwork, SharesAPortEvenlyAmongItsTransfers) {
  const PacketFabric star = packet_star(3, 10_GBps, 1_us);
  const PacketOutcome outcome = play_packets(star, {}, {{0, 1, 1_MiB}, {0, 2, 1_MiB}});
  const Time both = Time() + 2 * 1_MiB / (10_GBps) + 3_us;
  EXPECT_LE(apart(outcome.last, both), 1000);
  EXPECT_LE(apart(outcome.arrivals[0], outcome.arrivals[1]), picoseconds(PacketSettings().payload / (10_GBps)) + 10);
}

TEST(PacketNetwork, ShowsTheQueueOfAnIncastAndLosesNothingWithCredits) {
  const std::size_t senders = 128;
  const PacketFabric star = packet_star(senders + 1, 10_GBps, 1_us);
  const PacketSettings settings;
  const Bytes bytes = settings.payload * 100.0;
  const std::vector<HostMessage> messages = incast(senders, bytes);
  const PacketOutcome outcome = play_packets(star, settings, messages);
  const Time bound = Time() + senders * bytes / (10_GBps) + 3_us;
  EXPECT_NEAR(since_start(outcome.last).value(), since_start(bound).value(), 0.001 * since_start(bound).value());
  const PortStatistics& hot = outcome.ports[star.link(NodeId(senders + 1), NodeId(0))];
  // every sender fills its room at the switch: the round trip of its link and the spare packets
  const Bytes room = 2 * (1_us) * (10_GBps) + settings.payload * static_cast<double>(settings.spare_packets);
  EXPECT_GT(hot.queue_most, 0.8 * senders * room);
  EXPECT_LE(hot.queue_most, senders * room);
  EXPECT_GT(hot.queue_mean, 0.5 * hot.queue_most);
  EXPECT_NEAR(hot.busy / since_start(outcome.last), 1, 0.01);
  EXPECT_DOUBLE_EQ(hot.bytes.value(), (senders * bytes).value());
  for (std::size_t from = 1; from <= senders; ++from) {
    const PortStatistics& port = outcome.ports[star.link(NodeId(from), NodeId(senders + 1))];
    EXPECT_EQ(port.drops, 0U);
    EXPECT_GT(port.stalls, 0U);
    EXPECT_GT(port.stalled, 0.5 * since_start(outcome.last));
  }
}

TEST(PacketNetwork, PausesSendersInAnIncastAndLosesNothingWithPfc) {
  const std::size_t senders = 32;
  const PacketFabric star = packet_star(senders + 1, 10_GBps, 1_us);
  PacketSettings settings;
  settings.flow_control = FlowControl::pause;
  const Bytes bytes = settings.payload * 200.0;
  const std::vector<HostMessage> messages = incast(senders, bytes);
  const PacketOutcome outcome = play_packets(star, settings, messages);
  const Time bound = Time() + senders * bytes / (10_GBps) + 3_us;
  EXPECT_NEAR(since_start(outcome.last).value(), since_start(bound).value(), 0.01 * since_start(bound).value());
  // what a link had sent before the word reached it: a round trip, and a packet at either end
  const Bytes slack = 2 * (1_us) * (10_GBps) + settings.payload * 2.0;
  const PortStatistics& hot = outcome.ports[star.link(NodeId(senders + 1), NodeId(0))];
  EXPECT_LE(hot.queue_most, senders * (settings.pause_at + slack));
  EXPECT_GT(hot.queue_most, senders * settings.pause_at);
  for (std::size_t from = 1; from <= senders; ++from) {
    const PortStatistics& port = outcome.ports[star.link(NodeId(from), NodeId(senders + 1))];
    EXPECT_GT(port.pauses, 0U);
    EXPECT_GT(port.paused, Seconds());
    EXPECT_EQ(port.drops, 0U);
  }
}

TEST(PacketNetwork, LosesPacketsWherePfcHasNoHeadroom) {
  const PacketFabric star = packet_star(9, 10_GBps, 1_us);
  PacketSettings settings;
  settings.flow_control = FlowControl::pause;
  const auto lost = [&] {
    std::uint64_t drops = 0;
    for (const PortStatistics& port : play_packets(star, settings, incast(8, 1_MiB)).ports) {
      drops += port.drops;
    }
    return drops;
  };
  EXPECT_EQ(lost(), 0U);
  settings.headroom = (1_us) * (10_GBps);
  EXPECT_GT(lost(), 0U) << "half of what comes in a round trip";
}

TEST(PacketNetwork, HashesAllMessagesOfAPairToOnePathBySeed) {
  const PacketFabric fabric = packet_leaf_spine(2, 8, 10_GBps, 1_us);
  PacketSettings settings;
  settings.path_choice = PathChoice::hash;
  const auto ways = [&] {
    const PacketOutcome outcome = play_packets(fabric, settings, {{0, 15, 1_MiB}, {0, 15, 1_MiB}});
    std::vector<std::size_t> used;
    for (std::size_t spine = 0; spine < 8; ++spine) {
      if (outcome.ports[fabric.link(NodeId(24), NodeId(16 + spine))].packets > 0) {
        used.push_back(spine);
      }
    }
    return used;
  };
  std::set<std::size_t> chosen;
  for (settings.seed = 0; settings.seed < 8; ++settings.seed) {
    ASSERT_EQ(ways().size(), 1U);
    chosen.insert(ways().front());
  }
  EXPECT_GT(chosen.size(), 2U);
}

TEST(PacketNetwork, DropsWithoutFlowControlAndSendsAgain) {
  const std::size_t senders = 8;
  const PacketFabric star = packet_star(senders + 1, 10_GBps, 1_us);
  PacketSettings settings;
  settings.flow_control = FlowControl::drop;
  settings.pause_at = settings.payload * 10.0;
  const std::vector<HostMessage> messages = incast(senders, settings.payload * 100.0);
  const PacketOutcome outcome = play_packets(star, settings, messages);
  std::uint64_t drops = 0;
  for (const PortStatistics& port : outcome.ports) {
    drops += port.drops;
  }
  EXPECT_GT(drops, 0U);
  EXPECT_LT(outcome.last, Time::max());
  EXPECT_EQ(outcome.packet_hops, 2 * 100 * senders + drops);
}

TEST(PacketNetwork, KeepsQueuesShortByDcqcn) {
  const std::size_t senders = 8;
  const PacketFabric star = packet_star(senders + 1, 5_GBps, 1_us);
  const std::vector<HostMessage> messages = incast(senders, 4_MiB);
  PacketSettings settings;
  settings.flow_control = FlowControl::pause;
  const PacketOutcome without = play_packets(star, settings, messages);
  settings.marks = true;
  const PacketOutcome with = play_packets(star, settings, messages);
  const LinkId hot = star.link(NodeId(senders + 1), NodeId(0));
  EXPECT_GT(with.ports[hot].marks, 0U);
  EXPECT_LT(with.ports[hot].queue_mean, 0.5 * without.ports[hot].queue_mean);
  EXPECT_LT(since_start(with.last), 2 * since_start(without.last));
  std::uint64_t pauses_with = 0;
  std::uint64_t pauses_without = 0;
  for (const LinkId link : with.ports.ids()) {
    pauses_with += with.ports[link].pauses;
    pauses_without += without.ports[link].pauses;
  }
  EXPECT_LT(pauses_with, pauses_without);
}

/// Full bisection: the fluid answer is that of each host's link.
void expect_fluid_permutation(const PacketFabric& fabric, BytesPerSecond bandwidth, double efficiency) {
  PacketSettings settings;
  const Bytes bytes(2e6);
  for (std::uint64_t seed = 0; seed < 3; ++seed) {
    const PacketOutcome outcome =
        play_packets(fabric, settings, permutation(fabric.topology().accelerators, bytes, seed));
    const Seconds fluid = bytes / efficiency / bandwidth;
    EXPECT_GE(since_start(outcome.last), fluid);
    EXPECT_LE(since_start(outcome.last), 1.05 * fluid) << "seed " << seed;
  }
}

TEST(PacketNetwork, EndsASprayedPermutationAsAFluidWouldOnTwoTiers) {
  const double efficiency = 0.9;
  expect_fluid_permutation(packet_leaf_spine(16, 8, 12.5_GBps, 0.5_us, efficiency), 12.5_GBps, efficiency);
}

TEST(PacketNetwork, EndsASprayedPermutationAsAFluidWouldOnThreeTiers) {
  expect_fluid_permutation(packet_fat_tree(8, 12.5_GBps, 0.5_us), 12.5_GBps, 1);
}

TEST(PacketNetwork, CollidesOnHashedPathsAndNotOnSprayedOnes) {
  const PacketFabric fabric = packet_leaf_spine(8, 8, 12.5_GBps, 0.5_us);
  const std::vector<HostMessage> messages = permutation(64, Bytes(2e6), 1);
  PacketSettings settings;
  const Time sprayed = play_packets(fabric, settings, messages).last;
  settings.path_choice = PathChoice::adaptive;
  const Time adaptive = play_packets(fabric, settings, messages).last;
  settings.path_choice = PathChoice::hash;
  const Time hashed = play_packets(fabric, settings, messages).last;
  EXPECT_GT(since_start(hashed), 1.5 * since_start(sprayed));
  EXPECT_LT(since_start(adaptive), 1.5 * since_start(sprayed));
}

TEST(PacketNetwork, SpraysByTheLoadsWhereLinksAreNotEqual) {
  PacketFabric fabric(2, 1_us, 2_us);
  const NodeId left = fabric.add_switch();
  const NodeId right = fabric.add_switch();
  fabric.connect(NodeId(0), left, 40_GBps);
  fabric.connect(right, NodeId(1), 40_GBps);
  std::vector<NodeId> middle;
  for (const double bandwidth : {10e9, 30e9}) {
    middle.push_back(fabric.add_switch());
    fabric.connect(left, middle.back(), BytesPerSecond(bandwidth));
    fabric.connect(middle.back(), right, BytesPerSecond(bandwidth));
  }
  const PacketSettings settings;
  const PacketOutcome outcome = play_packets(fabric, settings, {{0, 1, settings.payload * 400.0}});
  EXPECT_NEAR(static_cast<double>(outcome.ports[fabric.link(left, middle[0])].packets), 100, 1);
  EXPECT_NEAR(static_cast<double>(outcome.ports[fabric.link(left, middle[1])].packets), 300, 1);
  EXPECT_NEAR(since_start(outcome.last).value(), (settings.payload * 400.0 / (40_GBps)).value(), 10e-6);
}

TEST(PacketNetwork, FindsADeadlockOnARingAndNoneWithADateline) {
  // everybody sends four hops on, one way round, through accelerators that pass traffic on
  const std::size_t nodes = 5;
  Wiring wiring;
  wiring.settings = {PacketSettings()};
  wiring.settings[0].spare_packets = 2;
  for (std::size_t node = 0; node < nodes; ++node) {
    const ChannelMark mark{0, node + 1 == nodes};
    wiring.wires.push_back({NodeId(node), NodeId((node + 1) % nodes), 10_GBps, Seconds(1e-9), 0, mark});
  }
  std::vector<Route> routes(nodes);
  for (std::size_t node = 0; node < nodes; ++node) {
    for (std::size_t hop = 0; hop < 4; ++hop) {
      routes[node].links.push_back({LinkId((node + hop) % nodes), 1});
    }
  }
  const auto run = [&](std::uint8_t channels) {
    wiring.settings[0].channels.last = static_cast<std::uint8_t>(channels - 1);
    Engine engine;
    PacketNetwork network(engine, wiring);
    std::size_t arrived = 0;
    for (const Route& route : routes) {
      network.send({&route, 1_MiB}, [&arrived] { ++arrived; });
    }
    engine.run();
    return arrived;
  };
  EXPECT_THROW(run(1), RunError);
  EXPECT_EQ(run(2), nodes);
}

TEST(PacketNetwork, CopiesAMulticastInTheSwitchAndAddsUpAReductionThere) {
  PacketFabric fabric(4, 1_us, 2_us);
  fabric.plane().multicast = true;
  for (int chip = 0; chip < 3; ++chip) {
    const NodeId it = fabric.add_switch();
    for (std::size_t host = 0; host < 4; ++host) {
      fabric.connect(NodeId(host), it, 10_GBps);
    }
  }
  Router router(fabric.topology());
  const std::vector<NodeId> all{NodeId(0), NodeId(1), NodeId(2), NodeId(3)};
  const std::vector<Route> routes{*router.multicast(NodeId(1), all), *router.reduce(all, NodeId(1)),
                                  *router.multicast(NodeId(1), std::vector<NodeId>{NodeId(2), NodeId(3)})};
  const PacketSettings settings;
  const Bytes bytes = settings.payload * 300.0;
  for (const Route& route : routes) {
    Engine engine;
    PacketNetwork network(engine, fabric.wiring(settings));
    Time arrival;
    network.send({&route, bytes}, [&] { arrival = engine.now(); });
    engine.run();
    const Time expected = Time() + bytes / (30_GBps) + route.latency;
    EXPECT_LE(apart(arrival, expected), 1000);
    const Table<LinkId, Bytes> carried = network.carried();
    for (const LinkLoad& use : route.links) {
      EXPECT_NEAR(carried[use.link].value(), bytes.value() * use.load, 1e-3);
    }
  }
}

TEST(PacketNetwork, RunsTheSameTwice) {
  const PacketFabric fabric = packet_fat_tree(4, 10_GBps, 1_us);
  PacketSettings settings;
  settings.flow_control = FlowControl::pause;
  settings.marks = true;
  const std::vector<HostMessage> messages = permutation(16, Bytes(1e6), 3);
  const PacketOutcome one = play_packets(fabric, settings, messages);
  const PacketOutcome other = play_packets(fabric, settings, messages);
  EXPECT_EQ(one.arrivals, other.arrivals);
  EXPECT_EQ(one.signature, other.signature);
}

TEST(PacketNetwork, RefusesBundlesAndLinksThatDoNotJoin) {
  const PacketFabric star = packet_star(2, 10_GBps, 1_us);
  Router router(star.topology());
  const Route route = *router.route(NodeId(0), NodeId(1));
  Engine engine;
  PacketNetwork network(engine, star.wiring({}));
  EXPECT_THROW(network.send({.route = &route, .bytes = 1_KiB, .multiplicity = 2}, [] {}), RunError);
  Route broken = route;
  broken.links.pop_back();
  broken.links.push_back({star.link(NodeId(1), NodeId(2)), 1});
  EXPECT_THROW(network.send({.route = &broken, .bytes = 1_KiB}, [] {}), InputError);
}

}  // namespace
}  // namespace podium
