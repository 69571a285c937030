#include "sim/workload/model.h"

#include <gtest/gtest.h>

namespace podium::test {
namespace {

/// What a publisher says of a model, in billions of parameters, and how it counts.
struct Published {
  const char* model;
  double total, active;
  double tolerance = 0.01;
  bool embeddings = true;  ///< counted by the publisher
  bool mtp = false;        ///< likewise
};

void PrintTo(const Published& row, std::ostream* out) { *out << row.model; }

class PublishedSize : public testing::TestWithParam<Published> {};

TEST_P(PublishedSize, FollowsFromTheShapes) {
  const Published row = GetParam();
  const ModelSpec model = load_model(row.model);
  const double embeddings = row.embeddings ? 0 : embedding_parameters(model);
  const double total = parameters(model) - embeddings + (row.mtp ? mtp_parameters(model) : 0);
  const double active = active_parameters(model) - embeddings;
  EXPECT_NEAR(total * 1e-9, row.total, row.tolerance * row.total);
  EXPECT_NEAR(active * 1e-9, row.active, 0.03 * row.active);
}

// Kimi K2's report says 1.04 trillion and its model card 1 trillion; the shapes of its configuration give 1.026.
// Llama 4's numbers count a vision encoder, 1 % of Scout. GLM-4.5's report counts MTP layers and leaves out the
// embeddings.
INSTANTIATE_TEST_SUITE_P(
    Models, PublishedSize,
    testing::Values(Published{"deepseek-v3", 671, 37}, Published{"deepseek-r1", 671, 37},
                    Published{"kimi-k2", 1040, 32.6, 0.015}, Published{"qwen3-235b-a22b", 235, 22},
                    Published{"qwen3-coder-480b-a35b", 480, 35}, Published{"qwen3-30b-a3b", 30.5, 3.3},
                    Published{"qwen3-32b", 32.8, 32.8}, Published{"llama-4-maverick", 400, 17},
                    Published{"llama-4-scout", 109, 17, 0.015}, Published{"llama-3.1-8b", 8.0, 8.0, 0.01},
                    Published{"llama-3.1-70b", 70.6, 70.6}, Published{"llama-3.1-405b", 405.9, 405.9},
                    Published{"mixtral-8x7b", 46.7, 12.9}, Published{"glm-4.5", 355, 32, 0.01, false, true},
                    Published{"gemma-3-27b", 27, 27}, Published{"gpt-3-175b", 175, 175}),
    [](const auto& info) {
      std::string name = info.param.model;
      for (char& c : name) {
        c = std::isalnum(static_cast<unsigned char>(c)) ? c : '_';
      }
      return name;
    });

TEST(Model, EveryFileIsReadAndItsFiguresHaveSources) {
  const auto names = list_files("workloads/models");
  EXPECT_GE(names.size(), 16u);
  for (const std::string& name : names) {
    const ModelSpec model = load_model(name);
    EXPECT_FALSE(model.figures.empty()) << name;
    EXPECT_LE(active_parameters(model), parameters(model)) << name;
    for (const Figure& figure : model.figures) {
      EXPECT_FALSE(figure.source.empty()) << name << ' ' << figure.path;
    }
  }
}

TEST(Model, AnMtpLayerHoldsAWholeLayerAndAProjection) {
  const ModelSpec model = load_model("deepseek-v3");
  const Layer& last = model.layers.back();
  const double layer =
      attention_parameters(model) + shared_parameters(model, last) + last.moe->experts * expert_parameters(model, last);
  const double projection = 2.0 * model.hidden * model.hidden;
  EXPECT_NEAR(mtp_parameters(model), layer + projection, 1e-4 * layer);
}

TEST(Model, RepeatsThePatternOfItsLayers) {
  const ModelSpec gemma = load_model("gemma-3-27b");
  ASSERT_EQ(gemma.layers.size(), 62u);
  for (std::size_t i = 0; i < gemma.layers.size(); ++i) {
    EXPECT_EQ(gemma.layers[i].window == 0, i % 6 == 5) << i;
  }
  const ModelSpec maverick = load_model("llama-4-maverick");
  ASSERT_EQ(maverick.layers.size(), 48u);
  for (std::size_t i = 0; i < maverick.layers.size(); ++i) {
    EXPECT_EQ(maverick.layers[i].moe.has_value(), i % 2 == 1) << i;
    EXPECT_EQ(maverick.layers[i].chunked, i % 4 != 3) << i;
  }
}

TEST(Model, CachesTheLatentOrTheKeysAndValues) {
  const ModelSpec deepseek = load_model("deepseek-v3");
  EXPECT_EQ(cache_bytes_per_token_and_layer(deepseek, DataType::bf16), Bytes(2.0 * (512 + 64)));
  const ModelSpec llama = load_model("llama-3.1-405b");
  EXPECT_EQ(cache_bytes_per_token_and_layer(llama, DataType::bf16), Bytes(2.0 * 2 * 8 * 128));
}

std::string model_text(const std::string& attention, const std::string& layers) {
  return "description: a small one\nsources: {s: {text: made up, grade: assumed}}\nsource: s\n"
         "hidden: 64\nvocabulary: 100\nmax_context: 128\n" +
         attention + "\nlayers: " + layers + "\n";
}

ModelSpec parse(const std::string& attention, const std::string& layers) {
  return parse_model(Document::parse(model_text(attention, layers), "small.yaml"), "small");
}

void expect_refused(const std::string& attention, const std::string& layers, const std::string& because) {
  try {
    parse(attention, layers);
    FAIL() << "accepted: " << attention << ' ' << layers;
  } catch (const InputError& error) {
    EXPECT_NE(std::string(error.what()).find(because), std::string::npos) << error.what();
    EXPECT_EQ(std::string(error.what()).rfind("small.yaml:", 0), 0u) << error.what();
  }
}

TEST(Model, RefusesShapesThatCannotBe) {
  const std::string gqa = "gqa: {heads: 8, kv_heads: 2, head_dim: 8}";
  const std::string moe = gqa + "\nmoe: {experts: 4, top_k: 2, ffn: 32}";
  EXPECT_EQ(parse(gqa, "[{count: 2, ffn: 128}]").layers.size(), 2u);
  EXPECT_EQ(parse(moe, "[{ffn: 128}, {ffn: moe}]").layers[1].moe->experts, 4);
  expect_refused("gqa: {heads: 8, kv_heads: 3, head_dim: 8}", "[{ffn: 128}]", "do not divide");
  expect_refused("gqa: {heads: 8, kv_heads: 2.5, head_dim: 8}", "[{ffn: 128}]", "not a whole number");
  expect_refused(gqa, "[{count: 2}]", "ffn");
  expect_refused(gqa, "[{ffn: moe}]", "no `moe:`");
  expect_refused(gqa + "\nmoe: {experts: 4, top_k: 8, ffn: 32}", "[{ffn: moe}]", "cannot use 8 of 4");
  expect_refused(gqa, "[{ffn: 128, chunked: true}]", "needs a window");
  expect_refused(gqa, "[]", "has layers");
  expect_refused(gqa, "[{count: 1000000000, ffn: 128}]", "10,000 layers at most");
  expect_refused(gqa, "[{repeat: 1000000, layers: [{count: 9000, ffn: 128}]}]", "10,000 layers at most");
  expect_refused(gqa, "[{count: 6000, ffn: 128}, {count: 6000, ffn: 128}]", "10,000 layers at most");
  EXPECT_EQ(parse(gqa, "[{repeat: 2, layers: [{count: 5000, ffn: 128}]}]").layers.size(), 10'000u);
  expect_refused(gqa, "[{ffn: 128, widnow: 4}]", "widnow");
}

}  // namespace
}  // namespace podium::test
