#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sim/compute/compute_model.h"
#include "sim/compute/conditions.h"
#include "sim/compute/parameter.h"

namespace podium {

/// What the attention kernels of a library do in one data type, that of the cache. Figures that are fitted are doubles
/// in SI units, of one core where they are rates.
struct AttentionType {
  double prefill_start = 0;   ///< of a kernel
  double preparation = 0;     ///< memory bandwidth, of the data sheet's, at which the new tokens are rotated, quantised
                              ///< and cached before; none: they are not
  double compute = 1;         ///< prefill: of a core's peak
  double softmax = 0;         ///< prefill: seconds a core takes for a score beside the products
  double decode_compute = 1;  ///< of a core's peak
  double sequence = 0;        ///< decode: seconds a core takes for a sequence's KV head, or a part of it, in any case
  double row = 0;             ///< decode: the same for each query of the group and 128 of its elements
  double width = 0;           ///< decode: the same for 128 elements, whatever the queries
  double loading = 0;         ///< decode by a library's own splits: bytes/s of the cache that a core takes in
  double empty = 0;           ///< … seconds of a part that lies before the window, on its core
  double grouped_from = 0;    ///< … fewest parts for each core that go grouped
};

/// Figures of attention, or of multi-head latent attention, for one chip and one software stack.
struct AttentionFigures {
  std::string stack;
  double tile = 128;          ///< new tokens that a core takes at a time
  double fewest_grouped = 1;  ///< queries a KV head that one core takes together in decode …
  double most_grouped = 128;  ///< … others go head by head, without the matrix units
  double memory = 1;          ///< of the data sheet's memory bandwidth
  double tile_start = 0;      ///< prefill: of each tile on its core
  double tail = 0;            ///< share of the longest tile that cores idle at the end
  double decode_start = 0;
  double split_start = 0;     ///< adding up the parts of split contexts
  double core_bandwidth = 0;  ///< bytes/s at which one core loads the cache in decode; none: as it comes
  double resident = 0;        ///< share of the last-level cache that kept what the measurement used last
  double head_start = 0;      ///< decode head by head: of each head on its core
  double head_element = 0;    ///< and a core's seconds for an element of the cache
  double part_tokens = 0;     ///< a library that splits contexts by its own rule: fewest of a part; none: the fastest
  double part_waves = 1;      ///< … parts for each core at most …
  double heads_at_once = 1;   ///< … and heads that a core does at the same time
  std::map<DataType, AttentionType> types;
};

/// Time of attention by tiles. Prefill spreads tiles of new tokens over cores; causal tiles differ, and are begun
/// longest first:
///
///     block = tile x 128 (2 (key + value) / (compute x peak of a core) + softmax)
///     cores = longest tile, or where tiles are more than cores, sum of tiles / cores + tail x longest
///     time  = start + (cores^4 + memory^4)^(1/4)
///
/// Decode spreads KV heads of sequences, with all queries that share them; contexts are split in as many parts as is
/// fastest (flash decoding, Dao 2023):
///
///     part  = sequence + rows x row + tokens (bytes / core bandwidth + rows x 2 (key + value) / (compute x peak))
///     time  = start + ((ceil(parts / cores) part)^4 + memory^4)^(1/4) + adding up
///
/// Some libraries split by a rule of their own, however many waves it takes, and take heads one by one where few parts
/// are left (TensorRT-LLM: xqaParams and kEnableMinBlockFactor in its decoderXQARunner). Then the first part of a core
/// shows, and its others hide behind the memory:
///
///     parts = min(tokens / part_tokens, part_waves x cores / contexts)
///     time  = start + part's start + (((waves x part) - start)^4 + memory^4)^(1/4) + adding up
///
/// A part of the longest context, where contexts differ, is a bound of its own. Blocks that the causal mask or the
/// window cuts are computed whole. As measured, what comes before on some stacks (rotary embedding, quantising, writing
/// the cache) is included, and a small cache may come from the last level.
Cost attention_cost(const Attention&, const ChipSpec&, const AttentionFigures&, CoreShare, Conditions);
/// The same over expanded heads in prefill, and in decode over one cached vector that all heads share.
Cost attention_cost(const Mla&, const ChipSpec&, const AttentionFigures&, CoreShare, Conditions);

/// All that a stack's rows determine, in the file's order.
std::vector<Parameter> parameters_of(AttentionFigures&);
/// The figures that a document describes.
AttentionFigures read_attention(const Document& document);
/// Reads configs/calibration/<kind>/<chip>.yaml, where that is the stack's or none is named, or <chip>-<stack>.yaml;
/// nothing where there is no such file. `kind` is "attention" or "mla".
std::optional<AttentionFigures> load_attention(std::string_view kind, std::string_view chip, std::string_view stack);

}  // namespace podium
