// Folding operations onto classes of links, choosing among algorithms, and playing the longest of them.
#include <benchmark/benchmark.h>

#include "tests/benchmark/collectives.h"

namespace podium {
namespace {

using benchmarks::cloudmatrix, benchmarks::first_ranks, benchmarks::free_of_cost;

Operation operation(std::string_view algorithm, CollectiveKind kind, std::uint32_t ranks) {
  return {make_schedule(algorithm, kind, {.ranks = ranks}), first_ranks(ranks), {}};
}

/// Every rank to every other: n (n - 1) messages, routes and all.
void fold_exchange(benchmark::State& state) {
  const Topology topology = cloudmatrix(1);
  const Operation exchange = operation("direct", CollectiveKind::dispatch, static_cast<std::uint32_t>(state.range(0)));
  std::size_t messages = 0;
  for (auto _ : state) {
    Router router(topology);
    messages = fold(topology, router, {&exchange, 1}).messages;
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(messages));
}
BENCHMARK(fold_exchange)->Arg(320)->Arg(768)->Unit(benchmark::kMillisecond);

/// A ring over eight supernodes: few messages, 2 (n - 1) steps to play.
void play_ring(benchmark::State& state) {
  const auto ranks = static_cast<std::uint32_t>(state.range(0));
  const Topology topology = cloudmatrix((ranks + 767) / 768);
  const Operation ring = operation("ring", CollectiveKind::all_reduce, ranks);
  Router router(topology);
  const FoldedFabric fabric = fold(topology, router, {&ring, 1});
  const CommunicationCosts costs = free_of_cost(topology);
  for (auto _ : state) {
    benchmark::DoNotOptimize(time_alone({0, CollectiveKind::all_reduce, Bytes(1e9)}, fabric, costs, "flow"));
  }
  state.SetItemsProcessed(state.iterations() * 2 * (ranks - 1));
}
BENCHMARK(play_ring)->Arg(512)->Arg(6144)->Unit(benchmark::kMillisecond);

/// All algorithms that suit, folded and predicted.
void select_all_reduce(benchmark::State& state) {
  const Topology topology = cloudmatrix(1);
  const CommunicationCosts costs = free_of_cost(topology);
  const Placement placement = first_ranks(static_cast<std::uint32_t>(state.range(0)));
  Router router(topology);
  for (auto _ : state) {
    Selector selector(topology, router, costs);
    benchmark::DoNotOptimize(selector.rank(CollectiveKind::all_reduce, placement, Bytes(1e9)));
  }
}
BENCHMARK(select_all_reduce)->Arg(16)->Arg(256)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace podium
