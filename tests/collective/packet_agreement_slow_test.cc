// Flows against packets, for every collective on the two machines: the wire alone, with nothing that software adds.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <tuple>

#include "sim/collective/player.h"
#include "sim/collective/select.h"
#include "sim/topology/topology.h"

namespace podium {
namespace {

using namespace literals;

constexpr double most_apart = 0.05;
/// The two trees of this algorithm load a rank's port unevenly, so that some of its messages wait at the far end and,
/// where rooms are small, hold up the others behind them (see below): up to 10 % were seen.
constexpr double trees_apart = 0.12;
/// Longer ones take a minute packet by packet, and repeat one step.
constexpr std::size_t most_steps = 40;

std::size_t steps(const Schedule& schedule) {
  std::size_t count = 0;
  for (const std::vector<Step>& stage : schedule.stages) {
    count += stage.empty() ? 0 : stage.front().repeat;
  }
  return count;
}

/// No launch, no steps, all of the wire; switches add up where the plane's can.
CommunicationCosts wire_alone(const Topology& topology) {
  CommunicationCosts costs;
  for (const Plane& plane : topology.planes) {
    Protocol protocol;
    protocol.in_switch_reduction = plane.multicast;
    costs.protocols.emplace_back(protocol);
  }
  costs.planes = packet_planes(topology);
  costs.memory_bandwidth = BytesPerSecond(1e30);
  return costs;
}

class Agreement : public ::testing::TestWithParam<std::tuple<std::string, std::uint32_t>> {
 protected:
  const std::string system_ = std::get<0>(GetParam());
  const std::uint32_t ranks_ = std::get<1>(GetParam());
  const Topology topology_ = load_topology(system_);
  const CommunicationCosts costs_ = wire_alone(topology_);

  /// A port gives a packet to each of its transfers in turn. Where sums and copies run together, the last packet of a
  /// copy may wait for one of each sum, at the sender or behind it.
  Seconds turn(CollectiveKind kind, const std::string& algorithm) const {
    if (kind != CollectiveKind::all_reduce || algorithm != "in_switch") {
      return Seconds();
    }
    const Plane& plane = topology_.planes.front();
    const Bytes packet = load_packet_settings({packet_plane(plane)}).front().payload / plane.payload_efficiency_near;
    return 1.1 * (ranks_ + 1) * packet / topology_.links[LinkId(0)].bandwidth;
  }
};

INSTANTIATE_TEST_SUITE_P(Machines, Agreement,
                         ::testing::Combine(::testing::Values("cloudmatrix384", "gb200-nvl72"),
                                            ::testing::Values(8U, 16U, 32U, 64U)),
                         [](const auto& info) {
                           return std::get<0>(info.param).substr(0, 5) + "_" + std::to_string(std::get<1>(info.param));
                         });

TEST_P(Agreement, OfPacketsAndFlowsIsWithinFivePerCentFrom64KiBAPeer) {
  Router router(topology_);
  Placement placement;
  placement.groups.emplace_back();
  for (std::uint32_t rank = 0; rank < ranks_; ++rank) {
    placement.groups.front().push_back(topology_.accelerator(rank));
  }
  const GroupShape shape = shape_of(placement, {}, router, costs_);
  const Bytes bytes = 64_KiB * static_cast<double>(ranks_);
  for (const CollectiveKind kind : {CollectiveKind::all_to_all, CollectiveKind::all_gather,
                                    CollectiveKind::reduce_scatter, CollectiveKind::all_reduce}) {
    for (const std::string& algorithm : suitable_algorithms(kind, shape)) {
      const Operation operation{make_schedule(algorithm, kind, shape), placement, {}};
      const bool trees = algorithm == "double_binary_tree";
      if (steps(operation.schedule) > most_steps || (trees && ranks_ > 32)) {
        continue;
      }
      const FoldedFabric fabric = fold(topology_, router, {&operation, 1}, Folding::off);
      const Seconds flow = time_alone({0, kind, bytes}, fabric, costs_, "flow");
      const Seconds packet = time_alone({0, kind, bytes}, fabric, costs_, "packet");
      const double allowed = trees ? trees_apart : most_apart;
      EXPECT_NEAR(packet / flow, 1, std::max(allowed, turn(kind, algorithm) / flow))
          << to_string(kind) << " by " << algorithm;
    }
  }
}

TEST(TwoTrees, AgreeWithFlowsWhereNoPacketHoldsUpThoseBehindItForWantOfRoom) {
  const Topology topology = load_topology("cloudmatrix384");
  const CommunicationCosts costs = wire_alone(topology);
  Router router(topology);
  Placement placement{{{}}};
  for (std::uint32_t rank = 0; rank < 16; ++rank) {
    placement.groups.front().push_back(topology.accelerator(rank));
  }
  const GroupShape shape = shape_of(placement, {}, router, costs);
  const Operation operation{make_schedule("double_binary_tree", CollectiveKind::all_reduce, shape), placement, {}};
  const FoldedFabric fabric = fold(topology, router, {&operation, 1}, Folding::off);
  const CollectiveCall call{0, CollectiveKind::all_reduce, 4_MiB};
  const auto packets_with_room_for = [&](std::uint32_t packets) {
    std::vector<PacketSettings> settings = load_packet_settings(costs.planes);
    for (PacketSettings& plane : settings) {
      plane.spare_packets = packets;
    }
    Engine engine;
    const std::unique_ptr<Network> network = make_network("packet", engine, fabric, settings);
    Player player(engine, *network, fabric, costs);
    Seconds end;
    player.play(call, [&] { end = since_start(engine.now()); });
    engine.run();
    return end;
  };
  const Seconds flow = time_alone(call, fabric, costs, "flow");
  EXPECT_NEAR(packets_with_room_for(8192) / flow, 1, 0.01);
  EXPECT_GT(packets_with_room_for(32) / flow, 1.05);
}

}  // namespace
}  // namespace podium
