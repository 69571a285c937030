// Reading execution traces: a million nodes of one rank, each after the one before.
#include <benchmark/benchmark.h>

#include <string>

#include "tests/workload/traces.h"

namespace podium {
namespace {

constexpr std::uint64_t nodes = 1'000'000;

std::string chakra() {
  test::ChakraFile file;
  for (std::uint64_t id = 0; id < nodes; ++id) {
    file.add({.id = id,
              .name = "n" + std::to_string(id % 1000),
              .after = id > 0 ? std::vector{id - 1} : std::vector<std::uint64_t>(),
              .microseconds = 3,
              .attributes = {{"num_ops", 1000}, {"tensor_size", 4096}}});
  }
  return file.bytes();
}

std::string chakra_json() {
  std::string text = "{\"workload_graph\": [";
  for (std::uint64_t id = 0; id < nodes; ++id) {
    const std::string number = std::to_string(id);
    text += (id > 0 ? ", {\"id\": " : "{\"id\": ") + number + ", \"name\": \"n" + std::to_string(id % 1000) +
            "\", \"type\": 4, \"duration_micros\": 3, \"data_deps\": [" + (id > 0 ? std::to_string(id - 1) : "") + "]}";
  }
  return text + "]}";
}

std::string goal() {
  std::string text = "num_ranks 1\nrank 0 {\nl0: calc 3000\n";
  for (std::uint64_t id = 1; id < nodes; ++id) {
    const std::string number = std::to_string(id);
    text += "l" + number + ": calc 3000\nl" + number + " requires l" + std::to_string(id - 1) + "\n";
  }
  return text + "}\n";
}

void read(benchmark::State& state, std::string (*content)()) {
  const std::string text = content();
  for (auto _ : state) {
    benchmark::DoNotOptimize(test::trace_of(text));
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(nodes));
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(text.size()));
}
BENCHMARK_CAPTURE(read, chakra, chakra)->Name("trace/read/chakra")->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(read, chakra_json, chakra_json)->Name("trace/read/chakra-json")->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(read, goal, goal)->Name("trace/read/goal")->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace podium
