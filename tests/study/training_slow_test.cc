// Training over racks of which the last is partly filled.
#include <gtest/gtest.h>

#include "sim/study/evaluate.h"
#include "tests/study/studies.h"

namespace podium::test {
namespace {

constexpr const char* racks = R"(
name: racks
title: Racks
question: Do more chips ever do less?
network: flow
seed: 1
systems:
  - {name: gb200-nvl72, domains: 2}
workloads:
  - name: Qwen3-30B training
    kind: training
    model: qwen3-30b-a3b
    global_batch: 360
    sequence: 4096
    regimes:
      - name: bf16
        systems:
          gb200-nvl72: {matrix: bf16, attention: bf16, tp: [1, 2], pp: [4], ep: [1], micro_batch: [2], recompute: [none]}
)";

TEST(TrainingOverRacks, TakesAPartOfTheLastRackWhereAllOfItWouldCostMoreThanItBrings) {
  const Study study = study_of(racks);
  const auto evaluator = evaluator_of(study, {});
  double before = 0;
  for (const std::uint32_t chips : {72U, 96U, 108U, 120U, 136U}) {
    const double throughput = evaluator->best_on(chips).throughput.per_system;
    EXPECT_GE(throughput, before) << chips << " chips";
    before = throughput;
  }
}

}  // namespace
}  // namespace podium::test
