#include "sim/workload/inference.h"

#include <algorithm>

#include "sim/workload/step_graph.h"

namespace podium {
namespace {

using After = ProgramWriter::After;

bool takes_part(CoreShare share) { return share.matrix < 1 || share.vector < 1; }

Weaving choose_weaving(const InferencePlan& plan, const StepTokens& tokens) {
  if (plan.micro_batches == 1 || tokens.sequences() < 2) {
    return Weaving::none;
  }
  return takes_part(plan.attention_cores) || takes_part(plan.expert_cores) ? Weaving::share_cores : Weaving::take_turns;
}

StepTokens halved(StepTokens tokens) {
  tokens.decode_sequences /= 2;
  tokens.prefill_sequences /= 2;
  return tokens;
}

/// A draft's layer is accounted for as such, whatever its parts.
void relabel(Program& program, const std::string& label) {
  for (Piece& piece : program) {
    if (auto* compute = std::get_if<Compute>(&piece)) {
      compute->label = label;
    }
  }
}

LayerProgram draft_layer(const InferenceSetup& setup, const StepTokens& tokens) {
  LayerProgram program = layer_program(setup, setup.model.layers.back(), tokens);
  for (Program* part : {&program.attention, &program.front, &program.send, &program.beside, &program.feed_forward,
                        &program.back, &program.finish}) {
    relabel(*part, "draft");
  }
  return program;
}

/// Writes one step. Layers are woven where there are two micro-batches; embedding and head run for both at once, since
/// they would read their weights twice.
struct PhaseWriter {
  const InferenceSetup& setup;
  const StepTokens& tokens;
  Weaving weaving;
  TaskGraph& graph;
  ProgramWriter& writer;

  After layers(After after) {
    const StepTokens batch = weaving == Weaving::none ? tokens : halved(tokens);
    const LayerKinds layers = layer_kinds(setup.model);
    std::vector<LayerProgram> programs;
    for (const Layer& layer : layers.kinds) {
      programs.push_back(layer_program(setup, layer, batch));
    }
    return add_layers(graph, writer, setup.plan, weaving, programs, layers.of_layer, "layers", std::move(after));
  }

  /// The first pass takes all tokens of the step, to fill the draft layer's own cache; each further one drafts one
  /// token more of the sequences that decode.
  After drafts(After after) {
    for (int draft = 0; draft < setup.plan.draft_tokens; ++draft) {
      StepTokens pass = tokens;
      if (draft > 0) {
        pass.query = 1;
        pass.prefill_sequences = 0;
      }
      if (pass.sequences() <= 0) {
        break;
      }
      after = writer.add(draft_front(setup, pass), main_stream, std::move(after));
      const StepTokens batch = weaving == Weaving::none ? pass : halved(pass);
      after =
          add_layers(graph, writer, setup.plan, weaving, {draft_layer(setup, batch)}, {0}, "draft", std::move(after));
      after = writer.add(head_program(setup, pass.sequences(), "draft"), main_stream, std::move(after));
    }
    return after;
  }
};

}  // namespace

TaskGraph inference_step(const ModelSpec& model, const ChipSpec& chip, const InferencePlan& plan,
                         const StepShape& shape) {
  const InferenceSetup setup{model, chip, plan};
  const StepTokens tokens = step_tokens(plan, shape);
  PODIUM_CHECK(tokens.all() > 0, "a step has tokens");
  TaskGraph graph;
  ProgramWriter writer(graph, plan);
  PhaseWriter step{setup, tokens, choose_weaving(plan, tokens), graph, writer};
  After after = writer.add_delay("host", chip.graph_launch, {});
  after = writer.add(embedding_program(setup, tokens), main_stream, std::move(after));
  after = step.layers(std::move(after));
  // every drafted token is verified, so each needs its logits; of a prompt only the last token does
  const double rows = tokens.decode() + tokens.prefill_sequences;
  after = writer.add(head_program(setup, rows, "head"), main_stream, std::move(after));
  step.drafts(std::move(after));
  return graph;
}

}  // namespace podium
