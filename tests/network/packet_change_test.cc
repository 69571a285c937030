// Links that fail, are degraded or come back while packets are under way, and accelerators that pass packets on.
#include <gtest/gtest.h>

#include <deque>

#include "tests/network/packet_fabrics.h"

namespace podium {
namespace {

using namespace literals;
using testing::PacketFabric;

/// A fabric at work, whose router goes by what is left of it.
class ChangingRun {
 public:
  explicit ChangingRun(const PacketFabric& fabric, const PacketSettings& settings = {})
      : fabric_(fabric), router_(fabric.topology()), network_(engine_, fabric.wiring(settings)) {}

  void send(std::size_t from, std::size_t to, Bytes bytes) {
    routes_.push_back(*router_.route(NodeId(from), NodeId(to)));
    arrivals_.push_back(Time::max());
    Time* arrival = &arrivals_.back();
    sent_.push_back({from, to, network_.send({&routes_.back(), bytes}, [this, arrival] { *arrival = engine_.now(); })});
  }

  void change(Seconds at, NodeId from, NodeId to, BytesPerSecond capacity) {
    engine_.after(at, [this, from, to, capacity] {
      network_.set_capacity(fabric_.link(from, to), capacity);
      router_.set_capacity(fabric_.link(from, to), capacity);
    });
  }

  void reroute(Seconds at) {
    engine_.after(at, [this] {
      for (const Sent& sent : sent_) {
        routes_.push_back(*router_.route(NodeId(sent.from), NodeId(sent.to)));
        network_.reroute(sent.id, routes_.back());
      }
    });
  }

  std::deque<Time> run() {
    engine_.run();
    return arrivals_;
  }

  PacketNetwork& network() { return network_; }

