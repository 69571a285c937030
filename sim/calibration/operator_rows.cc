#include "sim/calibration/operator_rows.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <tuple>

#include "sim/calibration/routing.h"

namespace podium {
namespace {

using Names = std::initializer_list<std::string_view>;

Column required(const RowTable& table, Names names) { return Column::required(table, {names.begin(), names.size()}); }
Column optional(const RowTable& table, Names names) { return Column::optional(table, {names.begin(), names.size()}); }

DataType type_or(const Column& column, const TableRow& row, DataType otherwise) {
  return column.has(row) ? parse_data_type(column.text(row), row.where) : otherwise;
}

RowKernels gemm_rows(const RowTable& table) {
  const Column type = required(table, {"dtype", "data_type"});
  const Column m = required(table, {"m"}), n = required(table, {"n"}), k = required(table, {"k"});
  const Column groups = optional(table, {"groups", "batch"});
  return [=](const TableRow& row) -> std::vector<Kernel> {
    return {Gemm{parse_data_type(type.text(row), row.where), m.count(row), n.count(row), k.count(row),
                 groups.has(row) ? groups.count(row) : 1}};
  };
}

RowKernels grouped_gemm_rows(const RowTable& table) {
  const Column type = optional(table, {"dtype", "data_type"});
  const Column experts = required(table, {"experts", "num_experts"});
  const Column tokens = required(table, {"tokens_per_expert"});
  const Column n = required(table, {"n"}), k = required(table, {"k"});
  return [=](const TableRow& row) -> std::vector<Kernel> {
    const double groups = experts.count(row);
    return {GroupedGemm{type_or(type, row, DataType::bf16), groups, groups * tokens.positive(row), n.count(row),
                        k.count(row), 0}};
  };
}

/// "prefill" or "decode", and the names that vendors have for them.
AttentionPhase phase_of(const Column& column, const TableRow& row) {
  const std::string_view phase = column.text(row);
  if (phase == "prefill" || phase == "context") {
    return AttentionPhase::prefill;
  }
  if (phase == "decode" || phase == "generation") {
    return AttentionPhase::decode;
  }
  const std::vector<std::string> known{"prefill", "decode"};
  column.fail(row, unknown_name("phase", phase, known));
}

/// New tokens and all that they may see, of a sequence. Decode has one new token where the row does not say.
struct Lengths {
  explicit Lengths(const RowTable& table)
      : query(optional(table, {"q_len", "seq_len"})), context(optional(table, {"kv_len", "seq_or_kv_len"})) {
    if (std::find(table.columns.begin(), table.columns.end(), "kv_len") == table.columns.end()) {
      required(table, {"q_len", "seq_len", "seq_or_kv_len"});
    }
  }
  double new_tokens(const TableRow& row, AttentionPhase phase) const {
    if (query.has(row)) {
      return query.count(row);
    }
    return phase == AttentionPhase::decode ? 1 : context.count(row);
  }
  double seen(const TableRow& row, double new_tokens) const {
    const double all = context.has(row) ? context.count(row) : new_tokens;
    if (all < new_tokens) {
      context.fail(row, fmt::format("{} tokens cannot hold the {} new ones, which are part of them", all, new_tokens));
    }
    return all;
  }

