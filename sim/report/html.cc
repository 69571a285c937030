// A comparison as one HTML file that opens without a network.
#include <algorithm>

#include "sim/report/certainty.h"
#include "sim/report/format.h"
#include "sim/report/page.h"
#include "sim/report/report.h"
#include "sim/report/tables.h"
#include "sim/report/verdict.h"
#include "sim/report/why.h"

namespace podium {
namespace {

/// What each has, the leader first; of more than three only the first two, with the second's name: "222,000 : 113,000".
std::string values_of(const ComparisonResult& result, const Standing& standing) {
  constexpr std::size_t most = 3;
  const auto& places = standing.places;
  if (places.size() > most) {
    return three_digits(places[0].value) + " : " + three_digits(places[1].value) + " of " +
           display_name(result.systems, places[1].of->system);
  }
  std::string values;
  for (const Standing::Place& place : places) {
    values += (values.empty() ? "" : " : ") + three_digits(place.value);
  }
  return values;
}

/// The leader's factor in its colour, and what it and others have.
Html place_cell(const ComparisonResult& result, const Standing& standing) {
  if (standing.places.empty()) {
    return element("td", "", prose("no plan"));
  }
  const Standing::Place& first = standing.places.front();
  const std::string by = standing.places.size() == 1           ? "alone"
                         : is_level(standing.places[1].behind) ? "level"
                                                               : factor(standing.places[1].behind);
  return {"<td><div class=\"win\" style=\"" + colour_of(result.systems, first.of->system) + "\"><b>" + prose(by).text +
          "</b><span class=\"who\">" + prose(display_name(result.systems, first.of->system)).text + "</span><span>" +
          prose(values_of(result, standing)).text + "</span></div></td>"};
}

/// The probability that the leader as a whole wins in the leader's colour, and where the ratio lies: "90.5 %",
/// "0.95× to 1.59×".
Html certainty_cell(const ComparisonResult& result, const Uncertainty* sure) {
  if (sure == nullptr) {
    return element("td", "", prose("-"));
  }
  const Odds& odds = sure->with_model_error;
  return {"<td><div class=\"win\" style=\"" + colour_of(result.systems, sure->leader) + "\"><b>" +
          prose(probability(odds.leader_wins)).text + "</b><span class=\"who\">" +
          prose(display_name(result.systems, sure->leader)).text + "</span><span>" + prose(interval(odds)).text +
          "</span></div></td>"};
}

Html verdict_section(const ComparisonResult& result, const std::vector<Contest>& all) {
  Html sentences, titles, rows;
  for (const std::string& sentence : summary(result)) {
    sentences += paragraph(sentence, sentences.text.empty() ? "machines" : "");
  }
  const bool asked = !result.uncertainties.empty();
  titles += element("th", "", prose("Workload"));
  for (const Standing& standing : all.empty() ? std::vector<Standing>() : all.front().standings) {
    titles += element("th", "", prose(standing.measure));
  }
  titles += asked ? element("th", "", prose("how sure, as a whole")) : Html();
  for (const Contest& contest : all) {
    const std::string unit = contest.cases.front()->throughput.unit;
    Html row =
        element("td", "workload",
                element("b", "", prose(contest.workload)) + element("span", "", prose(contest.regime + " · " + unit)));
    for (const Standing& standing : contest.standings) {
      row += place_cell(result, standing);
    }
    row += asked ? certainty_cell(result, uncertainty_of(result, contest)) : Html();
    rows += element("tr", "", row);
  }
  Html refused;
  for (const CaseResult& one : result.cases) {
    if (one.plan.empty()) {
      refused += paragraph(full_name(one.workload, one.regime) + ": " + machine_name(result.systems, one) +
                           " has no plan: " + refusal(one) + ".");
    }
  }
  return heading("verdict", "Verdict") + element("div", "summary", sentences) +
         element("div", "scroll",
                 element("table", "verdicts",
                         element("thead", "", element("tr", "", titles)) + element("tbody", "", rows))) +
         refused +
         paragraph(
             std::string(
                 "Each cell names who leads and by what factor over the next, and gives the values, the leader's "
                 "first.") +
                 (asked ? " How sure: the probability that the leader stays ahead, and 90 % of its ratios to the next."
                        : ""),
             "note");
}

/// The contests of one workload, in order.
std::vector<const Contest*> contests_of(const std::vector<Contest>& all, const std::string& workload) {
  std::vector<const Contest*> found;
  for (const Contest& contest : all) {
    if (contest.workload == workload) {
      found.push_back(&contest);
    }
  }
  return found;
}

std::vector<std::string> workloads_of(const std::vector<Contest>& all) {
  std::vector<std::string> names;
  for (const Contest& contest : all) {
    if (names.empty() || names.back() != contest.workload) {
      names.push_back(contest.workload);
    }
  }
  return names;
}

std::vector<std::string> phases_of(const std::vector<const Contest*>& contests) {
  std::vector<std::string> names;
  for (const Contest* contest : contests) {
    for (const std::string& name : phase_names(*contest)) {
      if (std::find(names.begin(), names.end(), name) == names.end()) {
        names.push_back(name);
      }
    }
  }
  return names;
}

Html titled(const std::string& title, const TextTable& of) { return element("h4", "", prose(title)) + table(of); }

Html throughput_section(const ComparisonResult& result, const std::vector<Contest>& all) {
  Html text = heading("throughput", "Throughput");
  for (const std::string& workload : workloads_of(all)) {
    const std::string unit = contests_of(all, workload).front()->cases.front()->throughput.unit;
    text += element("h3", "", prose(full_name(workload, unit))) + chart("throughput", {{"workload", workload}});
    Html numbers;
    for (const Contest* contest : contests_of(all, workload)) {
      numbers += titled(contest->regime, throughput_table(result, *contest));
    }
    text += folded("Numbers and plans", numbers);
  }
  return text;
}

Html latency_section(const ComparisonResult& result, const std::vector<Contest>& all) {
  Html text;
  for (const std::string& workload : workloads_of(all)) {
    Html limits, numbers;
    for (const Contest* contest : contests_of(all, workload)) {
      if (const TextTable latency = latency_table(result, *contest); !latency.rows.empty()) {
        numbers += titled(contest->regime, latency);
        limits += paragraph(contest->regime + ". " + limit_sentence(result, *contest));
      }
    }
    if (!numbers.text.empty()) {
      text += element("h3", "", prose(workload)) + chart("latency", {{"workload", workload}}) + limits +
              folded("Numbers", numbers);
    }
  }
  if (text.text.empty()) {
    return text;
  }
  return heading("latency", "Latency") +
         paragraph(
             "At the highest rate of requests that keeps the objective. TTFT: time to the first token; TPOT: time "
             "per output token after it. Hollow: p50; large: p95; small: p99.",
             "note") +
         text;
}

/// Why the leader leads, regime by regime.
Html why_each(const ComparisonResult& result, const std::vector<const Contest*>& contests) {
  Html text;
  for (const Contest* contest : contests) {
    if (const std::string why = why_sentence(result, *contest); !why.empty()) {
      text += element("p", "", element("b", "", prose("Why, " + contest->regime)) + prose(": " + why));
    }
  }
  return text;
}

Html time_section(const ComparisonResult& result, const std::vector<Contest>& all) {
  Html text = heading("time", "Where the time goes") +
              paragraph(
                  "The mean step of one instance. Communication counts only where no compute hides it; a bubble is "
                  "waiting for other ranks.",
                  "note");
  for (const std::string& workload : workloads_of(all)) {
    const std::vector<const Contest*> of = contests_of(all, workload);
    text += element("h3", "", prose(workload)) + why_each(result, of);
    for (const std::string& phase : phases_of(of)) {
      text += element("h4", "", prose(phase)) + chart("time", {{"workload", workload}, {"phase", phase}});
      Html numbers;
      for (const Contest* contest : of) {
        numbers += titled(contest->regime, time_table(result, *contest, phase)) +
                   paragraph(time_sentence(result, *contest, phase), "note") +
                   paragraph(folding_sentence(result, *contest, phase), "note");
      }
      text += folded("Numbers", numbers);
    }
  }
  return text;
}

Html gains_section(const ComparisonResult& result, const std::vector<Contest>& all) {
  Html text;
  for (const std::string& workload : workloads_of(all)) {
    const std::vector<const Contest*> of = contests_of(all, workload);
    for (const std::string& phase : phases_of(of)) {
      Html tables;
      for (const Contest* contest : of) {
        if (const TextTable gains = gains_table(result, *contest, phase); !gains.rows.empty()) {
          tables += titled(contest->regime, gains);
        }
      }
      if (!tables.text.empty()) {
        text += element("h3", "", prose(workload) + prose(": " + phase)) + tables;
      }
    }
  }
  if (text.text.empty()) {
    return text;
  }
  return heading("gains", "What would help") +
         paragraph(
             "The same step, run again where one resource is a tenth better: rates higher, times shorter. Requests are "
             "not served again; with a shorter step a deployment could also take larger batches. What is not listed "
             "has no "
             "effect.",
             "note") +
         text;
}

Html memory_section(const ComparisonResult& result, const std::vector<Contest>& all) {
  Html text = heading("memory", "Memory") + paragraph(
                                                "What the fullest rank holds, against what it has. Of serving, in the "
                                                "mean step: the cache is that of the mean number of requests held; of "
                                                "what is left a server keeps a part free "
                                                "(see Numbers).",
                                                "note");
  for (const std::string& workload : workloads_of(all)) {
    const std::vector<const Contest*> of = contests_of(all, workload);
    const std::vector<std::string> phases = phases_of(of);
    if (phases.empty()) {
      continue;
    }
    text += element("h3", "", prose(workload)) + chart("memory", {{"workload", workload}});
    Html numbers;
    for (const std::string& phase : phases) {
      for (const Contest* contest : of) {
        numbers += titled(phase + ", " + contest->regime, memory_table(result, *contest, phase));
      }
    }
    text += folded("Numbers", numbers);
  }
  return text;
}

Html crossover_section(const ComparisonResult& result) {
  if (result.crossovers.empty()) {
    return {};
  }
  Html text =
      heading("crossover", "Crossover") + paragraph("How many chips of one machine do what the other does.", "note");
  Html sentences;
  for (const Crossover& crossover : result.crossovers) {
    sentences += element("li", "",
                         element("b", "", prose(full_name(crossover.workload, crossover.regime))) +
                             prose(": " + sentence(result, crossover)));
  }
  return text + element("ul", "", sentences) + table(crossover_table(result));
}

Html certainty_section(const ComparisonResult& result) {
  if (result.uncertainties.empty()) {
    return {};
  }
  Html text = heading("sure", "How sure") + paragraph(draws_sentence(result.validated), "note") +
              paragraph(
                  "A bar goes from the ratio as it is to that at the low end of a figure's range (light) and at the "
                  "high end (full).",
                  "note");
  for (const Uncertainty& sure : result.uncertainties) {
    text += element("h3", "", prose(full_name(sure.workload, sure.regime)));
    text += chart("tornado", {{"workload", sure.workload}, {"regime", sure.regime}});
    for (const std::string& sentence : certainty(result, sure)) {
      text += paragraph(sentence);
    }
    text += folded("Numbers and sources", element("div", "scroll figures", table(effects_table(sure))));
  }
  return text;
}

Html plans_section(const ComparisonResult& result) {
  Html text = heading("plans", "Systems and plans") + table(systems_table(result.systems));
  for (const SystemSummary& system : result.systems) {
    text += paragraph(system.description + ".", "note");
  }
  text += element("h3", "", prose("Workloads"));
  for (const auto& [name, description] : result.workloads) {
    text += element("p", "", element("b", "", prose(name)) + prose(": " + description + "."));
  }
  text += element("h3", "", prose("Chosen plans"));
  for (const CaseResult& one : result.cases) {
    text += element("p", "plan",
                    system_name(result.systems, one.system) + prose(" " + full_name(one.workload, one.regime))) +
            paragraph(one.plan.empty() ? "none" : one.plan);
    for (const std::string& note : one.notes) {
      text += paragraph(note + ".", "note");
    }
    if (one.model_flops_utilisation) {
      text += paragraph(utilisation(one), "note");
    }
    text +=
        folded(count(static_cast<double>(one.alternatives.size())) + " plans tried", table(alternatives_table(one)));
  }
  return text;
}

}  // namespace

std::string to_html(const ComparisonResult& result) {
  const std::vector<Contest> all = contests(result);
  const Html latency = latency_section(result, all);
  Places places{{"verdict", "Verdict"}, {"throughput", "Throughput"}};
  if (!latency.text.empty()) {
    places.emplace_back("latency", "Latency");
  }
  const Html gains = gains_section(result, all);
  places.emplace_back("time", "Time");
  if (!gains.text.empty()) {
    places.emplace_back("gains", "What would help");
  }
  places.emplace_back("memory", "Memory");
  if (!result.crossovers.empty()) {
    places.emplace_back("crossover", "Crossover");
  }
  if (!result.uncertainties.empty()) {
    places.emplace_back("sure", "How sure");
  }
  places.insert(places.end(), {{"plans", "Systems"}, {"assumptions", "Assumptions"}, {"sources", "Sources"}});
  const Html body = verdict_section(result, all) + throughput_section(result, all) + latency +
                    time_section(result, all) + gains + memory_section(result, all) + crossover_section(result) +
                    certainty_section(result) + plans_section(result) + assumptions_section(result.assumptions) +
                    sources_section(result.sources) + reproduction_section(result.command, result.signature);
  return page(result.title, result.question, "Podium · comparison", result.systems, places, body, to_json(result));
}

}  // namespace podium