 private:
  struct Sent {
    std::size_t from, to;
    TransferId id;
  };
  const PacketFabric& fabric_;
  Router router_;
  Engine engine_;
  PacketNetwork network_;
  std::deque<Route> routes_;
  std::deque<Time> arrivals_;
  std::vector<Sent> sent_;
};

double microseconds(Time time) { return since_start(time).value() * 1e6; }

/// Two leaves of four hosts, four spines between them: nodes 8 to 11, then the leaves.
const NodeId spine(8), near_leaf(12), far_leaf(13);

TEST(PacketNetwork, TakesOtherWaysAroundALinkThatFailsAlsoWithWhatWaitedForIt) {
  const PacketFabric fabric = testing::packet_leaf_spine(2, 4, 10_GBps, 1_us);
  ChangingRun run(fabric);
  for (std::size_t host = 0; host < 4; ++host) {
    run.send(host, 4 + host, Bytes(1e6));
  }
  run.change(20_us, near_leaf, spine, BytesPerSecond(0));
  for (const Time arrival : run.run()) {
    // all four links to spines are full: three carry what is left of 4 MB after 20 us
    EXPECT_NEAR(microseconds(arrival), 20 + (4e6 - 20 * 40e3) / 30e3 + 6, 5);
  }
}

TEST(PacketNetwork, SendsAgainWhatWaitsBeforeADeadLinkOnceItsTransferIsRerouted) {
  const PacketFabric fabric = testing::packet_leaf_spine(2, 4, 10_GBps, 1_us);
  ChangingRun waiting(fabric), rerouted(fabric);
  for (ChangingRun* run : {&waiting, &rerouted}) {
    for (std::size_t host = 0; host < 4; ++host) {
      run->send(host, 4 + host, Bytes(1e6));
    }
    run->change(20_us, spine, far_leaf, BytesPerSecond(0));  // behind the switch that chooses
  }
  rerouted.reroute(30_us);
  for (const Time arrival : waiting.run()) {
    EXPECT_EQ(arrival, Time::max());
  }
  for (const Time arrival : rerouted.run()) {
    EXPECT_NEAR(microseconds(arrival), 20 + (4e6 - 20 * 40e3) / 30e3 + 6, 15);
  }
  EXPECT_EQ(rerouted.network().carried()[fabric.link(NodeId(4), far_leaf)], Bytes(0));
}

TEST(PacketNetwork, ReroutesPacedTransfersToo) {
  const PacketFabric fabric = testing::packet_leaf_spine(2, 4, 10_GBps, 1_us);
  PacketSettings settings;
  settings.path_choice = PathChoice::hash;
  for (std::size_t dead = 0; dead < 4; ++dead) {
    ChangingRun run(fabric, settings);
    run.send(0, 7, Bytes(1e6));
    run.change(20_us, NodeId(8 + dead), far_leaf, BytesPerSecond(0));
    run.reroute(30_us);
    EXPECT_LT(microseconds(run.run().front()), 140) << "without spine " << dead;
  }
}

TEST(PacketNetwork, SpraysByWhatIsLeftOfALinkOnceItsTransferIsRerouted) {
  const PacketFabric fabric = testing::packet_leaf_spine(2, 4, 10_GBps, 1_us);
  ChangingRun run(fabric);
  for (std::size_t host = 0; host < 4; ++host) {
    run.send(host, 4 + host, Bytes(1e6));
  }
  run.change(20_us, near_leaf, spine, 1_GBps);
  run.reroute(20_us);
  for (const Time arrival : run.run()) {
    EXPECT_NEAR(microseconds(arrival), 20 + (4e6 - 20 * 40e3) / 31e3 + 6, 15);
  }
}

TEST(PacketNetwork, HasRoomForTheRoundTripOfALinkThatGetsFaster) {
  const PacketFabric star = testing::packet_star(2, BytesPerSecond(1e6), 10_us);
  ChangingRun run(star);
  for (const std::size_t host : {std::size_t{0}, std::size_t{1}}) {
    run.change(1_us, NodeId(host), NodeId(2), 10_GBps);
    run.change(1_us, NodeId(2), NodeId(host), 10_GBps);
  }
  run.send(0, 1, Bytes(10e6));
  EXPECT_NEAR(microseconds(run.run().front()), 1031, 20 + 4096) << "one packet has begun at 1 MB/s";
}

TEST(PacketNetwork, GoesOnWhereALinkComesBack) {
  const PacketFabric star = testing::packet_star(2, 10_GBps, 1_us);
  ChangingRun run(star);
  run.send(0, 1, Bytes(1e6));
  run.change(20_us, NodeId(2), NodeId(1), BytesPerSecond(0));
  run.change(120_us, NodeId(2), NodeId(1), 10_GBps);
  EXPECT_NEAR(microseconds(run.run().front()), 203, 15) << "but for what had been given its time";
}

TEST(PacketNetwork, SendsAllThatIsQueuedAtTheRateThatALinkHasNow) {
  const std::size_t senders = 64;
  const PacketFabric star = testing::packet_star(senders + 1, 10_GBps, 1_us);
  ChangingRun run(star);
  for (std::size_t from = 1; from <= senders; ++from) {
    run.send(from, 0, Bytes(50e3));
  }
  run.change(20_us, NodeId(senders + 1), NodeId(0), 1_GBps);
  const double left = 64 * 50e3 - 20 * 10e3;
  // at most 32 packets go as fast as they would have
  EXPECT_NEAR(microseconds(run.run().back()), 20 + left / 1e3, 0.05 * left / 1e3);
}

TEST(PacketNetwork, KeepsToTheTreeOfAMulticastAndSaysSo) {
  PacketFabric star = testing::packet_star(3, 10_GBps, 1_us);
  star.plane().multicast = true;
  Router router(star.topology());
  const std::vector<NodeId> receivers = {NodeId(1), NodeId(2)};
  const Route tree = *router.multicast(NodeId(0), receivers);
  const Route other = *router.route(NodeId(0), NodeId(1));
  Engine engine;
  PacketNetwork network(engine, star.wiring({}));
  const TransferId id = network.send({&tree, 1_MiB}, [] {});
  network.reroute(id, tree);  // nothing changes
  EXPECT_THROW(network.reroute(id, other), RunError);
}

/// Accelerators in a row.
PacketFabric row_of_three() {
  PacketFabric row(3, 100_ns, 1_us);
  row.connect(NodeId(0), NodeId(1), 100_GBps);
  row.connect(NodeId(1), NodeId(2), 50_GBps);
  return row;
}

TEST(PacketNetwork, LetsAnAcceleratorThatPassesPacketsOnSendItsOwnInTurn) {
  const PacketFabric row = row_of_three();
  ChangingRun run(row);
  run.send(0, 2, Bytes(20e6));
  run.send(1, 2, Bytes(1e6));
  const std::deque<Time> arrivals = run.run();
  EXPECT_NEAR(microseconds(arrivals[1]), 41, 2) << "half of 50 GB/s";
  EXPECT_NEAR(microseconds(arrivals[0]), 421, 2);
}

TEST(PacketNetwork, LetsAcceleratorsSendTheirOwnAlsoWherePacketsThatPassHaveToWait) {
  PacketFabric row(5, 100_ns, 1_us);
  for (std::size_t node = 0; node < 4; ++node) {
    row.connect(NodeId(node), NodeId(node + 1), 10_GBps);
  }
  ChangingRun run(row);
  for (std::size_t from = 0; from < 4; ++from) {
    run.send(from, 4, Bytes(1e6));
  }
  for (const Time arrival : run.run()) {
    EXPECT_NEAR(microseconds(arrival), 401, 10) << "a quarter of the last link each";
  }
}

}  // namespace
}  // namespace podium
