// What exact folding costs against the number of chips: collectives and training steps on machines that are built.
#include <benchmark/benchmark.h>
#include <sys/resource.h>

#include <chrono>
#include <cmath>

#include "sim/system/simulator.h"
#include "sim/topology/fault.h"
#include "sim/workload/training.h"
#include "tests/benchmark/collectives.h"

namespace podium {
namespace {

using benchmarks::cloudmatrix, benchmarks::first_ranks, benchmarks::free_of_cost;

/// The most memory that the process has had.
double peak_megabytes() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) / 1024;
}

/// Folds and plays one collective on a machine that is built and whose routes have been asked for before.
void run_collective(benchmark::State& state, const Topology& topology, std::string_view algorithm, CollectiveKind kind,
                    Bytes bytes, Folding folding = Folding::exact) {
  const auto ranks = static_cast<std::uint32_t>(state.range(0));
  const Operation operation{make_schedule(algorithm, kind, {.ranks = ranks}), first_ranks(ranks), {}};
  const CommunicationCosts costs = free_of_cost(topology);
  Router router(topology);
  FoldedFabric fabric = fold(topology, router, {&operation, 1}, folding);
  Seconds time;
  for (auto _ : state) {
    fabric = fold(topology, router, {&operation, 1}, folding);
    time = time_alone({0, kind, bytes}, fabric, costs, "flow");
  }
  state.counters["messages"] = static_cast<double>(fabric.messages);
  state.counters["looked_at"] = static_cast<double>(fabric.looked_at);
  state.counters["bundles"] = static_cast<double>(fabric.bundles);
  state.counters["simulated_ps"] = std::round(time.value() * 1e12);
  state.counters["peak_MB"] = peak_megabytes();
}

/// Servers of 8 under a fat tree.
Topology servers(std::uint32_t ranks) { return merge_bundles(load_topology("hgx-h100", ranks / 8)); }

void folded_all_to_all(benchmark::State& state) {
  run_collective(state, cloudmatrix(1), "direct", CollectiveKind::all_to_all, Bytes(1 << 20));
}
BENCHMARK(folded_all_to_all)->Arg(384)->Arg(768)->Unit(benchmark::kMillisecond);

/// To be held against folded_all_to_all: the same picoseconds.
void full_all_to_all(benchmark::State& state) {
  run_collective(state, cloudmatrix(1), "direct", CollectiveKind::all_to_all, Bytes(1 << 20), Folding::off);
}
BENCHMARK(full_all_to_all)->Arg(384)->Arg(768)->Unit(benchmark::kMillisecond)->Iterations(1);

void folded_ring(benchmark::State& state) {
  run_collective(state, servers(static_cast<std::uint32_t>(state.range(0))), "ring", CollectiveKind::all_reduce,
                 Bytes(64 << 20));
}
BENCHMARK(folded_ring)->Arg(4096)->Unit(benchmark::kMillisecond);

void folded_doubling(benchmark::State& state) {
  run_collective(state, servers(static_cast<std::uint32_t>(state.range(0))), "recursive_halving_doubling",
                 CollectiveKind::all_reduce, Bytes(64 << 20));
}
BENCHMARK(folded_doubling)->Arg(4096)->Arg(16384)->Unit(benchmark::kMillisecond);

void folded_dissemination(benchmark::State& state) {
  run_collective(state, servers(static_cast<std::uint32_t>(state.range(0))), "dissemination", CollectiveKind::barrier,
                 Bytes(8));
}
BENCHMARK(folded_dissemination)->Arg(4096)->Arg(16384)->Unit(benchmark::kMillisecond);

/// Llama 3.1 405B, tensors over a server, 16 stages, the rest in data parallel.
TrainingPlan plan_of(std::uint32_t ranks) {
  TrainingPlan plan;
  plan.tp = 8;
  plan.pp = 16;
  plan.dp = ranks / (plan.tp * plan.pp);
  plan.micro_batch = 1;
  plan.sequence = 8192;
  plan.global_batch = 16.0 * plan.dp;
  return plan;
}

