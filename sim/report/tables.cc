#include "sim/report/tables.h"

#include <algorithm>

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

Table throughput_table(const ComparisonResult& result, const Contest& contest) {
  const std::string unit = contest.cases.front()->throughput.unit;
  Table table{{{"system"},
               {"plan"},
               {unit, Align::right},
               {"per chip", Align::right},
               {"per die or GPU", Align::right},
               {"per watt", Align::right},
               {"per dollar", Align::right},
               {"power", Align::right}},
              {}};
  for (const CaseResult* one : contest.cases) {
    const std::string name = machine_name(result.systems, *one);
    if (one->plan.empty()) {
      table.rows.push_back({name, "none: " + refusal(*one)});
      continue;
    }
    const Throughput& t = one->throughput;
    table.rows.push_back({name, one->plan, three_digits(t.per_system), three_digits(t.per_chip),
                          three_digits(t.per_rank), three_digits(t.per_watt),
                          t.per_dollar ? three_digits(*t.per_dollar) : "-", to_text(one->power)});
  }
  return table;
}

Table latency_table(const ComparisonResult& result, const Contest& contest) {
  Table table{{{"system"}}, {}};
  for (const char* title : {"TTFT p50", "p95", "p99", "TPOT p50", "p95", "p99", "requests/s", "requests"}) {
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

std::vector<std::string> phase_names(const Contest& contest) {
  std::vector<std::string> names;
  for (const CaseResult* one : contest.cases) {
    for (const PhaseResult& phase : one->phases) {
      add_unique(names, phase.name);
    }
  }
  return names;
}

Table time_table(const ComparisonResult& result, const Contest& contest, const std::string& phase) {
  Table table{{{"part of the " + phase}}, {}};
  std::vector<std::string> parts;
  std::vector<const PhaseResult*> found;
  for (const CaseResult* one : contest.cases) {
    if (const PhaseResult* p = find_phase(*one, phase)) {
      found.push_back(p);
      table.columns.push_back({display_name(result.systems, one->system), Align::right});
      table.columns.push_back({"share", Align::right});
      for (const auto& [part, time] : p->breakdown) {
        add_unique(parts, part);
      }
    }
  }
  for (const std::string& part : parts) {
    std::vector<std::string> row{part};
    for (const PhaseResult* p : found) {
      Seconds time;
      for (const auto& [name, spent] : p->breakdown) {
        time += name == part ? spent : Seconds();
      }
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
  return table;
}

Table memory_table(const ComparisonResult& result, const Contest& contest, const std::string& phase) {
  Table table{{{"system"}}, {}};
  for (const char* title :
       {"weights", "gradients", "optimiser", "activations", "cache", "reserved", "in all", "of", "used"}) {
    table.columns.push_back({title, Align::right});
  }
  for (const CaseResult* one : contest.cases) {
    if (const PhaseResult* p = find_phase(*one, phase)) {
      const MemoryUse& m = p->memory;
      std::vector<std::string> row{display_name(result.systems, one->system)};
      for (const Bytes part :
           {m.weights, m.gradients, m.optimiser, m.activations, m.cache, m.reserved, m.total(), p->memory_size}) {
        row.push_back(to_text(part));
      }
      row.push_back(percent(m.total() / p->memory_size));
      table.rows.push_back(row);
    }
  }
  return table;
}

Table alternatives_table(const CaseResult& one) {
  Table table{{{"plan"}, {one.throughput.unit, Align::right}, {"why not"}}, {}};
  std::vector<Alternative> sorted = one.alternatives;
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const Alternative& a, const Alternative& b) { return a.throughput > b.throughput; });
  for (const Alternative& alternative : sorted) {
    const bool chosen = alternative.plan == one.plan && alternative.refused.empty();
    table.rows.push_back({alternative.plan, alternative.refused.empty() ? three_digits(alternative.throughput) : "-",
                          chosen                        ? "chosen"
                          : alternative.refused.empty() ? "slower"
                                                        : alternative.refused});
  }
  return table;
}

Table crossover_table(const ComparisonResult& result) {
  Table table{{{"workload"},
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
                          three_digits(c.reference_throughput), display_name(result.systems, c.challenger),
                          c.chips ? count(*c.chips) : "more than " + count(c.largest),
                          c.chips ? three_digits(c.throughput) : "-"});
  }
  return table;
}

Table systems_table(const std::vector<SystemSummary>& systems) {
  Table table{{{""}}, {{"chip"}, {"chips"}, {"dies or GPUs"}}};
  std::vector<std::string> facts;
  for (const SystemSummary& system : systems) {
    table.columns.push_back({display_name(systems, system.name), Align::right});
    table.rows[0].push_back(system.chip);
    table.rows[1].push_back(count(system.chips));
    table.rows[2].push_back(count(system.ranks));
    for (const auto& fact : system.facts) {
      add_unique(facts, fact.first);
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

Table sources_table(const std::vector<SourceUse>& sources) {
  Table table{{{"file"}, {"figure"}, {"value", Align::right}, {"range"}, {"grade"}, {"source"}}, {}};
  for (const SourceUse& use : sources) {
    const Figure& figure = use.figure;
    table.rows.push_back(
        {use.file, figure.path, figure.value, range(figure), std::string(to_string(figure.grade)), figure.source});
  }
  return table;
}

std::vector<std::string> workloads_of(const SweepResult& result) {
  std::vector<std::string> names;
  for (const SweepPoint& point : result.points) {
    add_unique(names, point.workload);
  }
  return names;
}

Table points_table(const SweepResult& result, const std::string& workload) {
  Table table{{{"system"},
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
      table.rows.push_back({point.system, count(point.chips), count(point.ranks), count(point.domains),
                            three_digits(point.throughput.per_system), three_digits(point.throughput.per_chip),
                            three_digits(point.throughput.per_rank), three_digits(point.throughput.per_watt),
                            point.plan});
    }
  }
  return table;
}

Table refused_points_table(const SweepResult& result) {
  Table table{{{"workload"}, {"system"}, {"chips", Align::right}, {"why there is no result"}}, {}};
  for (const SweepPoint& point : result.points) {
    if (!point.refused.empty()) {
      table.rows.push_back({point.workload, point.system, count(point.chips), point.refused});
    }
  }
  return table;
}

}  // namespace podium
