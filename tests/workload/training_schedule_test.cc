#include "sim/workload/training_schedule.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>

namespace podium::test {
namespace {

/// Calls `body(stages, chunks, micro-batches)` for every small pipeline.
template <class Body>
void for_all_pipelines(Body body) {
  for (std::uint32_t stages = 1; stages <= 8; ++stages) {
    for (std::uint32_t chunks = 1; chunks <= (stages > 1 ? 4u : 1u); ++chunks) {
      for (std::uint32_t micro_batches = 1; micro_batches <= 3 * stages; ++micro_batches) {
        if (chunks == 1 || micro_batches % stages == 0) {
          SCOPED_TRACE(testing::Message() << stages << " stages, " << chunks << " chunks, " << micro_batches);
          body(stages, chunks, micro_batches);
        }
      }
    }
  }
}

TEST(PipelineOrder, RunsEveryPassOnceAndBackwardAfterForward) {
  for_all_pipelines([](std::uint32_t stages, std::uint32_t chunks, std::uint32_t micro_batches) {
    for (std::uint32_t stage = 0; stage < stages; ++stage) {
      std::map<std::pair<std::uint32_t, std::uint32_t>, int> done;
      for (const Pass& pass : pipeline_order(stage, stages, chunks, micro_batches)) {
        ASSERT_LT(pass.micro_batch, micro_batches);
        ASSERT_LT(pass.chunk, chunks);
        int& passes = done[{pass.micro_batch, pass.chunk}];
        ASSERT_EQ(passes, pass.direction == Direction::forward ? 0 : 1);
        ++passes;
      }
      EXPECT_EQ(done.size(), micro_batches * chunks);
      EXPECT_TRUE(std::all_of(done.begin(), done.end(), [](const auto& entry) { return entry.second == 2; }));
    }
  });
}

std::uint32_t most_in_flight(std::uint32_t stage, std::uint32_t stages, std::uint32_t chunks,
                             std::uint32_t micro_batches) {
  std::uint32_t now = 0, most = 0;
  for (const Pass& pass : pipeline_order(stage, stages, chunks, micro_batches)) {
    now = pass.direction == Direction::forward ? now + 1 : now - 1;
    most = std::max(most, now);
  }
  return most;
}

TEST(PipelineOrder, KeepsAMicroBatchInFlightForEachStageBehind) {
  for_all_pipelines([](std::uint32_t stages, std::uint32_t chunks, std::uint32_t micro_batches) {
    for (std::uint32_t stage = 0; chunks == 1 && stage < stages; ++stage) {
      EXPECT_EQ(most_in_flight(stage, stages, chunks, micro_batches), std::min(micro_batches, stages - stage));
    }
  });
}

// Korthikanti et al., arXiv 2205.05198, section 4.2.3: interleaving makes the first stage keep
// L (1 + (p - 1) / (p v)) layers instead of L; a chunk is L / (p v) of them
TEST(PipelineOrder, KeepsMoreInFlightAtTheFirstStageWhereChunksInterleave) {
  for_all_pipelines([](std::uint32_t stages, std::uint32_t chunks, std::uint32_t micro_batches) {
    if (chunks > 1) {
      EXPECT_EQ(most_in_flight(0, stages, chunks, micro_batches),
                std::min(micro_batches * chunks, stages * chunks + stages - 1));
    }
  });
}

}  // namespace
}  // namespace podium::test