/// Servers of 8 under a fat tree; of some ranks, evenly spaced, the port has half of its bandwidth.
Machine cluster(std::uint32_t ranks, std::uint32_t odd) {
  SystemSpec system = load_system("hgx-h100");
  ChipSpec chip = load_chip(system.chip);
  system.max_domains = static_cast<int>(ranks / 8);
  Allocation allocation{.ranks = ranks};
  for (std::uint32_t i = 0; i < odd; ++i) {
    allocation.faults.push_back(parse_fault("infiniband:GPU[" + std::to_string(i * (ranks / odd) + 3) + "]=50%"));
  }
  // one chip stands for the server's four, which are alike; ports for three tiers of switches
  return Machine(std::move(system), std::move(chip), allocation,
                 {{"planes.0.chips", "1"}, {"planes.2.switch_ports", ranks > 65536 ? "256" : "64"}});
}

/// With a simulator that has run nothing before. Arguments: chips, odd ports.
void run_step(benchmark::State& state, const SimulatorOptions& options) {
  const auto ranks = static_cast<std::uint32_t>(state.range(0));
  const auto start = std::chrono::steady_clock::now();
  const Machine machine = cluster(ranks, static_cast<std::uint32_t>(state.range(1)));
  const std::chrono::duration<double> built = std::chrono::steady_clock::now() - start;
  const ModelSpec model = load_model("llama-3.1-405b");
  Execution execution;
  for (auto _ : state) {
    Simulator simulator(machine, options);
    execution = simulator.run(training_step(model, machine.chip(), plan_of(ranks)));
  }
  state.counters["build_s"] = built.count();
  state.counters["classes"] = static_cast<double>(execution.classes.size());
  state.counters["simulated_ps"] = std::round(execution.time.value() * 1e12);
  state.counters["peak_MB"] = peak_megabytes();
}

/// With the fastest algorithms: in data parallel these are rings, where one odd rank makes every distance from it a
/// class of its own.
void training_step_folded(benchmark::State& state) { run_step(state, {}); }
BENCHMARK(training_step_folded)
    ->ArgsProduct({{128, 1024, 16384, 131072, 1048576}, {0, 1, 10, 100}})
    ->Unit(benchmark::kMillisecond)
    ->Iterations(1);

/// With all partners in one step, so that what is odd stays the business of a few classes.
void training_step_direct(benchmark::State& state) { run_step(state, {.algorithm = "direct"}); }
BENCHMARK(training_step_direct)
    ->ArgsProduct({{128, 1024, 16384, 131072, 1048576}, {0, 1, 10, 100}})
    ->Unit(benchmark::kMillisecond)
    ->Iterations(1);

/// An all-reduce among all chips, directly within the server and then over its rails. Arguments: chips, odd ports.
void all_reduce_folded(benchmark::State& state) {
  const auto ranks = static_cast<std::uint32_t>(state.range(0));
  const auto odd = static_cast<std::uint32_t>(state.range(1));
  const Machine machine = cluster(ranks, odd);
  const GroupShape shape{.ranks = ranks, .tiers = {{8, 1}, {ranks / 8, 8}}};
  const Operation operation{make_schedule("hierarchical_ring", CollectiveKind::all_reduce, shape), first_ranks(ranks)};
  const CommunicationCosts costs = free_of_cost(machine.network());
  FoldedFabric fabric;
  for (auto _ : state) {
    Router router(machine.network());
    fabric = fold(machine.network(), router, {&operation, 1}, Folding::exact, LinkClasses::left_out);
  }
  state.counters["messages"] = static_cast<double>(fabric.messages);
  state.counters["looked_at"] = static_cast<double>(fabric.looked_at);
  state.counters["bundles"] = static_cast<double>(fabric.bundles);
  state.counters["peak_MB"] = peak_megabytes();
}
BENCHMARK(all_reduce_folded)
    ->ArgsProduct({{128, 1024, 16384, 131072, 1048576}, {0, 1, 10, 100}})
    ->Unit(benchmark::kMillisecond)
    ->Iterations(1);

}  // namespace
}  // namespace podium
