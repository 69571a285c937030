#include "sim/study/study_check.h"

#include <algorithm>
#include <numeric>
#include <optional>

#include "sim/study/training_plans.h"
#include "sim/system/simulator.h"
#include "sim/topology/topology.h"

namespace podium {
namespace {

/// The fewest replicas that fill whole groups of experts.
std::uint32_t narrowest_dp(const TrainingPlan& plan) {
  return plan.ep / static_cast<std::uint32_t>(std::gcd(std::uint64_t{plan.tp} * plan.cp, std::uint64_t{plan.ep}));
}

/// Why a plan cannot be, whatever the number of chips; nothing where it can.
std::optional<std::string> why_not(const PlanTarget& target, TrainingPlan plan) {
  plan.dp = narrowest_dp(plan);
  plan.name = describe(plan);
  try {
    check_plan(target.model, target.chip, plan);
    return std::nullopt;
  } catch (const InputError& error) {
    return error.what();
  }
}

/// Why none of the plans can be: what is wrong with the first; nothing where one can.
std::optional<std::string> why_none(const PlanTarget& target, const TrainingOptions& options) {
  std::optional<std::string> first;
  for (const TrainingPlan& plan : training_plans(options)) {
    std::optional<std::string> reason = why_not(target, plan);
    if (!reason) {
      return std::nullopt;
    }
    if (!first) {
      first = std::move(reason);
    }
  }
  return first;
}

/// What is wrong with the first plan that could be as its fellow in `others`; nothing where none could. Fellows differ
/// in one value.
std::optional<std::string> why_not_as(const PlanTarget& target, const std::vector<TrainingPlan>& plans,
                                      const std::vector<TrainingPlan>& others) {
  PODIUM_CHECK(plans.size() == others.size());
  for (std::size_t i = 0; i < plans.size(); ++i) {
    if (!why_not(target, others[i])) {
      return why_not(target, plans[i]);
    }
  }
  return std::nullopt;
}

/// The lists that plans are made of, each with its key and the value that stands in no plan's way.
template <class Visit>
void visit_lists(TrainingOptions& options, Visit visit) {
  for (const auto& [key, list] : degree_lists(options)) {
    visit(key, *list, std::int64_t{1});
  }
  visit("matrix", options.matrix, DataType::bf16);
}

/// What holds for all plans and a chip or model may rule out: likewise.
template <class Visit>
void visit_settings(TrainingPlan& plan, Visit visit) {
  const TrainingPlan plain;
  visit("attention", plan.attention_type, plain.attention_type);
  visit("gradients", plan.gradient_type, plain.gradient_type);
  visit("layers_per_stage", plan.layers_per_stage, plain.layers_per_stage);
}

/// `list` may be a single value, which stands for a list of it.
[[noreturn]] void refuse_value(const Node& list, const std::string& key, std::size_t index, const std::string& reason) {
  const Node value = list.is_sequence() ? list.items().at(index) : list;
  value.fail("no plan can have " + key + " " + value.text() + ": " + reason);
}

/// Where no plan can be: refuses the list or setting without which some could, so that the blame does not go to what
/// all plans have with it.
void refuse_cause(const PlanTarget& target, const TrainingOptions& options, const Node& node) {
  TrainingOptions other = options;
  visit_lists(other, [&](const std::string& key, auto& list, auto neutral) {
    const auto all = list;
    list = {all.front()};
    const std::vector<TrainingPlan> plans = training_plans(other);
    list = {neutral};
    if (const auto reason = why_not_as(target, plans, training_plans(other))) {
      refuse_value(node.at(key), key, 0, *reason);
    }
    list = all;
  });
  visit_settings(other.base, [&](const char* key, auto& setting, const auto& neutral) {
    const auto own = setting;
    setting = neutral;
    if (const auto reason = why_not_as(target, training_plans(options), training_plans(other))) {
      node.at(key).fail(*reason);
    }
    setting = own;
  });
}

}  // namespace

PlanTarget load_target(const std::string& model, const std::string& system, const Location& where) {
  PlanTarget target;
  target.model = load_model(model, where);
  target.system = load_system(system, {}, where);
  target.chip = load_chip(target.system.chip, {}, target.system.chip_where);
  target.ranks_per_domain = static_cast<std::uint32_t>(target.system.ranks_per_domain());
  return target;
}

void check_machine(const SystemSpec& spec, const Location& where) {
  const Machine machine(spec, load_chip(spec.chip, {}, spec.chip_where), {.ranks = 1}, {}, where);
  const Simulator simulator(machine);
}

void check_instance(const PlanTarget& target, const InferencePlan& plan, const Node& node) {
  check_plan(target.model, target.chip, plan, node.where());
  if (plan.ranks() > target.ranks_per_domain) {
    node.fail("plan '" + plan.name + "' takes " + std::to_string(plan.ranks()) + " ranks, but a domain of " +
              target.system.name + " has " + std::to_string(target.ranks_per_domain) + " to use");
  }
}

void check_plane(const PlanTarget& target, const Node& name) {
  const Topology network = load_topology(target.system.topology, 1, 0, {}, target.system.topology_where);
  std::vector<std::string> joined;
  for (std::uint32_t plane = 0; plane < network.planes.size(); ++plane) {
    const bool joins = std::any_of(network.links.begin(), network.links.end(), [&](const Link& link) {
      return link.plane == plane && link.from == network.accelerator(0);
    });
    if (joins) {
      joined.push_back(network.planes[plane].name);
    }
  }
  if (std::find(joined.begin(), joined.end(), name.text()) == joined.end()) {
    name.fail(unknown_name("plane of " + target.system.name + "'s accelerators", name.text(), joined));
  }
}

void check_degrees(const PlanTarget& target, const TrainingOptions& options, const Node& node) {
  if (const auto reason = why_none(target, options)) {
    refuse_cause(target, options, node);
    node.fail(*reason);
  }
  TrainingOptions one = options;
  visit_lists(one, [&](const std::string& key, auto& list, auto) {
    const auto all = list;
    for (std::size_t i = 0; i < all.size(); ++i) {
      list = {all[i]};
      if (const auto reason = why_none(target, one)) {
        refuse_value(node.at(key), key, i, *reason);
      }
    }
    list = all;
  });
}

}  // namespace podium
