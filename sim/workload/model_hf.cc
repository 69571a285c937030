#include "sim/workload/model_hf.h"

#include <fmt/format.h>

#include <cmath>
#include <iterator>
#include <map>
#include <nlohmann/json.hpp>

#include "sim/core/input_stream.h"

namespace podium {
namespace {

using nlohmann::json;

/// The keys of a configuration; what is read is noted as a figure.
class Config {
 public:
  Config(const json& object, std::string path, std::vector<Figure>& figures)
      : object_(object), path_(std::move(path)), figures_(figures) {}

  bool has(const char* key) const { return object_.contains(key) && !object_[key].is_null(); }

  int whole(const char* key, int least = 1) const {
    if (!has(key)) {
      fail(fmt::format("the key '{}' is missing", key));
    }
    const json& value = object_[key];
    const double number = value.is_number() ? value.get<double>() : -1;
    if (!(number >= least && number <= 1e9) || number != std::floor(number)) {
      fail(fmt::format("'{}' is {}, and a whole number from {} on would be right", key, value.dump(), least));
    }
    figures_.push_back({key, value.dump(), "", "", "its publisher's configuration, " + path_, Grade::claimed});
    return static_cast<int>(number);
  }

  /// A model of more layers than this is none, and would fill the memory.
  int layers() const {
    constexpr int most = 10'000;
    const int count = whole("num_hidden_layers");
    refuse_if(count > most, "num_hidden_layers", "a model has 10,000 layers at most");
    return count;
  }

  int whole_or(const char* key, int absent, int least = 0) const { return has(key) ? whole(key, least) : absent; }

  bool flag(const char* key) const {
    if (!has(key)) {
      return false;  // as Hugging Face's classes of these families have it
    }
    if (!object_[key].is_boolean()) {
      fail(fmt::format("'{}' is {}, and true or false would be right", key, object_[key].dump()));
    }
    return object_[key].get<bool>();
  }

  void refuse_if(bool is_so, const char* key, const char* why) const {
    if (is_so) {
      fail(fmt::format("'{}' is {}: {}", key, object_[key].dump(), why));
    }
  }

  const json& object() const { return object_; }
  [[noreturn]] void fail(const std::string& problem) const { throw InputError(Location{path_}, problem); }

