#include <benchmark/benchmark.h>

#include "sim/core/large_pages.h"

int main(int argc, char** argv) {
  podium::begin_with_large_pages(argv);  // as the program does
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) {
    return 1;
  }
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
}
