// What a run takes at least, and what is remembered of blocks.
#include <gtest/gtest.h>

#include "sim/system/block_runs.h"
#include "sim/workload/training.h"
#include "tests/system/graphs.h"
#include "tests/workload/training_examples.h"

namespace podium::test {
namespace {

using namespace literals;

/// Of steps on the server, with slow chips or without: what it must take over what it takes.
double least_share(const TrainingPlan& plan, std::size_t layers, std::vector<SlowChip> slow = {}) {
  const Machine machine = load_machine("hgx-h100", {.ranks = plan.ranks(), .slow = std::move(slow)});
  const TaskGraph step = training_step(small_model(layers), machine.chip(), plan);
  Simulator simulator(machine);
  return simulator.least_time(step) / simulator.run(step).time;
}

TEST(LeastTime, IsNoMoreThanAnyStepTakes) {
  for (const std::uint32_t pp : {1U, 2U, 4U}) {
    for (const std::uint32_t tp : {1U, 2U}) {
      for (const std::uint32_t stages : {1U, 2U}) {
        TrainingPlan plan = small_plan(pp, pp > 1 ? stages : 1, 16);
        plan.tp = tp;
        const double share = least_share(plan, 16);
        EXPECT_LE(share, 1) << "pp " << pp << " tp " << tp << " stages " << stages;
        EXPECT_GT(share, 0.5) << "pp " << pp << " tp " << tp << " stages " << stages;
        EXPECT_LE(least_share(plan, 16, {{0, 2.0}}), 1) << "rank 0 is slow";
        EXPECT_LE(least_share(plan, 16, {{plan.ranks() - 1, 1.5}}), 1) << "the last rank is slow";
      }
    }
  }
}

TEST(LeastTime, IsAllThatAStreamOfBlocksTakes) {
  Builder block, outer;
  block.compute(0, product(1024));
  outer.graph.add(outer.role, 0, 0, BlockTask{outer.graph.add_block(block.graph), 3});
  outer.graph.add(outer.role, 1, 0, DelayTask{1_us});
  Simulator simulator(server());
  EXPECT_NEAR(simulator.least_time(outer.graph).value(), 3 * kernel_time(product(1024)).value(), 10 * picosecond);
  EXPECT_NEAR(simulator.run(outer.graph).time.value(), 3 * kernel_time(product(1024)).value(), 10 * picosecond);
}

TEST(LeastTime, IsNothingWithoutBlocks) {
  Builder b;
  b.compute(0, product(1024));
  EXPECT_EQ(Simulator(server()).least_time(b.graph), Seconds());
}

TEST(BlockMemory, KnowsABlockByWhatItIsAndWhereItBegins) {
  Builder one, same, other, fewer(4);
  one.compute(0, product(1024));
  same.compute(0, product(1024));
  other.compute(0, product(512));
  fewer.compute(0, product(1024));
  BlockMemory memory;
  EXPECT_EQ(memory.find(one.graph, 0), nullptr);
  Execution execution;
  execution.time = 1_us;
  EXPECT_EQ(memory.keep(one.graph, 0, execution).time, 1_us);
  ASSERT_NE(memory.find(same.graph, 0), nullptr);
  EXPECT_EQ(memory.find(same.graph, 0)->time, 1_us);
  EXPECT_EQ(memory.find(same.graph, 8), nullptr);
  EXPECT_EQ(memory.find(other.graph, 0), nullptr);
  EXPECT_EQ(memory.find(fewer.graph, 0), nullptr);
}

TEST(BlockMemory, ForgetsTheOldest) {
  BlockMemory memory;
  const auto block = [](int size) {
    Builder b;
    b.compute(0, product(size));
    return b.graph;
  };
  for (int size = 1; size <= 1000; ++size) {
    memory.keep(block(size), 0, {});
  }
  EXPECT_EQ(memory.find(block(1), 0), nullptr);
  EXPECT_NE(memory.find(block(1000), 0), nullptr);
}

TEST(Simulator, GivesTheSameWhateverBlocksItRanBefore) {
  const TrainingPlan plan = small_plan(2, 1, 8);
  const Machine machine = load_machine("hgx-h100", {.ranks = plan.ranks()});
  const TaskGraph step = training_step(small_model(8), machine.chip(), plan);
  Simulator used(machine);
  const Execution first = used.run(step), again = used.run(step);
  EXPECT_EQ(first.signature, again.signature);
  EXPECT_EQ(first.time, again.time);
  EXPECT_EQ(first.account.parts(), again.account.parts());
}

}  // namespace
}  // namespace podium::test