 private:
  const json& object_;
  std::string path_;
  std::vector<Figure>& figures_;
};

GqaShape grouped_queries(const Config& config, const ModelSpec& model) {
  GqaShape gqa;
  gqa.heads = config.whole("num_attention_heads");
  gqa.kv_heads = config.whole_or("num_key_value_heads", gqa.heads, 1);
  config.refuse_if(gqa.heads % gqa.kv_heads != 0, "num_key_value_heads", "it does not divide num_attention_heads");
  config.refuse_if(!config.has("head_dim") && model.hidden % gqa.heads != 0, "num_attention_heads",
                   "it does not divide hidden_size, and there is no head_dim");
  gqa.head_dim = config.whole_or("head_dim", model.hidden / gqa.heads, 1);
  return gqa;
}

MlaShape latent_attention(const Config& config) {
  return {config.whole("num_attention_heads"), config.whole("q_lora_rank"),      config.whole("kv_lora_rank"),
          config.whole("qk_rope_head_dim"),    config.whole("qk_nope_head_dim"), config.whole("v_head_dim")};
}

/// `moe` has the experts' count and width already.
MoeShape experts(const Config& config, MoeShape moe) {
  moe.top_k = config.whole("num_experts_per_tok");
  config.refuse_if(moe.top_k > moe.experts, "num_experts_per_tok", "there are not so many experts");
  return moe;
}

Layer dense(int ffn) {
  Layer layer;
  layer.dense_ffn = ffn;
  return layer;
}

Layer sparse(const MoeShape& moe) {
  Layer layer;
  layer.moe = moe;
  return layer;
}

/// A window over all layers, of those families that have it in all or none.
void add_window(const Config& config, ModelSpec& model) {
  const int window = config.whole_or("sliding_window", 0);
  for (Layer& layer : model.layers) {
    layer.window = window;
  }
}

/// What a dense family's class would pass over, and its model would not.
void refuse_experts(const Config& config) {
  for (const char* key : {"num_local_experts", "num_experts", "n_routed_experts"}) {
    config.refuse_if(config.has(key), key, "the family that model_type names has no experts");
  }
}

void llama(const Config& config, ModelSpec& model) {
  refuse_experts(config);
  model.gqa = grouped_queries(config, model);
  model.layers.assign(std::size_t(config.layers()), dense(config.whole("intermediate_size")));
}

void mistral(const Config& config, ModelSpec& model) {
  llama(config, model);
  add_window(config, model);
}

void mixtral(const Config& config, ModelSpec& model) {
  model.gqa = grouped_queries(config, model);
  const MoeShape moe =
      experts(config, {.experts = config.whole("num_local_experts"), .ffn = config.whole("intermediate_size")});
  model.layers.assign(std::size_t(config.layers()), sparse(moe));
  add_window(config, model);
}

void refuse_sliding(const Config& config) {
  config.refuse_if(config.flag("use_sliding_window"), "use_sliding_window",
                   "windows in some layers of Qwen's are not read from config.json; a YAML file can tell them");
}

void qwen2(const Config& config, ModelSpec& model) {
  refuse_sliding(config);
  llama(config, model);
  model.gqa->bias = true;  // of the projections to queries, keys and values, in every Qwen2
}

void qwen3(const Config& config, ModelSpec& model) {
  refuse_sliding(config);
  llama(config, model);
  model.gqa->query_key_norm = true;
}

/// Layer i has experts where i + 1 is a multiple of decoder_sparse_step, and i is not among mlp_only_layers.
void qwen3_moe(const Config& config, ModelSpec& model) {
  refuse_sliding(config);
  model.gqa = grouped_queries(config, model);
  model.gqa->query_key_norm = true;
  const MoeShape moe =
      experts(config, {.experts = config.whole("num_experts"), .ffn = config.whole("moe_intermediate_size")});
  config.refuse_if(config.whole_or("shared_expert_intermediate_size", 0) > 0, "shared_expert_intermediate_size",
                   "Qwen3's experts are not shared");
  const int step = config.whole_or("decoder_sparse_step", 1, 1);
  const int ffn = config.whole("intermediate_size");
  const auto layers = config.layers();
  for (int i = 0; i < layers; ++i) {
    model.layers.push_back((i + 1) % step == 0 ? sparse(moe) : dense(ffn));
  }
  for (const json& place : config.has("mlp_only_layers") ? config.object()["mlp_only_layers"] : json::array()) {
    config.refuse_if(!place.is_number_unsigned() || place.get<std::size_t>() >= model.layers.size(), "mlp_only_layers",
                     "it has a layer that the model has not");
    model.layers[place.get<std::size_t>()] = dense(ffn);
  }
}

constexpr const char* sparse_attention =
    "an indexer chooses the tokens that attention sees, which Podium does not model";

/// The first layers are dense, all others have experts.
void deepseek(const Config& config, ModelSpec& model) {
  config.refuse_if(config.has("index_topk"), "index_topk", sparse_attention);
  model.mla = latent_attention(config);
  config.refuse_if(config.whole_or("moe_layer_freq", 1) != 1, "moe_layer_freq", "only 1 is known");
  MoeShape moe =
      experts(config, {.experts = config.whole("n_routed_experts"), .ffn = config.whole("moe_intermediate_size")});
  moe.shared_experts = config.whole_or("n_shared_experts", 0);
  moe.shared_ffn = moe.shared_experts > 0 ? moe.ffn : 0;
  moe.groups = config.whole_or("n_group", 1, 1);
  moe.groups_chosen = config.whole_or("topk_group", moe.groups, 1);
  config.refuse_if(moe.experts % moe.groups != 0, "n_group", "experts lie in groups of equal size");
  config.refuse_if(moe.groups_chosen > moe.groups, "topk_group", "there are not so many groups");
  config.refuse_if(moe.top_k > moe.experts / moe.groups * moe.groups_chosen, "num_experts_per_tok",
                   "the groups that a token chooses have fewer experts");
  const int layers = config.layers(), first = config.whole("first_k_dense_replace", 0);
  config.refuse_if(first > layers, "first_k_dense_replace", "the model has not so many layers");
  model.layers.assign(std::size_t(first), dense(config.whole("intermediate_size")));
  model.layers.resize(std::size_t(layers), sparse(moe));
  model.mtp_layers = config.whole_or("num_nextn_predict_layers", 0);
}

/// Every interleave_moe_layer_step-th layer has experts, one of them shared; every fourth layer sees all tokens, the
/// others see chunks (Llama4TextConfig of Hugging Face's transformers, 4.51).
void llama4(const Config& config, ModelSpec& model) {
  model.gqa = grouped_queries(config, model);
  MoeShape moe =
      experts(config, {.experts = config.whole("num_local_experts"), .ffn = config.whole("intermediate_size")});
  moe.shared_experts = 1;
  moe.shared_ffn = moe.ffn;
  const int step = config.whole("interleave_moe_layer_step"), chunk = config.whole("attention_chunk_size");
  const int layers = config.layers(), ffn = config.whole("intermediate_size_mlp");
  constexpr int global = 4;
  for (int i = 1; i <= layers; ++i) {
    Layer layer = i % step == 0 ? sparse(moe) : dense(ffn);
    layer.chunked = i % global != 0;
    layer.window = layer.chunked ? chunk : 0;
    model.layers.push_back(layer);
  }
}

void deepseek_sparse(const Config& config, ModelSpec&) {
  config.whole("index_topk");
  config.refuse_if(true, "index_topk", sparse_attention);
}

using Reader = void (*)(const Config&, ModelSpec&);

const std::map<std::string, Reader>& readers() {
  static const std::map<std::string, Reader> all{{"deepseek_v3", deepseek}, {"deepseek_v32", deepseek_sparse},
                                                 {"kimi_k2", deepseek},     {"llama", llama},
                                                 {"llama4_text", llama4},   {"mistral", mistral},
                                                 {"mixtral", mixtral},      {"qwen2", qwen2},
                                                 {"qwen3", qwen3},          {"qwen3_moe", qwen3_moe}};
  return all;
}

std::string family_of(const json& object, const std::string& path) {
  if (!object.is_object() || !object.contains("model_type") || !object["model_type"].is_string()) {
    throw InputError(Location{path}, "not a model's config.json: the key 'model_type' is missing, a text");
  }
  return object["model_type"].get<std::string>();
}

}  // namespace

bool is_hf_config(const std::string& path) {
  if (path.ends_with(".yaml")) {
    return false;
  }
  InputStream file(path, "the model");
  char first = 0;
  file >> first;  // after white space
  return first == '{';
}

ModelSpec load_hf_model(const std::string& path, const std::string& name) {
  InputStream file(path, "the model");
  const json root = json::parse(std::string(std::istreambuf_iterator<char>(file), {}), nullptr, false);
  if (root.is_discarded()) {
    throw InputError(Location{path}, "not a JSON object");
  }
  std::string family = family_of(root, path);
  const bool nested = root.contains("text_config");
  const json& object = nested ? root["text_config"] : root;
  family = nested ? family_of(object, path) : family;
  const auto reader = readers().find(family);
  if (reader == readers().end()) {
    std::vector<std::string> known;
    for (const auto& [one, read] : readers()) {
      known.push_back(one);
    }
    throw InputError(Location{path}, "key 'model_type': " + unknown_name("family of models", family, known));
  }
  ModelSpec model;
  const Config config(object, path, model.figures);
  model.name = name;
  model.description = fmt::format("{} of the family {}", name, family);
  model.hidden = config.whole("hidden_size");
  model.vocabulary = config.whole("vocab_size");
  model.max_context = config.whole("max_position_embeddings");
  model.tied_embedding = config.flag("tie_word_embeddings");
  config.refuse_if(config.flag("is_encoder_decoder"), "is_encoder_decoder", "decoders alone are modelled");
  config.refuse_if(config.flag("attention_bias"), "attention_bias", "biases of all of attention are not modelled");
  config.refuse_if(config.flag("mlp_bias"), "mlp_bias", "biases of the feed-forward alone are not modelled");
  reader->second(config, model);
  return model;
}

}  // namespace podium
