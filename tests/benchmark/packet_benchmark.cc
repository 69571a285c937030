#include <benchmark/benchmark.h>

#include <string>

#include "tests/network/packet_fabrics.h"

namespace podium {
namespace {

using namespace literals;
using testing::HostMessage;
using testing::PacketFabric;
using testing::PacketOutcome;

PacketSettings settings_of(PathChoice choice, FlowControl control = FlowControl::credits) {
  PacketSettings settings;
  settings.payload = Bytes(9000);
  settings.path_choice = choice;
  settings.flow_control = control;
  settings.marks = control == FlowControl::pause;
  return settings;
}

void run_packets(benchmark::State& state, const PacketFabric& fabric, const PacketSettings& settings,
                 const std::vector<HostMessage>& messages) {
  std::uint64_t hops = 0;
  PacketOutcome outcome;
  for (auto _ : state) {
    outcome = testing::play_packets(fabric, settings, messages);
    hops += outcome.packet_hops;
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(hops));
  state.counters["simulated_us"] = since_start(outcome.last).value() * 1e6;
}

/// 432 hosts, 100 Gb/s, packets of 9,000 bytes, 1 us a hop, 2 MB each; htsim with NDP takes 4.4 s.
void permutation_432(benchmark::State& state, PathChoice choice, FlowControl control) {
  const PacketFabric fabric = testing::packet_fat_tree(12, 12.5_GBps, 1_us);
  run_packets(state, fabric, settings_of(choice, control), testing::permutation(432, Bytes(2e6), 1));
}
BENCHMARK_CAPTURE(permutation_432, sprayed, PathChoice::spray, FlowControl::credits)
    ->Name("packet/permutation_432/sprayed")
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(permutation_432, adaptive, PathChoice::adaptive, FlowControl::credits)
    ->Name("packet/permutation_432/adaptive")
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(permutation_432, hashed, PathChoice::hash, FlowControl::credits)
    ->Name("packet/permutation_432/hashed")
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(permutation_432, dcqcn, PathChoice::hash, FlowControl::pause)
    ->Name("packet/permutation_432/dcqcn")
    ->Unit(benchmark::kMillisecond);

/// 1,024 hosts.
void permutation_1024(benchmark::State& state) {
  const PacketFabric fabric = testing::packet_fat_tree(16, 12.5_GBps, 1_us);
  run_packets(state, fabric, settings_of(PathChoice::spray), testing::permutation(1024, Bytes(2e6), 1));
}
BENCHMARK(permutation_1024)->Name("packet/permutation_1024/sprayed")->Unit(benchmark::kMillisecond);

/// 128 hosts on leaves and spines.
void all_to_all_128(benchmark::State& state) {
  const PacketFabric fabric = testing::packet_leaf_spine(16, 8, 12.5_GBps, 1_us);
  std::vector<HostMessage> messages;
  for (std::size_t step = 1; step < 128; ++step) {
    for (std::size_t from = 0; from < 128; ++from) {
      messages.push_back({from, (from + step) % 128, 64_KiB});
    }
  }
  run_packets(state, fabric, settings_of(PathChoice::spray), messages);
}
BENCHMARK(all_to_all_128)->Name("packet/all_to_all_128/sprayed")->Unit(benchmark::kMillisecond);

/// The permutation that tests hold against fluids, and all others to one, on 128 hosts.
void permutation_128(benchmark::State& state) {
  const PacketFabric fabric = testing::packet_leaf_spine(16, 8, 12.5_GBps, 1_us);
  run_packets(state, fabric, settings_of(PathChoice::spray), testing::permutation(128, Bytes(2e6), 1));
}
BENCHMARK(permutation_128)->Name("packet/permutation_128/sprayed")->Unit(benchmark::kMillisecond);

void incast_128(benchmark::State& state) {
  const PacketFabric fabric = testing::packet_leaf_spine(17, 8, 12.5_GBps, 1_us);
  run_packets(state, fabric, settings_of(PathChoice::spray), testing::incast(128, Bytes(270e3)));
}
BENCHMARK(incast_128)->Name("packet/incast_128_to_1")->Unit(benchmark::kMillisecond);

/// All others send to one.
void incast_432(benchmark::State& state) {
  const PacketFabric fabric = testing::packet_fat_tree(12, 12.5_GBps, 1_us);
  run_packets(state, fabric, settings_of(PathChoice::spray), testing::incast(431, Bytes(270e3)));
}
BENCHMARK(incast_432)->Name("packet/incast_431_to_1")->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace podium
