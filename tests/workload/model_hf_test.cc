#include "sim/workload/model_hf.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "tests/config/mutate.h"
#include "tests/core/error_of.h"
#include "tests/core/measured_rows.h"

namespace podium::test {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

/// A config.json under a name of its own.
class ConfigFile {
 public:
  explicit ConfigFile(const std::string& text)
      : path_(fs::temp_directory_path() / ("podium_config_" + std::to_string(::getpid()) + ".json")) {
    std::ofstream(path_) << text;
  }
  ~ConfigFile() { fs::remove(path_); }
  std::string path() const { return path_.string(); }

 private:
  fs::path path_;
};

/// A family's keys, without braces, around what all families have.
std::string config(const std::string& keys) {
  return R"({"hidden_size": 64, "vocab_size": 100, "max_position_embeddings": 256, "num_attention_heads": 4, )"
         R"("num_hidden_layers": 2, )" +
         keys + "}";
}

ModelSpec read(const std::string& text) { return load_model(ConfigFile(text).path()); }

std::string refusal(const std::string& text) {
  return error_of([&] { read(text); });
}

TEST(HfModel, ReadsADenseModelAndCountsItsParameters) {
  const ModelSpec model = read(config(R"("model_type": "llama", "num_key_value_heads": 2, "intermediate_size": 128)"));
  ASSERT_TRUE(model.gqa.has_value());
  EXPECT_EQ(*model.gqa, (GqaShape{4, 2, 16}));
  const double attention = 64 * (64 + 2 * 32) + 64 * 64 + 2 * 64;  // projections, two norms
  EXPECT_DOUBLE_EQ(parameters(model), 2 * 100 * 64 + 64 + 2 * (attention + 3 * 64 * 128));
}

TEST(HfModel, PutsExpertsInEveryNthLayerButThoseNamedDense) {
  const ModelSpec model = read(
      R"({"hidden_size": 64, "vocab_size": 100, "max_position_embeddings": 256, "num_attention_heads": 4,
          "num_hidden_layers": 6, "model_type": "qwen3_moe", "num_experts": 8, "num_experts_per_tok": 2,
          "moe_intermediate_size": 32, "intermediate_size": 128, "decoder_sparse_step": 2, "mlp_only_layers": [3]})");
  std::vector<bool> sparse;
  for (const Layer& layer : model.layers) {
    sparse.push_back(layer.moe.has_value());
  }
  EXPECT_EQ(sparse, (std::vector<bool>{false, true, false, false, false, true}));
}

TEST(HfModel, NamesTheKeyThatIsMissingOrWrong) {
  EXPECT_THAT(refusal(config(R"("model_type": "llama")")), HasSubstr("the key 'intermediate_size' is missing"));
  EXPECT_THAT(refusal(config(R"("model_type": "llama", "intermediate_size": 1.5)")),
              HasSubstr("'intermediate_size' is 1.5, and a whole number from 1 on would be right"));
  EXPECT_THAT(refusal(config(R"("model_type": "lama")")), HasSubstr("'lama' (did you mean 'llama'?)"));
  EXPECT_THAT(refusal(config(R"("other": 1)")), HasSubstr("the key 'model_type' is missing"));
  EXPECT_THAT(refusal("{\"model_type\": "), HasSubstr("not a JSON object"));
  EXPECT_THAT(refusal(config(R"("model_type": "llama", "intermediate_size": 128, "attention_bias": true)")),
              HasSubstr("'attention_bias' is true"));
  EXPECT_THAT(refusal(config(R"("model_type": "qwen3", "intermediate_size": 128, "use_sliding_window": true)")),
              HasSubstr("use_sliding_window"));
}

TEST(HfModel, RefusesWhatItsFamilyWouldPassOver) {
  EXPECT_THAT(refusal(config(R"("model_type": "llama", "intermediate_size": 128, "num_local_experts": 8)")),
              HasSubstr("'num_local_experts' is 8: the family that model_type names has no experts"));
  EXPECT_THAT(refusal(config(R"("model_type": "llama", "intermediate_size": 128, "is_encoder_decoder": true)")),
              HasSubstr("'is_encoder_decoder' is true"));
  const std::string groups = config(
      R"("model_type": "deepseek_v3", "q_lora_rank": 32, "kv_lora_rank": 16, "qk_rope_head_dim": 8,
         "qk_nope_head_dim": 8, "v_head_dim": 8, "n_routed_experts": 8, "num_experts_per_tok": 3, "n_group": 4,
         "topk_group": 1, "moe_intermediate_size": 32, "intermediate_size": 128, "first_k_dense_replace": 1)");
  EXPECT_THAT(refusal(groups), HasSubstr("'num_experts_per_tok' is 3: the groups that a token chooses have fewer"));
}