  Column query, context;
};

RowKernels attention_rows(const RowTable& table) {
  const Column phase = required(table, {"phase"});
  const Column batch = required(table, {"batch", "batch_size"});
  const Column heads = required(table, {"q_heads", "num_heads", "heads"});
  const Column kv_heads = required(table, {"kv_heads", "num_kv_heads"});
  const Column dim = required(table, {"head_dim"});
  const Column causal = optional(table, {"causal"});
  const Column type = optional(table, {"dtype", "attn_dtype"});
  const Column cache = optional(table, {"kv_dtype", "kv_cache_dtype"});
  const Column window = optional(table, {"window", "window_size"}), longest = optional(table, {"kv_len_max"});
  const Lengths lengths(table);
  return [=](const TableRow& row) -> std::vector<Kernel> {
    Attention attention;
    attention.phase = phase_of(phase, row);
    attention.type = type_or(type, row, DataType::bf16);
    attention.cache_type = type_or(cache, row, attention.type);
    attention.batch = batch.count(row);
    attention.query_heads = heads.count(row);
    attention.kv_heads = kv_heads.count(row);
    attention.query = lengths.new_tokens(row, attention.phase);
    attention.context = lengths.seen(row, attention.query);
    attention.head_dim = dim.count(row);
    attention.causal =
        attention.phase == AttentionPhase::decode || causal.text(row) == "true" || causal.number_or(row, 1) > 0;
    attention.window = window.number_or(row, 0);
    attention.longest = longest.number_or(row, 0);
    return {attention};
  };
}

RowKernels mla_rows(const RowTable& table) {
  const Column phase = required(table, {"phase"});
  const Column batch = required(table, {"batch", "batch_size"});
  const Column heads = required(table, {"heads", "num_heads", "q_heads"});
  const Column type = optional(table, {"dtype", "mla_dtype"});
  const Column cache = optional(table, {"kv_dtype", "kv_cache_dtype"});
  const Lengths lengths(table);
  return [=](const TableRow& row) -> std::vector<Kernel> {
    Mla mla;
    mla.phase = phase_of(phase, row);
    mla.type = type_or(type, row, DataType::bf16);
    mla.cache_type = type_or(cache, row, mla.type);
    mla.batch = batch.count(row);
    mla.heads = heads.count(row);
    mla.query = lengths.new_tokens(row, mla.phase);
    mla.context = lengths.seen(row, mla.query);
    return {mla};
  };
}

/// What one operation does for an element, and whether it goes through rows as a whole. Elements are in bf16 but those
/// that are narrow: they have the row's type.
struct MemoryPattern {
  std::string_view name;
  double read, written, flops;
  bool whole_rows = false;
  double narrow_read = 0, narrow_written = 0;
};

constexpr MemoryPattern memory_patterns[] = {
    {"copy", 1, 1, 0},
    {"add", 2, 1, 1},
    {"mul", 2, 1, 1},
    {"rmsnorm", 1, 1, 4, true},
    {"layernorm", 1, 1, 6, true},
    {"softmax", 1, 1, 5, true},
    {"silu", 1, 1, 4},
    {"gelu", 1, 1, 8},
    {"relu", 1, 1, 1},
    {"swiglu", 2, 1, 5},
    {"rope", 1, 1, 6},
    {"fill", 0, 1, 0},
    {"add_rmsnorm", 2, 2, 5, true},
    {"embedding", 1, 1, 0},       // a row of the table for each token, whose number is nothing beside it
    {"sampling", 1, 0, 6, true},  // softmax of the logits and one choice, of which a number is written
    {"quantise", 1, 0, 3, true, 0, 1},
    {"dequantise", 0, 1, 1, false, 1, 0},
};

const MemoryPattern& pattern_of(std::string_view name) {
  std::vector<std::string> known;
  for (const MemoryPattern& pattern : memory_patterns) {
    if (pattern.name == name) {
      return pattern;
    }
    known.emplace_back(pattern.name);
  }
  throw InputError(unknown_name("operation", name, known));
}

/// One operation, or a fused chain of them ("add+rmsnorm+quantise"): each after the first takes its first operand from
/// the one before, and only the last writes. `size` is that of narrow elements where an operation has some, or else of
/// all.
MemoryOp memory_op(std::string_view chain, double rows, double columns, Bytes size) {
  MemoryOp result;
  const double elements = rows * columns;
  for (std::size_t begin = 0; begin <= chain.size();) {
    const std::size_t end = std::min(chain.find('+', begin), chain.size());
    const MemoryPattern& pattern = pattern_of(chain.substr(begin, end - begin));
    const bool narrows = pattern.narrow_read + pattern.narrow_written > 0 || chain.find("quantise") != chain.npos;
    const Bytes wide = narrows ? size_of(DataType::bf16) : size;
    const double inherited = begin == 0 ? 0 : std::min(pattern.read, 1.0);
    result.read += elements * ((pattern.read - inherited) * wide + (begin == 0 ? pattern.narrow_read : 0) * size);
    result.written = elements * (pattern.written * wide + pattern.narrow_written * size);
    result.vector_flops += Flops(elements * pattern.flops);
    if (result.name.empty() || (pattern.whole_rows && result.columns == 0)) {
      result.name = pattern.name;
    }
    result.columns = pattern.whole_rows ? columns : result.columns;
    begin = end + 1;
  }
  return result;
}

RowKernels memory_rows(const RowTable& table) {
  const Column operation = required(table, {"op", "operation"});
  const Column rows = required(table, {"rows"}), columns = required(table, {"cols", "columns"});
  const Column type = optional(table, {"dtype"});
  return [=](const TableRow& row) -> std::vector<Kernel> {
    const std::string_view chain = operation.text(row);
    const bool narrows = chain.find("quantise") != chain.npos;
    return {memory_op(chain, rows.count(row), columns.count(row),
                      size_of(type_or(type, row, narrows ? DataType::fp8 : DataType::bf16)))};
  };
}

/// Permutation, up and gate, activation, down, sum: as if each were a kernel by itself.
std::vector<Kernel> kernels_of(const ExpertShare& share) {
  const Bytes narrow = size_of(share.type), wide = size_of(DataType::bf16);
  const double up = share.inner * (share.gated ? 2 : 1);
  return {
      MemoryOp{"permute", share.rows * share.hidden * wide, share.rows * share.hidden * narrow, Flops(0)},
      GroupedGemm{share.type, share.held, share.rows, up, share.hidden, share.touched, share.spread},
      MemoryOp{"activation", share.rows * up * wide, share.rows * share.inner * narrow, Flops(0)},
      GroupedGemm{share.type, share.held, share.rows, share.hidden, share.inner, share.touched, share.spread},
      MemoryOp{"sum", share.rows * share.hidden * wide, share.tokens * share.hidden * wide, Flops(0)},
  };
}

RowKernels moe_rows(const RowTable& table) {
  return [share = expert_rows(table)](const TableRow& row) { return kernels_of(share(row)); };
}

/// One dense layer with grouped-query attention and gated FFN in bf16 on one chip, as plain PyTorch runs it: sum and
/// norm, and both steps of the gate, are kernels of their own, unless a column `fused` says otherwise.
RowKernels layer_rows(const RowTable& table) {
  const Column hidden = required(table, {"hidden", "hidden_size"}), ffn = required(table, {"ffn", "inter_size"});
  const Column heads = required(table, {"q_heads", "num_heads"}), kv_heads = required(table, {"kv_heads"});
  const Column dim = required(table, {"head_dim"}), batch = required(table, {"batch", "batch_size"});
  const Column fused = optional(table, {"fused"});
  const Lengths lengths(table);
  return [=](const TableRow& row) -> std::vector<Kernel> {
    Attention attention;
    attention.batch = batch.count(row);
    attention.query_heads = heads.count(row);
    attention.kv_heads = kv_heads.count(row);
    attention.head_dim = dim.count(row);
    attention.query = lengths.new_tokens(row, AttentionPhase::decode);
    attention.context = lengths.seen(row, attention.query);
    attention.phase = attention.query > 1 ? AttentionPhase::prefill : AttentionPhase::decode;
    const double tokens = attention.batch * attention.query, width = hidden.count(row), inner = ffn.count(row);
    const double queries = attention.query_heads * attention.head_dim;
    const double keys = attention.kv_heads * attention.head_dim;
    std::vector<Kernel> kernels;
    const auto product = [&](double n, double k) { kernels.emplace_back(Gemm{DataType::bf16, tokens, n, k, 1}); };
    const auto pass = [&](std::initializer_list<std::string_view> names, double columns) {
      for (const std::string_view name : names) {
        kernels.emplace_back(memory_op(name, tokens, columns, size_of(DataType::bf16)));
      }
    };
    const bool is_fused = fused.number_or(row, 0) > 0;
    pass({"rmsnorm"}, width);
    product(queries + 2 * keys, width);
    pass({"rope"}, queries + 2 * keys);  // and the cache write
    kernels.emplace_back(attention);
    product(width, queries);
    is_fused ? pass({"add_rmsnorm"}, width) : pass({"add", "rmsnorm"}, width);
    product(2 * inner, width);
    is_fused ? pass({"swiglu"}, inner) : pass({"silu", "mul"}, inner);
    product(width, inner);
    pass({"add"}, width);
    return kernels;
  };
}

const OperatorRows::Entry entries[] = {{"gemm", "products of two matrices", gemm_rows},
                                       {"grouped_gemm", "a product for each of several experts", grouped_gemm_rows},
                                       {"attention", "attention cores, prefill or decode", attention_rows},
                                       {"mla", "multi-head latent attention cores", mla_rows},
                                       {"moe", "one rank's share of a layer's experts", moe_rows},
                                       {"memory", "kernels bound by memory", memory_rows},
                                       {"layer", "one dense transformer layer", layer_rows}};

/// What reaches a rank; a power law is drawn only once for the rows of a table that share it.
class KnownRoutings {
 public:
  const Reached& of(const ExpertRouting& routing, std::string_view distribution) {
    const Key key{distribution, routing.tokens, routing.choices, routing.experts, routing.ranks, routing.grouped};
    const auto found = known_.find(key);
    return found != known_.end() ? found->second : known_.emplace(key, reached(routing, distribution)).first->second;
  }

