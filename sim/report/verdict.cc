#include "sim/report/verdict.h"

#include <algorithm>
#include <cmath>

#include "sim/report/format.h"

namespace podium {
namespace {

/// Factors below this are said to be level.
constexpr double level = 1.005;

Standing standing(const std::string& measure, const std::vector<const CaseResult*>& cases,
                  double (*value)(const CaseResult&)) {
  Standing result;
  result.measure = measure;
  for (const CaseResult* one : cases) {
    if (!one->plan.empty()) {
      result.places.push_back({one, value(*one), 1});
    }
  }
  std::stable_sort(result.places.begin(), result.places.end(),
                   [](const Standing::Place& a, const Standing::Place& b) { return a.value > b.value; });
  for (Standing::Place& place : result.places) {
    place.behind = result.places.front().value / place.value;
  }
  return result;
}

std::vector<Standing> standings(const std::vector<const CaseResult*>& cases) {
  std::vector<Standing> result;
  result.push_back(standing("in whole", cases, [](const CaseResult& c) { return c.throughput.per_system; }));
  result.push_back(standing("per chip", cases, [](const CaseResult& c) { return c.throughput.per_chip; }));
  result.push_back(standing("per die or GPU", cases, [](const CaseResult& c) { return c.throughput.per_rank; }));
  result.push_back(standing("per watt", cases, [](const CaseResult& c) { return c.throughput.per_watt; }));
  const bool priced = std::all_of(cases.begin(), cases.end(),
                                  [](const CaseResult* c) { return c->plan.empty() || c->throughput.per_dollar; });
  if (priced) {
    result.push_back(
        standing("per dollar of rent", cases, [](const CaseResult& c) { return c.throughput.per_dollar.value_or(0); }));
  }
  return result;
}

/// "A gives 2.03x as much as B".
std::string lead(const ComparisonResult& result, const Standing& standing) {
  const auto name = [&](const Standing::Place& place) { return display_name(result.systems, place.of->system); };
  std::string text = name(standing.places[0]) + " gives ";
  for (std::size_t i = 1; i < standing.places.size(); ++i) {
    const Standing::Place& place = standing.places[i];
    text += i == 1 ? "" : " and ";
    text += place.behind < level ? "as much as " : factor(place.behind) + " as much as ";
    text += name(place);
  }
  return text;
}

}  // namespace

std::vector<Contest> contests(const ComparisonResult& result) {
  std::vector<Contest> found;
  for (const CaseResult& one : result.cases) {
    const auto same = [&](const Contest& c) { return c.workload == one.workload && c.regime == one.regime; };
    auto contest = std::find_if(found.begin(), found.end(), same);
    if (contest == found.end()) {
      found.push_back({one.workload, one.regime, {}, {}});
      contest = found.end() - 1;
    }
    contest->cases.push_back(&one);
  }
  for (Contest& contest : found) {
    contest.standings = standings(contest.cases);
  }
  return found;
}

std::string display_name(const std::vector<SystemSummary>& systems, const std::string& system) {
  for (const SystemSummary& summary : systems) {
    if (summary.name == system && !summary.description.empty()) {
      return summary.description.substr(0, summary.description.find(','));
    }
  }
  return system;
}

std::string machine_name(const std::vector<SystemSummary>& systems, const CaseResult& one) {
  const std::string times = one.domains > 1 ? count(one.domains) + " x " : "";
  return times + display_name(systems, one.system) + " (" + count(one.chips) + " chips)";
}

std::string refusal(const CaseResult& one) {
  if (!one.plan.empty()) {
    return "";
  }
  std::vector<std::string> reasons;
  for (const Alternative& alternative : one.alternatives) {
    if (std::find(reasons.begin(), reasons.end(), alternative.refused) == reasons.end()) {
      reasons.push_back(alternative.refused);
    }
  }
  std::string text;
  for (const std::string& reason : reasons) {
    text += (text.empty() ? "" : "; ") + reason;
  }
  return text.empty() ? "no plan to try" : text;
}

std::string verdict(const ComparisonResult& result, const Contest& contest) {
  std::string text;
  const Standing& whole = contest.standings.front();
  if (whole.places.size() == 1) {
    const CaseResult& one = *whole.places.front().of;
    text = machine_name(result.systems, one) + " gives " + three_digits(one.throughput.per_system) + " " +
           one.throughput.unit + ".";
  } else if (whole.places.size() > 1) {
    text = lead(result, whole) + ": ";
    for (const Standing::Place& place : whole.places) {
      text += (&place == &whole.places.front() ? "" : " against ") + three_digits(place.value);
    }
    text += " " + whole.places.front().of->throughput.unit + ".";
    for (std::size_t i = 1; i < contest.standings.size(); ++i) {
      std::string measure = contest.standings[i].measure;
      measure.front() = 'P';
      text += " " + measure + ", " + lead(result, contest.standings[i]) + ".";
    }
  }
  for (const CaseResult* one : contest.cases) {
    if (one->plan.empty()) {
      text += (text.empty() ? "" : " ") + machine_name(result.systems, *one) + " has no plan: " + refusal(*one) + ".";
    }
  }
  return text;
}

std::string sentence(const ComparisonResult& result, const Crossover& crossover) {
  const std::string reference =
      display_name(result.systems, crossover.reference) + "'s " + count(crossover.reference_chips) + " chips";
  const std::string challenger = display_name(result.systems, crossover.challenger);
  if (!crossover.chips) {
    return "Even " + count(crossover.largest) + " chips of " + challenger + " do not reach what " + reference + " do.";
  }
  return count(*crossover.chips) + " chips of " + challenger + " do what " + reference +
         " do: " + factor(static_cast<double>(*crossover.chips) / crossover.reference_chips) + " as many.";
}

}  // namespace podium
