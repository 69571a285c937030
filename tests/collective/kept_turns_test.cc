#include "sim/collective/kept_turns.h"

#include <gtest/gtest.h>

#include <rapidcheck/gtest.h>
#include <algorithm>

#include "sim/topology/fault.h"
#include "tests/collective/networks.h"

/// Folding from one rank of each orbit finds the classes that folding from every message does.
namespace podium::test {
namespace {

using namespace literals;

/// A router that knows of no symmetry: a capacity was set, to what it is.
FoldedFabric fold_from_every_message(const Topology& topology, const std::vector<Operation>& operations) {
  Router router(topology);
  router.set_capacity(LinkId(0), topology.links[LinkId(0)].bandwidth);
  return fold(topology, router, operations);
}

/// A bundle over the first link of each class, so that it does not depend on how classes are numbered.
using Seen = std::tuple<double, double, std::uint32_t, int, std::vector<std::pair<LinkId, double>>>;

std::vector<Seen> seen(const FoldedFabric& fabric, std::size_t pattern) {
  Table<LinkId, LinkId> first(fabric.capacities.size());
  for (std::size_t link = fabric.classes.size(); link-- > 0;) {
    if (fabric.classes[LinkId(link)]) {
      first[*fabric.classes[LinkId(link)]] = LinkId(link);
    }
  }
  std::vector<Seen> result;
  for (const Bundle& bundle : fabric.patterns[pattern]) {
    std::vector<std::pair<LinkId, double>> links;
    for (const LinkLoad& load : bundle.route.links) {
      links.emplace_back(first[load.link], load.total());
    }
    std::sort(links.begin(), links.end());
    result.emplace_back(bundle.multiplicity, bundle.route.latency.value(), bundle.route.plane, bundle.route.switches,
                        links);
  }
  std::sort(result.begin(), result.end());
  return result;
}

void expect_same(const FoldedFabric& one, const FoldedFabric& other) {
  EXPECT_EQ(one.messages, other.messages);
  EXPECT_EQ(one.bundles, other.bundles);
  EXPECT_EQ(one.groups_alike, other.groups_alike);
  ASSERT_EQ(one.capacities.size(), other.capacities.size());
  ASSERT_EQ(one.patterns.size(), other.patterns.size());
  for (std::size_t pattern = 0; pattern < one.patterns.size(); ++pattern) {
    EXPECT_EQ(seen(one, pattern), seen(other, pattern)) << "pattern " << pattern;
  }
  for (const LinkId link : one.classes.ids()) {
    ASSERT_EQ(one.classes[link].has_value(), other.classes[link].has_value()) << "link " << link.index();
    if (one.classes[link]) {
      EXPECT_EQ(one.members[*one.classes[link]], other.members[*other.classes[link]]);
      EXPECT_EQ(one.capacities[*one.classes[link]], other.capacities[*other.classes[link]]);
    }
  }
}

std::size_t looked_at(const Topology& topology, const Operation& operation) {
  Router router(topology);
  return fold(topology, router, {&operation, 1}).looked_at;
}

TEST(KeptTurns, LookAtTheMessagesOfOneRankOfAMachineThatIsAlike) {
  const Topology machine = merge_bundles(load_topology("cloudmatrix384"));
  EXPECT_EQ(looked_at(machine, operation("direct", CollectiveKind::all_to_all, {consecutive(0, 768)})), 767);
  EXPECT_EQ(looked_at(machine, operation("direct", CollectiveKind::all_to_all, {consecutive(16, 320)})), 319);
}

TEST(KeptTurns, LookAtTheRanksOfOneUnitWhereDistancesAreCountedRound) {
  const Topology network = tree(16, 4, 100_GBps, 100_GBps);
  EXPECT_EQ(looked_at(network, operation("dissemination", CollectiveKind::barrier, {consecutive(0, 64)})), 6 * 4);
  EXPECT_EQ(looked_at(network, operation("ring", CollectiveKind::all_reduce, {consecutive(0, 64)})), 4);
}

TEST(KeptTurns, LookAtOneRankWherePartnersDifferInABit) {
  const Topology network = tree(16, 4, 100_GBps, 100_GBps);
  const Operation halving = operation("recursive_halving_doubling", CollectiveKind::all_reduce, {consecutive(0, 64)});
  EXPECT_EQ(looked_at(network, halving), 6);
}

TEST(KeptTurns, LookAtEveryMessageWhereALinkIsOdd) {
  Topology network = tree(4, 4, 100_GBps, 100_GBps);
  network.links[LinkId(0)].bandwidth = 50_GBps;
  const Operation ring = operation("ring", CollectiveKind::all_reduce, {consecutive(0, 16)});
  EXPECT_EQ(looked_at(network, ring), 16);
}

TEST(KeptTurns, LookAtEveryMessageOfAGroupInNoOrder) {
  std::vector<NodeId> shuffled = consecutive(0, 16);
  std::shuffle(shuffled.begin(), shuffled.end(), std::mt19937(1));
  EXPECT_EQ(looked_at(star(16, 100_GBps), operation("ring", CollectiveKind::all_reduce, {shuffled})), 16);
}

std::vector<std::vector<NodeId>> some_groups(std::uint32_t ranks) {
  const auto size = *rc::gen::inRange(2U, std::min(ranks, 33U));
  const auto stride = *rc::gen::element(1U, 2U, 3U, 4U, 8U, 16U);
  const auto begin = *rc::gen::element(0U, 0U, 8U, 1U);
  std::vector<std::vector<NodeId>> groups;
  const auto most = *rc::gen::inRange(1U, 17U);
  for (std::uint32_t block = begin; groups.size() < most; block += size * stride) {
    for (std::uint32_t i = 0; i < stride && groups.size() < most; ++i) {
      if (block + i + (size - 1) * stride >= ranks) {
        return groups;
      }
      groups.push_back(consecutive(block + i, size, stride));
    }
  }
  return groups;
}

RC_GTEST_PROP(KeptTurns, LeadToTheClassesOfAllMessages, ()) {
  const std::vector<std::pair<std::string, std::uint32_t>> machines{
      {"hgx-h100", 12},    {"cloudmatrix384", 1},  {"gb200-nvl72", 2},  {"ub-mesh", 1},
      {"torus-2d", 1},     {"tpu-v4", 1},          {"ring-16", 1},      {"single-switch", 1},
      {"dragonfly-72", 1}, {"fat-tree-128", 1},    {"hypercube-64", 1}, {"fat-tree-oversubscribed", 1},
      {"slingshot", 1},    {"rail-with-faults", 1}};
  const auto [name, domains] = *rc::gen::elementOf(machines);
  const Topology topology = merge_bundles(load_topology(name, domains));
  std::vector<Operation> operations;
  for (int i = *rc::gen::inRange(1, 4); i > 0; --i) {
    std::vector<std::vector<NodeId>> groups = some_groups(std::min(topology.accelerators, 200U));
    if (groups.empty()) {
      continue;
    }
    const auto kind = *rc::gen::element(CollectiveKind::all_reduce, CollectiveKind::all_to_all,
                                        CollectiveKind::broadcast, CollectiveKind::reduce_scatter);
    const auto size = static_cast<std::uint32_t>(groups.front().size());
    const std::vector<std::string> names = suitable_algorithms(kind, {.ranks = size});
    const std::string algorithm = *rc::gen::elementOf(names);
    operations.push_back(operation(algorithm, kind, std::move(groups)));
  }
  RC_PRE(!operations.empty());
  Router router(topology);
  expect_same(fold(topology, router, operations), fold_from_every_message(topology, operations));
}

}  // namespace
}  // namespace podium::test
