#include "sim/system/machine.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sim/topology/route.h"
#include "tests/core/error_of.h"

namespace podium::test {
namespace {

BytesPerSecond first_link(const Machine& machine, const std::string& plane) {
  const std::uint32_t wanted = machine.network().plane_index(plane);
  for (const Link& link : machine.network().links) {
    if (link.plane == wanted) {
      return link.bandwidth;
    }
  }
  return {};
}

TEST(Machine, TakesFiguresOfItsNetworkThatDifferFromTheFiles) {
  const SystemSpec system = load_system("hgx-h100");
  const ChipSpec chip = load_chip(system.chip);
  const std::string plane = load_topology(system.topology).planes.at(0).name;
  const auto link = [&](const std::string& bandwidth) {
    return first_link(Machine(system, chip, {8, 0}, {{"planes.0.link_bandwidth", bandwidth}}), plane);
  };
  EXPECT_EQ(link("2 GB/s"), 2 * link("1 GB/s"));
  EXPECT_LT(link("1 GB/s"), first_link(Machine(system, chip, {8, 0}), plane));
  EXPECT_THROW(Machine(system, chip, {8, 0}, {{"planes.0.no_such_figure", "1 GB/s"}}), InputError);
}

TEST(Machine, HasTheIdleChipsOfItsLastDomainThatPassOnWhatOthersSend) {
  SystemSpec system = load_system("hgx-h100");
  system.topology = "ring-16";
  system.packages_per_node = 4;
  system.nodes_per_domain = 4;
  system.protocols.clear();
  const Machine machine(system, load_chip(system.chip), {.ranks = 9});
  const Route route = *Router(machine.network()).route(machine.node(0), machine.node(8));
  EXPECT_EQ(route.switches, 7) << "half way round, and not over the one link that would close a ring of nine";
}

TEST(Machine, FindsATopologyThatIsNotThereWhereItsSystemNamesIt) {
  SystemSpec system = load_system("hgx-h100");
  const ChipSpec chip = load_chip(system.chip);
  system.topology = "hgx-h10";
  system.topology_where = {"own.yaml", 4, 11};
  EXPECT_THAT(error_of([&] {
                Machine(system, chip, {8, 0}, {}, {"study.yaml", 9, 5});
              }),
              testing::StartsWith("own.yaml:4:11: unknown topology 'hgx-h10'"));
}

TEST(SlowChips, AreReadOneByOneOrInRangesWithWhatIsLeftOfTheirSpeed) {
  const std::vector<SlowChip> one = parse_slow_chips("5=80%"), several = parse_slow_chips("8..10=50 %");
  ASSERT_EQ(one.size(), 1U);
  EXPECT_EQ(one[0].rank, 5U);
  EXPECT_DOUBLE_EQ(one[0].slowdown, 1.25);
  ASSERT_EQ(several.size(), 3U);
  EXPECT_EQ(several[2].rank, 10U);
  EXPECT_DOUBLE_EQ(several[2].slowdown, 2);
}

TEST(SlowChips, AreRefusedWhereTheyCannotBe) {
  for (const char* wrong : {"", "5", "=80%", "5=0%", "5=100%", "5=120%", "-1=50%", "5.5=50%", "9..8=50%", "1..=50%",
                            "..3=50%", "99999999=50%"}) {
    EXPECT_THAT(error_of([&] { parse_slow_chips(wrong, {"--slow"}); }),
                testing::HasSubstr("--slow: '" + std::string(wrong) + "' names no slow chips"));
  }
  EXPECT_THAT(error_of([] { parse_slow_chips("5=fast"); }), testing::HasSubstr("'fast'"));
  const auto on_eight = [](std::vector<SlowChip> slow) {
    return error_of([&] { load_machine("hgx-h100", {.ranks = 8, .slow = std::move(slow)}); });
  };
  EXPECT_THAT(on_eight({{8, 2}}), testing::HasSubstr("one of ranks 0 to 7"));
  EXPECT_THAT(on_eight({{3, 2}, {1, 2}, {3, 1.5}}), testing::HasSubstr("rank 3 is slow twice"));
}

}  // namespace
}  // namespace podium::test
