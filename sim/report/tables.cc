#include "sim/report/tables.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "sim/core/text.h"
#include "sim/report/format.h"

namespace podium {
namespace {

const PhaseResult* find_phase(const CaseResult& one, const std::string& name) {
  for (const PhaseResult& phase : one.phases) {
    if (phase.name == name) {
      return &phase;
    }
  }
  return nullptr;
}

void add_unique(std::vector<std::string>& names, const std::string& name) {
  if (std::find(names.begin(), names.end(), name) == names.end()) {
    names.push_back(name);
  }
}

std::string range(const Figure& figure) { return figure.low.empty() ? "" : figure.low + " to " + figure.high; }

}  // namespace

TextTable throughput_table(const ComparisonResult& result, const Contest& contest) {
  const bool priced = std::any_of(contest.cases.begin(), contest.cases.end(),
                                  [](const CaseResult* one) { return one->throughput.per_dollar.has_value(); });
  TextTable table{{{"system"}}, {}};
  for (const char* title : {contest.cases.front()->throughput.unit.c_str(), "per chip", "per die or GPU", "per watt"}) {
    table.columns.push_back({title, Align::right});
  }
  if (priced) {
    table.columns.push_back({"tokens per dollar of rent", Align::right});
  }
  table.columns.push_back({"power", Align::right});
  table.columns.push_back({"plan"});
  for (const CaseResult* one : contest.cases) {
    const Throughput& t = one->throughput;
    std::vector<std::string> row{machine_name(result.systems, *one)};
    for (const double value : {t.per_system, t.per_chip, t.per_rank, t.per_watt}) {
      row.push_back(one->plan.empty() ? "-" : three_digits(value));
    }
    if (priced) {
      row.push_back(t.per_dollar ? three_digits(*t.per_dollar) : "no price");
    }
    row.push_back(one->plan.empty() ? "-" : to_text(one->power));
    row.push_back(one->plan.empty() ? "none: " + refusal(*one) : one->plan);
    table.rows.push_back(row);
  }
  return table;
}

TextTable latency_table(const ComparisonResult& result, const Contest& contest) {
  TextTable table{{{"system"}}, {}};
  for (const char* title :
       {"TTFT p50", "TTFT p95", "TTFT p99", "TPOT p50", "TPOT p95", "TPOT p99", "requests/s", "requests"}) {
    table.columns.push_back({title, Align::right});
  }
  for (const CaseResult* one : contest.cases) {
    if (!one->ttft && !one->tpot) {
      continue;
    }
    std::vector<std::string> row{display_name(result.systems, one->system)};
    for (const auto& percentiles : {one->ttft, one->tpot}) {
      row.push_back(percentiles ? to_text(percentiles->p50) : "-");
      row.push_back(percentiles ? to_text(percentiles->p95) : "-");
      row.push_back(percentiles ? to_text(percentiles->p99) : "-");
    }
    row.push_back(three_digits(one->request_rate));
    row.push_back(count(static_cast<double>(one->requests)));
    table.rows.push_back(row);
  }
  return table;
}

Seconds time_of(const Breakdown& breakdown, const std::string& part) {
  Seconds time;
  for (const auto& [name, spent] : breakdown) {
    time += name == part ? spent : Seconds();
  }
  return time;
}

std::vector<std::string> phase_names(const Contest& contest) {
  std::vector<std::string> names;
  for (const CaseResult* one : contest.cases) {
    for (const PhaseResult& phase : one->phases) {
      add_unique(names, phase.name);
    }
  }
  return names;
}

std::vector<std::string> time_parts(const Contest& contest, const std::string& phase) {
  std::vector<const Breakdown*> all;
  for (const CaseResult* one : contest.cases) {
    if (const PhaseResult* p = find_phase(*one, phase)) {
      all.push_back(&p->breakdown);
    }
  }
  return time_parts(all);
}

std::vector<std::string> time_parts(const std::vector<const Breakdown*>& all) {
  std::vector<std::string> parts;
  for (const Breakdown* breakdown : all) {
    for (const auto& part : *breakdown) {
      add_unique(parts, part.first);
    }
  }
  const auto place = [](const std::string& part) {
    const std::vector<std::string> order{"compute", "memory", "launch", "host"};
    const auto found = std::find(order.begin(), order.end(), part) - order.begin();
    return part == "bubble" ? 10 : part.starts_with("exposed") ? 8 : found;
  };
  std::stable_sort(parts.begin(), parts.end(), [&](const std::string& a, const std::string& b) {
    return std::pair(place(a), a) < std::pair(place(b), b);
  });
  return parts;
}

TextTable time_table(const ComparisonResult& result, const Contest& contest, const std::string& phase) {
  TextTable table{{{"part of the " + phase}}, {}};
  std::vector<const PhaseResult*> found;
  for (const CaseResult* one : contest.cases) {
    if (const PhaseResult* p = find_phase(*one, phase)) {
      found.push_back(p);
      table.columns.push_back({display_name(result.systems, one->system), Align::right});
      table.columns.push_back({"share", Align::right});
    }
  }
  for (const std::string& part : time_parts(contest, phase)) {
    std::vector<std::string> row{part};
    for (const PhaseResult* p : found) {
      const Seconds time = time_of(p->breakdown, part);
      row.push_back(to_text(time));
      row.push_back(percent(time / p->time));
    }
    table.rows.push_back(row);
  }
  std::vector<std::string> whole{"all"};
  for (const PhaseResult* p : found) {
    whole.push_back(to_text(p->time));
    whole.push_back(percent(1));
  }
  table.rows.push_back(whole);
  if (std::any_of(found.begin(), found.end(), [](const PhaseResult* p) { return p->time_share < 1; })) {
    std::vector<std::string> share{"such steps, of all time"};
    for (const PhaseResult* p : found) {
      share.insert(share.end(), {"", percent(p->time_share)});
    }
    table.rows.push_back(share);
  }
  return table;
}

TextTable gains_table(const ComparisonResult& result, const Contest& contest, const std::string& phase) {
  const auto is_visible = [](const ResourceGain& gain) { return std::abs(gain.time - 1) >= 5e-5; };
  TextTable table{{{"a tenth better"}}, {}};
  std::vector<const PhaseResult*> found;
  std::vector<std::string> resources;
  for (const CaseResult* one : contest.cases) {
    const PhaseResult* p = find_phase(*one, phase);
    if (p == nullptr || p->gains.empty()) {
      continue;
    }
    found.push_back(p);
    table.columns.push_back({display_name(result.systems, one->system), Align::right});
    for (const ResourceGain& gain : p->gains) {
      if (is_visible(gain) && std::find(resources.begin(), resources.end(), gain.resource) == resources.end()) {
        resources.push_back(gain.resource);
      }
    }
  }
  for (const std::string& resource : resources) {
    std::vector<std::string> row{resource};
    for (const PhaseResult* p : found) {
      const auto gain = std::find_if(p->gains.begin(), p->gains.end(),
                                     [&](const ResourceGain& one) { return one.resource == resource; });
      row.push_back(gain == p->gains.end() ? ""
                    : is_visible(*gain)    ? fmt::format("{:+.2f} % of time", 100 * (gain->time - 1))
                                           : "no effect");
    }
    table.rows.push_back(row);
  }
  return table;
}

TextTable memory_table(const ComparisonResult& result, const Contest& contest, const std::string& phase) {
  const std::vector<std::pair<const char*, Bytes MemoryUse::*>> all{
      {"weights", &MemoryUse::weights},     {"gradients", &MemoryUse::gradients},
      {"optimiser", &MemoryUse::optimiser}, {"activations", &MemoryUse::activations},
      {"cache", &MemoryUse::cache},         {"reserved", &MemoryUse::reserved}};
  const auto keeps_free = [](const auto& entry) { return entry.second->memory.kept_free > Bytes(0); };
  std::vector<std::pair<const CaseResult*, const PhaseResult*>> found;
  for (const CaseResult* one : contest.cases) {
    if (const PhaseResult* p = find_phase(*one, phase)) {
      found.emplace_back(one, p);
    }
  }
  TextTable table{{{"system"}}, {}};
  std::vector<Bytes MemoryUse::*> shown;
  for (const auto& [title, member] : all) {
    const auto holds = [part = member](const auto& entry) { return entry.second->memory.*part > Bytes(0); };
    if (std::any_of(found.begin(), found.end(), holds)) {
      table.columns.push_back({title, Align::right});
      shown.push_back(member);
    }
  }
  for (const char* title : {"in all", "of", "used"}) {
    table.columns.push_back({title, Align::right});
  }
  const bool shows_free = std::any_of(found.begin(), found.end(), keeps_free);
  if (shows_free) {
    table.columns.push_back({"kept free", Align::right});
  }
  for (const auto& [one, p] : found) {
    std::vector<std::string> row{display_name(result.systems, one->system)};
    for (const auto member : shown) {
      row.push_back(to_decimal_text(p->memory.*member));
    }
    row.push_back(to_decimal_text(p->memory.total()));
    row.push_back(to_decimal_text(p->memory_size));
    row.push_back(percent(p->memory.total() / p->memory_size));
    if (shows_free) {
      row.push_back(to_decimal_text(p->memory.kept_free));
    }
    table.rows.push_back(row);
  }
  return table;
}

std::string utilisation(const CaseResult& one) {
  return one.model_flops_utilisation ? "Model FLOPs utilisation " + percent(*one.model_flops_utilisation) + " of the " +
                                           one.peak_type + " peak."
                                     : "";
}

/// Rates of serving are found to 1 %: what is nearer to the chosen plan than that is not slower.
std::string why_not(const Alternative& alternative, const CaseResult& one) {
  constexpr double told_apart = 0.01;
  if (!alternative.refused.empty()) {
    return alternative.refused;
  }
  if (alternative.plan == one.plan) {
    return "chosen";
  }
  return alternative.throughput >= (1 - told_apart) * one.throughput.per_system ? "as fast, to 1 %" : "slower";
}

TextTable alternatives_table(const CaseResult& one) {
  TextTable table{{{"plan"}, {one.throughput.unit, Align::right}, {"why not"}}, {}};
  std::vector<Alternative> sorted = one.alternatives;
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const Alternative& a, const Alternative& b) { return a.throughput > b.throughput; });
  for (const Alternative& alternative : sorted) {
    table.rows.push_back({alternative.plan, alternative.refused.empty() ? three_digits(alternative.throughput) : "-",
                          why_not(alternative, one)});
  }
  return table;
}

