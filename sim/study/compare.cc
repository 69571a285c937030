#include <algorithm>
#include <mutex>
#include <numeric>

#include "sim/study/evaluate.h"
#include "sim/study/parallel.h"
#include "sim/study/summary.h"
#include "sim/study/trace_notes.h"

namespace podium {
namespace {

/// One case of a study, and its evaluators, which wait here while no thread uses them.
class Unit {
 public:
  Unit(const Study& study, const CaseId& id) : study_(study), id_(id) {}

  const CaseId& id() const { return id_; }
  const Workload& workload() const { return study_.workloads[id_.workload]; }
  const std::string& system() const { return system_of(study_, id_); }
  const std::string& regime() const {
    return std::visit([this](const auto& w) -> const std::string& { return w.regimes[id_.regime].name; }, workload());
  }

  CaseResult on(std::uint32_t chips) {
    return ask([=](Evaluator& evaluator) { return evaluator.on(chips); });
  }
  CaseResult best_on(std::uint32_t chips, double enough = 0) {
    return ask([=](Evaluator& evaluator) { return evaluator.best_on(chips, enough); });
  }

 private:
  template <class Question>
  CaseResult ask(Question question) {
    std::unique_ptr<Evaluator> evaluator = take();
    CaseResult result = question(*evaluator);
    const std::scoped_lock lock(mutex_);
    idle_.push_back(std::move(evaluator));
    return result;
  }

  std::unique_ptr<Evaluator> take() {
    {
      const std::scoped_lock lock(mutex_);
      if (!idle_.empty()) {
        std::unique_ptr<Evaluator> evaluator = std::move(idle_.back());
        idle_.pop_back();
        return evaluator;
      }
    }
    return evaluator_of(study_, id_);
  }

