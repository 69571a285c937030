#include <gtest/gtest.h>

#include "tests/workload/graph_tools.h"
#include "tests/workload/training_examples.h"

namespace podium::test {
namespace {

/// The models of Korthikanti et al., arXiv 2205.05198, table 3: hidden, heads, layers, and how they were split.
struct PublishedMemory {
  const char* name;
  int hidden, heads, layers;
  std::uint32_t tp, pp, virtual_stages;
};

std::ostream& operator<<(std::ostream& out, const PublishedMemory& row) { return out << row.name; }

/// What the last stage adds: inputs of its norm and of the head, and logits in fp32 (the paper's 4 s b h (1 + v / h)).
double head_bytes(const ModelSpec& model, const TrainingPlan& plan) {
  return 4 * plan.sequence * (model.hidden + model.vocabulary) / plan.tp;
}

class PublishedModel : public testing::TestWithParam<PublishedMemory> {
 protected:
  PublishedModel() {
    const PublishedMemory row = GetParam();
    model_.hidden = row.hidden;
    model_.gqa = GqaShape{row.heads, row.heads, row.hidden / row.heads, false, true};
    model_.vocabulary = 51200;
    model_.max_context = 2048;
    model_.gated_ffn = false;
    model_.layers.assign(static_cast<std::size_t>(row.layers), Layer{0, false, {}, 4 * row.hidden});
    plan_.global_batch = 4.0 * row.pp;
    plan_.sequence = 2048;
    plan_.tp = row.tp;
    plan_.pp = row.pp;
    plan_.virtual_stages = row.virtual_stages;
  }
  ModelSpec model_;
  TrainingPlan plan_;
};

// The paper's 34 s b h / t bytes a layer (equation 4, without the term in the square of the sequence, which fused
// attention does not keep), less 2 for the masks of dropout, and a row's sum of exponentials for each head. The first
// stage keeps the activations of all L layers, times 1 + (p - 1) / (p v) where chunks interleave (section 4.2.3).
TEST_P(PublishedModel, KeepsTheActivationsOfThePapersFormula) {
  const double elements = plan_.sequence * model_.hidden / plan_.tp;
  const double layer = 32 * elements + 4 * plan_.sequence * model_.heads() / plan_.tp;
  const double p = plan_.pp, v = plan_.virtual_stages;
  const double in_flight = v > 1 ? 1 + (p - 1) / (p * v) : 1;
  const double head = p > 1 ? 0 : head_bytes(model_, plan_);
  const double expected = double(model_.layers.size()) * in_flight * layer + head;
  EXPECT_NEAR(training_memory(model_, test_chip(), plan_).activations.value(), expected, 1e-9 * expected);
}

TEST_P(PublishedModel, KeepsOnlyInputsOfLayersWhereAllIsRecomputed) {
  plan_.recompute = Recompute::full;
  const double elements = plan_.sequence * model_.hidden / plan_.tp;
  const double p = plan_.pp, v = plan_.virtual_stages;
  const double in_flight = v > 1 ? 1 + (p - 1) / (p * v) : 1;
  const double head = p > 1 ? 0 : head_bytes(model_, plan_);
  const double inputs = double(model_.layers.size()) * in_flight * 2 * elements + head;
  const double one_layer = 32 * elements + 4 * plan_.sequence * model_.heads() / plan_.tp;
  EXPECT_NEAR(training_memory(model_, test_chip(), plan_).activations.value(), inputs + one_layer, 1e-9 * inputs);
}

INSTANTIATE_TEST_SUITE_P(Korthikanti, PublishedModel,
                         testing::Values(PublishedMemory{"Of22B", 6144, 64, 48, 8, 1, 1},
                                         PublishedMemory{"Of175B", 12288, 96, 96, 8, 8, 3},
                                         PublishedMemory{"Of530B", 20480, 128, 105, 8, 35, 3},
                                         PublishedMemory{"Of1T", 25600, 160, 128, 8, 64, 1}),
                         [](const auto& info) { return std::string(info.param.name); });

/// Llama 3 405B as it was trained on 80 GB H100s (arXiv 2407.21783, section 3.3.2): TP 8, PP 16, sequences of 8,192,
/// bf16, gradients summed in fp32, nothing recomputed, one layer less on the first and the last stage.
TrainingPlan llama_plan() {
  TrainingPlan plan;
  plan.global_batch = 2048;
  plan.sequence = 8192;
  plan.tp = 8;
  plan.pp = 16;
  plan.dp = 128;
  return plan;
}

TEST(TrainingMemory, LetsLlama405BBeTrainedOn80GigabytesWithoutRecompute) {
  ChipSpec h100 = test_chip();
  h100.reserved = Bytes();            // Meta freed by hand what a framework would hold on to
  const Bytes visible = Bytes(85e9);  // what an H100 SXM of 80 GB shows
  const ModelSpec model = load_model("llama-3.1-405b");
  TrainingPlan plan = llama_plan();
  EXPECT_LT(training_memory(model, h100, plan).total(), visible);
  // which is why the paper takes a layer off the first stage
  plan.layers_per_stage.assign(16, 8);
  plan.layers_per_stage.back() = 6;
  EXPECT_GT(training_memory(model, h100, plan).total(), visible);
}

// Megatron-LM's distributed optimiser: 6 + 12 / d bytes a weight with fp32 gradients, 4 + 16 / d with bf16 ones
TEST(TrainingMemory, HoldsSixBytesAWeightAndAShareOfTwelve) {
  const ModelSpec model = small_model(4);
  TrainingPlan plan = small_plan(1, 1, 8);
  plan.dp = 8;
  const double norms = 2.0 * model.hidden * double(model.layers.size()) + model.hidden;
  const double weights = parameters(model);
  ASSERT_NEAR(weights, 4 * (512.0 * 64 * 8 * 2 + 512.0 * 64 * 4 * 2 + 3 * 512.0 * 1024) + 2 * 512e3 + norms, 1e-6);
  const auto bytes_of_a_weight = [&] {
    const MemoryUse use = training_memory(model, test_chip(), plan);
    return (use.weights + use.gradients + use.optimiser).value() / weights;
  };
  EXPECT_NEAR(bytes_of_a_weight(), 6 + 12.0 / 8, 1e-9);
  plan.gradient_type = DataType::bf16;
  EXPECT_NEAR(bytes_of_a_weight(), 4 + 16.0 / 8, 1e-9);
  plan.gradient_type = DataType::fp32;
  plan.shard_optimiser = false;
  EXPECT_NEAR(bytes_of_a_weight(), 18, 1e-9);
}

TEST(TrainingMemory, ShrinksWhereMoreIsShardedOrRecomputed) {
  const ModelSpec model = small_moe(8, 1);
  TrainingPlan plan = small_plan(2, 1, 8);
  plan.dp = 4;
  plan.ep = 2;
  const auto total = [&] { return training_memory(model, test_chip(), plan).total(); };
  const Bytes plain = total();
  plan.recompute = Recompute::selective;
  const Bytes selective = total();
  plan.recompute = Recompute::full;
  const Bytes full = total();
  EXPECT_LT(selective, plain);
  EXPECT_LT(full, selective);
  plan.shard_optimiser = false;
  EXPECT_GT(total(), full);
  plan.shard_weights = true;
  EXPECT_LT(total(), full);
}

TEST(TrainingMemory, GrowsWithTheSequenceAndShrinksWithEveryWayOfSplitting) {
  const ModelSpec model = small_moe(8, 1);
  const auto total = [&](auto change) {
    TrainingPlan plan = small_plan(2, 1, 8);
    plan.dp = 2;
    change(plan);
    return training_memory(model, test_chip(), plan).total();
  };
  const Bytes base = total([](TrainingPlan&) {});
  EXPECT_GT(total([](TrainingPlan& p) { p.sequence *= 2; }), base);
  EXPECT_GT(total([](TrainingPlan& p) { p.micro_batch *= 2; }), base);
  EXPECT_LT(total([](TrainingPlan& p) { p.tp = 2; }), base);
  EXPECT_LT(total([](TrainingPlan& p) { p.cp = 2; }), base);
  EXPECT_LT(total([](TrainingPlan& p) { p.pp = 4; }), base);
  EXPECT_LT(total([](TrainingPlan& p) { p.ep = 2; }), base);
  EXPECT_LT(total([](TrainingPlan& p) { p.dp = 4; }), base);
}

}  // namespace
}  // namespace podium::test
