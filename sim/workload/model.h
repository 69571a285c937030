#pragma once

#include <optional>
#include <string>
#include <vector>

#include "sim/config/config.h"
#include "sim/hardware/data_type.h"

namespace podium {

/// Grouped-query attention (multi-head where kv_heads = heads).
struct GqaShape {
  int heads = 0, kv_heads = 0, head_dim = 0;
  bool query_key_norm = false;
  bool bias = false;  ///< on the query, key and value projections

  bool operator==(const GqaShape&) const = default;
};

/// Multi-head latent attention (DeepSeek-V2).
struct MlaShape {
  int heads = 0, query_rank = 0, latent = 0, rope = 0, nope = 0, value = 0;

  bool operator==(const MlaShape&) const = default;
};

struct MoeShape {
  int experts = 0, shared_experts = 0, top_k = 0;
  int ffn = 0;         ///< of one routed expert
  int shared_ffn = 0;  ///< of one shared expert
  /// Of experts in a row, of which a token chooses so many, and all its experts in them (DeepSeek-V3).
  int groups = 1, groups_chosen = 1;

  bool operator==(const MoeShape&) const = default;
};

/// One decoder layer. Feed-forward is gated (three matrices) unless the model says otherwise.
struct Layer {
  int window = 0;        ///< tokens that attention sees; 0: all
  bool chunked = false;  ///< the window does not slide: a token sees its own chunk of `window` tokens (Llama 4)
  std::optional<MoeShape> moe;
  int dense_ffn = 0;  ///< where there is no MoE

  bool operator==(const Layer&) const = default;
};

/// A decoder-only transformer, from its publisher's configuration. Immutable.
struct ModelSpec {
  std::string name;
  std::string description;
  int hidden = 0, vocabulary = 0, max_context = 0;
  bool tied_embedding = false;
  bool gated_ffn = true;
  bool learned_positions = false;
  bool post_norms = false;      ///< attention and FFN are normed after as well as before (Gemma)
  bool biases = false;          ///< every linear layer and norm adds a bias (GPT-3)
  std::optional<GqaShape> gqa;  ///< one of the two
  std::optional<MlaShape> mla;
  std::vector<Layer> layers;
  int mtp_layers = 0;  ///< multi-token-prediction layers on top, of the last layer's shape
  std::vector<Figure> figures;

  int heads() const { return mla ? mla->heads : gqa->heads; }
};

/// Reads workloads/models/NAME.yaml, or a path: a YAML file, or the config.json of Hugging Face, told by content.
/// `layers` is a list of {count, ffn, window, chunked}, where ffn is the width of a dense layer or the word moe, and of
/// {repeat, layers} for a pattern that comes again; `moe` is the shape of all MoE layers. Flags that are not there are
/// false.
ModelSpec load_model(std::string_view name, const Location& where = {});
/// The same from a document that is open.
ModelSpec parse_model(const Document&, const std::string& name);

/// Layers that are equal, once, and by layer which of them it is.
struct LayerKinds {
  std::vector<Layer> kinds;
  std::vector<std::size_t> of_layer;
};
LayerKinds layer_kinds(const ModelSpec&);

/// Weights without MTP layers, input and output embedding included.
double parameters(const ModelSpec&);
/// The weights that one token uses, input and output embedding included.
double active_parameters(const ModelSpec&);
/// Input embedding, output embedding where it is not the same, learned positions.
double embedding_parameters(const ModelSpec&);
/// All MTP layers with the projection of (hidden, embedding) before each; embedding and head are the model's.
double mtp_parameters(const ModelSpec&);
/// Of one layer: attention and all norms of the layer; one routed expert; all shared experts and the router; the dense
/// FFN.
double attention_parameters(const ModelSpec&);
double expert_parameters(const ModelSpec&, const Layer&);
double shared_parameters(const ModelSpec&, const Layer&);
double dense_ffn_parameters(const ModelSpec&, const Layer&);
/// Of the cache, for one token in one layer (GQA: keys and values of all kv heads; MLA: latent and rope).
Bytes cache_bytes_per_token_and_layer(const ModelSpec&, DataType);

}  // namespace podium
