#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "sim/hardware/system.h"

namespace podium {

/// Work done in time, over everything that it can be divided by. `unit` says of what: "output tokens/s", "tokens/s".
struct Throughput {
  std::string unit;
  double per_rank = 0, per_chip = 0, per_system = 0;
  double per_watt = 0;               ///< all-in power (tokens/s/W = tokens/J)
  std::optional<double> per_dollar;  ///< tokens for a dollar of rent, where the system has a price
};

/// All-in power of some chips of a system, in proportion to a whole domain's: it does not depend on the load.
Watts power_of(const SystemSpec&, std::uint32_t chips);

/// Divides what the whole does (`rate`, per second) by ranks, chips, watts and dollars.
Throughput make_throughput(const std::string& unit, double rate, std::uint32_t chips, const SystemSpec&);

}  // namespace podium
