#include <algorithm>
#include <cmath>
#include <set>

#include "sim/study/evaluate.h"
#include "sim/study/parallel.h"
#include "sim/study/summary.h"

namespace podium {
namespace {

/// One case to run: which workload, regime and system.
struct Unit {
  const Workload* workload = nullptr;
  std::size_t regime = 0, options = 0;
};

std::vector<Unit> all_units(const Study& study) {
  std::vector<Unit> units;
  for (const Workload& workload : study.workloads) {
    std::visit(
        [&](const auto& w) {
          for (std::size_t r = 0; r < w.regimes.size(); ++r) {
            for (std::size_t o = 0; o < w.regimes[r].systems.size(); ++o) {
              units.push_back({&workload, r, o});
            }
          }
        },
        workload);
  }
  return units;
}

std::string system_of(const Unit& unit) {
  return std::visit([&](const auto& w) { return w.regimes[unit.regime].systems[unit.options].system; }, *unit.workload);
}

CaseResult evaluate(const Study& study, const Unit& unit, std::uint32_t chips) {
  const Allowance allowance{system_of(unit), chips};
  if (const auto* serving = std::get_if<ServingWorkload>(unit.workload)) {
    const ServingRegime& regime = serving->regimes[unit.regime];
    return evaluate_serving(study, *serving, regime, regime.systems[unit.options], allowance);
  }
  const auto& training = std::get<TrainingWorkload>(*unit.workload);
  const TrainingRegime& regime = training.regimes[unit.regime];
  return evaluate_training(study, training, regime, regime.systems[unit.options], allowance);
}

std::uint32_t chips_of(const Study& study, const std::string& system) {
  const SystemSpec spec = load_system(system);
  const auto per_domain = static_cast<std::uint32_t>(spec.packages_per_node * spec.nodes_per_domain);
  for (const StudySystem& entry : study.systems) {
    if (entry.name == system) {
      return entry.domains * per_domain;
    }
  }
  throw InputError(Location{study.name}, "system '" + system + "' is not among the study's systems");
}

/// The fewest chips, in whole nodes, of the challenger that do what the reference did: bisection, since throughput does
/// not fall with chips (a deployment may leave chips idle).
Crossover find_crossover(const Study& study, const CrossoverQuestion& question, const Unit& challenger,
                         const CaseResult& reference) {
  Crossover result;
  result.workload = reference.workload;
  result.regime = reference.regime;
  result.challenger = question.challenger;
  result.reference = question.reference;
  result.reference_chips = reference.chips;
  result.reference_throughput = reference.throughput.per_system;
  const SystemSpec spec = load_system(question.challenger);
  const auto node = static_cast<std::uint32_t>(spec.packages_per_node);
  std::uint32_t low = 0;
  std::uint32_t high = chips_of(study, question.challenger) / node;
  result.largest = high * node;
  const auto reaches = [&](std::uint32_t nodes) {
    const double throughput = evaluate(study, challenger, nodes * node).throughput.per_system;
    if (throughput >= result.reference_throughput) {
      result.chips = nodes * node;
      result.throughput = throughput;
      return true;
    }
    return false;
  };
  if (!reaches(high)) {
    return result;
  }
  while (high - low > 1) {
    const std::uint32_t middle = (low + high) / 2;
    (reaches(middle) ? high : low) = middle;
  }
  return result;
}

/// One number for all cases or points, in their order.
template <class Results>
std::uint64_t combined_signature(const Results& results) {
  std::uint64_t signature = 0;
  for (const auto& one : results) {
    signature = (signature ^ one.signature) * 0x100000001b3ULL;
  }
  return signature;
}

}  // namespace

ComparisonResult run_comparison(const Study& study, const RunOptions& options) {
  ComparisonResult result;
  result.study = study.name;
  result.title = study.title;
  result.question = study.question;
  const std::vector<Unit> units = all_units(study);
  result.cases.resize(units.size());

  struct Question {
    const CrossoverQuestion* asked;
    Unit challenger;
    std::size_t reference;
  };
  std::vector<Question> questions;
  for (const CrossoverQuestion& asked : study.crossovers) {
    for (std::size_t i = 0; i < units.size(); ++i) {
      for (const Unit& other : units) {
        const bool same = other.workload == units[i].workload && other.regime == units[i].regime;
        if (same && system_of(units[i]) == asked.reference && system_of(other) == asked.challenger) {
          questions.push_back({&asked, other, i});
        }
      }
    }
  }
  const std::size_t total = units.size() + questions.size();
  RunOptions first = options, second = options;
  if (options.progress) {
    first.progress = [&](std::size_t done, std::size_t) { options.progress(done, total); };
    second.progress = [&](std::size_t done, std::size_t) { options.progress(units.size() + done, total); };
  }
  parallel_for(units.size(), first, [&](std::size_t i) {
    result.cases[i] = evaluate(study, units[i], chips_of(study, system_of(units[i])));
  });
  result.crossovers.resize(questions.size());
  parallel_for(questions.size(), second, [&](std::size_t i) {
    const Question& q = questions[i];
    result.crossovers[i] = find_crossover(study, *q.asked, q.challenger, result.cases[q.reference]);
  });

  for (const StudySystem& system : study.systems) {
    result.systems.push_back(summarise(system.name, system.domains));
  }
  result.workloads = describe_workloads(study);
  result.assumptions = assumptions_of(study);
  result.sources = sources_of(study);
  result.signature = combined_signature(result.cases);
  return result;
}

SweepResult run_sweep(const Study& study, const RunOptions& options) {
  SweepResult result;
  result.study = study.name;
  result.title = study.title;
  result.question = study.question;
  struct Point {
    Unit unit;
    std::uint32_t chips;
  };
  std::vector<Point> points;
  for (const Unit& unit : all_units(study)) {
    for (const std::uint32_t chips : study.chips) {
      points.push_back({unit, chips});
    }
  }
  // the largest first, so that threads end together; results keep the study's order
  std::vector<std::size_t> order(points.size());
  for (std::size_t i = 0; i < order.size(); ++i) {
    order[i] = i;
  }
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return points[a].chips > points[b].chips; });
  result.points.resize(points.size());
  parallel_for(points.size(), options, [&](std::size_t i) {
    const Point& point = points[order[i]];
    const CaseResult one = evaluate(study, point.unit, point.chips);
    SweepPoint& out = result.points[order[i]];
    out.workload = one.regime.empty() ? one.workload : one.workload + ", " + one.regime;
    out.system = one.system;
    out.chips = point.chips;
    out.ranks = one.ranks;
    out.domains = one.domains;
    out.plan = one.plan;
    out.throughput = one.throughput;
    out.signature = one.signature;
    if (one.plan.empty()) {
      out.refused = one.alternatives.empty() ? "no plan to try" : one.alternatives.front().refused;
    }
  });
  for (const StudySystem& system : study.systems) {
    result.systems.push_back(summarise(system.name, system.domains));
  }
  result.workloads = describe_workloads(study);
  result.assumptions = assumptions_of(study);
  result.sources = sources_of(study);
  result.signature = combined_signature(result.points);
  return result;
}

}  // namespace podium
