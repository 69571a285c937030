#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <tuple>

#include "sim/core/rng.h"
#include "sim/topology/fault.h"
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

/// A topology file: two domains, or one that is large. Some with faults, which part bundles.
struct Case {
  std::string file;
  std::vector<std::string> faults;
};

class Merged : public ::testing::TestWithParam<Case> {
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

  static Topology load(const Case& it) {
    const Topology one = load_topology(it.file);
    std::vector<Fault> faults;
    for (const std::string& fault : it.faults) {
      faults.push_back(parse_fault(fault));
    }
    return apply_faults(one.accelerators > 1024 ? one : load_topology(it.file, 2), faults).back().network;
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

TEST_P(Merged, FaultsPartNoMoreThanTheyMust) {
  if (!GetParam().faults.empty()) {
    EXPECT_LT(merged_.nodes.size(), whole_.nodes.size());
    EXPECT_GT(merged_.nodes.size(), merge_bundles(load({GetParam().file, {}})).nodes.size());
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

std::vector<Case> cases() {
  std::vector<Case> all;
  for (const std::string& file : list_files("topologies")) {
    all.push_back({file, {}});
  }
  all.push_back({"cloudmatrix384", {"L2[0..15]"}});
  all.push_back({"cloudmatrix384", {"ub:L2[5]=50%", "L1[8]-L2=25%", "3-L1[1]", "roce:leaf0-spine0"}});
  all.push_back({"gb200-nvl72", {"NVSwitch[0..2]", "17-NVSwitch[9]=50%"}});
  all.push_back({"fat-tree-128", {"leaf[0]-spine=50%", "spine[1]"}});
  return all;
}

INSTANTIATE_TEST_SUITE_P(Topologies, Merged, ::testing::ValuesIn(cases()), [](const auto& info) {
  return test::word_of({info.param.file, info.index}) +
         (info.param.faults.empty() ? "" : "_with_faults_" + std::to_string(info.index));
});

}  // namespace
}  // namespace podium
