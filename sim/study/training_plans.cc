#include "sim/study/training_plans.h"

#include <cmath>

namespace podium {

std::vector<std::pair<std::string, std::vector<std::int64_t>*>> degree_lists(TrainingOptions& options) {
  return {{"tp", &options.tp},
          {"cp", &options.cp},
          {"pp", &options.pp},
          {"ep", &options.ep},
          {"virtual_stages", &options.virtual_stages},
          {"micro_batch", &options.micro_batch}};
}

std::vector<TrainingPlan> training_plans(const TrainingOptions& options) {
  std::vector<TrainingPlan> plans{options.base};
  const auto vary = [&plans](const auto& values, auto set) {
    std::vector<TrainingPlan> more;
    for (const TrainingPlan& plan : plans) {
      for (const auto& value : values) {
        more.push_back(plan);
        set(more.back(), value);
      }
    }
    plans = std::move(more);
  };
  const auto field = [](std::uint32_t TrainingPlan::*member) {
    return [member](TrainingPlan& plan, std::int64_t value) { plan.*member = static_cast<std::uint32_t>(value); };
  };
  vary(options.tp, field(&TrainingPlan::tp));
  vary(options.cp, field(&TrainingPlan::cp));
  vary(options.pp, field(&TrainingPlan::pp));
  vary(options.ep, field(&TrainingPlan::ep));
  vary(options.virtual_stages, field(&TrainingPlan::virtual_stages));
  vary(options.micro_batch, [](TrainingPlan& plan, std::int64_t v) { plan.micro_batch = static_cast<double>(v); });
  vary(options.matrix, [](TrainingPlan& plan, DataType type) { plan.matrix_type = type; });
  vary(options.recompute, [](TrainingPlan& plan, Recompute r) { plan.recompute = r; });
  return plans;
}

std::uint32_t widest_dp(const TrainingPlan& plan, std::uint32_t ranks) {
  const double one = double(plan.tp) * plan.cp * plan.pp;
  for (auto dp = static_cast<std::uint32_t>(ranks / one); dp > 0; --dp) {
    const double micro_batches = plan.global_batch / (plan.micro_batch * dp);
    const bool experts_fit = std::uint64_t{plan.tp} * plan.cp * dp % plan.ep == 0;
    if (micro_batches == std::floor(micro_batches) && experts_fit) {
      return dp;
    }
  }
  return 0;
}

std::string describe(const TrainingPlan& plan) {
  std::string text = "TP" + std::to_string(plan.tp) + " PP" + std::to_string(plan.pp);
  const auto add = [&](const char* name, std::uint32_t value) {
    if (value > 1) {
      text += " " + std::string(name) + std::to_string(value);
    }
  };
  if (plan.dp > 0) {
    text += " DP" + std::to_string(plan.dp);
  }
  add("CP", plan.cp);
  add("EP", plan.ep);
  add("VP", plan.virtual_stages);
  add("MBS", static_cast<std::uint32_t>(plan.micro_batch));
  text += ", " + std::string(to_string(plan.matrix_type));
  if (plan.recompute == Recompute::full) {
    text += ", full recompute";
  } else if (plan.recompute == Recompute::selective) {
    text += ", selective recompute";
  }
  return text;
}

}  // namespace podium
