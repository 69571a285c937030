#include "sim/hardware/system.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/core/error_of.h"

namespace podium {
namespace {

using test::error_of;

const std::string system_file =
    "description: a system of round numbers\n"
    "source: {text: this test, grade: assumed}\n"
    "chip: small\n"
    "topology: ring\n"
    "ranks_per_package: 2\n"
    "packages_per_node: 8\n"
    "nodes_per_domain: 48\n"
    "max_domains: 16\n"
    "protocols:\n"
    "  ub:\n"
    "    launch: 10 us\n"
    "    step: 1 us\n"
    "    send_launch: 3 us\n"
    "    dispatch_launch: 15 us\n"
    "    combine_launch: 16 us\n"
    "    per_peer: 0.1 us\n"
    "    core_share: 0.25\n"
    "    bulk_efficiency: 0.9\n"
    "    in_switch_reduction: false\n"
    "power_per_domain: 559 kW\n"
    "price_per_domain: 8.2 M$\n";

SystemSpec system_of(const std::string& yaml) { return read_system(Document::parse(yaml, "system.yaml"), "test"); }

std::string system_error_with(const std::string& before, const std::string& after) {
  std::string changed = system_file;
  const std::size_t place = changed.find(before);
  EXPECT_NE(place, std::string::npos) << before;
  changed.replace(place, before.size(), after);
  return error_of([&] { system_of(changed); });
}

TEST(System, IsReadFromItsFile) {
  const SystemSpec system = system_of(system_file);
  EXPECT_EQ(system.name, "test");
  EXPECT_EQ(system.chip, "small");
  EXPECT_EQ(system.topology, "ring");
  EXPECT_EQ(system.max_domains, 16);
  EXPECT_EQ(system.power_per_domain, Watts(559e3));
  ASSERT_TRUE(system.price_per_domain.has_value());
  EXPECT_DOUBLE_EQ(system.price_per_domain->value(), 8.2e6);
  EXPECT_FALSE(system.rent_per_package.has_value());
  ASSERT_EQ(system.protocols.size(), 1u);
  const Protocol& ub = system.protocols.at("ub");
  EXPECT_DOUBLE_EQ(ub.launch.value(), 10e-6);
  EXPECT_DOUBLE_EQ(ub.step.value(), 1e-6);
  EXPECT_DOUBLE_EQ(ub.send_launch.value(), 3e-6);
  EXPECT_DOUBLE_EQ(ub.dispatch_launch.value(), 15e-6);
  EXPECT_DOUBLE_EQ(ub.combine_launch.value(), 16e-6);
  EXPECT_DOUBLE_EQ(ub.per_peer.value(), 0.1e-6);
  EXPECT_EQ(ub.core_share, 0.25);
  EXPECT_EQ(ub.bulk_efficiency, 0.9);
  EXPECT_FALSE(ub.in_switch_reduction);
}

TEST(System, MaySplitCallsAndAddUpApart) {
  const std::string last = "    in_switch_reduction: false\n";
  const auto with = [&last](const std::string& more) {
    std::string changed = system_file;
    return changed.insert(changed.find(last) + last.size(), "    " + more + "\n");
  };
  EXPECT_EQ(system_of(system_file).protocols.at("ub").splits, 1u);
  EXPECT_FALSE(system_of(system_file).protocols.at("ub").sum_bandwidth.has_value());
  EXPECT_EQ(system_of(with("splits: 4")).protocols.at("ub").splits, 4u);
  EXPECT_EQ(system_of(with("sum_bandwidth: 1.6 TB/s")).protocols.at("ub").sum_bandwidth, BytesPerSecond(1.6e12));
  EXPECT_NE(error_of([&] { system_of(with("splits: 0")); }).find("0 is not between 1 and"), std::string::npos);
  EXPECT_NE(error_of([&] { system_of(with("sum_bandwidth: 0 GB/s")); }).find("more than nothing"), std::string::npos);
}

TEST(System, SaysWhatCollectivesInItsSwitchesCostWhereItHasThem) {
  const std::string flag = "in_switch_reduction: false", launch = "\n    in_switch_launch: 25 us",
                    achieved = "\n    in_switch_efficiency: 0.7";
  const auto with = [](const std::string& text) {
    std::string changed = system_file;
    changed.replace(changed.find("in_switch_reduction: false"), 26, text);
    return system_of(changed).protocols.at("ub");
  };
  const Protocol on = with("in_switch_reduction: true" + launch + achieved);
  EXPECT_TRUE(on.in_switch_reduction);
  EXPECT_DOUBLE_EQ(on.in_switch_launch.value(), 25e-6);
  EXPECT_EQ(on.in_switch_efficiency, 0.7);
  EXPECT_FALSE(with(flag + launch + achieved).in_switch_reduction) << "one flag turns it off";
  EXPECT_NE(system_error_with(flag, "in_switch_reduction: true" + launch).find("'in_switch_efficiency' is missing"),
            std::string::npos);
  EXPECT_NE(system_error_with(flag, "in_switch_reduction: true" + achieved).find("'in_switch_launch' is missing"),
            std::string::npos);
  EXPECT_NE(system_error_with(flag, flag + "\n    in_switch_efficiency: 0").find("an efficiency is more than 0"),
            std::string::npos);
}

TEST(System, CountsRanksByNodeAndDomain) {
  const SystemSpec system = system_of(system_file);
  EXPECT_EQ(system.ranks_per_node(), 2 * 8);
  EXPECT_EQ(system.ranks_per_domain(), 2 * 8 * 48);
}

TEST(System, KnowsWhereItsChipAndTopologyAreNamed) {
  const SystemSpec system = system_of(system_file);
  EXPECT_EQ(to_string(system.chip_where), "system.yaml:3:7");
  EXPECT_EQ(to_string(system.topology_where), "system.yaml:4:11");
}

TEST(System, NotesEveryFigure) { EXPECT_EQ(system_of(system_file).figures.size(), 4u + 8 + 2); }

TEST(System, RefusesWhatCannotBe) {
  EXPECT_EQ(system_error_with("nodes_per_domain: 48", "nodes_per_domain: 0"),
            "system.yaml:7:19: nodes_per_domain: 0 is not between 1 and 1000000");
  EXPECT_EQ(
      system_error_with("core_share: 0.25", "core_share: 1"),
      "system.yaml:17:17: protocols.ub.core_share: collectives leave some of the cores to compute; a share is less "
      "than 1");
  EXPECT_NE(system_error_with("bulk_efficiency: 0.9", "bulk_efficiency: 1.2").find("an efficiency is more than 0"),
            std::string::npos);
  EXPECT_NE(system_error_with("power_per_domain: 559 kW", "power_per_domain: 0 W").find("must be more than nothing"),
            std::string::npos);
  EXPECT_NE(system_error_with("bulk_efficiency: 0.9", "bulk_efficiency: {value: 0.9, low: 0, high: 1}")
                .find("bulk_efficiency.low: an efficiency is more than 0"),
            std::string::npos);
  EXPECT_NE(system_error_with("    launch: 10 us", "    lunch: 10 us").find("'launch' is missing; is 'lunch'"),
            std::string::npos);
  EXPECT_NE(system_error_with("price_per_domain", "price_for_domain")
                .find("unknown key 'price_for_domain' (did you mean "
                      "'price_per_domain'?)"),
            std::string::npos);
  EXPECT_EQ(error_of([] { load_system("hgx-h1000"); }).find("unknown system 'hgx-h1000' (did you mean 'hgx-h100'?)"),
            0u);
}

/// Laws over every system that has a file.
class SystemFiles : public testing::TestWithParam<std::string> {};

TEST_P(SystemFiles, NameAChipAndHaveASourceForEveryFigure) {
  const SystemSpec system = load_system(GetParam());
  EXPECT_EQ(system.name, GetParam());
  EXPECT_NO_THROW(load_chip(system.chip));
  EXPECT_FALSE(system.figures.empty());
  for (const Figure& figure : system.figures) {
    EXPECT_FALSE(figure.source.empty()) << figure.path;
  }
}

TEST_P(SystemFiles, DrawMorePowerThanTheirChipsAtRest) {
  const SystemSpec system = load_system(GetParam());
  const ChipSpec chip = load_chip(system.chip);
  EXPECT_GT(system.power_per_domain, chip.idle_power * system.ranks_per_domain());
}

std::string system_test_name(const testing::TestParamInfo<std::string>& info) {
  std::string name = info.param;
  for (char& c : name) {
    c = c == '-' || c == '.' ? '_' : c;
  }
  return name;
}
INSTANTIATE_TEST_SUITE_P(All, SystemFiles, testing::ValuesIn(list_files("configs/systems")), system_test_name);

}  // namespace
}  // namespace podium
