// The workloads of a study's file.
#include <fmt/format.h>

#include <algorithm>

#include "sim/study/study_check.h"
#include "sim/study/study_read.h"
#include "sim/study/training_plans.h"
#include "sim/workload/plan_file.h"

namespace podium {
namespace {

/// Prompts that wait for their turn do not slow down what is decoded where both share their steps only.
void read_max_sequences(const Node& node, bool is_mixed, InstanceTemplate& result) {
  if (!is_mixed) {
    node.fail(
        "'max_sequences' is for mixed templates: where prefill and decode are apart, what waits for a place waits "
        "between its tokens");
  }
  result.max_sequences = distinct_counts(node);
}

InstanceTemplate read_template(const Node& node, const InferencePlan& base, const PlanTarget& target, bool is_mixed) {
  InstanceTemplate result;
  result.plan = base;
  read_inference_plan(node, result.plan);
  result.plan.name = describe(result.plan, target.model);
  for (const std::uint32_t tokens : distinct_counts(node.at("chunk_tokens"))) {
    result.chunk_tokens.push_back(tokens);
  }
  if (const auto child = node.find("max_sequences")) {
    read_max_sequences(*child, is_mixed, result);
  }
  check_instance(target, result.plan, node);
  return result;
}

/// The ranks of a domain that may be used.
std::uint32_t read_ranks_per_domain(const Node& node, const PlanTarget& target) {
  const std::uint32_t ranks = positive(node);
  const auto most = static_cast<std::uint32_t>(target.system.ranks_per_domain());
  if (ranks > most) {
    node.fail("a domain of " + target.system.name + " has " + std::to_string(most) + " ranks, not " + node.text());
  }
  return ranks;
}

ServingOptions read_serving_options(PlanTarget target, const Node& node, const InferencePlan& base) {
  ServingOptions result;
  InferencePlan common = base;
  if (const auto child = node.find("common")) {
    read_inference_plan(*child, common);
  }
  if (const auto child = node.find("ranks_per_domain")) {
    result.ranks_per_domain = target.ranks_per_domain = read_ranks_per_domain(*child, target);
  }
  const auto templates = [&](std::string_view key, std::vector<InstanceTemplate>& into) {
    if (const auto list = node.find(key)) {
      for (const Node& item : some(*list)) {
        into.push_back(read_template(item, common, target, key == "mixed"));
      }
    }
  };
  templates("prefill", result.prefill);
  templates("decode", result.decode);
  templates("mixed", result.mixed);
  if (result.prefill.empty() != result.decode.empty()) {
    node.fail("'prefill' and 'decode' go together: instances of one need those of the other");
  }
  if (result.mixed.empty() && result.prefill.empty()) {
    node.fail("templates are missing: 'prefill' and 'decode', or 'mixed'");
  }
  if (!result.prefill.empty()) {
    result.transfer_plane = node.at("transfer_plane").text();
    check_plane(target, node.at("transfer_plane"));
  } else if (const auto child = node.find("transfer_plane")) {
    child->fail("'transfer_plane' has no use without 'prefill' and 'decode': mixed instances keep their caches");
  }
  return result;
}

}  // namespace

Arrivals recorded_arrivals(const std::string& trace, const Location& where, int context) {
  auto [all, notes] = load_request_trace(trace, where, context);
  Arrivals result;
  result.notes = std::move(notes);
  result.trace = trace;
  result.in_trace = all.size();
  for (const Request& request : all) {
    result.trace_input += request.input / static_cast<double>(all.size());
    result.trace_output += request.output / static_cast<double>(all.size());
  }
  result.recorded = std::make_shared<const std::vector<Request>>(sample_stretches(std::move(all), most_recorded));
  return result;
}

namespace {

Arrivals read_arrivals(const Node& node, int context) {
  if (const auto trace = node.find("trace")) {
    return recorded_arrivals(beside(*trace), trace->where(), context);
  }
  Arrivals result;
  result.input = positive(node.at("input"));
  result.output = positive(node.at("output"));
  return result;
}

void refuse_over(const Node& node, Seconds longest, const std::string& problem) {
  if (node.quantity<Seconds>() > longest) {
    node.fail("'" + node.text() + "' is " + problem + " expected");
  }
}

/// A run lasts several times as long as what it may take to serve a request.
Seconds latency_limit(const Node& node) {
  refuse_over(node, Seconds(86400), "no limit that a user could wait for: at most a day is");
  return positive_time(node);
}

/// Runs are simulated request by request.
void refuse_long_run(const Node& node) {
  refuse_over(node, Seconds(30 * 86400), "longer than a run can be: at most 30 days are");
}

PrefixReuse read_prefix_reuse(const Node& node) {
  if (node.text() != "off" && node.text() != "replica") {
    node.fail("'" + node.text() + "' is neither off nor replica: what prompts take over from the caches of replicas");
  }
  return node.text() == "off" ? PrefixReuse::off : PrefixReuse::replica;
}

Slo read_slo(const Node& node) {
  Slo result;
  result.quantile = node.at("quantile").number();
  if (result.quantile <= 0 || result.quantile >= 1) {
    node.at("quantile").fail("'" + node.at("quantile").text() + "' is not a quantile, which lies between 0 and 1");
  }
  result.ttft = latency_limit(node.at("ttft"));
  result.tpot = latency_limit(node.at("tpot"));
  return result;
}

/// `read_system` makes a regime's options for one system from what a plan is checked against and the options' node.
template <class Regime, class ReadSystem>
std::vector<Regime> read_regimes(const Study& study, const std::string& model, const Node& list,
                                 ReadSystem read_system) {
  std::vector<std::string> known;
  for (const StudySystem& system : study.systems) {
    known.push_back(system.name);
  }
  std::vector<Regime> regimes;
  std::vector<std::string> seen;
  for (const Node& item : some(list)) {
    Regime regime;
    regime.name = item.at("name").text();
    insist_on_new(seen, regime.name, item.at("name"));
    if (const auto note = item.find("note")) {
      regime.note = note->text();
    }
    for (const auto& [system, options] : item.at("systems").entries()) {
      if (std::find(known.begin(), known.end(), system) == known.end()) {
        options.fail(unknown_name("system in this study", system, known));
      }
      regime.systems.push_back(read_system(load_target(model, system, options.where()), options));
      regime.systems.back().system = system;
    }
    if (regime.systems.empty()) {
      item.at("systems").fail("no system is named");
    }
    regimes.push_back(std::move(regime));
  }
  return regimes;
}

ServingWorkload read_serving(const Study& study, const Node& node) {
  ServingWorkload result;
  result.name = node.at("name").text();
  result.model = known_file("workloads/models", node.at("model"));
  const int most = load_model(result.model).max_context;
  result.arrivals = read_arrivals(node.at("arrivals"), most);
  if (std::int64_t{result.arrivals.input} + result.arrivals.output > most) {
    node.at("arrivals")
        .fail(fmt::format("a request has {} tokens, but {} takes at most {}",
                          with_commas(result.arrivals.input + result.arrivals.output), result.model,
                          with_commas(most)));
  }
  if (const auto reuse = node.find("prefix_reuse")) {
    result.prefix_reuse = read_prefix_reuse(*reuse);
  }
  result.slo = read_slo(node.at("slo"));
  refuse_long_run(node.at("warm_up"));
  refuse_long_run(node.at("measured"));
  result.warm_up = node.at("warm_up").quantity<Seconds>();
  result.measured = positive_time(node.at("measured"));
  InferencePlan base;
  if (const auto common = node.find("common")) {
    read_inference_plan(*common, base);
  }
  result.regimes = read_regimes<ServingRegime>(
      study, result.model, node.at("regimes"),
      [&](PlanTarget target, const Node& options) { return read_serving_options(std::move(target), options, base); });
  return result;
}

TrainingOptions read_training_options(const PlanTarget& target, const Node& node, const TrainingPlan& base) {
  TrainingOptions result;
  result.base = base;
  read_training_settings(node, result.base);
  if (const auto child = node.find("matrix")) {
    result.matrix.clear();
    std::vector<std::string> seen;
    for (const Node& item : child->is_sequence() ? some(*child) : std::vector{*child}) {
      result.matrix.push_back(parse_data_type(item.text(), item.where()));
      insist_on_new(seen, std::string(to_string(result.matrix.back())), item);
    }
  }
  for (const auto& [key, list] : degree_lists(result)) {
    if (const auto child = node.find(key)) {
      const std::vector<std::uint32_t> values = distinct_counts(*child);
      list->assign(values.begin(), values.end());
    }
  }
  std::vector<std::string> seen;
  for (const Node& item : some(node.at("recompute"))) {
    result.recompute.push_back(parse_recompute(item));
    insist_on_new(seen, item.text(), item);
  }
  if (const auto child = node.find("ranks_per_domain")) {
    distinct_counts(*child);
    result.ranks_per_domain.clear();
    for (const Node& item : some(*child)) {
      result.ranks_per_domain.push_back(read_ranks_per_domain(item, target));
    }
  }
  check_degrees(target, result, node);
  return result;
}

/// Tokens of a sequence that a model takes.
double read_sequence(const Node& node, const std::string& model) {
  const std::uint32_t tokens = positive(node);
  const int most = load_model(model).max_context;
  if (tokens > static_cast<std::uint32_t>(most)) {
    node.fail(fmt::format("a sequence has {} tokens, but {} takes at most {}", with_commas(tokens), model,
                          with_commas(most)));
  }
  return tokens;
}

TrainingWorkload read_training(const Study& study, const Node& node) {
  TrainingWorkload result;
  result.name = node.at("name").text();
  result.model = known_file("workloads/models", node.at("model"));
  result.global_batch = positive(node.at("global_batch"));
  result.sequence = read_sequence(node.at("sequence"), result.model);
  TrainingPlan base;
  base.global_batch = result.global_batch;
  base.sequence = result.sequence;
  result.regimes = read_regimes<TrainingRegime>(
      study, result.model, node.at("regimes"),
      [&](const PlanTarget& target, const Node& options) { return read_training_options(target, options, base); });
  return result;
}

}  // namespace

Workload read_workload(const Study& study, const Node& node) {
  if (node.at("kind").one_of({"serving", "training"}) == "serving") {
    return read_serving(study, node);
  }
  return read_training(study, node);
}

}  // namespace podium
