#include "sim/report/verdict.h"

#include <algorithm>
#include <map>

#include "sim/report/certainty.h"
#include "sim/report/format.h"

namespace podium {
namespace {

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

std::vector<Standing> standings(const std::vector<const CaseResult*>& cases, bool priced) {
  std::vector<Standing> result;
  result.push_back(standing("as a whole", cases, [](const CaseResult& c) { return c.throughput.per_system; }));
  result.push_back(standing("per chip", cases, [](const CaseResult& c) { return c.throughput.per_chip; }));
  result.push_back(standing("per die or GPU", cases, [](const CaseResult& c) { return c.throughput.per_rank; }));
  result.push_back(standing("per watt", cases, [](const CaseResult& c) { return c.throughput.per_watt; }));
  if (priced) {
    result.push_back(
        standing("per dollar of rent", cases, [](const CaseResult& c) { return c.throughput.per_dollar.value_or(0); }));
  }
  return result;
}

/// "2.03× as much", "as much".
std::string times_as_much(double ratio) { return is_level(ratio) ? "as much" : factor(ratio) + " as much"; }

/// "A gives 2.03× as much as B and 3.4× as much as C: 222,000 against 113,000 and 65,300 tokens/s."
std::string whole_sentence(const ComparisonResult& result, const Standing& standing) {
  const auto name = [&](const Standing::Place& place) { return display_name(result.systems, place.of->system); };
  const Standing::Place& first = standing.places.front();
  std::string text = name(first) + " gives ";
  std::string values = three_digits(first.value);
  for (std::size_t i = 1; i < standing.places.size(); ++i) {
    const std::string joint = i == 1 ? "" : i + 1 == standing.places.size() ? " and " : ", ";
    text += joint + times_as_much(standing.places[i].behind) + " as " + name(standing.places[i]);
    values += (i == 1 ? " against " : joint) + three_digits(standing.places[i].value);
  }
  return text + ": " + values + " " + first.of->throughput.unit + ".";
}

/// "B gives 2.7× as much as the next per chip, 5.4× per die or GPU and 2.2× per watt.": a sentence for each leader in a
/// row of standings.
std::string further_sentences(const ComparisonResult& result, const Contest& contest) {
  std::string text;
  for (std::size_t i = 1; i < contest.standings.size();) {
    const std::string& leader = contest.standings[i].places[0].of->system;
    std::vector<std::string> parts;
    for (; i < contest.standings.size() && contest.standings[i].places[0].of->system == leader; ++i) {
      const Standing& standing = contest.standings[i];
      parts.push_back((parts.empty() ? times_as_much(standing.places[1].behind) : factor(standing.places[1].behind)) +
                      (parts.empty() && standing.places.size() > 2 ? " as the next " : " ") + standing.measure);
    }
    text += " " + display_name(result.systems, leader) + " gives " + parts.front();
    for (std::size_t k = 1; k < parts.size(); ++k) {
      text += (k + 1 == parts.size() ? " and " : ", ") + parts[k];
    }
    text += ".";
  }
  return text;
}

std::string capitalised(std::string text) {
  if (!text.empty() && text.front() >= 'a' && text.front() <= 'z') {
    text.front() = static_cast<char>(text.front() - 'a' + 'A');
  }
  return text;
}

/// "one NVIDIA GB200 NVL72 (72 chips)", "3 × ..."
std::string machine(const SystemSummary& system, const std::vector<SystemSummary>& systems) {
  const std::string dies =
      system.ranks != system.chips ? ", " + count(system.ranks) + " " + system.rank_word + "s" : "";
  return (system.domains > 1 ? count(system.domains) + " × " : "one ") + display_name(systems, system.name) + " (" +
         count(system.chips) + " chips" + dies + ")";
}

/// The contests that one system leads by one measure, and the least and the largest factor over the next system.
struct Lead {
  std::string system;
  int contests = 0;
  double least = 0, most = 0;
};

/// "As a whole, A leads in 3 of 4 comparisons (1.08× to 1.96×), B in 1 (1.07×)."
std::string who_leads(const ComparisonResult& result, const std::vector<Contest>& all, std::size_t measure) {
  std::vector<Lead> leads;
  int compared = 0, ties = 0;
  for (const Contest& contest : all) {
    if (contest.standings[measure].places.size() < 2) {
      continue;
    }
    ++compared;
    const auto& places = contest.standings[measure].places;
    const std::string& system = places[0].of->system;
    const double by = places[1].behind;
    if (is_level(by)) {
      ++ties;
      continue;
    }
    auto lead = std::find_if(leads.begin(), leads.end(), [&](const Lead& l) { return l.system == system; });
    if (lead == leads.end()) {
      leads.push_back({system, 1, by, by});
    } else {
      *lead = {system, lead->contests + 1, std::min(lead->least, by), std::max(lead->most, by)};
    }
  }
  std::stable_sort(leads.begin(), leads.end(), [](const Lead& a, const Lead& b) { return a.contests > b.contests; });
  std::string text;
  for (const Lead& lead : leads) {
    const bool first = &lead == &leads.front();
    text += first ? capitalised(all.front().standings[measure].measure) + ", " : ", ";
    text += display_name(result.systems, lead.system) + (first ? " leads in " : " in ");
    if (first && compared > 1) {
      text += (lead.contests < compared ? count(lead.contests) + " of " + count(compared)
               : compared == 2          ? "both"
                                        : "all " + count(compared)) +
              " comparisons";
    } else {
      text += first ? "the comparison" : count(lead.contests);
    }
    text += " (" + factor(lead.least) + (lead.contests > 1 ? " to " + factor(lead.most) : "") + ")";
  }
  if (compared > 0 && leads.empty()) {
    return capitalised(all.front().standings[measure].measure) + ", none leads.";
  }
  if (ties > 0) {
    text += "; in " + count(ties) + (ties == 1 ? " the first two are level" : " the first two are level each");
  }
  return text.empty() ? text : text + ".";
}

/// The points of a sweep at the largest count that every system has a result for, the best first; none where there is
/// no such count.
std::vector<const SweepPoint*> largest_common(const SweepResult& result, const std::string& workload) {
  std::map<std::uint32_t, std::vector<const SweepPoint*>> by_count;
  for (const SweepPoint& point : result.points) {
    if (point.workload == workload && point.refused.empty()) {
      by_count[point.chips].push_back(&point);
    }
  }
  for (auto entry = by_count.rbegin(); entry != by_count.rend(); ++entry) {
    std::vector<const SweepPoint*>& points = entry->second;
    if (points.size() == result.systems.size()) {
      std::stable_sort(points.begin(), points.end(), [](const SweepPoint* a, const SweepPoint* b) {
        return a->throughput.per_system > b->throughput.per_system;
      });
      return points;
    }
  }
  return {};
}

/// "at 768 chips, A gives 3.8× as much as B: 884,000 against 232,000 tokens/s. A chip then gives 98.0 % (A) and 100.0 %
/// (B) of its best."
std::string at_the_largest(const SweepResult& result, const std::string& workload) {
  const std::vector<const SweepPoint*> points = largest_common(result, workload);
  if (points.size() < 2) {
    return "";
  }
  const auto name = [&](const SweepPoint* point) { return display_name(result.systems, point->system); };
  std::string text = "at " + count(points[0]->chips) + " chips, " + name(points[0]) + " gives ";
  std::string values = three_digits(points[0]->throughput.per_system);
  std::string efficiencies;
  for (std::size_t i = 0; i < points.size(); ++i) {
    const Throughput& here = points[i]->throughput;
    if (i > 0) {
      text += i == 1 ? "" : " and ";
      text += times_as_much(points[0]->throughput.per_system / here.per_system) + " as " + name(points[i]);
      values += (i == 1 ? " against " : " and ") + three_digits(here.per_system);
    }
    double best = 0;
    for (const SweepPoint& point : result.points) {
      const bool mine = point.workload == workload && point.system == points[i]->system && point.refused.empty();
      best = mine ? std::max(best, point.throughput.per_chip) : best;
    }
    efficiencies += (i == 0                   ? ""
                     : i + 1 == points.size() ? " and "
                                              : ", ") +
                    percent(here.per_chip / best) + " (" + name(points[i]) + ")";
  }
  return text + ": " + values + " " + points[0]->throughput.unit + ". A chip then gives " + efficiencies +
         " of the most that one gives at any count.";
}

}  // namespace

bool is_level(double factor) {
  constexpr double told_apart = 1.01;
  return factor < told_apart;
}

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
  const bool priced = std::all_of(result.cases.begin(), result.cases.end(),
                                  [](const CaseResult& c) { return c.plan.empty() || c.throughput.per_dollar; });
  for (Contest& contest : found) {
    contest.standings = standings(contest.cases, priced);
  }
  return found;
}

