#include <fmt/format.h>

#include <algorithm>

#include "sim/workload/layer_program.h"

namespace podium {
namespace {

/// Collects a plan's name and place for its messages.
struct Checker {
  const ModelSpec& model;
  const ChipSpec& chip;
  const InferencePlan& plan;
  const Location& where;

  template <class... Values>
  void require(bool holds, fmt::format_string<Values...> problem, Values&&... values) const {
    if (!holds) {
      throw InputError(where, "plan '" + plan.name + "': " + fmt::format(problem, std::forward<Values>(values)...));
    }
  }

  const MoeShape* moe() const {
    for (const Layer& layer : model.layers) {
      if (layer.moe) {
        return &*layer.moe;
      }
    }
    return nullptr;
  }

  void attention() const;
  void experts() const;
  void dense() const;
  void micro_batches() const;
  void drafts() const;
  void types() const;
};

void Checker::attention() const {
  require(plan.tp > 0 && plan.dp > 0, "tp and dp are at least 1");
  const auto tp = static_cast<int>(plan.tp);
  require(model.heads() % tp == 0, "tp {} does not divide the {} heads of {}", tp, model.heads(), model.name);
  if (model.gqa) {
    const int kv = model.gqa->kv_heads;
    require(kv % tp == 0 || tp % kv == 0, "tp {} neither divides nor is divided by the {} kv heads of {}", tp, kv,
            model.name);
  }
}

void Checker::experts() const {
  require(plan.ep > 0 && plan.expert_tp > 0, "ep and expert_tp are at least 1");
  require(plan.ep * plan.expert_tp == plan.ranks(),
          "ep {} x expert_tp {} is {} ranks, but tp {} x dp {} is {}: experts and attention share the same ranks",
          plan.ep, plan.expert_tp, plan.ep * plan.expert_tp, plan.tp, plan.dp, plan.ranks());
  require(plan.redundant_experts >= 0 && plan.shared_expert_slots >= 0, "numbers of expert slots are not negative");
  require(plan.expert_imbalance >= 1, "expert_imbalance {} is less than 1, but the fullest rank has at least the mean",
          plan.expert_imbalance);
  require(plan.ep == 1 || plan.expert_imbalance <= plan.ep,
          "expert_imbalance {} is more than ep {}: where the fullest rank has all rows it has {} times the mean",
          plan.expert_imbalance, plan.ep, plan.ep);
  if (plan.shared_expert_slots > 0) {
    require(moe()->shared_experts > 0, "shared_expert_slots {}, but {} has no shared experts", plan.shared_expert_slots,
            model.name);
    require(plan.shared_expert_slots < static_cast<int>(plan.ep),
            "{} shared expert slots leave none of the {} expert ranks for routed experts (0: every rank has a copy)",
            plan.shared_expert_slots, plan.ep);
    require(plan.dp > 1 || (plan.sequence_parallel && plan.tp > 1),
            "shared expert slots need ranks with tokens of their own (dp > 1 or sequence_parallel)");
  }
}

void Checker::dense() const {
  require(plan.ep == 1 && plan.expert_tp == 1, "ep {} and expert_tp {}, but {} has no experts: both must be 1", plan.ep,
          plan.expert_tp, model.name);
  require(plan.redundant_experts == 0 && plan.shared_expert_slots == 0, "{} has no experts to give slots to",
          model.name);
}

void Checker::micro_batches() const {
  require(plan.micro_batches == 1 || plan.micro_batches == 2, "micro_batches is 1 or 2, not {}", plan.micro_batches);
  const auto is_share = [](double share) { return share > 0 && share <= 1; };
  for (const CoreShare& cores : {plan.attention_cores, plan.expert_cores}) {
    require(is_share(cores.matrix) && is_share(cores.vector), "a share of the cores is above 0 and at most 1");
  }
  const CoreShare& a = plan.attention_cores;
  const CoreShare& e = plan.expert_cores;
  const bool whole = a.matrix == 1 && a.vector == 1 && e.matrix == 1 && e.vector == 1;
  constexpr double rounding = 1e-9;
  require(whole || (a.matrix + e.matrix <= 1 + rounding && a.vector + e.vector <= 1 + rounding),
          "attention_cores and expert_cores run side by side and take more than all cores together");
}

void Checker::drafts() const {
  require(plan.draft_tokens >= 0, "draft_tokens is not negative");
  require(plan.draft_tokens == 0 || model.mtp_layers > 0, "draft_tokens {}, but {} has no MTP layer to draft them",
          plan.draft_tokens, model.name);
  require(plan.acceptance >= 0 && plan.acceptance <= 1, "acceptance {} is not a probability", plan.acceptance);
}

void Checker::types() const {
  const auto check = [&](const char* what, DataType type) {
    require(chip.supports(type), "{} is {}, which {} does not compute in", what, to_string(type), chip.name);
  };
  check("weight_type", plan.weight_type);
  check("attention_type", plan.attention_type);
  if (moe() != nullptr) {
    check("expert_type", plan.experts());
  }
}

}  // namespace

DataType product_type(const ModelSpec& model, const InferencePlan& plan) {
  const auto sparse = [](const Layer& layer) { return layer.moe.has_value(); };
  return std::any_of(model.layers.begin(), model.layers.end(), sparse) ? plan.experts() : plan.weight_type;
}

double InferencePlan::tokens_per_iteration() const {
  double sum = 1;
  double accepted = 1;
  for (int i = 0; i < draft_tokens; ++i) {
    accepted *= acceptance;
    sum += accepted;
  }
  return sum;
}

StepTokens step_tokens(const InferencePlan& plan, const StepShape& shape) {
  return {shape.decode_sequences,  1.0 + plan.draft_tokens, shape.decode_context,
          shape.prefill_sequences, shape.prefill_tokens,    shape.prefill_context};
}

void check_plan(const ModelSpec& model, const ChipSpec& chip, const InferencePlan& plan, const Location& where) {
  const Checker checker{model, chip, plan, where};
  checker.attention();
  if (checker.moe() != nullptr) {
    checker.experts();
  } else {
    checker.dense();
  }
  checker.micro_batches();
  checker.drafts();
  checker.types();
}

}  // namespace podium
