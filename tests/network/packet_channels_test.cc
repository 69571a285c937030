// What the deadlock check calls free of deadlock is: packets on shipped topologies that need virtual channels.
#include <gtest/gtest.h>

#include <deque>

#include "sim/network/packet.h"
#include "sim/topology/deadlock.h"

namespace podium {
namespace {

using namespace literals;

/// All to all at once among the accelerators of the first plane, with so many virtual channels; how many arrive.
std::size_t all_to_all(const Topology& topology, std::uint32_t channels, Bytes bytes) {
  Routing routing = topology.planes[0].routing;
  routing.virtual_channels = channels;
  Wiring wiring;
  wiring.settings = load_packet_settings({{topology.planes[0].name, "", routing}});
  wiring.settings[0].spare_packets = 2;
  for (const Link& link : topology.links) {
    wiring.wires.push_back({link.from, link.to, link.bandwidth, topology.planes[0].switch_latency, 0, mark_of(link)});
  }
  Engine engine;
  PacketNetwork network(engine, wiring);
  Router router(topology);
  std::deque<Route> routes;
  std::size_t arrived = 0;
  for (std::uint32_t from = 0; from < topology.accelerators; ++from) {
    for (std::uint32_t to = 0; to < topology.accelerators; ++to) {
      if (from != to) {
        routes.push_back(*router.route(NodeId(from), NodeId(to), 0, routing));
        network.send({&routes.back(), bytes}, [&arrived] { ++arrived; });
      }
    }
  }
  engine.run();
  return arrived;
}

class PacketChannels : public ::testing::TestWithParam<const char*> {};

TEST_P(PacketChannels, EndWithAsManyAsTheCheckAsksForAndNotWithOne) {
  const Topology topology = load_topology(GetParam());
  const std::uint32_t channels = topology.planes[0].routing.virtual_channels;
  ASSERT_TRUE(check_deadlock(topology, 0).cycle.empty());
  ASSERT_GT(channels, 1U);
  EXPECT_EQ(all_to_all(topology, channels, 32_KiB), topology.accelerators * (topology.accelerators - 1));
  EXPECT_THROW(all_to_all(topology, 1, 32_KiB), RunError);
}

TEST(PacketSettings, AreThoseThatAPlaneNamesOrThoseOfItsName) {
  const auto of = [](const std::string& name, const std::string& packets) {
    return load_packet_settings({{name, packets, {}}}).front().name;
  };
  EXPECT_EQ(of("nvlink", ""), "nvlink");
  EXPECT_EQ(of("my network", ""), "other");
  EXPECT_EQ(of("my network", "roce"), "roce");
  EXPECT_THROW(of("my network", "rocee"), InputError);
}

TEST(PacketSettings, HaveNoDetours) {
  Routing routing;
  routing.detour = Detour::valiant;
  Wiring wiring{{{NodeId(0), NodeId(1), 1_GBps, Seconds(), 0}}, load_packet_settings({{"ub", "", routing}})};
  Engine engine;
  EXPECT_THROW(PacketNetwork(engine, wiring), InputError);
}

INSTANTIATE_TEST_SUITE_P(Shipped, PacketChannels, ::testing::Values("torus-2d", "dragonfly-72"));

}  // namespace
}  // namespace podium
