#include "sim/topology/fault.h"

#include <gtest/gtest.h>

#include <set>

#include "sim/topology/route.h"
#include "tests/topology/networks.h"

namespace podium {
namespace {

using namespace literals;
using test::build;
using test::packing_of;
using test::plane_keys;
using test::yaml_of;

constexpr std::uint32_t chips = 7;

/// Accelerators with a link to each of seven chips, which are one bundle.
Topology planes_of_seven(int accelerators = 4) {
  return build(yaml_of(packing_of(1, accelerators, 1),
                       plane_keys("nvswitch") + "    chips: 7\n    links_per_accelerator: 7\n    tier: chip\n"
                                                "    link_bandwidth: 10 GB/s\n"));
}

/// The ends of links, each once, the lesser first.
std::set<std::pair<std::uint32_t, std::uint32_t>> ends(const Topology& topology, const std::vector<LinkId>& links) {
  std::set<std::pair<std::uint32_t, std::uint32_t>> result;
  for (const LinkId link : links) {
    result.insert(std::minmax(topology.links[link].from.index(), topology.links[link].to.index()));
  }
  EXPECT_EQ(2 * result.size(), links.size()) << "both directions";
  return result;
}

TEST(Faults, AreWrittenAsPartAndWhatIsLeftAndTime) {
  const Fault fails = parse_fault("leaf0-spine3");
  EXPECT_EQ(fails.part, "leaf0-spine3");
  EXPECT_EQ(fails.left, 0);
  EXPECT_EQ(fails.at, Seconds());
  const Fault degrades = parse_fault("ub:L2[0..15]=25%@2 ms");
  EXPECT_EQ(degrades.part, "ub:L2[0..15]");
  EXPECT_EQ(degrades.left, 0.25);
  EXPECT_EQ(degrades.at, 2_ms);
  EXPECT_EQ(parse_fault("a=0.5@3us").at, 3_us);
  for (const std::string wrong : {"", "@1 ms", "a=100%", "a=-1%", "a=half", "a@soon", "a@-1 s"}) {
    EXPECT_THROW(parse_fault(wrong), InputError) << wrong;
  }
}

TEST(Faults, NameLinksByOneEndOrBoth) {
  const int accelerators = 4;
  const Topology topology = planes_of_seven(accelerators);
  using Ends = std::set<std::pair<std::uint32_t, std::uint32_t>>;
  const auto links = [&](std::string_view part) { return ends(topology, LinkFinder(topology).find(part)); };
  // accelerators are nodes 0 to 3, chips follow
  EXPECT_EQ(links("1-chip2"), (Ends{{1, accelerators + 2}}));
  EXPECT_EQ(links("chip[2]-1"), links("1-chip2"));
  EXPECT_EQ(links("net:GPU[1]-chip[2]"), links("1-chip2"));
  EXPECT_EQ(links("GPU[0..1]-chip[2]"), (Ends{{0, accelerators + 2}, {1, accelerators + 2}}));
  EXPECT_EQ(links("3").size(), chips);
  EXPECT_EQ(links("chip[0..2]").size(), 3U * accelerators);
  EXPECT_EQ(links("chip"), links("GPU"));
  EXPECT_EQ(links("chip").size(), chips * accelerators);
  for (const std::string wrong :
       {"chip7", "4", "chip[5..7]", "chip[2..1]", "chip[x]", "1-2", "other:1", "spine", "-"}) {
    EXPECT_THROW(LinkFinder(topology).find(wrong), InputError) << wrong;
  }
}

TEST(Faults, OfANodeAreOnAllPlanesThatItIsOn) {
  const Topology topology = load_topology("hgx-h100", 1);
  std::set<std::uint32_t> planes;
  for (const LinkId link : LinkFinder(topology).find("0")) {
    planes.insert(topology.links[link].plane);
  }
  EXPECT_GT(planes.size(), 1U);
  planes.clear();
  for (const LinkId link : LinkFinder(topology).find("nvlink:0")) {
    planes.insert(topology.links[link].plane);
  }
  EXPECT_EQ(planes, std::set{topology.plane_index("nvlink")});
}

TEST(Faults, NameSwitchesByNamesOfTheirOwn) {
  const Topology topology = build(
      yaml_of(packing_of(1, 2, 1), plane_keys("links") + "    switches: {left: spine, spine0: spine}\n    links:\n"
                                                         "      - {between: [0, left], bandwidth: 1 GB/s}\n"
                                                         "      - {between: [1, left], bandwidth: 1 GB/s}\n"
                                                         "      - {between: [0, spine0], bandwidth: 1 GB/s}\n"
                                                         "      - {between: [1, spine0], bandwidth: 1 GB/s}\n"));
  const auto links = [&](std::string_view part) { return ends(topology, LinkFinder(topology).find(part)); };
  const NodeNames names = name_nodes(topology, 0);
  const std::uint32_t left = names.at("left").index(), other = names.at("spine0").index();
  EXPECT_NE(left, other) << "a name of its own goes before the first of the tier";
  EXPECT_EQ(links("left-1"), (std::set<std::pair<std::uint32_t, std::uint32_t>>{{1, left}}));
  EXPECT_EQ(links("left"), (std::set<std::pair<std::uint32_t, std::uint32_t>>{{0, left}, {1, left}}));
  EXPECT_EQ(links("spine").size(), 4U);
  EXPECT_EQ(shown_names(topology)[NodeId(left)], "left");
}

TEST(Faults, PartABundleByWhatIsLeftOfItsLinks) {
  const Topology whole = planes_of_seven();
  EXPECT_EQ(merge_bundles(whole).nodes.size(), whole.accelerators + 1);
  const auto switches = [&](const std::vector<Fault>& faults) {
    return merge_bundles(apply_faults(whole, faults).back().network).nodes.size() - whole.accelerators;
  };
  EXPECT_EQ(switches({{"chip[3]", 0, {}, {}}}), 2U);
  EXPECT_EQ(switches({{"chip[3..4]", 0, {}, {}}}), 2U);
  EXPECT_EQ(switches({{"chip[3]", 0, {}, {}}, {"chip[4]", 0.5, {}, {}}}), 3U);
  EXPECT_EQ(switches({{"0-chip[3]", 0, {}, {}}, {"1-chip[4]", 0, {}, {}}}), 3U);
  EXPECT_EQ(switches({{"chip", 0.5, {}, {}}}), 1U) << "all alike";
}

TEST(Faults, LeaveSprayedTrafficSixOfSevenPlanes) {
  const Topology whole = planes_of_seven();
  const Topology left = merge_bundles(apply_faults(whole, {{"chip[3]", 0, {}, {}}}).back().network);
  Router router(left);
  const std::optional<Route> route = router.route(NodeId(0), NodeId(1));
  BytesPerSecond fastest(1e30);
  for (const LinkLoad& use : route->links) {
    fastest = std::min(fastest, left.links[use.link].bandwidth / use.load);
  }
  const double payload = 0.8;
  EXPECT_DOUBLE_EQ(fastest.value(), payload * 6 * 10e9);
}

TEST(Faults, MakeStatesInTheOrderOfTimeWithTheSameBundles) {
  const Topology whole = planes_of_seven();
  const std::vector<NetworkState> states = apply_faults(
      whole, {{"chip[1]", 0, 2_ms, {}}, {"chip[0]", 0.5, 1_ms, {}}, {"0", 0, 2_ms, {}}, {"chip[2]", 0.1, {}, {}}});
  ASSERT_EQ(states.size(), 3U) << "0, 1 and 2 ms";
  std::vector<NetworkState> merged = states;
  for (NetworkState& state : merged) {
    state.network = merge_bundles(state.network);
    EXPECT_EQ(state.network.nodes.size(), whole.accelerators + 4U) << "each of three chips apart";
  }
  std::size_t changed = 0;
  Topology now = merged.front().network;
  for (const LinkChange& change : find_changes(merged)) {
    changed += change.at == 1_ms ? 1 : 0;
    now.links[change.link].bandwidth = change.capacity;
  }
  EXPECT_EQ(changed, 2 * whole.accelerators) << "all links of one chip";
  for (const LinkId link : now.links.ids()) {
    EXPECT_EQ(now.links[link].bandwidth, merged.back().network.links[link].bandwidth);
  }
}

}  // namespace
}  // namespace podium
