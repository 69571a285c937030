#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <tuple>

#include "sim/core/rng.h"
#include "sim/topology/route.h"
#include "tests/topology/networks.h"

namespace podium {
namespace {

/// Where each node went: merged nodes come in the order of the first nodes of their bundles.
Table<NodeId, NodeId> merged_nodes(const Topology& topology) {
  Table<NodeId, NodeId> merged(topology.nodes.size());
  std::uint32_t count = 0;
  for (const NodeId id : topology.nodes.ids()) {
    const NodeId first(topology.nodes[id].bundle);
    merged[id] = first == id ? NodeId(count++) : merged[first];
  }
  return merged;
}

/// Every topology file: two domains, or one that is large.
class Merged : public ::testing::TestWithParam<std::string> {
 protected:
  Merged() {
    std::map<std::tuple<NodeId, NodeId, std::uint32_t>, LinkId> by_ends;
    for (const LinkId id : merged_.links.ids()) {
      const Link& link = merged_.links[id];
      EXPECT_TRUE(by_ends.try_emplace({link.from, link.to, link.plane}, id).second) << "parallel links are left";
    }
    const Table<NodeId, NodeId> of_node = merged_nodes(whole_);
    for (const Link& link : whole_.links) {
      stands_in_.push_back(by_ends.at({of_node[link.from], of_node[link.to], link.plane}));
    }
  }

  static Topology load(const std::string& name) {
    const Topology one = load_topology(name);
    return one.accelerators > 1024 ? one : load_topology(name, 2);
  }

  const Topology whole_ = load(GetParam());
  const Topology merged_ = merge_bundles(whole_);
  Table<LinkId, LinkId> stands_in_;  ///< the merged link of each link
};

TEST_P(Merged, CapacitiesAddUp) {
  Table<LinkId, BytesPerSecond> sum(merged_.links.size());
  for (const LinkId id : whole_.links.ids()) {
    sum[stands_in_[id]] += whole_.links[id].bandwidth;
  }
  for (const LinkId id : merged_.links.ids()) {
    EXPECT_DOUBLE_EQ(merged_.links[id].bandwidth.value(), sum[id].value());
  }
}

TEST_P(Merged, AcceleratorsAndHostsKeepTheirIds) {
  for (const NodeId id : whole_.nodes.ids()) {
    if (whole_.nodes[id].kind == NodeKind::network_switch) {
      break;
    }
    EXPECT_EQ(merged_.nodes[id].kind, whole_.nodes[id].kind);
    EXPECT_EQ(merged_.nodes[id].tier, whole_.nodes[id].tier);
  }
}

TEST_P(Merged, LoadsOnALinkAreThoseOfTheLinksItStandsFor) {
  Router whole_router(whole_);
  Router merged_router(merged_);
  Rng rng(1, "pairs");
  for (int pair = 0; pair < 200; ++pair) {
    const NodeId from(rng.below(whole_.accelerators));
    const NodeId to(rng.below(whole_.accelerators));
    const auto in_whole = whole_router.route(from, to);
    const auto in_merged = merged_router.route(from, to);
    ASSERT_TRUE(in_whole && in_merged);
    EXPECT_EQ(in_merged->plane, in_whole->plane);
    EXPECT_EQ(in_merged->switches, in_whole->switches);
    EXPECT_EQ(in_merged->latency, in_whole->latency);
    Table<LinkId, double> sum(merged_.links.size(), 0);
    for (const LinkLoad& link : in_whole->links) {
      sum[stands_in_[link.link]] += link.load;
      // links share in proportion to their capacities, so none of them is nearer to being full than the merged one
      const double share = whole_.links[link.link].bandwidth / merged_.links[stands_in_[link.link]].bandwidth;
      const auto there = std::find_if(in_merged->links.begin(), in_merged->links.end(),
                                      [&](const LinkLoad& load) { return load.link == stands_in_[link.link]; });
      ASSERT_NE(there, in_merged->links.end());
      EXPECT_NEAR(link.load, share * there->load, 1e-12);
    }
    for (const LinkLoad& link : in_merged->links) {
      EXPECT_NEAR(link.load, sum[link.link], 1e-12);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Topologies, Merged, ::testing::ValuesIn(list_files("topologies")), test::word_of);

}  // namespace
}  // namespace podium
