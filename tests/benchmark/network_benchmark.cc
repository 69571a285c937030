#include <benchmark/benchmark.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "sim/core/rng.h"
#include "sim/network/network.h"
#include "sim/network/sharing.h"

namespace podium {
namespace {

struct Message {
  Route route;
  Bytes bytes;
};

void run_all(benchmark::State& state, const std::string& model, const Table<LinkId, BytesPerSecond>& capacities,
             const std::vector<Message>& messages) {
  for (auto _ : state) {
    Engine engine;
    const std::unique_ptr<Network> network = Networks::find(model)(engine, capacities);
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

/// Dies of CloudMatrix-384 over its UB plane, all to all: all begin together, and end together.
void all_to_all(benchmark::State& state, const std::string& model) {
  const auto dies = static_cast<std::uint32_t>(state.range(0));
  const Topology topology = merge_bundles(load_topology("cloudmatrix384", 1));
  Router router(topology);
  Table<LinkId, BytesPerSecond> capacities;
  for (const Link& link : topology.links) {
    capacities.push_back(link.bandwidth);
  }
  std::vector<Message> messages;
  for (std::uint32_t from = 0; from < dies; ++from) {
    for (std::uint32_t to = 0; to < dies; ++to) {
      if (from != to) {
        const auto ub = topology.plane_index("ub");
        messages.push_back({*router.route(topology.accelerator(from), topology.accelerator(to), ub), Bytes(65536)});
      }
    }
  }
  run_all(state, model, capacities, messages);
}
BENCHMARK_CAPTURE(all_to_all, flow, "flow")
    ->Name("network/flow/all_to_all_on_cloudmatrix384")
    ->Arg(384)
    ->Arg(768)
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(all_to_all, analytic, "analytic")
    ->Name("network/analytic/all_to_all_on_cloudmatrix384")
    ->Arg(384)
    ->Unit(benchmark::kMillisecond);

constexpr BytesPerSecond port{50e9};

/// Hosts with one link up and one down, to one switch; or to a three-tier fat-tree of 16 pods with as many leaves as a
/// leaf has hosts, sprayed over all paths and with its parallel links added up. `oversubscription` is at each tier's
/// way up from the leaves.
class Hosts {
 public:
  explicit Hosts(std::size_t hosts) : hosts_(hosts), capacities(2 * hosts, port) {}

  Hosts(std::size_t hosts, double oversubscription)
      : hosts_(hosts), leaf_(8), pod_(hosts / pods), capacities(2 * hosts, port) {
    capacities.resize(2 * (hosts + hosts / leaf_), port * static_cast<double>(leaf_) / oversubscription);
    capacities.resize(capacities.size() + 2 * pods, port * static_cast<double>(pod_) / oversubscription);
  }

  Route route(std::size_t from, std::size_t to) const {
    Route result;
    result.latency = Seconds(1e-6);
    const auto cross = [&](std::size_t first, std::size_t count, std::size_t out, std::size_t in) {
      result.links.push_back({LinkId(first + out), 1});
      result.links.push_back({LinkId(first + count + in), 1});
    };
    cross(0, hosts_, from, to);
    if (leaf_ > 0 && from / leaf_ != to / leaf_) {
      cross(2 * hosts_, hosts_ / leaf_, from / leaf_, to / leaf_);
    }
    if (leaf_ > 0 && from / pod_ != to / pod_) {
      cross(2 * (hosts_ + hosts_ / leaf_), pods, from / pod_, to / pod_);
    }
    return result;
  }

 private:
  static constexpr std::size_t pods = 16;
  std::size_t hosts_;
  std::size_t leaf_ = 0;  ///< hosts of one; none on the one switch
  std::size_t pod_ = 0;

 public:
  Table<LinkId, BytesPerSecond> capacities;
};

/// A ring: every rank sends a message a step, when it has got the one before.
void ring_all_reduce(benchmark::State& state) {
  constexpr std::size_t ranks = 512;
  constexpr std::size_t steps = 2 * (ranks - 1);
  struct Ring {
    Network& network;
    std::vector<Route> routes;
    std::vector<std::size_t> sent;
    Bytes chunk;

    void send(std::size_t rank) {
      ++sent[rank];
      network.send({&routes[rank], chunk}, [this, rank] {
        const std::size_t next = (rank + 1) % ranks;
        if (sent[next] < steps) {
          send(next);
        }
      });
    }
  };
  const Hosts hosts(ranks);
  std::vector<Route> routes;
  for (std::size_t rank = 0; rank < ranks; ++rank) {
    routes.push_back(hosts.route(rank, (rank + 1) % ranks));
  }
  for (auto _ : state) {
    Engine engine;
    const std::unique_ptr<Network> network = Networks::find("flow")(engine, hosts.capacities);
    Ring ring{*network, routes, std::vector<std::size_t>(ranks), Bytes(64 << 20) / static_cast<double>(ranks)};
    for (std::size_t rank = 0; rank < ranks; ++rank) {
      ring.send(rank);
    }
    engine.run();
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(ranks * steps));
}
BENCHMARK(ring_all_reduce)->Name("network/flow/ring_all_reduce/512")->Unit(benchmark::kMillisecond);

/// Each of 1,024 hosts sends to 8 random others, with random sizes: all end at instants of their own.
void random_sizes(benchmark::State& state, const Hosts& hosts) {
  Rng rng(1, "random sizes");
  std::vector<Message> messages;
  for (std::size_t from = 0; from < 1024; ++from) {
    for (int i = 0; i < 8; ++i) {
      const std::size_t to = rng.below(1024);
      const double bytes = 1e6 + 1e7 * rng.uniform();
      if (to != from) {
        messages.push_back({hosts.route(from, to), Bytes(bytes)});
      }
    }
  }
  run_all(state, "flow", hosts.capacities, messages);
}
BENCHMARK_CAPTURE(random_sizes, star, Hosts(1024))
    ->Name("network/flow/random_sizes_on_a_star/1024")
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(random_sizes, fat_tree, Hosts(1024, 1))
    ->Name("network/flow/random_sizes_on_a_fat_tree/1024/1")
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(random_sizes, fat_tree_4, Hosts(1024, 4))
    ->Name("network/flow/random_sizes_on_a_fat_tree/1024/4")
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(random_sizes, fat_tree_16, Hosts(1024, 16))
    ->Name("network/flow/random_sizes_on_a_fat_tree/1024/16")
    ->Unit(benchmark::kMillisecond);

/// Random paths of four links, some flows capped: from scratch.
void max_min(benchmark::State& state) {
  const auto flows = static_cast<std::size_t>(state.range(0));
  const std::size_t links = flows / 16;
  Rng rng(1, "max-min");
  Table<LinkId, BytesPerSecond> capacities;
  for (std::size_t link = 0; link < links; ++link) {
    capacities.push_back(port * (1 + rng.uniform()));
  }
  std::vector<std::vector<LinkLoad>> paths(flows);
  std::vector<BytesPerSecond> caps(flows);
  for (std::size_t flow = 0; flow < flows; ++flow) {
    for (int hop = 0; hop < 4; ++hop) {
      paths[flow].push_back({LinkId(rng.below(links)), 1});
    }
    caps[flow] = flow % 8 == 0 ? port * (0.05 * rng.uniform()) : BytesPerSecond(0);
  }
  for (auto _ : state) {
    Sharing sharing(capacities);
    for (std::size_t flow = 0; flow < flows; ++flow) {
      sharing.add(paths[flow], 1, caps[flow]);
    }
    benchmark::DoNotOptimize(sharing.solve());
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(max_min)->Name("network/max_min/random_paths")->Arg(1000)->Arg(100'000)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace podium
