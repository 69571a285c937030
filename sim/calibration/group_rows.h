#pragma once

#include <cstdint>

#include "sim/calibration/row_table.h"
#include "sim/hardware/system.h"

namespace podium {

/// The columns of a collective's rows that say who takes part: so many ranks, on so many nodes.
class GroupColumns {
 public:
  struct Group {
    std::uint32_t ranks = 0;
    std::uint32_t ranks_per_domain = 0;  ///< 0: as many as a domain has
  };

  /// Where a table has no ranks, all of a row's nodes take part: the system, which outlives it, says how many they
  /// have.
  GroupColumns(const RowTable&, const SystemSpec* system);
  /// InputError: fewer than two ranks, nodes that do not have as many each, more on a node than one of the system has.
  Group group(const TableRow&) const;

 private:
  std::uint32_t ranks(const TableRow&) const;

  const SystemSpec* system_;
  Column ranks_, nodes_, per_node_;
};

}  // namespace podium
