#include <gtest/gtest.h>

#include "tests/core/measured_rows.h"
#include "tests/workload/graph_tools.h"
#include "tests/workload/training_examples.h"

namespace podium::test {
namespace {

TEST(TrainingFlops, AreSixForEachWeightAndTokenAndThoseOfCausalAttention) {
  const ModelSpec model = load_model("llama-3.1-405b");
  TrainingPlan plan;
  plan.global_batch = 1152;
  plan.sequence = 8192;
  const double tokens = plan.global_batch * plan.sequence;
  // the input embedding multiplies nothing; a token sees half of its sequence on average
  const double weights = parameters(model) - embedding_parameters(model) / 2;
  const double width = double(model.gqa->heads) * model.gqa->head_dim;
  const double attention = 12.0 * double(model.layers.size()) * width * plan.sequence / 2;
  EXPECT_NEAR(training_flops(model, plan).value(), tokens * (6 * weights + attention), 1e-4 * tokens * 6 * weights);
}

TEST(TrainingFlops, CountTheExpertsThatATokenUses) {
  ModelSpec model = small_moe(4, 0);
  TrainingPlan plan = small_plan(1, 1, 1);
  const double once = training_flops(model, plan).value();
  for (Layer& layer : model.layers) {
    layer.moe->top_k += 1;
  }
  const double expert = 3.0 * model.hidden * model.layers[0].moe->ffn;
  EXPECT_NEAR(training_flops(model, plan).value() - once, 4 * 6 * expert * plan.sequence, 1e-9 * once);
}

TEST(TrainingFlops, AreFewerWhereAWindowHidesTokens) {
  ModelSpec model = small_model(2);
  const TrainingPlan plan = small_plan(1, 1, 1);
  const Flops all = training_flops(model, plan);
  model.layers[0].window = 256;
  const Flops window = training_flops(model, plan);
  model.layers[0].chunked = true;
  const Flops chunked = training_flops(model, plan);
  EXPECT_LT(window, all);
  EXPECT_LT(chunked, window);
  EXPECT_NEAR((all - chunked) / (all - window), 1.0, 0.5);
}

/// Rows of NVIDIA's Megatron-Bridge performance summary: model flops over tokens is what one token costs.
TEST(TrainingFlops, AreWhatMegatronCountsForAToken) {
  if (const std::string why = missing_data(); !why.empty()) {
    GTEST_SKIP() << why;
  }
  const std::map<std::string, ModelSpec> models = {{"LLAMA3_8B", load_model("llama-3.1-8b")},
                                                   {"LLAMA3_70B", load_model("llama-3.1-70b")},
                                                   {"LLAMA3.1_405B", load_model("llama-3.1-405b")}};
  int rows = 0;
  double sum = 0;
  for (const Row& row : read_rows("e2e/megatron_bridge_calibration.csv")) {
    const auto model = models.find(row.at("model"));
    if (model == models.end() || row.at("section") != "Pre-Training Performance") {
      continue;
    }
    TrainingPlan plan;
    plan.global_batch = 1;
    plan.sequence = number(row, "seq_len");
    const double counted = number(row, "model_tflops_per_gpu") * 1e12 / number(row, "tokens_per_s_per_gpu");
    const double ratio = training_flops(model->second, plan).value() / plan.sequence / counted;
    // one release prints tokens/s in steps of 32, up to 2 % of them
    EXPECT_NEAR(ratio, 1, 0.025) << row.at("source_line");
    sum += ratio;
    ++rows;
  }
  EXPECT_GT(rows, 20);
  EXPECT_NEAR(sum / rows, 1, 0.005);
}

}  // namespace
}  // namespace podium::test
