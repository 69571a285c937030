#include "sim/economics/throughput.h"

namespace podium {

Watts power_of(const SystemSpec& system, std::uint32_t chips) {
  const double chips_per_domain = system.packages_per_node * system.nodes_per_domain;
  return system.power_per_domain * (chips / chips_per_domain);
}

Throughput make_throughput(const std::string& unit, double rate, std::uint32_t chips, const SystemSpec& system) {
  PODIUM_CHECK(chips > 0);
  Throughput result;
  result.unit = unit;
  result.per_system = rate;
  result.per_chip = rate / chips;
  result.per_rank = result.per_chip / system.ranks_per_package;
  result.per_watt = rate / power_of(system, chips).value();
  if (system.rent_per_package) {
    result.per_dollar = rate / (*system.rent_per_package * chips).value();
  }
  return result;
}

}  // namespace podium
