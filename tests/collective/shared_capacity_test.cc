// What links share, from the topology's file to the time of a collective.
#include <gtest/gtest.h>

#include "sim/topology/fault.h"
#include "tests/collective/networks.h"
#include "tests/topology/networks.h"

namespace podium::test {
namespace {

using namespace literals;

constexpr std::uint32_t all_ranks = 4;
constexpr BytesPerSecond port_rate = 10_GBps;
constexpr double payload = 0.8;
constexpr Seconds switch_latency = 1.1_us;

/// Four accelerators on two equal switches.
std::string two_switches(const std::string& shared = "") {
  return yaml_of(packing_of(1, all_ranks, 1), plane_keys("nvswitch") +
                                                  "    chips: 2\n    links_per_accelerator: 2\n    tier: chip\n"
                                                  "    link_bandwidth: 5 GB/s\n" +
                                                  (shared.empty() ? "" : "    shared: [" + shared + "]\n"));
}

Seconds time_of(const Topology& topology, const Operation& operation, Bytes bytes, Folding folding,
                std::string_view network = "flow") {
  Router router(topology);
  const FoldedFabric fabric = fold(topology, router, {&operation, 1}, folding);
  const CommunicationCosts none = costs(topology);
  return time_alone({0, operation.schedule.ranks == 2 ? CollectiveKind::send : CollectiveKind::all_to_all, bytes},
                    fabric, none, network);
}

/// On the merged topology and on the whole one, folded and not: all the same.
void expect_time(const std::string& yaml, const Operation& operation, Bytes bytes, Seconds expected) {
  const Topology topology = build(yaml);
  for (const Topology& one : {topology, merge_bundles(topology)}) {
    for (const Folding folding : {Folding::exact, Folding::off}) {
      EXPECT_NEAR(time_of(one, operation, bytes, folding).value(), expected.value(), 5e-12);
    }
  }
}

Operation exchange() { return operation("direct", CollectiveKind::all_to_all, {consecutive(0, all_ranks)}); }

TEST(SharedCapacity, HoldsASwitchToWhatItPassesOn) {
  const Bytes bytes = 64_MiB;
  const Bytes sent = bytes * ((all_ranks - 1.0) / all_ranks / payload);
  expect_time(two_switches(), exchange(), bytes, sent / port_rate + switch_latency);
  // each of the two chips passes on half of what four ports bring
  expect_time(two_switches("{switch: chip, bandwidth: 12 GB/s}"), exchange(), bytes,
              all_ranks * sent / (2 * 12_GBps) + switch_latency);
  expect_time(two_switches("{switch: chip, bandwidth: 50 GB/s}"), exchange(), bytes, sent / port_rate + switch_latency);
}

TEST(SharedCapacity, GivesBothDirectionsOfAHalfDuplexCableWhatOneHas) {
  const Bytes bytes = 64_MiB;
  const std::string half_duplex = "{between: [GPU, chip], bandwidth: 5 GB/s}";
  const Bytes sent = bytes * ((all_ranks - 1.0) / all_ranks / payload);
  expect_time(two_switches(half_duplex), exchange(), bytes, 2 * sent / port_rate + switch_latency);
  // one way alone has all of it
  const std::vector<std::pair<NodeId, NodeId>> one_way{{NodeId(0), NodeId(1)}};
  expect_time(two_switches(half_duplex), make_sends(one_way), bytes, bytes / (payload * port_rate) + switch_latency);
  const std::vector<std::pair<NodeId, NodeId>> both_ways{{NodeId(0), NodeId(1)}, {NodeId(1), NodeId(0)}};
  expect_time(two_switches(half_duplex), make_sends(both_ways), bytes,
              2 * bytes / (payload * port_rate) + switch_latency);
}

TEST(SharedCapacity, GoesDownWithTheLinksThatShareIt) {
  const Topology topology = build(two_switches("{between: [GPU, chip], bandwidth: 5 GB/s}"));
  const Topology faulty = merge_bundles(
      apply_faults(topology, {{"GPU-chip[0]", 0.5, {}, {}}, {"GPU-chip[1]", 0.5, {}, {}}}).back().network);
  const Bytes bytes = 64_MiB;
  const Bytes sent = bytes * ((all_ranks - 1.0) / all_ranks / payload);
  EXPECT_NEAR(time_of(faulty, exchange(), bytes, Folding::exact).value(),
              (4 * sent / port_rate + switch_latency).value(), 5e-12);
}

TEST(SharedCapacity, CountsEachCopyThatASwitchSendsOnce) {
  const Topology topology = merge_bundles(
      build(yaml_of(packing_of(1, all_ranks, 1), plane_keys("switch", "domain", "true") +
                                                     "    tier: chip\n    link_bandwidth: 10 GB/s\n    shared:\n"
                                                     "      - {switch: chip, bandwidth: 40 GB/s}\n"
                                                     "      - {between: [GPU, chip], bandwidth: 10 GB/s}\n")));
  Router router(topology);
  const std::vector<NodeId> all = consecutive(0, all_ranks);
  const std::optional<Route> tree = router.multicast(NodeId(0), all);
  std::map<double, int> loads;  // of what is shared, in payload
  for (const LinkLoad& use : tree->links) {
    loads[use.load * payload] += topology.is_shared(use.link) ? 1 : 0;
  }
  // in at the switch and down three cables once, and both ways over the sender's cable
  EXPECT_EQ(loads, (std::map<double, int>{{1, 1 + 3}, {2, 1}}));
}

TEST(SharedCapacity, IsNotForPackets) {
  const Topology topology = build(two_switches("{switch: chip, bandwidth: 12 GB/s}"));
  EXPECT_THROW(time_of(topology, exchange(), 1_MiB, Folding::off, "packet"), InputError);
}

TEST(SharedCapacity, RefusesWhatIsNotThere) {
  EXPECT_THROW(build(two_switches("{switch: leaf, bandwidth: 12 GB/s}")), InputError);
  EXPECT_THROW(build(two_switches("{between: [GPU, leaf], bandwidth: 12 GB/s}")), InputError);
  EXPECT_THROW(build(two_switches("{between: [GPU], bandwidth: 12 GB/s}")), InputError);
  EXPECT_THROW(build(two_switches("{switch: chip, bandwidth: 0 GB/s}")), InputError);
}

}  // namespace
}  // namespace podium::test