std::vector<std::string> workloads_of(const SweepResult& result) {
  std::vector<std::string> names;
  for (const SweepPoint& point : result.points) {
    if (std::find(names.begin(), names.end(), point.workload) == names.end()) {
      names.push_back(point.workload);
    }
  }
  return names;
}

std::string full_name(const std::string& workload, const std::string& regime) {
  return regime.empty() ? workload : workload + ", " + regime;
}

std::string display_name(const std::vector<SystemSummary>& systems, const std::string& system) {
  const auto short_name = [](const SystemSummary& one) { return one.description.substr(0, one.description.find(',')); };
  const auto found = std::ranges::find(systems, system, &SystemSummary::name);
  if (found == systems.end() || found->description.empty()) {
    return system;
  }
  const std::string name = short_name(*found);
  const auto same = std::ranges::count_if(systems, [&](const SystemSummary& one) { return short_name(one) == name; });
  return same > 1 ? name + " (" + system + ")" : name;
}

std::string machine_name(const std::vector<SystemSummary>& systems, const CaseResult& one) {
  const std::string times = one.domains > 1 ? count(one.domains) + " × " : "";
  return times + display_name(systems, one.system) + " (" + count(one.chips) + " chips)";
}

std::string refusal(const CaseResult& one) {
  if (!one.plan.empty()) {
    return "";
  }
  std::vector<Alternative> tried = one.alternatives;
  std::stable_sort(tried.begin(), tried.end(), lacks_less);
  std::vector<std::string> reasons;
  for (const Alternative& alternative : tried) {
    const std::string plan = alternative.plan.empty() ? "" : alternative.plan + ": ";
    if (std::find(reasons.begin(), reasons.end(), plan + alternative.refused) == reasons.end()) {
      reasons.push_back(plan + alternative.refused);
    }
  }
  if (reasons.empty()) {
    return "no plan to try";
  }
  const std::size_t others = reasons.size() - 1;
  return others == 0 ? reasons.front()
                     : "of " + std::to_string(reasons.size()) + " tried, the nearest is " + reasons.front();
}

