// Collectives against nccl-tests on one server or board. The figures of the systems' files come from small sizes and
// from the largest of these rows; what lies between is not fitted.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <iostream>

#include "sim/collective/select.h"
#include "sim/system/machine.h"
#include "tests/validation/kernel_rows.h"

namespace podium::test {
namespace {

/// From here on a call is bound by bandwidth; below, NCCL changes protocols, which Podium does not know.
constexpr double large = 128 << 20;
constexpr double bound = 0.12;

/// What `auto` takes for an all-reduce among the first ranks of a system, and how long.
std::pair<std::string, Seconds> all_reduce(const Machine& machine, Bytes bytes) {
  const CollectiveKind kind = CollectiveKind::all_reduce;
  const CommunicationCosts costs = communication_costs(machine.system(), machine.chip(), machine.network());
  Router router(machine.network());
  Placement placement{{{}}};
  for (std::uint32_t rank = 0; rank < machine.ranks(); ++rank) {
    placement.groups.front().push_back(machine.node(rank));
  }
  const Operation operation{
      Selector(machine.network(), router, costs).choose("auto", kind, placement, bytes), placement, {}};
  const FoldedFabric fabric = fold(machine.network(), router, {&operation, 1});
  return {operation.schedule.algorithm, time_alone({0, kind, bytes}, fabric, costs, "flow")};
}

void validate(const std::string& system, std::uint32_t ranks, const std::string& file) {
  if (const std::string why = missing_data(); !why.empty()) {
    GTEST_SKIP() << why;
  }
  const Machine machine = load_machine(system, {ranks, 0});
  std::size_t count = 0;
  for (const Row& row : read_rows(file)) {
    if (row.at("op") != "all_reduce" || row.at("dtype") != "half" || number(row, "num_gpus") != ranks ||
        number(row, "bytes") < 4 << 20) {
      continue;
    }
    const auto [algorithm, time] = all_reduce(machine, Bytes(number(row, "bytes")));
    const double error = time.value() / measured_seconds(row, "latency_us") - 1;
    std::cout << fmt::format("all-reduce {:>11} B, {} x {:<12}{:>+7.1f} %  {}\n", row.at("bytes"), ranks, system,
                             100 * error, algorithm);
    if (number(row, "bytes") >= large) {
      EXPECT_LE(std::abs(error), bound) << row.at("bytes");
      ++count;
    }
  }
  EXPECT_GE(count, 3U);
}

TEST(CollectiveValidation, LargeAllReducesOnHopperAreNear) {
  validate("hgx-h100", 4, "collectives/aic_nccl_h100_sxm.csv");
  validate("hgx-h100", 8, "collectives/aic_nccl_h100_sxm.csv");
}

TEST(CollectiveValidation, LargeAllReducesOnBlackwellAreNear) {
  validate("gb200-nvl72", 4, "collectives/aic_nccl_gb200.csv");
}

}  // namespace
}  // namespace podium::test