TEST(HfModel, ItsFiguresNameTheFile) {
  const ConfigFile file(config(R"("model_type": "llama", "intermediate_size": 128)"));
  const ModelSpec model = load_model(file.path());
  ASSERT_FALSE(model.figures.empty());
  for (const Figure& figure : model.figures) {
    EXPECT_THAT(figure.source, HasSubstr(file.path()));
  }
}

TEST(HfModel, RefusesMoreLayersThanMemoryHolds) {
  EXPECT_THAT(refusal(R"({"hidden_size": 64, "vocab_size": 100, "max_position_embeddings": 256, "model_type": "llama",
                          "num_attention_heads": 4, "num_hidden_layers": 1000000000, "intermediate_size": 128})"),
              HasSubstr("'num_hidden_layers' is 1000000000: a model has 10,000 layers at most"));
}

TEST(HfModel, IsAnInputErrorHoweverItsFileIsDamaged) {
  const std::string sound = config(
      R"("model_type": "deepseek_v3", "q_lora_rank": 32, "kv_lora_rank": 16, "qk_rope_head_dim": 8,
         "qk_nope_head_dim": 8, "v_head_dim": 8, "n_routed_experts": 8, "n_shared_experts": 1,
         "num_experts_per_tok": 2, "moe_intermediate_size": 32, "intermediate_size": 128, "first_k_dense_replace": 1)");
  ASSERT_EQ(read(sound).layers.size(), 2U);
  Rng rng(1, "config.json");
  int refused = 0;
  constexpr int copies = 500;
  for (int i = 0; i < copies; ++i) {
    const std::string damaged = mutated(sound, rng);
    try {
      read(damaged);
    } catch (const InputError&) {
      ++refused;
    } catch (const std::exception& error) {
      FAIL() << error.what() << " from:\n" << damaged;
    }
  }
  EXPECT_GT(refused, copies / 4);
}

/// A publisher's file and ours of the same model.
struct Pair {
  const char *theirs, *ours;
};

constexpr Pair pairs[] = {{"Qwen--Qwen3-235B-A22B", "qwen3-235b-a22b"},
                          {"Qwen--Qwen3-30B-A3B", "qwen3-30b-a3b"},
                          {"Qwen--Qwen3-32B", "qwen3-32b"},
                          {"Qwen--Qwen3-Coder-480B-A35B-Instruct", "qwen3-coder-480b-a35b"},
                          {"deepseek-ai--DeepSeek-R1", "deepseek-r1"},
                          {"deepseek-ai--DeepSeek-V3", "deepseek-v3"},
                          {"meta-llama--Llama-4-Maverick-17B-128E-Instruct", "llama-4-maverick"},
                          {"meta-llama--Llama-4-Scout-17B-16E-Instruct", "llama-4-scout"},
                          {"meta-llama--Meta-Llama-3.1-405B", "llama-3.1-405b"},
                          {"meta-llama--Meta-Llama-3.1-70B", "llama-3.1-70b"},
                          {"meta-llama--Meta-Llama-3.1-8B", "llama-3.1-8b"},
                          {"mistralai--Mixtral-8x7B-v0.1", "mixtral-8x7b"},
                          {"moonshotai--Kimi-K2-Instruct", "kimi-k2"}};

TEST(HfModel, ThePublishersFilesAreOurModels) {
  if (const std::string why = missing_data(); !why.empty()) {
    GTEST_SKIP() << why;
  }
  for (const Pair& pair : pairs) {
    const ModelSpec theirs = load_model(data_folder() + "/models/" + pair.theirs + ".json"),
                    ours = load_model(pair.ours);
    EXPECT_EQ(theirs.gqa, ours.gqa) << pair.ours;
    EXPECT_EQ(theirs.mla, ours.mla) << pair.ours;
    EXPECT_EQ(theirs.layers, ours.layers) << pair.ours;
    EXPECT_EQ(theirs.mtp_layers, ours.mtp_layers) << pair.ours;
    EXPECT_EQ(theirs.max_context, ours.max_context) << pair.ours;
    EXPECT_EQ(parameters(theirs), parameters(ours)) << pair.ours;  // whose published sizes model_test.cc holds
    EXPECT_EQ(active_parameters(theirs), active_parameters(ours)) << pair.ours;
  }
}

TEST(HfModel, EveryFileOfTheDataIsReadOrRefusedForAReason) {
  if (const std::string why = missing_data(); !why.empty()) {
    GTEST_SKIP() << why;
  }
  std::vector<std::string> refused;
  std::size_t files = 0;
  for (const fs::directory_entry& entry : fs::directory_iterator(data_folder() + "/models")) {
    ++files;
    const std::string error = error_of([&] { load_model(entry.path().string()); });
    if (error != "nothing thrown") {
      refused.push_back(error);
    }
  }
  EXPECT_EQ(files, std::size(pairs) + 1);
  EXPECT_THAT(refused, testing::ElementsAre(HasSubstr("'index_topk' is 2048: an indexer chooses")));
}

}  // namespace
}  // namespace podium::test
