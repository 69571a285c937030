#include <gtest/gtest.h>

#include <cctype>

#include "sim/workload/inference.h"
#include "tests/workload/graph_tools.h"

namespace podium::test {
namespace {

/// Laws that hold for every model in workloads/models.
class InferenceLaws : public testing::TestWithParam<std::string> {
 protected:
  const ModelSpec model = load_model(GetParam());
  const ChipSpec chip = test_chip();

  Totals step(const InferencePlan& plan, const StepShape& shape) const {
    return totals(inference_step(model, chip, plan, shape));
  }
  /// Flops of one token in all linear layers, and in the output embedding.
  double layers_flops() const { return 2 * (active_parameters(model) - embedding_parameters(model)); }
  double head_flops() const { return 2.0 * model.vocabulary * model.hidden; }
  /// Of one query over one token of its context, in one layer.
  double decode_pair_flops() const {
    return model.mla ? 2.0 * model.mla->heads * (2 * model.mla->latent + model.mla->rope)
                     : 4.0 * model.gqa->heads * model.gqa->head_dim;
  }
  double prefill_pair_flops() const {
    return model.mla ? 2.0 * model.mla->heads * (model.mla->nope + model.mla->rope + model.mla->value)
                     : 4.0 * model.gqa->heads * model.gqa->head_dim;
  }
  bool has_experts() const { return model.layers.back().moe.has_value(); }
};

constexpr double norms_and_biases = 0.002;  // share of the parameters that are not matrices

TEST_P(InferenceLaws, DecodeCostsTwiceTheActiveParametersAndTheAttention) {
  StepShape shape;
  shape.decode_sequences = 16;
  shape.decode_context = 999;
  const Totals sum = step({}, shape);
  const double linear = shape.decode_sequences * (layers_flops() + head_flops());
  EXPECT_NEAR(sum.products, linear, norms_and_biases * linear);
  double pairs = 0;
  for (const Layer& layer : model.layers) {
    const double seen = shape.decode_context + 1;
    pairs += shape.decode_sequences * (layer.window > 0 ? std::min<double>(layer.window, seen) : seen);
  }
  EXPECT_NEAR(sum.attention, pairs * decode_pair_flops(), 1e-9 * sum.attention);
}

TEST_P(InferenceLaws, PrefillCostsTheSameForEachTokenButTheHeadOnce) {
  StepShape shape;
  shape.prefill_sequences = 2;
  shape.prefill_tokens = 1024;
  const Totals sum = step({}, shape);
  const double tokens = shape.prefill_sequences * shape.prefill_tokens;
  const double linear = tokens * layers_flops() + shape.prefill_sequences * head_flops();
  EXPECT_NEAR(sum.products, linear, norms_and_biases * linear);
  const double causal = shape.prefill_sequences * shape.prefill_tokens * (shape.prefill_tokens + 1) / 2;
  const double expected = static_cast<double>(model.layers.size()) * causal * prefill_pair_flops();
  EXPECT_NEAR(sum.attention, expected, 0.01 * expected);
}

TEST_P(InferenceLaws, OneTokenReadsTheActiveWeightsAndManyReadAll) {
  StepShape shape;
  shape.decode_sequences = 1;
  shape.decode_context = 100;
  const double head = 1.0 * model.vocabulary * model.hidden;
  const double active = active_parameters(model) - embedding_parameters(model) + head;
  EXPECT_NEAR(step({}, shape).weights_read, active, norms_and_biases * active);
  shape.decode_sequences = 10000;
  const double all = parameters(model) - embedding_parameters(model) + head;
  EXPECT_NEAR(step({}, shape).weights_read, all, norms_and_biases * all);
}

class ExpertLaws : public InferenceLaws {};

TEST_P(ExpertLaws, ExpertsDoTheSameWorkHoweverTheyAreSplit) {
  // tp, dp, ep, expert_tp; the same 64 tokens in all
  const std::uint32_t splits[][4] = {{1, 1, 1, 1}, {4, 1, 1, 4}, {4, 1, 4, 1}, {1, 8, 8, 1},
                                     {2, 4, 8, 1}, {2, 4, 4, 2}, {1, 4, 1, 4}};
  const double tokens = 64;
  double whole = 0;
  for (const auto& split : splits) {
    InferencePlan plan;
    plan.tp = split[0];
    plan.dp = split[1];
    plan.ep = split[2];
    plan.expert_tp = split[3];
    StepShape shape;
    shape.decode_sequences = tokens / plan.dp;
    shape.decode_context = 500;
    const double sum = step(plan, shape).experts * plan.ranks();
    whole = whole == 0 ? sum : whole;
    EXPECT_NEAR(sum, whole, 1e-9 * whole) << "tp " << plan.tp << " dp " << plan.dp << " ep " << plan.ep;
  }
}

TEST_P(InferenceLaws, AttentionReplicasSplitTheWorkExactly) {
  StepShape shape;
  shape.decode_sequences = 64;
  shape.decode_context = 500;
  const Totals one = step({}, shape);
  InferencePlan plan;
  plan.dp = 8;
  plan.ep = has_experts() ? 8 : 1;
  shape.decode_sequences /= plan.dp;
  const Totals split = step(plan, shape);
  EXPECT_NEAR(split.products * plan.dp, one.products, 1e-9 * one.products);
  EXPECT_NEAR(split.attention * plan.dp, one.attention, 1e-9 * one.attention);
}

TEST_P(InferenceLaws, TensorParallelismRepeatsOnlyWhatItCannotSplit) {
  const double tokens = 32;
  StepShape shape;
  shape.decode_sequences = tokens;
  shape.decode_context = 500;
  InferencePlan plan;
  plan.tp = 4;
  plan.ep = has_experts() ? 4 : 1;
  double repeated = 0;  // the router, and the projections to the low ranks
  for (const Layer& layer : model.layers) {
    repeated += layer.moe ? 2 * tokens * model.hidden * layer.moe->experts : 0;
    repeated +=
        model.mla ? 2 * tokens * model.hidden * (model.mla->query_rank + model.mla->latent + model.mla->rope) : 0;
  }
  const Totals one = step({}, shape);
  const Totals split = step(plan, shape);
  EXPECT_NEAR(split.products * plan.tp, one.products + (plan.tp - 1) * repeated, 1e-9 * one.products);
  EXPECT_NEAR(split.attention * plan.tp, one.attention, 1e-9 * one.attention);
}

TEST_P(InferenceLaws, SequenceParallelismRepeatsNothing) {
  StepShape shape;
  shape.decode_sequences = 32;
  shape.decode_context = 500;
  shape.prefill_sequences = 2;
  shape.prefill_tokens = 128;
  InferencePlan plan;
  plan.sequence_parallel = true;
  plan.tp = 4;
  plan.ep = has_experts() ? 4 : 1;
  const Totals one = step({}, shape);
  const Totals split = step(plan, shape);
  EXPECT_NEAR(split.products * plan.tp, one.products, 1e-9 * one.products);
  EXPECT_NEAR(split.attention * plan.tp, one.attention, 1e-9 * one.attention);
}

TEST_P(InferenceLaws, OneRankHoldsAllParameters) {
  const MemoryUse use = inference_memory(model, chip, {}, {1, 100, 0, 0, 0});
  const double all = 2 * parameters(model);
  EXPECT_NEAR(use.weights.value(), all, norms_and_biases * all);
  EXPECT_EQ(use.reserved, chip.reserved);
  EXPECT_EQ(use.kept_free, (1 - InferencePlan().memory_share) * chip.memory_size);
  EXPECT_GT(use.activations.value(), 0);
  EXPECT_EQ(use.cache.value(), 0);
}

TEST_P(InferenceLaws, AServerLeavesAloneWhatIsNotItsShareOfTheMemory) {
  InferencePlan plan;
  plan.memory_share = 1;
  EXPECT_EQ(inference_memory(model, chip, plan, {1, 100, 0, 0, 0}).kept_free, Bytes());
  plan.memory_share = 0.75;
  EXPECT_EQ(inference_memory(model, chip, plan, {1, 100, 0, 0, 0}).kept_free, 0.25 * chip.memory_size);
}

TEST_P(InferenceLaws, MicroBatchesChangeTheOrderAndNotTheWork) {
  StepShape shape;
  shape.decode_sequences = 8;
  shape.decode_context = 500;
  InferencePlan plan;
  plan.dp = 4;
  plan.ep = has_experts() ? 4 : 1;
  const Totals one = step(plan, shape);
  plan.micro_batches = 2;
  const Totals turns = step(plan, shape);
  plan.attention_cores = {0.5, 0.5};
  plan.expert_cores = {0.5, 0.5};
  const Totals shares = step(plan, shape);
  for (const Totals& woven : {turns, shares}) {
    EXPECT_NEAR(woven.products, one.products, 1e-9 * one.products);
    EXPECT_NEAR(woven.attention, one.attention, 1e-9 * one.attention);
    for (const auto& [label, bytes] : one.sent) {
      EXPECT_NEAR(woven.sent.at(label), bytes, 1e-9 * bytes) << label;
    }
    EXPECT_EQ(woven.tasks.at("attention"), 2 * one.tasks.at("attention"));
  }
}

std::vector<std::string> models_with_experts() {
  std::vector<std::string> names;
  for (const std::string& name : list_files("workloads/models")) {
    if (load_model(name).layers.back().moe) {
      names.push_back(name);
    }
  }
  return names;
}

std::string test_name(const testing::TestParamInfo<std::string>& info) {
  std::string name = info.param;
  for (char& c : name) {
    c = std::isalnum(static_cast<unsigned char>(c)) ? c : '_';
  }
  return name;
}

INSTANTIATE_TEST_SUITE_P(Models, InferenceLaws, testing::ValuesIn(list_files("workloads/models")), test_name);
INSTANTIATE_TEST_SUITE_P(Models, ExpertLaws, testing::ValuesIn(models_with_experts()), test_name);

}  // namespace
}  // namespace podium::test
