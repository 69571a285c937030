// Whole collectives to the nanosecond: what ASTRA-sim (MIT) prints at 518bd51 over its analytical network, with the
// system layer of configs/systems/astra-sim-*.yaml.
#include <gtest/gtest.h>

#include <string>

#include "sim/collective/player.h"
#include "sim/hardware/system.h"

namespace podium {
namespace {

using namespace literals;

struct Published {
  std::string fabric;  ///< of configs/systems/astra-sim-*.yaml
  std::uint32_t ranks;
  std::string gigabytes_per_second;
  CollectiveKind kind;
  Schedule schedule;
  Bytes bytes;
  std::string splits;
  std::int64_t unaware_ns;  ///< 0: not printed
  std::int64_t aware_ns;
};

Schedule named(const std::string& algorithm, CollectiveKind kind, std::uint32_t ranks) {
  return make_schedule(algorithm, kind, {.ranks = ranks});
}

/// Its all-to-all over a ring: parts for those farther on are passed on by all between, n (n - 1) / 2 messages in a
/// row.
Schedule passed_round(std::uint32_t ranks) {
  const Step step{.pairing = Pairing::shift, .offset = 1, .share = 1.0 / ranks, .repeat = ranks * (ranks - 1) / 2};
  return {"passed round", ranks, {{step}}};
}

Published all_reduce(const std::string& fabric, std::uint32_t ranks, const std::string& bandwidth, Bytes bytes,
                     std::int64_t unaware_ns, std::int64_t aware_ns) {
  const auto kind = CollectiveKind::all_reduce;
  return {fabric, ranks, bandwidth, kind, named("ring", kind, ranks), bytes, "4", unaware_ns, aware_ns};
}

class ClosedForm : public ::testing::TestWithParam<Published> {
 protected:
  static std::int64_t time_in_ns(const std::string& network) {
    const Published& it = GetParam();
    const SystemSpec system =
        load_system("astra-sim-" + it.fabric, {{"protocols." + it.fabric + ".splits", it.splits}});
    // nodes of four
    const Topology topology = load_topology(system.topology, (it.ranks + 3) / 4, it.ranks,
                                            {{"planes.0.link_bandwidth", it.gigabytes_per_second + " GiB/s"}});
    CommunicationCosts costs;
    costs.protocols = {system.protocols.at(it.fabric)};
    costs.planes = {{it.fabric, "", {}}};
    Operation operation{it.schedule, {{{}}}, {}};
    for (std::uint32_t rank = 0; rank < it.ranks; ++rank) {
      operation.placement.groups.front().push_back(topology.accelerator(rank));
    }
    Router router(topology);
    const FoldedFabric fabric = fold(topology, router, {&operation, 1}, Folding::off);
    const Seconds time = time_alone({0, it.kind, it.bytes}, fabric, costs, network);
    return (Time() + time).picoseconds();
  }
};

INSTANTIATE_TEST_SUITE_P(
    Published, ClosedForm,
    ::testing::Values(all_reduce("switch", 512, "50", 64_MiB, 6'745'240, 9'238'920),
                      all_reduce("ring", 512, "50", 64_MiB, 4'701'240, 4'701'240),
                      all_reduce("switch", 64, "50", 1_GiB, 41'865'556, 81'240'556),
                      all_reduce("switch", 384, "196", 64_MiB, 3'853'020, 4'487'268),
                      all_reduce("switch", 72, "900", 64_MiB, 834'148, 971'036),
                      Published{"switch", 64, "50", CollectiveKind::all_to_all,
                                named("direct", CollectiveKind::all_to_all, 64), 64_MiB, "1", 20'551, 1'251'004},
                      // the examples that it ships; sizes of all-gathers are one rank's part there
                      Published{"ring", 16, "50", CollectiveKind::all_gather,
                                named("ring", CollectiveKind::all_gather, 16), 16_MiB, "4", 0, 323'560},
                      Published{"ring", 4, "50", CollectiveKind::reduce_scatter,
                                named("ring", CollectiveKind::reduce_scatter, 4), 1_MiB, "4", 0, 22'240},
                      Published{"ring", 8, "50", CollectiveKind::all_to_all, passed_round(8), 1_MiB, "4", 0, 125'480}),
    [](const auto& info) {
      const Published& it = info.param;
      return std::string(to_string(it.kind)) + "_" + it.fabric + "_" + std::to_string(it.ranks);
    });

TEST_P(ClosedForm, TakesThePublishedNanoseconds) {
  if (GetParam().unaware_ns > 0) {
    EXPECT_EQ(time_in_ns("congestion_unaware"), GetParam().unaware_ns * 1000);
  }
  EXPECT_EQ(time_in_ns("congestion_aware"), GetParam().aware_ns * 1000);
}

}  // namespace
}  // namespace podium
