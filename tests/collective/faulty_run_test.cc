// Faults in the course of a run against closed forms.
#include "sim/collective/faulty_run.h"

#include <gtest/gtest.h>

#include "tests/collective/networks.h"
#include "tests/topology/networks.h"

namespace podium::test {
namespace {

using namespace literals;

constexpr double planes = 7;
constexpr BytesPerSecond link{8e9};  ///< of payload
constexpr Bytes size{56e6};          ///< 1 ms over seven planes
constexpr Seconds latency = 1.1_us;

/// Two accelerators with a link to each of seven chips.
Topology seven_planes() {
  return build(yaml_of(packing_of(1, 2, 1), plane_keys("nvswitch") +
                                                "    chips: 7\n    links_per_accelerator: 7\n    tier: chip\n"
                                                "    link_bandwidth: 10 GB/s\n"));
}

/// Pairs that send at the same time, until the last has arrived.
Seconds run(const Topology& topology, const std::vector<std::pair<NodeId, NodeId>>& pairs,
            const std::vector<Fault>& faults, Seconds recovery = {}, std::string_view network = "flow",
            Bytes bytes = size) {
  std::vector<NetworkState> states = apply_faults(topology, faults);
  for (NetworkState& state : states) {
    state.network = merge_bundles(state.network);
  }
  return time_alone({0, CollectiveKind::send, bytes}, states.front().network, make_sends(pairs),
                    costs(states.front().network, {}), network, {find_changes(states), recovery});
}

Seconds send(const std::vector<Fault>& faults, Seconds recovery = {}, std::string_view network = "flow") {
  return run(seven_planes(), {{NodeId(0), NodeId(1)}}, faults, recovery, network);
}

void expect_time(Seconds actual, Seconds expected) { EXPECT_NEAR(actual.value(), expected.value(), 5e-12); }

class FaultyRuns : public ::testing::TestWithParam<std::string> {};
INSTANTIATE_TEST_SUITE_P(Networks, FaultyRuns, ::testing::Values("flow", "analytic"),
                         [](const auto& info) { return info.param; });

TEST_P(FaultyRuns, GoOnWithSixOfSevenPlanesWhenOneIsLost) {
  expect_time(send({}, {}, GetParam()), size / (planes * link) + latency);
  expect_time(send({{"chip[2]", 0, {}, {}}}, {}, GetParam()), size / (6 * link) + latency);
  // a quarter of the time on all planes, and the rest on six
  const Seconds at = 0.25 * (size / (planes * link));
  expect_time(send({{"chip[2]", 0, at, {}}}, {}, GetParam()), at + 0.75 * size / (6 * link) + latency);
}

TEST_P(FaultyRuns, StallUntilTrafficTakesOtherWays) {
  const Seconds at = 0.25 * (size / (planes * link));
  expect_time(send({{"chip[2]", 0, at, {}}}, 3_ms, GetParam()), at + 3_ms + 0.75 * size / (6 * link) + latency);
}

TEST_P(FaultyRuns, GoAtThePaceOfADegradedPlaneUntilTrafficGoesByWhatIsLeft) {
  const Seconds whole = size / (planes * link);
  const Seconds at = 0.25 * whole;
  const Seconds recovery = 0.5 * whole;
  // an even spray over seven planes is held back by the one that is half as fast
  const Bytes later = size - planes * link * at - planes * 0.5 * link * recovery;
  expect_time(send({{"chip[2]", 0.5, at, {}}}, recovery, GetParam()), at + recovery + later / (6.5 * link) + latency);
}

TEST_P(FaultyRuns, LoseOnePlaneAfterTheOther) {
  const Seconds first = 0.2_ms;
  const Seconds second = 0.6_ms;
  const Bytes later = size - planes * link * first - 6 * link * (second - first);
  expect_time(send({{"chip[0]", 0, first, {}}, {"chip[6]", 0, second, {}}}, {}, GetParam()),
              second + later / (5 * link) + latency);
}

TEST(FaultyRun, SharesAnewByMaxMinFairnessWhenALinkIsDegraded) {
  // a parking lot: one transfer goes over both uplinks, and each of two others over one of them
  const BytesPerSecond uplink = 10_GBps;
  Topology lot = tree(3, 2, 100_GBps, uplink);
  for (const NodeId node : lot.nodes.ids()) {
    lot.nodes[node].tier = node.index() < lot.accelerators ? "GPU" : node.index() == lot.accelerators ? "top" : "leaf";
  }
  const std::vector<std::pair<NodeId, NodeId>> pairs{
      {NodeId(0), NodeId(2)}, {NodeId(1), NodeId(4)}, {NodeId(5), NodeId(3)}};
  const Bytes bytes(10e6);
  const Seconds at = 0.5_ms;
  // the first two share what goes up from leaf 0, the first and the last what comes down to leaf 1
  const Seconds far = 1_us + 3 * 0.5_us;
  expect_time(run(lot, pairs, {}, {}, "flow", bytes), 2 * (bytes / uplink) + far);
  // what goes up from leaf 0 is halved, so that the first two get a quarter each from then on
  const Bytes left = bytes - 0.5 * uplink * at;
  expect_time(run(lot, pairs, {{"leaf0-top0", 0.5, at, {}}}, {}, "flow", bytes), at + left / (0.25 * uplink) + far);
}

TEST(FaultyRun, EndsAsIfNothingHadHappenedWhereTheFaultComesLater) {
  const Seconds whole = size / (planes * link);
  expect_time(send({{"chip[0..5]", 0, 2 * whole, {}}}), whole + latency);
  expect_time(send({{"0", 0, 2 * whole, {}}}), whole + latency);
}

TEST(FaultyRun, SaysSoWhereAFaultLeavesNodesApart) {
  EXPECT_THROW(send({{"chip", 0, 0.1_ms, {}}}), RunError);
  EXPECT_THROW(send({{"0", 0, 0.1_ms, {}}}), RunError);
}

}  // namespace
}  // namespace podium::test
