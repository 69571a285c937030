#include "sim/workload/plan_file.h"

#include <fmt/format.h>

namespace podium {
namespace {

DataType data_type(const Node& node) { return parse_data_type(node.text(), node.where()); }

std::uint32_t degree(const Node& node) {
  return node.positive_count("a degree of parallelism (a whole number from 1)");
}

double share(const Node& node) {
  return node.figure_number([](double value) {
    if (value > 1) {
      throw InputError(fmt::format("{} is not a share (0 to 1)", value));
    }
  });
}

CoreShare cores(const Node& node) { return {share(node.at("matrix")), share(node.at("vector"))}; }

template <class T, class Read>
void set(const Node& node, std::string_view key, T& field, Read read) {
  if (const auto child = node.find(key)) {
    field = static_cast<T>(read(*child));
  }
}

double at_least_one(const Node& node) {
  return node.figure_number([](double value) {
    if (value < 1) {
      throw InputError("an imbalance is the fullest over the mean: at least 1");
    }
  });
}

}  // namespace

void read_inference_plan(const Node& node, InferencePlan& plan) {
  const auto count = [](const Node& n) { return n.count(); };
  set(node, "weights", plan.weight_type, data_type);
  set(node, "experts", plan.expert_type, data_type);
  set(node, "attention", plan.attention_type, data_type);
  set(node, "cache", plan.cache_type, data_type);
  set(node, "dispatch", plan.dispatch_type, data_type);
  set(node, "combine", plan.combine_type, data_type);
  set(node, "tp", plan.tp, degree);
  set(node, "dp", plan.dp, degree);
  set(node, "ep", plan.ep, degree);
  set(node, "expert_tp", plan.expert_tp, degree);
  set(node, "redundant_experts", plan.redundant_experts, count);
  set(node, "shared_expert_slots", plan.shared_expert_slots, count);
  set(node, "expert_imbalance", plan.expert_imbalance, at_least_one);
  set(node, "once_per_rank", plan.once_per_rank, [](const Node& n) { return n.flag(); });
  set(node, "once_per_node", plan.once_per_node, [](const Node& n) { return n.flag(); });
  set(node, "sequence_parallel", plan.sequence_parallel, [](const Node& n) { return n.flag(); });
  set(node, "micro_batches", plan.micro_batches, count);
  set(node, "attention_cores", plan.attention_cores, cores);
  set(node, "expert_cores", plan.expert_cores, cores);
  set(node, "draft_tokens", plan.draft_tokens, count);
  set(node, "acceptance", plan.acceptance, share);
  set(node, "memory_share", plan.memory_share, share);
}

std::string describe(const InferencePlan& plan, const ModelSpec& model) {
  std::string text;
  const auto add = [&](const char* name, std::uint32_t value, bool show) {
    if (show) {
      text += (text.empty() ? "" : " ") + std::string(name) + std::to_string(value);
    }
  };
  add("TP", plan.tp, plan.tp > 1);
  add("DP", plan.dp, plan.dp > 1 || plan.tp == 1);
  text += plan.sequence_parallel && plan.tp > 1 ? " SP" : "";
  add("EP", plan.ep, plan.ep > 1);
  add("expert-TP", plan.expert_tp, plan.expert_tp > 1);
  text += " " + std::string(to_string(product_type(model, plan)));
  if (plan.micro_batches > 1) {
    text += ", " + std::to_string(plan.micro_batches) + " micro-batches";
  }
  return text;
}

Recompute parse_recompute(const Node& node) {
  const std::string word = node.one_of({"none", "selective", "full"});
  return word == "none" ? Recompute::none : word == "full" ? Recompute::full : Recompute::selective;
}

void read_training_degrees(const Node& node, TrainingPlan& plan) {
  const auto count = [](const Node& n) { return static_cast<double>(degree(n)); };
  set(node, "matrix", plan.matrix_type, data_type);
  set(node, "global_batch", plan.global_batch, count);
  set(node, "micro_batch", plan.micro_batch, count);
  set(node, "sequence", plan.sequence, count);
  set(node, "tp", plan.tp, degree);
  set(node, "cp", plan.cp, degree);
  set(node, "dp", plan.dp, degree);
  set(node, "pp", plan.pp, degree);
  set(node, "ep", plan.ep, degree);
  set(node, "virtual_stages", plan.virtual_stages, degree);
  if (const auto child = node.find("recompute")) {
    plan.recompute = parse_recompute(*child);
  }
}

void read_training_settings(const Node& node, TrainingPlan& plan) {
  set(node, "attention", plan.attention_type, data_type);
  set(node, "gradients", plan.gradient_type, data_type);
  set(node, "shard_optimiser", plan.shard_optimiser, [](const Node& n) { return n.flag(); });
  set(node, "shard_weights", plan.shard_weights, [](const Node& n) { return n.flag(); });
  set(node, "tp_overlap_chunks", plan.tp_overlap_chunks, degree);
  if (const auto layers = node.find("layers_per_stage")) {
    for (const Node& item : layers->items()) {
      plan.layers_per_stage.push_back(static_cast<int>(degree(item)));
    }
  }
}

}  // namespace podium
