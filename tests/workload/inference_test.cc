#include "sim/workload/inference.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cmath>

#include "sim/workload/idle_settings.h"
#include "sim/workload/layer_program.h"
#include "sim/workload/step_graph.h"
#include "tests/workload/graph_tools.h"

namespace podium::test {
namespace {

/// CloudMatrix-384's decode deployment (arXiv 2506.12708, section 5.1).
InferencePlan wide_plan() {
  InferencePlan plan;
  plan.name = "ep320";
  plan.dp = 320;
  plan.ep = 320;
  plan.redundant_experts = 32;
  plan.shared_expert_slots = 32;
  plan.dispatch_type = DataType::int8;
  plan.draft_tokens = 1;
  plan.acceptance = 0.7;
  return plan;
}

StepShape decode(double sequences, double context) {
  StepShape shape;
  shape.decode_sequences = sequences;
  shape.decode_context = context;
  return shape;
}

const MoeShape& experts_of(const ModelSpec& model) { return *model.layers.back().moe; }

TEST(InferencePlan, GainsATokenForEveryDraftThatAllBeforeItWereAcceptedWith) {
  InferencePlan plan;
  EXPECT_EQ(plan.tokens_per_iteration(), 1);
  plan.draft_tokens = 3;
  plan.acceptance = 0.7;
  EXPECT_DOUBLE_EQ(plan.tokens_per_iteration(), 1 + 0.7 + 0.7 * 0.7 + 0.7 * 0.7 * 0.7);
}

TEST(InferenceStep, SendsEachTokenToItsExpertsAndGetsItBack) {
  const ModelSpec model = load_model("deepseek-v3");
  const InferencePlan plan = wide_plan();
  const Totals sum = totals(inference_step(model, test_chip(), plan, decode(48, 4096)));
  const double tokens = 48 * 2;  // one draft each
  const double moe_layers = 58 + 1;
  EXPECT_DOUBLE_EQ(sum.sent.at("dispatch"), moe_layers * tokens * (8 + 1) * (7168 + 512));
  EXPECT_DOUBLE_EQ(sum.sent.at("combine"), moe_layers * tokens * (8 + 1) * 7168 * 2);
  EXPECT_FALSE(sum.sent.contains("tp"));
}

TEST(InferenceStep, SendsATokenOnceToARankWhereTheStackDoesSo) {
  const ModelSpec model = load_model("deepseek-v3");
  InferencePlan plan;
  plan.dp = plan.ep = 8;
  const double each = totals(inference_step(model, test_chip(), plan, decode(8, 100))).sent.at("dispatch");
  plan.once_per_rank = true;
  const double once = totals(inference_step(model, test_chip(), plan, decode(8, 100))).sent.at("dispatch");
  // a rank has 32 of 256 experts: it is missed if all eight choices, none twice, fall on the other 224
  double missed = 1;
  for (int i = 0; i < 8; ++i) {
    missed *= (224.0 - i) / (256.0 - i);
  }
  EXPECT_NEAR(once / each, 8 * (1 - missed) / 8, 1e-12);
}

TEST(InferenceStep, LeavesItToTheExchangeHowOftenPromptsTokensAreSent) {
  const ModelSpec model = load_model("deepseek-v3");
  InferencePlan plan;
  plan.dp = plan.ep = 16;
  plan.redundant_experts = 32;
  plan.once_per_node = true;
  const auto routings = [&](const StepShape& shape) {
    std::vector<std::optional<TokenRouting>> found;
    const TaskGraph graph = inference_step(model, test_chip(), plan, shape);
    for (const TaskGraph& block : graph.blocks()) {
      for (const Task& task : block.tasks()) {
        const auto* call = std::get_if<CollectiveTask>(&task.payload);
        if (call != nullptr && (call->kind == CollectiveKind::dispatch || call->kind == CollectiveKind::combine)) {
          found.push_back(call->routing);
        }
      }
    }
    return found;
  };
  const StepShape prompts{.prefill_sequences = 1, .prefill_tokens = 4096};
  const TokenRouting expected{.choices = 8, .slots = 288, .groups = 8, .groups_chosen = 4};
  EXPECT_FALSE(routings(prompts).empty());
  for (const auto& routing : routings(prompts)) {
    EXPECT_EQ(routing, expected);
  }
  for (const auto& routing : routings(decode(8, 100))) {
    EXPECT_EQ(routing, std::nullopt) << "tokens of decode go straight to their experts";
  }
}

TEST(InferenceStep, ReplacesTheExchangeBySumsWhereEveryRankHasAllTokens) {
  const ModelSpec model = load_model("deepseek-v3");
  InferencePlan plan;
  plan.tp = plan.ep = 8;
  const Totals sum = totals(inference_step(model, test_chip(), plan, decode(16, 100)));
  EXPECT_FALSE(sum.sent.contains("dispatch"));
  const double stream = 16 * 7168 * 2;
  // embedding, two sums a layer, and the logits
  EXPECT_DOUBLE_EQ(sum.sent.at("tp"), stream + 61 * 2 * stream + 16 * 129280 * 2.0);
}

TEST(InferenceStep, ScattersTokensOverTensorParallelRanksBeforeTheyGoToExperts) {
  const ModelSpec model = load_model("deepseek-v3");
  InferencePlan plan;
  plan.tp = 2;
  plan.dp = 4;
  plan.ep = 8;
  const double tokens = 16;
  const Totals sum = totals(inference_step(model, test_chip(), plan, decode(tokens, 100)));
  EXPECT_DOUBLE_EQ(sum.sent.at("dispatch"), 58 * tokens / 2 * 8 * 7168 * 2);
  InferencePlan alone;
  alone.dp = alone.ep = 8;
  const double same = totals(inference_step(model, test_chip(), alone, decode(tokens / 2, 100))).sent.at("dispatch");
  EXPECT_DOUBLE_EQ(sum.sent.at("dispatch"), same);
}

TEST(InferenceStep, GathersLatentsAndScattersHeadsWhereTokensAreSplit) {
  const ModelSpec model = load_model("deepseek-v3");
  InferencePlan plan;
  plan.tp = plan.ep = 32;
  plan.sequence_parallel = true;
  StepShape shape;
  shape.prefill_sequences = 4;
  shape.prefill_tokens = 1024;
  const double tokens = 4 * 1024;
  const Totals sum = totals(inference_step(model, test_chip(), plan, shape));
  const double latents = tokens * (1536 + 512 + 64) * 2;
  const double heads = tokens * 128 / 32 * 128 * 2;
  const double stream = tokens * 7168 * 2;
  // the embedding, three dense layers that gather and scatter, and the logits of four tokens
  EXPECT_DOUBLE_EQ(sum.sent.at("tp"), 61 * (latents + heads) + stream + 3 * 2 * stream + 4 * 129280 * 2.0);
  EXPECT_DOUBLE_EQ(sum.sent.at("dispatch"), 58 * tokens / 32 * 8 * 7168 * 2);
}

TEST(ExpertLoad, SpreadsSlotsAsEvenlyAsTheyGo) {
  const ModelSpec model = load_model("deepseek-v3");
  const ChipSpec chip = test_chip();
  InferencePlan plan;
  plan.dp = plan.ep = 72;
  plan.redundant_experts = 20;
  const double tokens = 72 * 64;
  const ExpertLoad load = expert_load({model, chip, plan}, experts_of(model), tokens);
  EXPECT_EQ(load.slots, 4);  // 276 over 72: some have 4, some 3
  EXPECT_DOUBLE_EQ(load.rows, tokens * 8 * 4 / 276);
  EXPECT_NEAR(load.touched, 4, 1e-9);
  plan.expert_imbalance = 1.5;
  EXPECT_DOUBLE_EQ(expert_load({model, chip, plan}, experts_of(model), tokens).rows, 1.5 * load.rows);
}

TEST(ExpertLoad, CountsOnlyTheExpertsThatFewTokensTouch) {
  const ModelSpec model = load_model("deepseek-v3");
  const ChipSpec chip = test_chip();
  InferencePlan plan;
  plan.dp = plan.ep = 8;
  for (const double tokens : {1.0, 5.0, 64.0, 1000.0}) {
    const ExpertLoad load = expert_load({model, chip, plan}, experts_of(model), tokens);
    const double missed = std::pow(1 - 8.0 / 256, tokens);
    EXPECT_NEAR(load.touched, 32 * (1 - missed), 1e-9) << tokens;
    EXPECT_GE(32.0, load.touched);
  }
}

TEST(ExpertLoad, LetsTheBusierKindOfRankSetTheTime) {
  const ModelSpec model = load_model("deepseek-v3");
  const ChipSpec chip = test_chip();
  InferencePlan plan = wide_plan();
  const double tokens = 320 * 96;
  const double routed = tokens * 8 / 288;
  const double shared = tokens / 32;
  ASSERT_GT(shared, routed);
  EXPECT_DOUBLE_EQ(expert_load({model, chip, plan}, experts_of(model), tokens).rows, shared);
  plan.expert_imbalance = 2;
  EXPECT_DOUBLE_EQ(expert_load({model, chip, plan}, experts_of(model), tokens).rows, 2 * routed);
}

TEST(ExpertLoad, IsTheMeanWhereOneRankHasAllExperts) {
  const ModelSpec model = load_model("deepseek-v3");
  const ChipSpec chip = test_chip();
  InferencePlan plan;
  const double rows = expert_load({model, chip, plan}, experts_of(model), 100).rows;
  plan.expert_imbalance = 3;
  EXPECT_EQ(expert_load({model, chip, plan}, experts_of(model), 100).rows, rows);
  EXPECT_THAT(idle_settings(model, plan),
              testing::Contains("expert_imbalance has no effect: each rank has all experts"));
}

RC_GTEST_PROP(ExpertLoad, NeverReadsMoreExpertsThanItHoldsOrGetsRowsFor, ()) {
  static const ModelSpec model = load_model("deepseek-v3");
  static const ChipSpec chip = test_chip();
  InferencePlan plan;
  plan.dp = plan.ep = *rc::gen::inRange<std::uint32_t>(2, 700);
  plan.redundant_experts = *rc::gen::inRange(0, 100);
  plan.shared_expert_slots = *rc::gen::inRange(0, static_cast<int>(plan.ep));
  const double tokens = 0.25 * *rc::gen::inRange(1, 100000);
  const ExpertLoad load = expert_load({model, chip, plan}, experts_of(model), tokens);
  constexpr double rounding = 1 + 1e-12;
  RC_ASSERT(load.touched <= load.slots * rounding);
  RC_ASSERT(load.touched <= std::max(1.0, load.rows) * rounding);
  const double ranks = static_cast<double>(plan.ep) - plan.shared_expert_slots;
  RC_ASSERT(fullest_slots(plan, experts_of(model)) * ranks >= experts_of(model).experts + plan.redundant_experts);
  // with slots of their own for shared experts, more tokens may make the other kind of rank the slowest
  if (plan.shared_expert_slots == 0) {
    const ExpertLoad more = expert_load({model, chip, plan}, experts_of(model), 2 * tokens);
    RC_ASSERT(more.rows >= load.rows);
  }
}

TEST(FindRepetitions, TakesThePatternThatReachesFarthest) {
  const std::vector<std::size_t> deepseek{0, 0, 0, 1, 1, 1, 1, 1};
  EXPECT_EQ(find_repetitions(deepseek, 16), (std::vector<Repetition>{{0, 1, 3}, {3, 1, 5}}));
  const std::vector<std::size_t> gemma{0, 0, 1, 0, 0, 1, 0, 0, 1, 0, 0};
  EXPECT_EQ(find_repetitions(gemma, 16), (std::vector<Repetition>{{0, 3, 3}, {9, 1, 2}}));
  const std::vector<std::size_t> none{0, 1, 2};
  EXPECT_EQ(find_repetitions(none, 16), (std::vector<Repetition>{{0, 1, 1}, {1, 1, 1}, {2, 1, 1}}));
}

/// Every computation of attention, every one of experts and every exchange takes one; the rest nothing.
double unit_time(const TaskGraph& graph, const Task& task) {
  const std::string& label = graph.labels()[task.label];
  return label == "attention" || label == "experts" || label == "dispatch" || label == "combine" ? 1 : 0;
}

/// As many layers as asked for, all of them MoE without shared experts.
ModelSpec moe_model(std::size_t layers) {
  ModelSpec model = load_model("qwen3-235b-a22b");
  model.layers.resize(layers, model.layers.front());
  return model;
}

InferencePlan woven_plan() {
  InferencePlan plan;
  plan.dp = plan.ep = 8;
  plan.micro_batches = 2;
  return plan;
}

TEST(InferenceStep, TakesTurnsSoThatOneMicroBatchComputesWhileTheOtherCommunicates) {
  const ModelSpec model = moe_model(10);
  InferencePlan plan = woven_plan();
  const TaskGraph woven = inference_step(model, test_chip(), plan, decode(8, 100));
  // attention A | attention B, dispatch A | experts A, dispatch B | experts B, combine A | and one combine at the end
  EXPECT_EQ(makespan(woven, unit_time), 10 * 4 + 1);
  plan.micro_batches = 1;
  const TaskGraph plain = inference_step(model, test_chip(), plan, decode(8, 100));
  EXPECT_EQ(makespan(plain, unit_time), 10 * 4);
}

TEST(InferenceStep, RunsAttentionBesideExpertsOnSharesOfTheCores) {
  const ModelSpec model = moe_model(10);
  InferencePlan plan = woven_plan();
  plan.attention_cores = {0.625, 0.625};
  plan.expert_cores = {0.375, 0.375};
  const TaskGraph graph = inference_step(model, test_chip(), plan, decode(8, 100));
  // dispatch, experts and combine take three beside one attention; the first attention has nothing beside it
  EXPECT_EQ(makespan(graph, unit_time), 1 + 2 * 10 * 3);
  ASSERT_FALSE(graph.blocks().empty());
  for (const TaskGraph& block : graph.blocks()) {
    EXPECT_EQ(block.cores(RoleId(0), 0).matrix, 0.625);
    EXPECT_EQ(block.cores(RoleId(0), 1).vector, 0.375);
  }
}

TEST(InferenceStep, DoesNotSplitASingleSequence) {
  const ModelSpec model = moe_model(4);
  const Totals sum = totals(inference_step(model, test_chip(), woven_plan(), decode(1, 100)));
  EXPECT_EQ(sum.tasks.at("attention"), 4);
}

TEST(InferenceStep, KeepsRepeatedLayersAsOneBlock) {
  const TaskGraph graph = inference_step(load_model("llama-4-maverick"), test_chip(), {}, decode(8, 100));
  ASSERT_EQ(graph.blocks().size(), 1u);
  EXPECT_EQ(totals(graph).tasks.at("attention"), 48);
  EXPECT_EQ(totals(graph.blocks()[0]).tasks.at("attention"), 4);
}

TEST(InferenceStep, BeginsOnTheHost) {
  const TaskGraph graph = inference_step(moe_model(1), test_chip(), {}, decode(1, 100));
  const Task& first = *graph.tasks().begin();
  ASSERT_TRUE(std::holds_alternative<DelayTask>(first.payload));
  EXPECT_EQ(std::get<DelayTask>(first.payload).time, test_chip().graph_launch);
  EXPECT_EQ(graph.labels()[first.label], "host");
}

TEST(InferenceStep, PrefillsChunkedLayersChunkByChunk) {
  ModelSpec model = load_model("llama-4-maverick");
  model.layers = {model.layers[0]};
  ASSERT_TRUE(model.layers[0].chunked);
  const int chunk = model.layers[0].window;
  StepShape shape;
  shape.prefill_sequences = 2;
  shape.prefill_context = 3000;
  shape.prefill_tokens = 20000;
  double pairs = 0;  // token by token
  for (int i = 0; i < 20000; ++i) {
    pairs += (3000 + i) % chunk + 1;
  }
  const double expected = 2 * pairs * 4 * model.gqa->heads * model.gqa->head_dim;
  EXPECT_NEAR(totals(inference_step(model, test_chip(), {}, shape)).attention, expected, 1e-3 * expected);
}

TEST(InferenceStep, AttendsWithFewTokensToALongContextAsDecodingDoes) {
  const ModelSpec model = load_model("deepseek-v3");
  InferencePlan plan;
  plan.dp = plan.ep = 32;
  const auto absorbs = [&](double fresh, double context) {
    const TaskGraph graph = inference_step(model, test_chip(), plan, {0, 0, 1, fresh, context});
    std::size_t decodes = 0, prefills = 0;
    for_each_task(graph, [&](const TaskGraph& in, const Task& task, double) {
      const auto* compute = std::get_if<ComputeTask>(&task.payload);
      for (const Kernel& kernel : compute ? in.kernels()[compute->kernels] : std::vector<Kernel>{}) {
        if (const auto* mla = std::get_if<Mla>(&kernel)) {
          ++(mla->phase == AttentionPhase::decode ? decodes : prefills);
        }
      }
    });
    EXPECT_EQ(decodes == 0, prefills > 0);
    return decodes > 0;
  };
  EXPECT_TRUE(absorbs(64, 100'000)) << "expanding it anew is 512 x 256 for each token and head, absorbing 64 x 768";
  EXPECT_FALSE(absorbs(256, 100'000)) << "from 171 tokens on";
  EXPECT_FALSE(absorbs(64, 0));
  EXPECT_FALSE(absorbs(4096, 0));
}

TEST(InferenceStep, DraftsWithTheMtpLayerAndVerifiesItsTokens) {
  const ModelSpec model = load_model("deepseek-v3");
  const ChipSpec chip = test_chip();
  InferencePlan plan;
  const Totals plain = totals(inference_step(model, chip, plan, decode(8, 1000)));
  plan.draft_tokens = 1;
  const Totals drafted = totals(inference_step(model, chip, plan, decode(8, 1000)));
  const Layer& last = model.layers.back();
  const double layer = attention_parameters(model) + shared_parameters(model, last) +
                       experts_of(model).top_k * expert_parameters(model, last) + 2.0 * model.hidden * model.hidden;
  const double head = 1.0 * model.vocabulary * model.hidden;
  const double expected = 2 * plain.products + 8 * 2 * (2 * layer + head);
  EXPECT_NEAR(drafted.products, expected, 1e-3 * expected);
}

TEST(InferenceMemory, HoldsOneExpertARankInTheWidestPlan) {
  const ModelSpec model = load_model("deepseek-v3");
  InferencePlan plan = wide_plan();
  plan.weight_type = DataType::int8;
  const MemoryUse use = inference_memory(model, test_chip(), plan, decode(48, 4096));
  const Layer& last = model.layers.back();
  const double up_projection = 512.0 * 128 * (128 + 128);  // absorbed: in the attention's type, bf16
  const double layer = attention_parameters(model) + up_projection;
  const double router = 2.0 * model.hidden * experts_of(model).experts;
  const double moe = layer + router + expert_parameters(model, last);
  const double dense = layer + dense_ffn_parameters(model, model.layers.front());
  const double projection = 2.0 * model.hidden * model.hidden;
  const double expected = 59 * moe + 3 * dense + projection + 2 * embedding_parameters(model);
  EXPECT_NEAR(use.weights.value(), expected, 1e-3 * expected);
}

TEST(InferenceMemory, SplitsTheCacheOverKvHeadsAndRepeatsTheLatent) {
  const ModelSpec llama = load_model("llama-3.1-405b");
  InferencePlan plan;
  const Bytes whole = cache_bytes_per_token(llama, plan);
  EXPECT_EQ(whole, Bytes(126.0 * 2 * 8 * 128 * 2));
  plan.tp = 8;
  EXPECT_EQ(cache_bytes_per_token(llama, plan), whole / 8);
  plan.tp = 16;
  EXPECT_EQ(cache_bytes_per_token(llama, plan), whole / 8);
  plan.ep = 16;
  plan.draft_tokens = 1;
  EXPECT_EQ(cache_bytes_per_token(load_model("deepseek-v3"), plan), Bytes(62.0 * (512 + 64) * 2));
}

TEST(InferenceMemory, KeepsOnlyTheWindowOfLocalLayers) {
  const ModelSpec gemma = load_model("gemma-3-27b");
  const Bytes token = cache_bytes_per_token_and_layer(gemma, DataType::bf16);
  const double local = 52;
  const double global = 10;
  EXPECT_EQ(cache_bytes_per_sequence(gemma, {}, 8192), (local * 1024 + global * 8192) * token);
  EXPECT_EQ(cache_bytes_per_sequence(gemma, {}, 500), 500 * cache_bytes_per_token(gemma, {}));
}

void expect_refused(const char* model, const InferencePlan& plan, const std::string& because) {
  try {
    check_plan(load_model(model), test_chip(), plan, {"study.yaml", 7, 3});
    FAIL() << "accepted; expected: " << because;
  } catch (const InputError& error) {
    EXPECT_NE(std::string(error.what()).find(because), std::string::npos) << error.what();
    EXPECT_EQ(std::string(error.what()).rfind("study.yaml:7:3: plan 'x'", 0), 0u) << error.what();
  }
}

TEST(InferencePlan, IsRefusedOnlyWhereItCannotBe) {
  InferencePlan plan;
  plan.name = "x";
  const auto with = [&](auto&& change) {
    InferencePlan changed = plan;
    change(changed);
    return changed;
  };
  expect_refused("llama-3.1-8b", with([](auto& p) { p.tp = 3; }), "does not divide the 32 heads");
  expect_refused("qwen3-coder-480b-a35b", with([](auto& p) { p.tp = p.ep = 12; }), "kv heads");
  expect_refused("llama-3.1-8b", with([](auto& p) { p.dp = p.ep = 2; }), "no experts");
  expect_refused("deepseek-v3", with([](auto& p) { p.dp = 8; }), "ep 1 x expert_tp 1 is 1 ranks");
  expect_refused("deepseek-v3", with([](auto& p) { p.micro_batches = 3; }), "1 or 2");
  expect_refused("kimi-k2", with([](auto& p) { p.draft_tokens = 1; }), "no MTP layer");
  expect_refused("deepseek-v3", with([](auto& p) { p.acceptance = 1.5; }), "not a probability");
  expect_refused("deepseek-v3", with([](auto& p) { p.expert_imbalance = 0.5; }), "less than 1");
  expect_refused("deepseek-v3", with([](auto& p) {
                   p.dp = p.ep = 4;
                   p.expert_imbalance = 4.5;
                 }),
                 "4.5 is more than ep 4");
  expect_refused("deepseek-v3", with([](auto& p) {
                   p.micro_batches = 2;
                   p.attention_cores = {0.7, 0.7};
                   p.expert_cores = {0.5, 0.3};
                 }),
                 "more than all cores");
  expect_refused("deepseek-v3", with([](auto& p) {
                   p.dp = p.ep = 8;
                   p.shared_expert_slots = 8;
                 }),
                 "leave none");
  expect_refused("qwen3-235b-a22b", with([](auto& p) {
                   p.dp = p.ep = 8;
                   p.shared_expert_slots = 2;
                 }),
                 "no shared experts");
  const ModelSpec deepseek = load_model("deepseek-v3");
  EXPECT_NO_THROW(check_plan(deepseek, test_chip(), wide_plan()));
  EXPECT_NO_THROW(check_plan(deepseek, test_chip(), with([](auto& p) {
                               p.dp = p.ep = 72;
                               p.redundant_experts = 20;
                             })));
  ChipSpec chip = test_chip();
  chip.matrix_peak.erase(DataType::fp8);
  EXPECT_THROW(check_plan(deepseek, chip, with([](auto& p) { p.weight_type = DataType::fp8; })), InputError);
}

}  // namespace
}  // namespace podium::test
