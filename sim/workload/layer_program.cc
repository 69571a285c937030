#include "sim/workload/layer_program.h"

#include <algorithm>

namespace podium {
namespace {

struct LiveBytes {
  Bytes operator()(const Gemm& g) const { return g.batch * g.m * (g.k * size_of(g.type) + g.n * Bytes(wide)); }
  Bytes operator()(const GroupedGemm& g) const { return g.rows * (g.k * size_of(g.type) + g.n * Bytes(wide)); }
  Bytes operator()(const Attention& a) const {
    return 2 * a.batch * a.query * a.query_heads * a.head_dim * Bytes(wide);
  }
  Bytes operator()(const Mla& m) const {
    return m.batch * m.query * m.heads * (m.latent + m.rope + m.value) * Bytes(wide);
  }
  Bytes operator()(const MemoryOp& op) const { return op.read + op.written; }
};

}  // namespace

bool takes_quantised(DataType type) { return size_of(type) < Bytes(wide) && type != DataType::w8a8; }

Kernel gemm(DataType type, double m, double n, double k, double batch) { return Gemm{type, m, n, k, batch}; }

Kernel elementwise(std::string_view name, double rows, double width, double read, double written, double flops) {
  const double elements = rows * width;
  return MemoryOp{name, Bytes(elements * read), Bytes(elements * written), Flops(elements * flops)};
}

Compute add_norm(const InferenceSetup& setup, double rows, DataType next) {
  // residual and branch in; residual and normed out
  const double out = takes_quantised(next) ? size_of(next).value() : wide;
  const double flops = takes_quantised(next) ? 9 : 6;
  return {"norms", {elementwise("add_norm", rows, setup.model.hidden, 2 * wide, wide + out, flops)}};
}

Kernel activation(const InferenceSetup& setup, double rows, double width, DataType next) {
  const double out = takes_quantised(next) ? size_of(next).value() : wide;
  const double flops = (setup.model.gated_ffn ? 8 : 7) + (takes_quantised(next) ? 3 : 0);
  return elementwise("activation", rows, width, setup.model.gated_ffn ? 2 * wide : wide, out, flops);
}

double up_width(const ModelSpec& model, double ffn) { return model.gated_ffn ? 2 * ffn : ffn; }

LayerProgram layer_program(const InferenceSetup& setup, const Layer& layer, const StepTokens& tokens) {
  LayerProgram program;
  program.attention = attention_program(setup, layer, tokens);
  if (layer.moe) {
    add_moe(program, setup, layer, tokens);
  } else {
    add_dense_ffn(program, setup, layer, tokens);
  }
  return program;
}

void add_dense_ffn(LayerProgram& program, const InferenceSetup& setup, const Layer& layer, const StepTokens& tokens) {
  const ModelSpec& model = setup.model;
  const InferencePlan& plan = setup.plan;
  const double rows = tokens.all();
  const double width = 1.0 * layer.dense_ffn / plan.tp;
  const Bytes stream(rows * model.hidden * wide);
  program.front = {add_norm(setup, setup.rows(tokens), plan.weight_type)};
  if (setup.splits_tokens()) {
    program.send.push_back(Exchange{"tp", Among::tp, CollectiveKind::all_gather, stream});
  }
  program.feed_forward = {
      Compute{"dense ffn",
              {gemm(plan.weight_type, rows, up_width(model, width), model.hidden),
               activation(setup, rows, width, plan.weight_type), gemm(plan.weight_type, rows, model.hidden, width)}}};
  if (plan.tp > 1) {
    program.back.push_back(Exchange{"tp", Among::tp, sum_kind(setup), stream});
  }
  add_post_norm(program.finish, setup, tokens);
}

CollectiveKind sum_kind(const InferenceSetup& setup) {
  return setup.splits_tokens() ? CollectiveKind::reduce_scatter : CollectiveKind::all_reduce;
}

void add_post_norm(Program& program, const InferenceSetup& setup, const StepTokens& tokens) {
  if (setup.model.post_norms) {
    program.push_back(Compute{"norms", {elementwise("norm", setup.rows(tokens), setup.model.hidden, wide, wide, 5)}});
  }
}

Program embedding_program(const InferenceSetup& setup, const StepTokens& tokens) {
  const double rows = tokens.all();
  const double tables = setup.model.learned_positions ? 2 : 1;
  Program program{
      Compute{"head", {elementwise("embedding", rows, setup.model.hidden, tables * wide, wide, tables - 1)}}};
  if (setup.plan.tp > 1) {
    // the vocabulary is split: each rank looks up its part, the sum has them all
    const Bytes bytes(rows * setup.model.hidden * wide);
    program.push_back(Exchange{"tp", Among::tp, sum_kind(setup), bytes});
  }
  return program;
}

Program head_program(const InferenceSetup& setup, double rows, const std::string& label) {
  const ModelSpec& model = setup.model;
  const double vocabulary = model.vocabulary;
  const Kernel norm = elementwise("add_norm", rows, model.hidden, 2 * wide, wide, 6);
  // temperature, softmax and a draw: the logits are read twice
  const Kernel sample = elementwise("sample", rows, vocabulary, 2 * wide, 0, 6);
  const Kernel logits = gemm(DataType::bf16, rows, vocabulary / setup.plan.tp, model.hidden);
  if (setup.plan.tp == 1) {
    return {Compute{label, {norm, logits, sample}}};
  }
  const Bytes gathered(rows * vocabulary * wide);
  return {Compute{label, {norm, logits}}, Exchange{"tp", Among::tp, CollectiveKind::all_gather, gathered},
          Compute{label, {sample}}};
}

Program draft_front(const InferenceSetup& setup, const StepTokens& tokens) {
  const double rows = setup.rows(tokens);
  const double hidden = setup.model.hidden;
  return {Compute{"draft",
                  {elementwise("embed_norm", rows, 2 * hidden, wide, wide, 5),
                   gemm(setup.plan.weight_type, rows, hidden, 2 * hidden)}}};
}

Bytes weights(const Program& program) {
  Bytes sum;
  for (const Piece& piece : program) {
    const auto* compute = std::get_if<Compute>(&piece);
    for (const Kernel& kernel : compute ? compute->kernels : std::vector<Kernel>{}) {
      if (const auto* g = std::get_if<Gemm>(&kernel)) {
        sum += g->batch * g->n * g->k * size_of(g->type);
      }
    }
  }
  return sum;
}

Bytes largest_activation(const Program& program) {
  Bytes most;
  for (const Piece& piece : program) {
    const auto* compute = std::get_if<Compute>(&piece);
    for (const Kernel& kernel : compute ? compute->kernels : std::vector<Kernel>{}) {
      most = std::max(most, std::visit(LiveBytes{}, kernel));
    }
  }
  return most;
}

}  // namespace podium