 private:
  using Key = std::tuple<std::string, double, double, double, double, bool>;
  std::map<Key, Reached> known_;
};

}  // namespace

std::function<ExpertShare(const TableRow&)> expert_rows(const RowTable& table) {
  const Column type = required(table, {"dtype", "moe_dtype"});
  const Column tokens = required(table, {"tokens", "num_tokens"});
  const Column hidden = required(table, {"hidden", "hidden_size"}), ffn = required(table, {"ffn", "inter_size"});
  const Column experts = required(table, {"experts", "num_experts"}), topk = required(table, {"topk", "top_k"});
  const Column ep = required(table, {"ep", "moe_ep_size", "ep_size"}), tp = optional(table, {"tp", "moe_tp_size"});
  const Column distribution = optional(table, {"distribution"}), source = optional(table, {"kernel_source"});
  return [=, routings = std::make_shared<KnownRoutings>()](const TableRow& row) {
    ExpertRouting routing{tokens.count(row), topk.count(row), experts.count(row), ep.count(row)};
    if (routing.experts < routing.ranks) {
      experts.fail(row, "there are fewer experts than ranks");
    }
    if (routing.experts < routing.choices) {
      experts.fail(row, "there are fewer experts than a token chooses");
    }
    ExpertShare share;
    // weights of four bits and activations of eight: "compute" of the figures tells their rate
    share.type = type.text(row) == "w4a8_mxfp4_mxfp8" ? DataType::mxfp4 : parse_data_type(type.text(row), row.where);
    share.tokens = routing.tokens;
    share.choices = routing.choices;
    share.hidden = hidden.count(row);
    share.inner = ffn.count(row) / (tp.has(row) ? tp.count(row) : 1);
    share.held = routing.experts / routing.ranks;
    share.gated = !source.text(row).ends_with("nongated");
    share.hasty = source.text(row).ends_with("min_latency");
    routing.grouped = share.hasty && routing.choices > 1;  // as these were measured, whatever the model's own way
    try {
      const Reached& found = routings->of(routing, distribution.text(row));
      share.rows = found.rows;
      share.touched = std::min({found.touched, found.rows, share.held});
      share.spread = found.spread;
    } catch (const InputError& error) {
      throw InputError(row.where, error.what());
    }
    return share;
  };
}

}  // namespace podium
