// Results as JSON: everything that the other formats show, in SI units, keys in a fixed order.
#include <nlohmann/json.hpp>

#include "sim/report/certainty.h"
#include "sim/report/format.h"
#include "sim/report/json_text.h"
#include "sim/report/report.h"
#include "sim/report/simulation_tables.h"
#include "sim/report/verdict.h"
#include "sim/study/model_error.h"

namespace podium {
namespace {

using Json = nlohmann::ordered_json;

Json pairs(const std::vector<std::pair<std::string, std::string>>& entries, const char* first, const char* second) {
  Json list = Json::array();
  for (const auto& [name, text] : entries) {
    list.push_back({{first, name}, {second, text}});
  }
  return list;
}

Json to_object(const Throughput& t) {
  Json object{{"unit", t.unit},
              {"per_rank", t.per_rank},
              {"per_chip", t.per_chip},
              {"per_system", t.per_system},
              {"per_watt", t.per_watt}};
  if (t.per_dollar) {
    object["per_dollar"] = *t.per_dollar;
  }
  return object;
}

Json to_object(const Percentiles& p) {
  return {{"p50_seconds", p.p50.value()}, {"p95_seconds", p.p95.value()}, {"p99_seconds", p.p99.value()}};
}

Json to_object(const Breakdown& breakdown) {
  Json object = Json::object();
  for (const auto& [part, time] : breakdown) {
    object[part] = time.value();
  }
  return object;
}

Json to_object(const FoldingUse& use) {
  return {{"ranks", use.ranks},     {"rank_classes", use.classes}, {"messages", use.messages},
          {"bundles", use.bundles}, {"links", use.links},          {"link_classes", use.link_classes}};
}

Json to_object(const PhaseResult& phase) {
  const MemoryUse& m = phase.memory;
  const Json memory{{"weights_bytes", m.weights.value()},     {"gradients_bytes", m.gradients.value()},
                    {"optimiser_bytes", m.optimiser.value()}, {"activations_bytes", m.activations.value()},
                    {"cache_bytes", m.cache.value()},         {"reserved_bytes", m.reserved.value()},
                    {"total_bytes", m.total().value()},       {"kept_free_bytes", m.kept_free.value()},
                    {"size_bytes", phase.memory_size.value()}};
  Json object{{"name", phase.name},
              {"plan", phase.plan},
              {"batch_sequences", phase.batch},
              {"ranks", phase.ranks},
              {"time_share", phase.time_share},
              {"peak_type", phase.peak_type},
              {"peak_share", phase.peak_share},
              {"memory_bandwidth_share", phase.bandwidth_share},
              {"simulated", to_object(phase.folding)},
              {"time_seconds", phase.time.value()},
              {"breakdown_seconds", to_object(phase.breakdown)},
              {"memory", memory}};
  for (const ResourceGain& gain : phase.gains) {
    object["time_with_a_tenth_more"][gain.resource] = gain.time;
  }
  return object;
}

Json to_object(const Objective::Seen& seen) {
  Json object{{"ttft_seconds", seen.ttft.value()}};
  if (seen.tpot) {
    object["tpot_seconds"] = seen.tpot->value();
  }
  return object;
}

Json to_object(const CaseResult& one) {
  Json object{{"workload", one.workload},
              {"regime", one.regime},
              {"system", one.system},
              {"plan", one.plan},
              {"chips", one.chips},
              {"ranks", one.ranks},
              {"domains", one.domains},
              {"power_watts", one.power.value()},
              {"throughput", to_object(one.throughput)}};
  if (one.plan.empty()) {
    object["refused"] = refusal(one);
  } else {
    object["peak_type"] = one.peak_type;
    object["peak_flops_per_second"] = one.peak.value();
    object["memory_bandwidth_bytes_per_second"] = one.memory_bandwidth.value();
  }
  if (one.ttft || one.tpot) {
    object["requests"] = one.requests;
    object["refused_requests"] = one.refused_requests;
    object["request_rate_per_second"] = one.request_rate;
    if (one.reused_prompt_share) {
      object["reused_prompt_share"] = *one.reused_prompt_share;
    }
  }
  if (one.ttft) {
    object["ttft"] = to_object(*one.ttft);
  }
  if (one.tpot) {
    object["tpot"] = to_object(*one.tpot);
  }
  if (one.objective) {
    object["objective"] = {{"quantile", one.objective->quantile},
                           {"ttft_seconds", one.objective->ttft.value()},
                           {"tpot_seconds", one.objective->tpot.value()}};
    if (one.ttft) {
      object["objective"]["seen"] = to_object(one.objective->seen);
      object["objective"]["above"] = to_object(one.objective->above);
    }
  }
  if (one.model_flops_utilisation) {
    object["model_flops_utilisation"] = *one.model_flops_utilisation;
  }
  object["phases"] = Json::array();
  for (const PhaseResult& phase : one.phases) {
    object["phases"].push_back(to_object(phase));
  }
  object["alternatives"] = Json::array();
  for (const Alternative& alternative : one.alternatives) {
    Json tried{{"plan", alternative.plan}, {"throughput", nullptr}, {"why_not", why_not(alternative, one)}};
    if (alternative.refused.empty()) {
      tried["throughput"] = alternative.throughput;
    }
    object["alternatives"].push_back(tried);
  }
  object["notes"] = one.notes;
  object["signature"] = hexadecimal(one.signature);
  return object;
}

Json to_object(const ComparisonResult& result, const Contest& contest) {
  Json object{{"workload", contest.workload}, {"regime", contest.regime}, {"verdict", verdict(result, contest)}};
  object["standings"] = Json::array();
  for (const Standing& standing : contest.standings) {
    Json places = Json::array();
    for (const Standing::Place& place : standing.places) {
      places.push_back({{"system", place.of->system}, {"value", place.value}, {"leader_has_times", place.behind}});
    }
    object["standings"].push_back({{"measure", standing.measure}, {"places", places}});
  }
  return object;
}

Json to_object(const Crossover& c) {
  return {{"workload", c.workload},
          {"regime", c.regime},
          {"challenger", c.challenger},
          {"reference", c.reference},
          {"reference_chips", c.reference_chips},
          {"reference_throughput", c.reference_throughput > 0 ? Json(c.reference_throughput) : Json()},
          {"chips", c.chips ? Json(*c.chips) : Json()},
          {"throughput", c.chips ? Json(c.throughput) : Json()},
          {"largest_chips_tried", c.largest}};
}

Json to_object(const PortStatistics& port) {
  return {{"packets", port.packets},
          {"bytes", port.bytes.value()},
          {"queue_most_bytes", port.queue_most.value()},
          {"queue_mean_bytes", port.queue_mean.value()},
          {"stalls", port.stalls},
          {"stalled_seconds", port.stalled.value()},
          {"pauses", port.pauses},
          {"paused_seconds", port.paused.value()},
          {"marks", port.marks},
          {"drops", port.drops}};
}

Json to_object(const PortTier& tier) {
  Json object{{"plane", tier.plane},       {"from", tier.from}, {"to", tier.to},
              {"links", tier.links},       {"used", tier.used}, {"mean_utilisation", tier.mean_utilisation},
              {"all", to_object(tier.sum)}};
  object["busiest"] = Json::array();
  for (const PortUse& port : tier.busiest) {
    Json link{{"name", port.name}, {"utilisation", port.utilisation}};
    link.update(to_object(port.did));
    object["busiest"].push_back(link);
  }
  return object;
}

Json to_object(const StepRun& run) {
  Json object{{"time_seconds", run.time.value()}, {"breakdown_seconds", to_object(run.breakdown)}};
  object["critical_path_seconds"] = to_object(run.critical_path);
  object["critical_path_loss_seconds"] = run.critical_path_loss.value();
  object["elasticities"] = Json::object();
  for (const Elasticity& one : run.elasticities) {
    object["elasticities"][one.resource] = one.value;
  }
  object["ports"] = Json::array();
  for (const PortTier& tier : run.tiers) {
    object["ports"].push_back(to_object(tier));
  }
  object["simulated"] = to_object(run.folding);
  object["packet_hops"] = run.packet_hops;
  object["signature"] = hexadecimal(run.signature);
  return object;
}

Json to_object(const SimulationResult& result, const SimulatedStep& step) {
  Json object{{"name", step.phase.name},
              {"plan", step.phase.plan},
              {"ranks", step.phase.step.allocation.ranks},
              {"batch_sequences", step.phase.batch}};
  if (has_packets(result.options)) {
    object["packet_scale"] = step.packet_scale;
    object["real_packet_hops"] = step.planned.real_packet_hops;
  }
  object["run"] = to_object(step.run);
  object["search"] = to_object(step.planned);
  object["notes"] = step_notes(result, step);
  return object;
}

Json to_object(const SimulationResult& result, const SimulatedCase& one) {
  Json object{{"workload", one.found.workload}, {"regime", one.found.regime},
              {"system", one.found.system},     {"plan", one.found.plan},
              {"chips", one.found.chips},       {"throughput_of_the_search", to_object(one.found.throughput)},
              {"notes", one.found.notes}};
  object["steps"] = Json::array();
  for (const SimulatedStep& step : one.steps) {
    object["steps"].push_back(to_object(result, step));
  }
  return object;
}

Json to_object(const Odds& odds) {
  return {{"leader_wins", odds.leader_wins}, {"ratio_low", odds.low}, {"ratio_high", odds.high}};
}

Json to_object(const FigureEffect& effect) {
  const Figure& figure = effect.figure;
  const auto ratio = [](const std::optional<double>& value) { return value ? Json(*value) : Json(); };
  return {{"file", effect.file},
          {"figure", figure.path},
          {"places", effect.places},
          {"systems", effect.systems},
          {"low", figure.low},
          {"value", figure.value},
          {"high", figure.high},
          {"ratio_at_low", ratio(effect.at_low)},
          {"ratio_at_high", ratio(effect.at_high)},
          {"evaluated", effect.simulated ? "in full" : "predicted"},
          {"grade", to_string(figure.grade)},
          {"source", figure.source}};
}

Json to_object(const ComparisonResult& result, const Uncertainty& sure) {
  Json object{{"workload", sure.workload},
              {"regime", sure.regime},
              {"leader", sure.leader},
              {"next", sure.next},
              {"ratio", sure.ratio},
              {"sentences", certainty(result, sure)},
              {"by_figures", to_object(sure.by_figures)},
              {"with_model_error", to_object(sure.with_model_error)}};
  object["figures"] = Json::array();
  for (const FigureEffect& effect : sure.effects) {
    object["figures"].push_back(to_object(effect));
  }
  object["figures_without_effect"] = sure.without_effect;
  return object;
}

Json uncertainty(const ComparisonResult& result) {
  const Misses all = misses(result.validated);
  Json object{{"model_error", {{"mean", all.mean}, {"largest", all.largest}, {"results", all.results}}}};
  object["contests"] = Json::array();
  for (const Uncertainty& sure : result.uncertainties) {
    object["contests"].push_back(to_object(result, sure));
  }
  return object;
}

Json to_object(const SystemSummary& system, const std::vector<SystemSummary>& systems) {
  return {{"name", system.name},
          {"display_name", display_name(systems, system.name)},
          {"description", system.description},
          {"chip", system.chip},
          {"chips", system.chips},
          {"ranks", system.ranks},
          {"domains", system.domains},
          {"rank_word", system.rank_word},
          {"facts", pairs(system.facts, "fact", "value")}};
}

Json to_object(const std::vector<SystemSummary>& systems) {
  Json list = Json::array();
  for (const SystemSummary& system : systems) {
    list.push_back(to_object(system, systems));
  }
  return list;
}

Json to_object(const std::vector<SourceUse>& sources) {
  Json list = Json::array();
  for (const SourceUse& use : sources) {
    const Figure& figure = use.figure;
    Json entry{{"file", use.file}, {"figure", figure.path}, {"value", figure.value}};
    if (!figure.low.empty()) {
      entry["low"] = figure.low;
      entry["high"] = figure.high;
    }
    entry["grade"] = to_string(figure.grade);
    entry["source"] = figure.source;
    list.push_back(entry);
  }
  return list;
}

}  // namespace

std::string to_json(const ComparisonResult& result) {
  Json json{
      {"study", result.study}, {"title", result.title}, {"question", result.question}, {"command", result.command}};
  json["systems"] = to_object(result.systems);
  json["workloads"] = pairs(result.workloads, "name", "description");
  json["summary"] = summary(result);
  json["verdicts"] = Json::array();
  for (const Contest& contest : contests(result)) {
    json["verdicts"].push_back(to_object(result, contest));
  }
  json["cases"] = Json::array();
  for (const CaseResult& one : result.cases) {
    json["cases"].push_back(to_object(one));
  }
  json["crossovers"] = Json::array();
  for (const Crossover& crossover : result.crossovers) {
    json["crossovers"].push_back(to_object(crossover));
  }
  if (!result.uncertainties.empty()) {
    json["uncertainty"] = uncertainty(result);
  }
  json["assumptions"] = result.assumptions;
  json["sources"] = to_object(result.sources);
  json["signature"] = hexadecimal(result.signature);
  return json_text(json);
}

std::string to_json(const SweepResult& result) {
  Json json{
      {"study", result.study}, {"title", result.title}, {"question", result.question}, {"command", result.command}};
  json["systems"] = to_object(result.systems);
  json["workloads"] = pairs(result.workloads, "name", "description");
  json["summary"] = summary(result);
  json["points"] = Json::array();
  for (const SweepPoint& point : result.points) {
    Json entry{{"workload", point.workload},
               {"system", point.system},
               {"chips", point.chips},
               {"ranks", point.ranks},
               {"domains", point.domains}};
    if (point.refused.empty()) {
      entry["plan"] = point.plan;
      entry["throughput"] = to_object(point.throughput);
    } else {
      entry["refused"] = point.refused;
    }
    entry["signature"] = hexadecimal(point.signature);
    json["points"].push_back(entry);
  }
  json["assumptions"] = result.assumptions;
  json["sources"] = to_object(result.sources);
  json["signature"] = hexadecimal(result.signature);
  return json_text(json);
}

std::string to_json(const SimulationResult& result) {
  Json json{{"study", result.found.study},
            {"title", result.found.title},
            {"command", result.command},
            {"network", result.options.network},
            {"search_network", result.network},
            {"folding", folds(result.options)},
            {"folding_checked", result.options.check_folding},
            {"faults", result.options.faults},
            {"slow", result.options.slow},
            {"scope", scope(result)}};
  json["cases"] = Json::array();
  for (const SimulatedCase& one : result.cases) {
    json["cases"].push_back(to_object(result, one));
  }
  json["refused"] = Json::array();
  for (const CaseResult& found : result.found.cases) {
    if (found.plan.empty()) {
      json["refused"].push_back({{"workload", found.workload},
                                 {"regime", found.regime},
                                 {"system", found.system},
                                 {"reason", refusal(found)}});
    }
  }
  json["signature"] = hexadecimal(result.signature);
  return json_text(json);
}

}  // namespace podium
