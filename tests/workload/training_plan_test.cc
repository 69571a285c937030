#include <gtest/gtest.h>

#include <functional>
#include <numeric>

#include "tests/workload/graph_tools.h"
#include "tests/workload/training_examples.h"

namespace podium::test {
namespace {

using Layers = std::vector<std::vector<int>>;

TEST(StageLayers, TakesTheRemainderOffTheFirstAndTheLastStage) {
  Layers expected(16, {8});
  expected.front() = expected.back() = {7};
  EXPECT_EQ(stage_layers(small_model(126), small_plan(16, 1, 16)), expected);
}

TEST(StageLayers, TakesTheRemainderOffTheModelsEndsWhereChunksInterleave) {
  Layers expected(16, {2, 2, 2, 2});
  expected.front() = {1, 2, 2, 2};
  expected.back() = {2, 2, 2, 1};
  EXPECT_EQ(stage_layers(small_model(126), small_plan(16, 4, 16)), expected);
}

TEST(StageLayers, LeavesThePiecesOfEmbeddingAndHeadWithoutALayer) {
  const ModelSpec model = small_model(6);
  TrainingPlan plan = small_plan(4, 2, 4);
  const Layers expected = {{0, 1}, {1, 1}, {1, 1}, {1, 0}};
  EXPECT_EQ(stage_layers(model, plan), expected);
  check_plan(model, test_chip(), plan);
  plan.layers_per_stage = {1, 2, 2, 1};
  check_plan(model, test_chip(), plan);
  EXPECT_EQ(stage_layers(model, plan), expected);
  EXPECT_THROW(check_plan(small_model(5), test_chip(), small_plan(4, 2, 4)), InputError);
}

TEST(StageLayers, TakesFromBothEndsInTurnWhereMoreIsMissing) {
  EXPECT_EQ(stage_layers(small_model(7), small_plan(5, 1, 5)), (Layers{{1}, {1}, {2}, {2}, {1}}));
}

TEST(StageLayers, FollowsAnExplicitList) {
  TrainingPlan plan = small_plan(2, 2, 2);
  plan.layers_per_stage = {3, 5};
  EXPECT_EQ(stage_layers(small_model(8), plan), (Layers{{1, 2}, {3, 2}}));
}

TEST(StageLayers, HoldsEveryLayerOnceAndPiecesDifferByOneAtMost) {
  for (std::uint32_t pp = 1; pp <= 9; ++pp) {
    for (std::uint32_t chunks = 1; chunks <= 3; ++chunks) {
      for (std::size_t layers = std::size_t{pp} * chunks; layers <= 61; ++layers) {
        std::vector<int> pieces;
        for (const auto& stage : stage_layers(small_model(layers), small_plan(pp, chunks, pp))) {
          pieces.insert(pieces.end(), stage.begin(), stage.end());
        }
        EXPECT_EQ(std::accumulate(pieces.begin(), pieces.end(), 0), static_cast<int>(layers));
        EXPECT_LE(*std::max_element(pieces.begin(), pieces.end()) - *std::min_element(pieces.begin(), pieces.end()), 1);
      }
    }
  }
}

/// A change that makes a good plan one that cannot be, and a word of the message that says so.
struct Mistake {
  const char* name;
  std::function<void(ModelSpec&, TrainingPlan&)> make;
  const char* message;
};

std::ostream& operator<<(std::ostream& out, const Mistake& mistake) { return out << mistake.name; }

class BadPlan : public testing::TestWithParam<Mistake> {};

TEST_P(BadPlan, IsRefusedWithWhatIsWrong) {
  ModelSpec model = small_moe(8, 1);
  TrainingPlan plan = small_plan(2, 2, 8);
  plan.tp = plan.ep = 2;
  check_plan(model, test_chip(), plan);
  GetParam().make(model, plan);
  try {
    check_plan(model, test_chip(), plan, {"plan.yaml", 3, 5});
    FAIL() << "the plan was accepted";
  } catch (const InputError& error) {
    EXPECT_NE(std::string(error.what()).find("plan.yaml:3:5"), std::string::npos) << error.what();
    EXPECT_NE(std::string(error.what()).find(GetParam().message), std::string::npos) << error.what();
  }
}

INSTANTIATE_TEST_SUITE_P(
    Mistakes, BadPlan,
    testing::Values(Mistake{"Heads", [](ModelSpec&, TrainingPlan& p) { p.tp = 16; }, "8 heads"},
                    Mistake{"KvHeads", [](ModelSpec& m, TrainingPlan&) { m.gqa->kv_heads = 3; }, "3 kv heads"},
                    Mistake{"Experts", [](ModelSpec& m, TrainingPlan&) { m.layers[3].moe->experts = 15; },
                            "15 experts"},
                    Mistake{"ExpertRanks", [](ModelSpec&, TrainingPlan& p) { p.ep = 4; }, "ranks of a stage"},
                    Mistake{"NoExperts", [](ModelSpec& m, TrainingPlan&) { m = small_model(8); }, "no experts"},
                    Mistake{"Batch", [](ModelSpec&, TrainingPlan& p) { p.dp = 3; }, "global batch"},
                    Mistake{"PartOfASequence", [](ModelSpec&, TrainingPlan& p) { p.micro_batch = 0.5; }, "micro-batch"},
                    Mistake{"Sequence", [](ModelSpec&, TrainingPlan& p) { p.sequence = 1023; }, "1023"},
                    Mistake{"NothingWide", [](ModelSpec&, TrainingPlan& p) { p.cp = 0; }, "at least 1"},
                    Mistake{"Groups", [](ModelSpec&, TrainingPlan& p) { p.global_batch = 7; }, "micro-batches"},
                    Mistake{"ChunksAlone", [](ModelSpec&, TrainingPlan& p) { p.pp = 1; }, "pipeline"},
                    Mistake{"Crowd", [](ModelSpec&, TrainingPlan& p) { p.cp = p.dp = 1u << 16; }, "ranks"},
                    Mistake{"Passes", [](ModelSpec&, TrainingPlan& p) { p.global_batch = 1e9; }, "passes"},
                    Mistake{"Depth", [](ModelSpec& m, TrainingPlan&) { m.layers.resize(1); }, "1 layers"},
                    Mistake{"Stages", [](ModelSpec&, TrainingPlan& p) { p.layers_per_stage = {8}; }, "1 stages of 2"},
                    Mistake{"Sum",
                            [](ModelSpec&, TrainingPlan& p) {
                              p.layers_per_stage = {4, 5};
                            },
                            "9 layers"},
                    Mistake{"EmptyChunk",
                            [](ModelSpec&, TrainingPlan& p) {
                              p.layers_per_stage = {0, 8};
                            },
                            "2 chunks"},
                    Mistake{"Integers", [](ModelSpec&, TrainingPlan& p) { p.matrix_type = DataType::int8; }, "int8"},
                    Mistake{"Gradients", [](ModelSpec&, TrainingPlan& p) { p.gradient_type = DataType::fp8; }, "fp8"}),
    [](const auto& info) { return std::string(info.param.name); });

TEST(TrainingPlan, NeedsAChipThatComputesInItsTypes) {
  ChipSpec chip = test_chip();
  chip.matrix_peak.erase(DataType::nvfp4);
  TrainingPlan plan = small_plan(1, 1, 1);
  check_plan(small_model(2), chip, plan);
  plan.matrix_type = DataType::nvfp4;
  EXPECT_THROW(check_plan(small_model(2), chip, plan), InputError);
}

}  // namespace
}  // namespace podium::test