std::vector<std::string> summary(const ComparisonResult& result) {
  std::string machines;
  for (const SystemSummary& system : result.systems) {
    machines += (machines.empty() ? "" : " against ") + machine(system, result.systems);
  }
  std::vector<std::string> sentences{capitalised(machines) + "."};
  const std::vector<Contest> all = contests(result);
  constexpr std::size_t measures[] = {0, 1, 3};  // the whole, a chip, a watt
  for (const std::size_t measure : measures) {
    if (const std::string text = all.empty() ? "" : who_leads(result, all, measure); !text.empty()) {
      sentences.push_back(text);
    }
  }
  if (const std::string text = certainty_in_short(result); !text.empty()) {
    sentences.push_back(text);
  }
  return sentences;
}

std::vector<std::string> summary(const SweepResult& result) {
  std::vector<std::string> sentences;
  for (const std::string& workload : workloads_of(result)) {
    if (const std::string text = at_the_largest(result, workload); !text.empty()) {
      sentences.push_back(workload);
      sentences.back() += ": " + text;
    }
  }
  return sentences;
}

std::string verdict(const ComparisonResult& result, const Contest& contest) {
  std::string text;
  const Standing& whole = contest.standings.front();
  if (whole.places.size() == 1) {
    const CaseResult& one = *whole.places.front().of;
    text = machine_name(result.systems, one) + " gives " + three_digits(one.throughput.per_system) + " " +
           one.throughput.unit + ".";
  } else if (whole.places.size() > 1) {
    text = whole_sentence(result, whole) + further_sentences(result, contest);
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
  if (crossover.reference_throughput == 0) {
    return display_name(result.systems, crossover.reference) + " has no plan: there is nothing to reach.";
  }
  if (!crossover.chips) {
    return "Even " + count(crossover.largest) + " chips of " + challenger + " do not reach what " + reference + " do.";
  }
  constexpr double overshoot = 1.05;  // above it, the plans and not the chips say how many are needed
  std::string text = count(*crossover.chips) + " chips of " + challenger + " do what " + reference +
                     " do: " + factor(static_cast<double>(*crossover.chips) / crossover.reference_chips) + " as many.";
  if (crossover.throughput > overshoot * crossover.reference_throughput) {
    text += " They give " + three_digits(crossover.throughput) + " of " + three_digits(crossover.reference_throughput) +
            " needed: one node less does not reach that.";
  }
  if (*crossover.chips > crossover.compared_chips) {
    text += " That is more than the " + count(crossover.compared_chips) +
            " compared: the scale-out plane joins further ones.";
  }
  return text;
}

}  // namespace podium
