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

/// Why none of the plans can be: what is wrong with the first; nothing where one can.
std::optional<std::string> why_none(const PlanTarget& target, const TrainingOptions& options) {
  std::optional<std::string> reason;
  for (TrainingPlan& plan : training_plans(options)) {
    plan.dp = narrowest_dp(plan);
    plan.name = describe(plan);
    try {
      check_plan(target.model, target.chip, plan);
      return std::nullopt;
    } catch (const InputError& error) {
      if (!reason) {
        reason = error.what();
      }
    }
  }
  return reason;
}

}  // namespace

PlanTarget load_target(const std::string& model, const std::string& system, const Location& where) {
  PlanTarget target;
  target.model = load_model(model, where);
  target.system = load_system(system, {}, where);
  target.chip = load_chip(target.system.chip, {}, where);
  target.ranks_per_domain = static_cast<std::uint32_t>(target.system.ranks_per_domain());
  return target;
}

void check_machine(const SystemSpec& spec, const Location& where) {
  const Machine machine(spec, load_chip(spec.chip, {}, where), {.ranks = 1}, {}, where);
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
  const Topology network = load_topology(target.system.topology, 1, 0, {}, name.where());
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
  TrainingOptions one = options;
  for (const auto& [key, list] : degree_lists(one)) {
    const auto child = node.find(key);
    const std::vector<std::int64_t> all = *list;
    for (std::size_t i = 0; child && i < all.size(); ++i) {
      *list = {all[i]};
      if (const auto reason = why_none(target, one)) {
        child->items()[i].fail("no plan can have " + std::string(key) + " " + std::to_string(all[i]) + ": " + *reason);
      }
    }
    *list = all;
  }
  if (const auto reason = why_none(target, options)) {
    node.fail(*reason);
  }
}

}  // namespace podium