TextTable crossover_table(const ComparisonResult& result) {
  TextTable table{{{"workload"},
                   {"regime"},
                   {"reference"},
                   {"its chips", Align::right},
                   {"its throughput", Align::right},
                   {"challenger"},
                   {"chips needed", Align::right},
                   {"throughput there", Align::right}},
                  {}};
  for (const Crossover& c : result.crossovers) {
    table.rows.push_back({c.workload, c.regime, display_name(result.systems, c.reference), count(c.reference_chips),
                          c.reference_throughput > 0 ? three_digits(c.reference_throughput) : "no plan",
                          display_name(result.systems, c.challenger),
                          c.chips                       ? count(*c.chips)
                          : c.reference_throughput == 0 ? "-"
                                                        : "more than " + count(c.largest),
                          c.chips ? three_digits(c.throughput) : "-"});
  }
  return table;
}

TextTable systems_table(const std::vector<SystemSummary>& systems) {
  TextTable table{{{""}}, {{"chip"}, {"chips"}, {"dies or GPUs"}}};
  std::vector<std::string> facts;
  for (const SystemSummary& system : systems) {
    table.columns.push_back({display_name(systems, system.name), Align::right});
    table.rows[0].push_back(system.chip);
    table.rows[1].push_back(count(system.chips));
    table.rows[2].push_back(count(system.ranks));
    // a fact that only this system has goes before the next one that is there already
    auto before = facts.end();
    for (auto fact = system.facts.rbegin(); fact != system.facts.rend(); ++fact) {
      const auto place = std::find(facts.begin(), facts.end(), fact->first);
      before = place == facts.end() ? facts.insert(before, fact->first) : place;
    }
  }
  for (const std::string& fact : facts) {
    std::vector<std::string> row{fact};
    for (const SystemSummary& system : systems) {
      row.emplace_back("-");
      for (const auto& [name, value] : system.facts) {
        row.back() = name == fact ? value : row.back();
      }
    }
    table.rows.push_back(row);
  }
  return table;
}

