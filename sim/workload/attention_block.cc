#include <algorithm>
#include <cmath>

#include "sim/workload/layer_program.h"

/// Attention of one layer at one rank. What real stacks run as one kernel is one here: the projections of queries, keys
/// and values side by side; norms, rotary embedding and the write to the cache; quantising where it has no norm to ride
/// on.
namespace podium {
namespace {

struct Builder {
  const InferenceSetup& setup;
  const Layer& layer;
  const StepTokens& tokens;
  Program program = {};
  std::vector<Kernel> kernels = {};

  const InferencePlan& plan() const { return setup.plan; }
  double cache_size() const { return size_of(plan().cache_type).value(); }
  void project(double rows, double n, double k) { kernels.push_back(gemm(plan().weight_type, rows, n, k)); }
  void exchange(CollectiveKind kind, double elements) {
    program.push_back(Compute{"attention", std::move(kernels)});
    kernels.clear();
    program.push_back(Exchange{"tp", Among::tp, kind, Bytes(elements * wide)});
  }
  void project_output(double width);

  void gqa(const GqaShape& shape);
  void gqa_decode(Attention core);
  void gqa_prefill(Attention core);
  void mla(const MlaShape& shape);
  void mla_absorbed(const MlaShape& shape, const Mla& core);
  void mla_expanded(const MlaShape& shape, const Mla& core);
  void mla_prefill(const MlaShape& shape, Mla core);
};

/// From `width` columns of a rank's heads, or of all heads where tokens are split.
void Builder::project_output(double width) {
  if (setup.splits_tokens()) {
    exchange(CollectiveKind::all_to_all, tokens.all() * width);
    width *= plan().tp;
  }
  const double rows = setup.rows(tokens);
  if (takes_quantised(plan().weight_type)) {
    kernels.push_back(elementwise("quantise", rows, width, wide, size_of(plan().weight_type).value(), 3));
  }
  project(rows, setup.model.hidden, width);
}

void Builder::gqa(const GqaShape& shape) {
  const double heads = 1.0 * shape.heads / plan().tp;
  const double kv_heads = std::max(1.0, 1.0 * shape.kv_heads / plan().tp);
  const double width = (heads + 2 * kv_heads) * shape.head_dim;
  const double all_heads = (shape.heads + 2.0 * shape.kv_heads) * shape.head_dim;
  project(setup.rows(tokens), setup.splits_tokens() ? all_heads : width, setup.model.hidden);
  if (setup.splits_tokens()) {
    exchange(CollectiveKind::all_to_all, tokens.all() * width);
  }
  const double written = (heads * wide + 2 * kv_heads * cache_size()) / (heads + 2 * kv_heads);
  kernels.push_back(elementwise("rope_cache", tokens.all(), width, wide, written, shape.query_key_norm ? 8 : 3));
  Attention core;
  core.type = plan().attention_type;
  core.cache_type = plan().cache_type;
  core.query_heads = heads;
  core.kv_heads = kv_heads;
  core.head_dim = shape.head_dim;
  if (tokens.decode() > 0) {
    gqa_decode(core);
  }
  if (tokens.prefill() > 0) {
    gqa_prefill(core);
  }
  project_output(heads * shape.head_dim);
}

void Builder::gqa_decode(Attention core) {
  core.phase = AttentionPhase::decode;
  core.batch = tokens.decode_sequences;
  core.query = tokens.query;
  core.context = tokens.decode_context + tokens.query;
  if (layer.chunked && core.context > layer.window) {
    // sequences stand anywhere in their chunk: half of it on the mean
    core.context = std::max(core.query, 0.5 * layer.window);
  } else if (!layer.chunked) {
    core.window = layer.window;
  }
  kernels.push_back(core);
}

void Builder::gqa_prefill(Attention core) {
  core.phase = AttentionPhase::prefill;
  core.batch = tokens.prefill_sequences;
  const double before = tokens.prefill_context;
  const double fresh = tokens.prefill_tokens;
  if (!layer.chunked || before + fresh <= layer.window) {
    core.query = fresh;
    core.context = before + fresh;
    core.window = layer.chunked ? 0 : layer.window;
    kernels.push_back(core);
    return;
  }
  // chunks are sequences of their own: the rest of the one that was begun, whole ones, and a begun one
  const double chunk = layer.window;
  const double begun = std::fmod(before, chunk);
  const double first = begun > 0 ? std::min(fresh, chunk - begun) : 0;
  const double whole = std::floor((fresh - first) / chunk);
  const double last = fresh - first - whole * chunk;
  const auto add = [&](double count, double query, double context) {
    if (count > 0 && query > 0) {
      core.batch = count * tokens.prefill_sequences;
      core.query = query;
      core.context = context;
      kernels.push_back(core);
    }
  };
  add(1, first, begun + first);
  add(whole, chunk, chunk);
  add(1, last, last);
}

void Builder::mla(const MlaShape& shape) {
  const double heads = 1.0 * shape.heads / plan().tp;
  const double down = shape.query_rank + shape.latent + shape.rope;
  const double rows = tokens.all();
  project(setup.rows(tokens), down, setup.model.hidden);
  if (setup.splits_tokens()) {
    exchange(CollectiveKind::all_gather, rows * down);
  }
  // norms of the low-rank query and the latent, rotary embedding of the key's and the queries' parts, the cache's row
  const double rope = heads * shape.rope;
  const double quantised = takes_quantised(plan().weight_type) ? size_of(plan().weight_type).value() : wide;
  const double written =
      (shape.query_rank * quantised + (shape.latent + shape.rope) * cache_size() + rope * wide) / (down + rope);
  kernels.push_back(elementwise("norm_rope_cache", rows, down + rope, wide, written, 6));
  project(rows, heads * (shape.nope + shape.rope), shape.query_rank);
  Mla core;
  core.type = plan().attention_type;
  core.cache_type = plan().cache_type;
  core.heads = heads;
  core.latent = shape.latent;
  core.rope = shape.rope;
  core.nope = shape.nope;
  core.value = shape.value;
  if (tokens.decode() > 0) {
    core.phase = AttentionPhase::decode;
    core.batch = tokens.decode_sequences;
    core.query = tokens.query;
    core.context = tokens.decode_context + tokens.query;
    mla_absorbed(shape, core);
  }
  if (tokens.prefill() > 0) {
    mla_prefill(shape, core);
  }
  project_output(heads * shape.value);
}

/// With the up-projections of keys and values absorbed into query and output, in the type of the attention.
void Builder::mla_absorbed(const MlaShape& shape, const Mla& core) {
  const double rows = core.batch * core.query;
  kernels.push_back(gemm(plan().attention_type, rows, shape.latent, shape.nope, core.heads));
  kernels.push_back(core);
  kernels.push_back(gemm(plan().attention_type, rows, shape.value, shape.latent, core.heads));
}

/// With keys and values of the whole context, of what was in the cache too.
void Builder::mla_expanded(const MlaShape& shape, const Mla& core) {
  project(core.batch * core.context, core.heads * (shape.nope + shape.value), shape.latent);
  kernels.push_back(core);
}

/// A few tokens after a long context attend to it as decoding does: expanding it would be most of the work. Whichever
/// multiplies less.
void Builder::mla_prefill(const MlaShape& shape, Mla core) {
  core.batch = tokens.prefill_sequences;
  core.query = tokens.prefill_tokens;
  core.context = tokens.prefill_context + tokens.prefill_tokens;
  const double pairs = core.query * (tokens.prefill_context + core.query / 2);
  const double projection = shape.latent * (shape.nope + shape.value);
  const double absorbed = core.query * projection + pairs * (2 * shape.latent + shape.rope);
  const double expanded = core.context * projection + pairs * (shape.nope + shape.rope + shape.value);
  if (absorbed < expanded) {
    core.phase = AttentionPhase::decode;
    mla_absorbed(shape, core);
  } else {
    core.phase = AttentionPhase::prefill;
    mla_expanded(shape, core);
  }
}

}  // namespace

Program attention_program(const InferenceSetup& setup, const Layer& layer, const StepTokens& tokens) {
  const ModelSpec& model = setup.model;
  Builder builder{setup, layer, tokens};
  if (model.mla) {
    builder.mla(*model.mla);
  } else {
    builder.gqa(*model.gqa);
  }
  Program program{add_norm(setup, setup.rows(tokens), setup.plan.weight_type)};
  program.insert(program.end(), builder.program.begin(), builder.program.end());
  program.push_back(Compute{"attention", std::move(builder.kernels)});
  if (setup.plan.tp > 1 && !setup.splits_tokens()) {
    // tokens that go to experts from one rank each are summed where they start; others are summed everywhere
    const bool scatter = layer.moe && setup.exchanges_tokens();
    const auto kind = scatter ? CollectiveKind::reduce_scatter : CollectiveKind::all_reduce;
    program.push_back(Exchange{"tp", Among::tp, kind, Bytes(tokens.all() * model.hidden * wide)});
  }
  add_post_norm(program, setup, tokens);
  return program;
}

}  // namespace podium
