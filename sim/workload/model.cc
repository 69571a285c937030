#include "sim/workload/model.h"

#include <algorithm>
#include <cmath>

#include "sim/workload/model_hf.h"

namespace podium {
namespace {

/// A count that is a fact (it needs a source): a whole number from `least` on.
int whole(const Node& node, int least = 1) {
  const double value = node.figure_number();
  if (value < least || value > 1e9 || value != std::floor(value)) {
    node.fail("'" + node.text() + "' is not a whole number from " + std::to_string(least) + " on");
  }
  return static_cast<int>(value);
}

int whole_or_zero(const Node& parent, std::string_view key) {
  const auto node = parent.find(key);
  return node ? whole(*node, 0) : 0;
}

bool flag(const Node& parent, std::string_view key) {
  const auto node = parent.find(key);
  return node && node->flag();
}

GqaShape read_gqa(const Node& node) {
  GqaShape gqa;
  gqa.heads = whole(node.at("heads"));
  gqa.kv_heads = whole(node.at("kv_heads"));
  gqa.head_dim = whole(node.at("head_dim"));
  gqa.query_key_norm = flag(node, "query_key_norm");
  gqa.bias = flag(node, "bias");
  if (gqa.heads % gqa.kv_heads != 0) {
    node.at("kv_heads")
        .fail(std::to_string(gqa.kv_heads) + " kv heads do not divide " + std::to_string(gqa.heads) + " heads");
  }
  return gqa;
}

MlaShape read_mla(const Node& node) {
  MlaShape mla;
  mla.heads = whole(node.at("heads"));
  mla.query_rank = whole(node.at("query_rank"));
  mla.latent = whole(node.at("latent"));
  mla.rope = whole(node.at("rope"));
  mla.nope = whole(node.at("nope"));
  mla.value = whole(node.at("value"));
  return mla;
}

MoeShape read_moe(const Node& node) {
  MoeShape moe;
  moe.experts = whole(node.at("experts"));
  moe.top_k = whole(node.at("top_k"));
  moe.ffn = whole(node.at("ffn"));
  moe.shared_experts = whole_or_zero(node, "shared_experts");
  if (moe.shared_experts > 0) {
    moe.shared_ffn = whole(node.at("shared_ffn"));
  }
  if (const auto groups = node.find("groups")) {
    moe.groups = whole(*groups);
    moe.groups_chosen = whole(node.at("groups_chosen"));
    if (moe.groups_chosen > moe.groups || moe.experts % moe.groups != 0) {
      groups->fail("experts lie in groups of equal size, of which a token chooses some");
    }
  }
  if (moe.top_k > moe.experts) {
    node.at("top_k").fail("a token cannot use " + std::to_string(moe.top_k) + " of " + std::to_string(moe.experts) +
                          " experts");
  }
  return moe;
}

Layer read_layer(const Node& node, const std::optional<MoeShape>& moe) {
  Layer layer;
  layer.window = whole_or_zero(node, "window");
  layer.chunked = flag(node, "chunked");
  if (layer.chunked && layer.window == 0) {
    node.fail("a chunked layer needs a window, the length of its chunks");
  }
  const Node ffn = node.at("ffn");
  if (ffn.text() != "moe") {
    layer.dense_ffn = whole(ffn);
  } else if (moe) {
    layer.moe = moe;
  } else {
    ffn.fail("the file has no `moe:` that tells the experts' shape");
  }
  return layer;
}

/// As many as a model has at most; more are a slip, and would fill the memory.
constexpr std::size_t most_layers = 10'000;

std::vector<Layer> read_layers(const Node& node, const std::optional<MoeShape>& moe) {
  std::vector<Layer> layers;
  for (const Node& item : node.items()) {
    const auto repeat = item.find("repeat");
    const auto count = item.find("count");
    const auto pattern = repeat ? read_layers(item.at("layers"), moe) : std::vector{read_layer(item, moe)};
    const int times = repeat ? whole(*repeat) : count ? whole(*count) : 1;
    if (static_cast<std::size_t>(times) > (most_layers - layers.size()) / pattern.size()) {
      (repeat ? *repeat : count ? *count : item).fail("a model has 10,000 layers at most");
    }
    for (int i = 0; i < times; ++i) {
      layers.insert(layers.end(), pattern.begin(), pattern.end());
    }
  }
  if (layers.empty()) {
    node.fail("a model has layers");
  }
  return layers;
}

/// A linear layer, with its bias where the model has them.
double linear(const ModelSpec& model, double in, double out) { return in * out + (model.biases ? out : 0); }

double ffn_parameters(const ModelSpec& model, double ffn) {
  const double up = model.gated_ffn ? 2 : 1;
  return up * linear(model, model.hidden, ffn) + linear(model, ffn, model.hidden);
}

double norm_parameters(const ModelSpec& model, double width) { return model.biases ? 2 * width : width; }

double gqa_parameters(const ModelSpec& model) {
  const GqaShape& gqa = *model.gqa;
  const double query = 1.0 * gqa.heads * gqa.head_dim;
  const double keys = 1.0 * gqa.kv_heads * gqa.head_dim;
  double sum = linear(model, model.hidden, query + 2 * keys) + linear(model, query, model.hidden);
  if (gqa.bias) {
    sum += query + 2 * keys;
  }
  if (gqa.query_key_norm) {
    sum += 2.0 * gqa.head_dim;
  }
  return sum;
}

/// Of the query through its low rank, of keys and values through the latent (DeepSeek-V2, arXiv 2405.04434, section
/// 2.1).
double mla_parameters(const ModelSpec& model) {
  const MlaShape& mla = *model.mla;
  const double h = mla.heads;
  const double query =
      1.0 * model.hidden * mla.query_rank + mla.query_rank + mla.query_rank * h * (mla.nope + mla.rope);
  const double keys =
      1.0 * model.hidden * (mla.latent + mla.rope) + mla.latent + mla.latent * h * (mla.nope + mla.value);
  return query + keys + h * mla.value * model.hidden;
}

double layer_parameters(const ModelSpec& model, const Layer& layer, double experts) {
  double sum = attention_parameters(model);
  if (layer.moe) {
    sum += shared_parameters(model, layer) + experts * expert_parameters(model, layer);
  } else {
    sum += dense_ffn_parameters(model, layer);
  }
  return sum;
}

}  // namespace

ModelSpec parse_model(const Document& document, const std::string& name) {
  const Node root = document.root();
  ModelSpec model;
  model.name = name;
  model.description = root.at("description").text();
  model.hidden = whole(root.at("hidden"));
  model.vocabulary = whole(root.at("vocabulary"));
  model.max_context = whole(root.at("max_context"));
  model.tied_embedding = flag(root, "tied_embedding");
  model.learned_positions = flag(root, "learned_positions");
  model.post_norms = flag(root, "post_norms");
  model.biases = flag(root, "biases");
  model.gated_ffn = !flag(root, "plain_ffn");
  const auto gqa = root.find("gqa");
  const auto mla = root.find("mla");
  if (gqa.has_value() == mla.has_value()) {
    root.fail("a model has either gqa or mla, the shape of its attention");
  }
  if (gqa) {
    model.gqa = read_gqa(*gqa);
  } else {
    model.mla = read_mla(*mla);
  }
  const auto moe = root.find("moe");
  model.layers = read_layers(root.at("layers"), moe ? std::optional(read_moe(*moe)) : std::nullopt);
  model.mtp_layers = whole_or_zero(root, "mtp_layers");
  if (static_cast<std::size_t>(model.mtp_layers) > most_layers) {
    root.at("mtp_layers").fail("a model has 10,000 layers at most");
  }
  document.close();
  model.figures = document.figures();
  return model;
}

ModelSpec load_model(std::string_view name, const Location& where) {
  const std::string path = find_file("workloads/models", name, where);
  if (is_hf_config(path)) {
    return load_hf_model(path, std::string(name));
  }
  const Document document = Document::load(path);
  return parse_model(document, std::string(name));
}

double attention_parameters(const ModelSpec& model) {
  const double norms = (model.post_norms ? 4 : 2) * norm_parameters(model, model.hidden);
  return norms + (model.mla ? mla_parameters(model) : gqa_parameters(model));
}

double expert_parameters(const ModelSpec& model, const Layer& layer) {
  return layer.moe ? ffn_parameters(model, layer.moe->ffn) : 0;
}

double shared_parameters(const ModelSpec& model, const Layer& layer) {
  if (!layer.moe) {
    return 0;
  }
  const double router = 1.0 * model.hidden * layer.moe->experts;
  return router + layer.moe->shared_experts * ffn_parameters(model, layer.moe->shared_ffn);
}

double dense_ffn_parameters(const ModelSpec& model, const Layer& layer) {
  return layer.moe ? 0 : ffn_parameters(model, layer.dense_ffn);
}

double embedding_parameters(const ModelSpec& model) {
  const double table = 1.0 * model.vocabulary * model.hidden;
  const double positions = model.learned_positions ? 1.0 * model.max_context * model.hidden : 0;
  return (model.tied_embedding ? 1 : 2) * table + positions;
}

LayerKinds layer_kinds(const ModelSpec& model) {
  LayerKinds result;
  for (const Layer& layer : model.layers) {
    const auto place = std::find(result.kinds.begin(), result.kinds.end(), layer);
    result.of_layer.push_back(static_cast<std::size_t>(place - result.kinds.begin()));
    if (place == result.kinds.end()) {
      result.kinds.push_back(layer);
    }
  }
  return result;
}

double parameters(const ModelSpec& model) {
  double sum = embedding_parameters(model) + norm_parameters(model, model.hidden);
  for (const Layer& layer : model.layers) {
    sum += layer_parameters(model, layer, layer.moe ? layer.moe->experts : 0);
  }
  return sum;
}

double active_parameters(const ModelSpec& model) {
  double sum = embedding_parameters(model) + norm_parameters(model, model.hidden);
  for (const Layer& layer : model.layers) {
    sum += layer_parameters(model, layer, layer.moe ? layer.moe->top_k : 0);
  }
  return sum;
}

double mtp_parameters(const ModelSpec& model) {
  const Layer& last = model.layers.back();
  const double projection = 2.0 * model.hidden * model.hidden + 2 * norm_parameters(model, model.hidden);
  return model.mtp_layers * (projection + layer_parameters(model, last, last.moe ? last.moe->experts : 0));
}

Bytes cache_bytes_per_token_and_layer(const ModelSpec& model, DataType type) {
  const double elements =
      model.mla ? model.mla->latent + model.mla->rope : 2.0 * model.gqa->kv_heads * model.gqa->head_dim;
  return elements * size_of(type);
}

}  // namespace podium
