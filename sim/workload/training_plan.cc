#include <fmt/format.h>

#include <cmath>
#include <numeric>

#include "sim/workload/training.h"

namespace podium {
namespace {

constexpr double most_planned_ranks = 1 << 24;
constexpr double most_passes = 1 << 22;

bool is_whole(double value) { return std::floor(value) == value; }

/// Collects what is wrong with a plan into one kind of error.
class Check {
 public:
  Check(const TrainingPlan& plan, const Location& where) : plan_(plan), where_(where) {}
  void require(bool holds, const std::string& problem) const {
    if (!holds) {
      throw InputError(where_, fmt::format("training plan '{}': {}", plan_.name, problem));
    }
  }
  void divides(std::uint32_t divisor, double value, const std::string& what, const std::string& of) const {
    require(std::fmod(value, divisor) == 0,
            fmt::format("{} {} cannot be split evenly over {} {}", value, what, of, divisor));
  }

 private:
  const TrainingPlan& plan_;
  const Location& where_;
};

void check_types(const Check& check, const ChipSpec& chip, const TrainingPlan& plan) {
  for (const DataType type : {plan.matrix_type, plan.attention_type, DataType::bf16}) {
    check.require(chip.supports(type), fmt::format("chip '{}' does not compute in {}", chip.name, to_string(type)));
    check.require(type != DataType::int8 && type != DataType::w8a8,
                  fmt::format("{} is a format for inference; train in bf16, fp8 or nvfp4", to_string(type)));
  }
  check.require(plan.gradient_type == DataType::fp32 || plan.gradient_type == DataType::bf16,
                fmt::format("gradients are summed in fp32 or bf16, not in {}", to_string(plan.gradient_type)));
}

void check_batches(const Check& check, const ModelSpec& model, const TrainingPlan& plan) {
  for (const auto& [value, what] :
       {std::pair{plan.global_batch, "global batch"}, {plan.micro_batch, "micro-batch"}, {plan.sequence, "sequence"}}) {
    check.require(std::isfinite(value) && value >= 1 && is_whole(value),
                  fmt::format("the {} is {}; it has to be a whole number of at least 1", what, value));
  }
  for (const std::uint32_t width : {plan.tp, plan.cp, plan.dp, plan.pp, plan.ep, plan.virtual_stages}) {
    check.require(width > 0, "tp, cp, dp, pp, ep and virtual stages are at least 1");
  }
  const double ranks = double(plan.tp) * plan.cp * plan.dp * plan.pp;
  check.require(ranks <= most_planned_ranks,
                fmt::format("{} ranks are more than the {} that can be told apart", ranks, most_planned_ranks));
  check.require(plan.tp_overlap_chunks > 0, "tp overlap chunks are at least 1");
  const double own_tokens = plan.micro_batch * plan.sequence / plan.cp / plan.tp;
  check.require(plan.tp == 1 || plan.tp_overlap_chunks <= own_tokens,
                fmt::format("{} tp overlap chunks of the {} tokens of a rank, which are less than a token each",
                            plan.tp_overlap_chunks, own_tokens));
  check.require(is_whole(plan.micro_batches()),
                fmt::format("a global batch of {} is not a whole number of micro-batches of {} on each of {} replicas",
                            plan.global_batch, plan.micro_batch, plan.dp));
  check.divides(plan.tp * plan.cp, plan.sequence, "tokens of a sequence", "tp x cp");
  if (plan.cp > 1) {
    check.divides(2 * plan.cp, plan.sequence, "tokens of a sequence", "2 x cp");
  }
  check.require(!model.learned_positions || plan.sequence <= model.max_context,
                fmt::format("model '{}' has positions for {} tokens, a sequence has {}", model.name, model.max_context,
                            plan.sequence));
}

void check_widths(const Check& check, const ModelSpec& model, const TrainingPlan& plan) {
  check.divides(plan.tp, model.gqa ? model.gqa->heads : model.mla->heads, "heads", "tp");
  if (model.gqa) {
    const auto kv_heads = static_cast<std::uint32_t>(model.gqa->kv_heads);
    check.require(kv_heads % plan.tp == 0 || plan.tp % kv_heads == 0,
                  fmt::format("{} kv heads and tp {}: one has to divide the other", kv_heads, plan.tp));
  }
  bool experts = false;
  for (const Layer& layer : model.layers) {
    if (layer.moe) {
      experts = true;
      check.divides(plan.ep, layer.moe->experts, "experts", "ep");
      check.divides(plan.tp, layer.moe->shared_experts * layer.moe->shared_ffn, "columns of shared experts", "tp");
    } else {
      check.divides(plan.tp, layer.dense_ffn, "columns of the feed-forward layer", "tp");
    }
  }
  check.require(plan.ep == 1 || experts, fmt::format("ep is {}, but model '{}' has no experts", plan.ep, model.name));
  check.divides(plan.ep, plan.tp * plan.cp * plan.dp, "ranks of a stage", "ep");
}

void check_pipeline(const Check& check, const ModelSpec& model, const TrainingPlan& plan) {
  const auto layers = static_cast<int>(model.layers.size());
  // the first piece has the embedding and the last the head: they can do without a layer
  const double pieces = double(plan.pp) * plan.virtual_stages;
  const int ends = pieces > 1 ? 2 : 0;
  check.require(pieces <= layers + ends,
                fmt::format("{} layers, the embedding and the head cannot fill {} stages of {} chunks", layers, plan.pp,
                            plan.virtual_stages));
  check.require(pieces * plan.micro_batches() <= most_passes,
                fmt::format("{} micro-batches through {} pieces of the model are more than the {} passes that a step "
                            "can have",
                            plan.micro_batches(), pieces, most_passes));
  if (plan.virtual_stages > 1) {
    check.require(plan.pp > 1, "virtual stages need a pipeline (pp of at least 2)");
    check.divides(plan.pp, plan.micro_batches(), "micro-batches (interleaved 1F1B runs them by groups of pp)", "pp");
  }
  if (plan.layers_per_stage.empty()) {
    return;
  }
  check.require(plan.layers_per_stage.size() == plan.pp,
                fmt::format("layers are given for {} stages of {}", plan.layers_per_stage.size(), plan.pp));
  for (std::size_t stage = 0; stage < plan.pp; ++stage) {
    const int count = plan.layers_per_stage[stage];
    const bool end = pieces > 1 && (stage == 0 || stage + 1 == plan.pp);
    check.require(count + (end ? 1 : 0) >= static_cast<int>(plan.virtual_stages),
                  fmt::format("a stage of {} layers cannot fill {} chunks", count, plan.virtual_stages));
  }
  const int sum = std::accumulate(plan.layers_per_stage.begin(), plan.layers_per_stage.end(), 0);
  check.require(sum == layers, fmt::format("the stages hold {} layers, model '{}' has {}", sum, model.name, layers));
}

/// `items` over `bins`, as even as they go, the smaller bins outermost: the first, the last, the second …
std::vector<int> spread(int items, int bins) {
  PODIUM_CHECK(bins > 0);
  const int most = (items + bins - 1) / bins;
  std::vector<int> counts(static_cast<std::size_t>(bins), most);
  for (int missing = most * bins - items, k = 0; k < missing; ++k) {
    counts[static_cast<std::size_t>(k % 2 == 0 ? k / 2 : bins - 1 - k / 2)] -= 1;
  }
  return counts;
}

}  // namespace

void check_plan(const ModelSpec& model, const ChipSpec& chip, const TrainingPlan& plan, const Location& where) {
  const Check check(plan, where);
  check_types(check, chip, plan);
  check_batches(check, model, plan);
  check_widths(check, model, plan);
  check_pipeline(check, model, plan);
}

std::vector<std::vector<int>> stage_layers(const ModelSpec& model, const TrainingPlan& plan) {
  const auto layers = static_cast<int>(model.layers.size());
  const auto chunks = static_cast<int>(plan.virtual_stages);
  std::vector<std::vector<int>> result(plan.pp);
  if (plan.layers_per_stage.empty()) {
    const std::vector<int> pieces = spread(layers, static_cast<int>(plan.pp) * chunks);
    for (std::size_t piece = 0; piece < pieces.size(); ++piece) {
      result[piece % plan.pp].push_back(pieces[piece]);
    }
    return result;
  }
  for (std::size_t stage = 0; stage < plan.pp; ++stage) {
    const int count = plan.layers_per_stage[stage];
    for (int chunk = 0; chunk < chunks; ++chunk) {
      // the larger chunks lie towards the middle of the model: late in early stages, early in late ones
      const int place = 2 * stage < plan.pp ? chunks - 1 - chunk : chunk;
      result[stage].push_back(count / chunks + (place < count % chunks ? 1 : 0));
    }
  }
  return result;
}

}  // namespace podium