  const Study& study_;
  CaseId id_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<Evaluator>> idle_;
};

using Units = std::vector<std::unique_ptr<Unit>>;

/// In the study's order.
Units all_units(const Study& study) {
  Units units;
  for (const CaseId& id : cases_of(study)) {
    units.push_back(std::make_unique<Unit>(study, id));
  }
  return units;
}

const StudySystem& entry_of(const Study& study, const std::string& name) {
  const auto entry = std::find_if(study.systems.begin(), study.systems.end(),
                                  [&](const StudySystem& system) { return system.name == name; });
  PODIUM_CHECK(entry != study.systems.end(), "a study that was read names all systems of its regimes");
  return *entry;
}

std::uint32_t chips_of(const Study& study, const std::string& name) {
  const SystemSpec spec = load_system(name);
  return entry_of(study, name).domains * static_cast<std::uint32_t>(spec.packages_per_node * spec.nodes_per_domain);
}

/// Each case on the whole of its machine; of those that are alike, one is run.
std::vector<CaseResult> run_cases(const Study& study, const Units& units, const RunOptions& options) {
  const std::vector<std::size_t> first = first_alike(study);
  std::vector<CaseResult> cases(units.size());
  parallel_for(units.size(), options, [&](std::size_t i) {
    if (first[i] == i) {
      cases[i] = units[i]->on(chips_of(study, units[i]->system()));
    }
  });
  for (std::size_t i = 0; i < units.size(); ++i) {
    cases[i] = cases[first[i]];
    cases[i].regime = units[i]->regime();
  }
  return cases;
}

/// Two units of one workload and regime, by index: whether the one can do what the other did.
struct Contest {
  std::size_t challenger = 0, reference = 0;
};

std::vector<Contest> all_contests(const Study& study, const Units& units) {
  std::vector<Contest> contests;
  for (const CrossoverQuestion& asked : study.crossovers) {
    for (std::size_t r = 0; r < units.size(); ++r) {
      for (std::size_t c = 0; c < units.size(); ++c) {
        const CaseId &one = units[c]->id(), &other = units[r]->id();
        const bool same = one.workload == other.workload && one.regime == other.regime;
        if (same && units[r]->system() == asked.reference && units[c]->system() == asked.challenger) {
          contests.push_back({c, r});
        }
      }
    }
  }
  return contests;
}

/// The fewest chips, in whole nodes, of the challenger that do what the reference did: bisection, since throughput does
/// not fall with chips (a deployment may leave chips idle). `compared` is what the compared ones did; where that is too
/// little, up to so many times as many are looked at, as far as the system's scale-out plane has room.
Crossover find_crossover(Unit& challenger, const CaseResult& compared, const CaseResult& reference) {
  constexpr std::uint32_t most_times = 8;
  Crossover result;
  result.workload = reference.workload;
  result.regime = reference.regime;
  result.challenger = compared.system;
  result.reference = reference.system;
  result.compared_chips = compared.chips;
  result.reference_chips = reference.chips;
  result.reference_throughput = reference.throughput.per_system;
  result.largest = compared.chips;
  if (reference.plan.empty() || compared.plan.empty()) {
    return result;
  }
  const SystemSpec system = load_system(compared.system);
  const auto node = static_cast<std::uint32_t>(system.packages_per_node);
  const auto room = static_cast<std::uint32_t>(system.max_domains * system.nodes_per_domain);
  const auto throughput = [&](std::uint32_t nodes) {
    return challenger.best_on(nodes * node, result.reference_throughput).throughput.per_system;
  };
  std::uint32_t low = 0, high = compared.chips / node;
  result.throughput = compared.throughput.per_system;
  while (result.throughput < result.reference_throughput) {
    low = high;
    high = std::min({2 * high, room, most_times * (compared.chips / node)});
    if (high == low) {
      return result;
    }
    result.largest = high * node;
    result.throughput = throughput(high);
  }
  while (high - low > 1) {
    const std::uint32_t middle = (low + high) / 2;
    const double there = throughput(middle);
    if (there >= result.reference_throughput) {
      high = middle;
      result.throughput = there;
    } else {
      low = middle;
    }
  }
  result.chips = high * node;
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

/// What comparisons and sweeps have in common.
template <class Result>
Result describe_study(const Study& study) {
  Result result;
  result.study = study.name;
  result.title = study.title;
  result.question = study.question;
  for (const StudySystem& system : study.systems) {
    result.systems.push_back(summarise(system.name, system.domains));
  }
  result.workloads = describe_workloads(study);
  result.assumptions = assumptions_of(study);
  result.sources = sources_of(study);
  return result;
}

/// Why there is no plan: what lacks least, of memory or time.
std::string why_none(const std::vector<Alternative>& alternatives) {
  const auto nearest = std::min_element(alternatives.begin(), alternatives.end(), lacks_less);
  return nearest == alternatives.end() ? "no plan to try" : nearest->refused;
}

SweepPoint sweep_point(const CaseResult& one) {
  SweepPoint point;
  point.workload = one.workload + ", " + one.regime;
  point.system = one.system;
  point.chips = one.chips;
  point.ranks = one.ranks;
  point.domains = one.domains;
  point.plan = one.plan;
  point.throughput = one.throughput;
  point.signature = one.signature;
  if (one.plan.empty()) {
    point.refused = why_none(one.alternatives);
  }
  return point;
}

}  // namespace

ComparisonResult run_comparison(const Study& study, const RunOptions& options) {
  auto result = describe_study<ComparisonResult>(study);
  const Units units = all_units(study);
  const std::vector<Contest> contests = all_contests(study, units);
  const std::vector<std::size_t> alike = first_alike(study);
  const std::size_t total = units.size() + contests.size();
  RunOptions first = options, second = options;
  if (options.progress) {
    first.progress = [&](std::size_t done, std::size_t) { options.progress(done, total); };
    second.progress = [&](std::size_t done, std::size_t) { options.progress(units.size() + done, total); };
  }
  result.cases = run_cases(study, units, first);
  for (std::size_t i = 0; i < units.size(); ++i) {
    if (const auto* serving = std::get_if<ServingWorkload>(&units[i]->workload())) {
      const std::vector<std::string> notes = trace_notes(*serving, result.cases[i]);
      result.cases[i].notes.insert(result.cases[i].notes.end(), notes.begin(), notes.end());
    }
  }
  for (CaseResult& one : result.cases) {
    for (const std::string& fault : entry_of(study, one.system).faults) {
      one.notes.push_back("the network has a fault: " + fault);
    }
    for (const std::string& slow : entry_of(study, one.system).slow) {
      one.notes.push_back("slow chips: " + slow + (one.objective ? "; every instance is as slow as the slowest" : ""));
    }
  }
  result.crossovers.resize(contests.size());
  parallel_for(contests.size(), second, [&](std::size_t i) {
    const auto [challenger, reference] = contests[i];
    result.crossovers[i] = find_crossover(*units[alike[challenger]], result.cases[challenger], result.cases[reference]);
  });
  result.signature = combined_signature(result.cases);
  return result;
}

SweepResult run_sweep(const Study& study, const RunOptions& options) {
  auto result = describe_study<SweepResult>(study);
  const Units units = all_units(study);
  const std::size_t counts = study.chips.size();
  const auto chips = [&](std::size_t point) { return study.chips[point % counts]; };
  // the largest first, so that threads end together; results keep the study's order
  std::vector<std::size_t> order(units.size() * counts);
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return chips(a) > chips(b); });
  result.points.resize(order.size());
  parallel_for(order.size(), options, [&](std::size_t i) {
    const std::size_t point = order[i];
    result.points[point] = sweep_point(units[point / counts]->best_on(chips(point)));
  });
  result.signature = combined_signature(result.points);
  return result;
}

}  // namespace podium
