// Small Chakra collectives on the analytic networks that are compatible with ASTRA-sim (MIT, 518bd51), to the
// nanosecond of the exact closed form of its whole system layer: an endpoint delay of 10 ns, one active chunk, local
// memory of 1600 GB/s, GB of 2^30 B on the wire. F is floor, m = size / splits / N, N ranks on a switch, two links of
// 500 ns.
#include <gtest/gtest.h>

#include <cmath>

#include "sim/system/simulator.h"
#include "sim/workload/trace_graph.h"
#include "tests/workload/traces.h"

namespace podium::test {
namespace {

constexpr double latency = 500, endpoint = 10, bytes_per_ns = 50.0 * (1 << 30) / 1e9, local_bytes_per_ns = 1600;
constexpr double size = 1 << 20;

/// splits [2 (N - 1) (hop + 10) + 3 (N - 1) F(m / 1600) + 10]
double all_reduce_ns(bool aware, double ranks, double splits) {
  const double m = size / splits / ranks;
  const double hop = aware ? 2 * std::floor(latency + m / bytes_per_ns) : std::floor(2 * latency + m / bytes_per_ns);
  return splits *
         (2 * (ranks - 1) * (hop + endpoint) + (ranks - 1) * 3 * std::floor(m / local_bytes_per_ns) + endpoint);
}

/// Direct, one split: F(2 latency + m / B) + 20, or (N - 2) F(m / B) + 2 F(latency + m / B) + 20
double all_to_all_ns(bool aware, double ranks) {
  const double m = size / ranks;
  return aware ? (ranks - 2) * std::floor(m / bytes_per_ns) + 2 * std::floor(latency + m / bytes_per_ns) + 2 * endpoint
               : std::floor(2 * latency + m / bytes_per_ns) + 2 * endpoint;
}

double replayed_ns(std::int64_t comm_type, std::uint32_t ranks, bool aware, const std::string& algorithm,
                   const std::string& splits) {
  ChakraFile file;
  file.add({.id = 1, .type = 7, .attributes = {{"comm_type", comm_type}, {"comm_size", std::int64_t{1} << 20}}});
  const Trace trace = trace_of(file.bytes(), {.ranks = ranks});
  const SystemSpec system = load_system("astra-sim-switch", {{"protocols.switch.splits", splits}});
  const Machine machine(system, load_chip(system.chip), {.ranks = ranks, .bundles = Bundles::apart});
  Simulator simulator(
      machine,
      {.network = aware ? "congestion_aware" : "congestion_unaware", .algorithm = algorithm, .folding = Folding::off});
  const TraceTimes times{.chip = machine.chip()};
  return simulator.run(to_task_graph(trace, match_ranks(trace), times).graph).time.value() * 1e9;
}

/// A message goes whole, and a call of it takes two endpoints: ../shared/facts/peers.md has 20,531 and 40,062 ns of it.
TEST(ClosedForms, GiveTheNanosecondsOfAMessage) {
  const Trace trace =
      trace_of("num_ranks 2\nrank 0 {\ns: send 1048576b to 1\n}\nrank 1 {\nr: recv 1048576b from 0\n}\n");
  const Machine machine = load_machine("astra-sim-switch", {.ranks = 2, .bundles = Bundles::apart});
  const auto nanoseconds = [&](const char* network) {
    const TraceTimes times{.chip = machine.chip()};
    return 1e9 * Simulator(machine, {.network = network})
                     .run(to_task_graph(trace, match_ranks(trace), times).graph)
                     .time.value();
  };
  EXPECT_NEAR(nanoseconds("congestion_unaware"), 20'531 + 10, 1e-3);
  EXPECT_NEAR(nanoseconds("congestion_aware"), 40'062 + 10, 1e-3);
}

class ClosedForm : public testing::TestWithParam<std::uint32_t> {};
INSTANTIATE_TEST_SUITE_P(Ranks, ClosedForm, testing::Values(4, 8, 16));

TEST_P(ClosedForm, GivesTheNanosecondsOfAllReduceByRing) {
  for (const bool aware : {false, true}) {
    EXPECT_NEAR(replayed_ns(0, GetParam(), aware, "ring", "4"), all_reduce_ns(aware, GetParam(), 4), 1e-3);
    EXPECT_NEAR(replayed_ns(0, GetParam(), aware, "ring", "1"), all_reduce_ns(aware, GetParam(), 1), 1e-3);
  }
}

TEST_P(ClosedForm, GivesTheNanosecondsOfDirectAllToAll) {
  for (const bool aware : {false, true}) {
    EXPECT_NEAR(replayed_ns(6, GetParam(), aware, "direct", "1"), all_to_all_ns(aware, GetParam()), 1e-3);
  }
}

}  // namespace
}  // namespace podium::test
