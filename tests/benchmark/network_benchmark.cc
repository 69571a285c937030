#include <benchmark/benchmark.h>

#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "sim/core/rng.h"
#include "sim/network/max_min.h"
#include "sim/network/network.h"

namespace podium {
namespace {

/// A star: each endpoint has one link up and one down.
struct Star {
  explicit Star(std::size_t endpoints, BytesPerSecond bandwidth = BytesPerSecond(50e9))
      : capacities(2 * endpoints, bandwidth) {}

  Route route(std::size_t from, std::size_t to) const {
    Route result;
    result.links = {{LinkId(from), 1}, {LinkId(capacities.size() / 2 + to), 1}};
    result.latency = Seconds(1e-6);
    return result;
  }

  Table<LinkId, BytesPerSecond> capacities;
};

struct Message {
  Route route;
  Bytes bytes;
};

void run_all(benchmark::State& state, const std::string& model, const Star& star,
             const std::vector<Message>& messages) {
  for (auto _ : state) {
    Engine engine;
    const std::unique_ptr<Network> network = Networks::find(model)(engine, star.capacities);
    std::size_t arrived = 0;
    for (const Message& message : messages) {
      network->send({&message.route, message.bytes}, [&arrived] { ++arrived; });
    }
    engine.run();
    if (arrived != messages.size()) {
      state.SkipWithError("not all messages arrived");
    }
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(messages.size()));
}

/// All begin together and end together.
void all_to_all(benchmark::State& state, const std::string& model) {
  const auto endpoints = static_cast<std::size_t>(state.range(0));
  const Star star(endpoints);
  std::vector<Message> messages;
  for (std::size_t from = 0; from < endpoints; ++from) {
    for (std::size_t to = 0; to < endpoints; ++to) {
      if (from != to) {
        messages.push_back({star.route(from, to), Bytes(65536)});
      }
    }
  }
  run_all(state, model, star, messages);
}
BENCHMARK_CAPTURE(all_to_all, flow, "flow")->Arg(384)->Arg(768)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(all_to_all, analytic, "analytic")->Arg(384)->Unit(benchmark::kMillisecond);

/// A ring: every rank sends a message a step, all steps in lockstep.
void ring(benchmark::State& state) {
  const std::size_t ranks = 512;
  const Star star(ranks);
  std::vector<Route> routes;
  for (std::size_t rank = 0; rank < ranks; ++rank) {
    routes.push_back(star.route(rank, (rank + 1) % ranks));
  }
  const std::size_t steps = 2 * (ranks - 1);
  for (auto _ : state) {
    Engine engine;
    const std::unique_ptr<Network> network = Networks::find("flow")(engine, star.capacities);
    std::vector<std::size_t> step(ranks);
    struct Rank {
      Network& network;
      const std::vector<Route>& routes;
      std::vector<std::size_t>& step;
      void send(std::size_t rank) {
        network.send({&routes[rank], Bytes(65536 * 2)}, [this, rank] {
          const std::size_t next = (rank + 1) % routes.size();
          if (++step[next] < 2 * (routes.size() - 1)) {
            send(next);
          }
        });
      }
    } sender{*network, routes, step};
    for (std::size_t rank = 0; rank < ranks; ++rank) {
      sender.send(rank);
    }
    engine.run();
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(ranks * steps));
}
BENCHMARK(ring)->Name("flow/ring_all_reduce/512")->Unit(benchmark::kMillisecond);

/// Each host sends to random others, with random sizes: all end at times of their own.
void random_sizes(benchmark::State& state) {
  const auto hosts = static_cast<std::size_t>(state.range(0));
  const Star star(hosts);
  Rng rng(1, "random sizes");
  std::vector<Message> messages;
  for (std::size_t from = 0; from < hosts; ++from) {
    for (int i = 0; i < 8; ++i) {
      messages.push_back({star.route(from, rng.below(hosts)), Bytes(1e6 + 1e7 * rng.uniform())});
    }
  }
  run_all(state, "flow", star, messages);
}
BENCHMARK(random_sizes)->Name("flow/random_sizes_on_a_star")->Arg(128)->Unit(benchmark::kMillisecond);

/// Random paths of four links, weights and caps as asked for.
void max_min(benchmark::State& state) {
  const auto flows = static_cast<std::uint32_t>(state.range(0));
  const std::uint32_t links = flows / 16;
  Rng rng(1, "max-min");
  MaxMinProblem problem;
  for (std::uint32_t link = 0; link < links; ++link) {
    problem.capacity.push_back(1 + rng.uniform());
  }
  problem.first.push_back(0);
  for (std::uint32_t flow = 0; flow < flows; ++flow) {
    for (int hop = 0; hop < 4; ++hop) {
      problem.link.push_back(static_cast<std::uint32_t>(rng.below(links)));
      problem.load.push_back(1);
    }
    problem.first.push_back(static_cast<std::uint32_t>(problem.link.size()));
    problem.weight.push_back(1);
    problem.cap.push_back(flow % 8 == 0 ? 0.05 * rng.uniform() : std::numeric_limits<double>::infinity());
  }
  for (auto _ : state) {
    benchmark::DoNotOptimize(max_min_rates(problem));
  }
  state.SetItemsProcessed(state.iterations() * flows);
}
BENCHMARK(max_min)->Name("max_min/random")->Arg(1000)->Arg(100'000)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace podium
