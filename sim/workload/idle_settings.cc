#include "sim/workload/idle_settings.h"

#include <algorithm>

namespace podium {
namespace {

class Notes {
 public:
  void add(bool idle, const std::string& setting, const std::string& because) {
    if (idle) {
      notes_.push_back(setting + " has no effect: " + because);
    }
  }
  std::vector<std::string> list() && { return std::move(notes_); }

 private:
  std::vector<std::string> notes_;
};

}  // namespace

std::vector<std::string> idle_settings(const ModelSpec& model, const InferencePlan& plan) {
  const InferencePlan usual;
  Notes notes;
  notes.add(plan.acceptance > 0 && plan.draft_tokens == 0, "acceptance", "no tokens are drafted");
  const bool splits_cores = plan.attention_cores != usual.attention_cores || plan.expert_cores != usual.expert_cores;
  notes.add(splits_cores && plan.micro_batches == 1, "attention_cores and expert_cores",
            "with one micro-batch nothing runs beside it");
  notes.add(plan.sequence_parallel && plan.tp == 1, "sequence_parallel", "one rank has all heads");
  const auto sparse = [](const Layer& layer) { return layer.moe.has_value(); };
  const bool dense = std::none_of(model.layers.begin(), model.layers.end(), sparse);
  const std::string why = dense ? "the model has no experts" : "each rank has all experts";
  notes.add(dense && plan.experts() != plan.weight_type, "experts", why);
  notes.add(plan.expert_imbalance != usual.expert_imbalance && (dense || plan.ep == 1), "expert_imbalance", why);
  notes.add(plan.once_per_rank && (dense || plan.ep == 1), "once_per_rank", why);
  notes.add(plan.once_per_node && (dense || plan.ep == 1), "once_per_node", why);
  return std::move(notes).list();
}

std::vector<std::string> idle_settings(const ModelSpec&, const TrainingPlan& plan) {
  Notes notes;
  notes.add(plan.tp_overlap_chunks > 1 && plan.tp == 1, "tp_overlap_chunks", "one rank has whole products");
  notes.add(plan.shard_weights && plan.dp * plan.cp == 1, "shard_weights", "there is one replica");
  return std::move(notes).list();
}

}  // namespace podium
