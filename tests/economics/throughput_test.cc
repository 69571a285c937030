#include "sim/economics/throughput.h"

#include <gtest/gtest.h>

namespace podium::test {
namespace {

SystemSpec half_kilowatt_packages() {
  SystemSpec system;
  system.ranks_per_package = 2;
  system.packages_per_node = 4;
  system.nodes_per_domain = 2;
  system.power_per_domain = Watts(4000);  // 8 packages
  return system;
}

TEST(Throughput, IsDividedByRanksChipsAndWatts) {
  const Throughput t = make_throughput("tokens/s", 1000, 4, half_kilowatt_packages());
  EXPECT_DOUBLE_EQ(t.per_system, 1000);
  EXPECT_DOUBLE_EQ(t.per_chip, 1000.0 / 4);
  EXPECT_DOUBLE_EQ(t.per_rank, 1000.0 / 8);
  EXPECT_DOUBLE_EQ(t.per_watt, 1000.0 / (4 * 500));
  EXPECT_FALSE(t.per_dollar);
}

TEST(Throughput, CountsTokensForADollarOfRent) {
  SystemSpec system = half_kilowatt_packages();
  system.rent_per_package = DollarsPerSecond(3.6 / 3600);  // 3.6 $/h
  const Throughput t = make_throughput("tokens/s", 1000, 4, system);
  EXPECT_DOUBLE_EQ(*t.per_dollar, 1000 / (4 * 0.001));
}

TEST(Power, GrowsWithTheChips) {
  const SystemSpec system = half_kilowatt_packages();
  EXPECT_DOUBLE_EQ(power_of(system, 8).value(), 4000);
  EXPECT_DOUBLE_EQ(power_of(system, 24).value(), 12000);
}

}  // namespace
}  // namespace podium::test