TextTable sources_table(const std::vector<SourceUse>& sources) {
  TextTable table{{{"file"}, {"figure"}, {"value", Align::right}, {"range"}, {"grade"}, {"source"}}, {}};
  for (const SourceUse& use : sources) {
    const Figure& figure = use.figure;
    table.rows.push_back(
        {use.file, figure.path, figure.value, range(figure), std::string(to_string(figure.grade)), figure.source});
  }
  return table;
}

TextTable points_table(const SweepResult& result, const std::string& workload) {
  TextTable table{{{"system"},
                   {"chips", Align::right},
                   {"dies or GPUs", Align::right},
                   {"domains", Align::right},
                   {"throughput", Align::right},
                   {"per chip", Align::right},
                   {"per die or GPU", Align::right},
                   {"per watt", Align::right},
                   {"plan"}},
                  {}};
  for (const SweepPoint& point : result.points) {
    if (point.workload == workload && point.refused.empty()) {
      table.columns[4].title = point.throughput.unit;
      table.rows.push_back({display_name(result.systems, point.system), count(point.chips), count(point.ranks),
                            count(point.domains), three_digits(point.throughput.per_system),
                            three_digits(point.throughput.per_chip), three_digits(point.throughput.per_rank),
                            three_digits(point.throughput.per_watt), point.plan});
    }
  }
  return table;
}

TextTable refused_points_table(const SweepResult& result) {
  TextTable table{{{"workload"}, {"system"}, {"chips", Align::right}, {"why there is no result"}}, {}};
  for (const SweepPoint& point : result.points) {
    if (!point.refused.empty()) {
      table.rows.push_back(
          {point.workload, display_name(result.systems, point.system), count(point.chips), point.refused});
    }
  }
  return table;
}

}  // namespace podium
