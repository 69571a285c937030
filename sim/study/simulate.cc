#include "sim/study/simulate.h"

#include <algorithm>
#include <mutex>
#include <utility>

#include "sim/study/evaluate.h"
#include "sim/study/parallel.h"
#include "sim/system/packet_work.h"

namespace podium {
namespace {

std::vector<SimulatedStep*> steps_of(SimulationResult& result) {
  std::vector<SimulatedStep*> steps;
  for (SimulatedCase& one : result.cases) {
    for (SimulatedStep& step : one.steps) {
      steps.push_back(&step);
    }
  }
  return steps;
}

}  // namespace

SimulationResult find_steps(const Study& study, const StepOptions& options, const RunOptions& run_options) {
  SimulationResult result;
  result.network = study.network;
  result.options = options;
  result.options.use_library = study.use_library;
  result.found = run_comparison(study, run_options);
  std::vector<CaseId> ids;
  for (std::size_t i = 0; i < result.found.cases.size(); ++i) {
    const CaseResult& found = result.found.cases[i];
    if (found.plan.empty()) {
      continue;
    }
    SimulatedCase& one = result.cases.emplace_back();
    one.found = found;
    for (const PhaseResult& phase : found.phases) {
      one.steps.emplace_back().phase = phase;
    }
    ids.push_back(cases_of(study)[i]);
  }
  const std::vector<SimulatedStep*> steps = steps_of(result);
  StepOptions on_search;
  on_search.network = study.network;
  on_search.use_library = study.use_library;
  RunOptions silent;
  silent.threads = run_options.threads;
  if (options.timeline_slices > 0) {
    parallel_for(ids.size(), silent, [&](std::size_t i) {
      if (const auto* kept = std::get_if<KeptDeployment>(&result.cases[i].found.kept)) {
        const auto& workload = std::get<ServingWorkload>(study.workloads[ids[i].workload]);
        const ServingRegime& regime = workload.regimes[ids[i].regime];
        result.cases[i].served = serving_log(study, workload, regime, regime.systems[ids[i].options], *kept,
                                             result.cases[i].found.request_rate);
      }
    });
  }
  parallel_for(steps.size(), silent, [&](std::size_t i) {
    steps[i]->planned = execute(steps[i]->phase.step, on_search);
    const double fitting = fitting_packet_scale(steps[i]->planned.real_packet_hops);
    steps[i]->packet_scale = has_packets(options) ? options.packet_scale.value_or(fitting) : 1;
  });
  return result;
}

double packet_hops(const SimulationResult& result) {
  double hops = 0;
  for (const SimulatedCase& one : result.cases) {
    for (const SimulatedStep& step : one.steps) {
      hops += has_packets(result.options) ? step.planned.real_packet_hops / step.packet_scale : 0;
    }
  }
  return hops;
}

void execute_steps(SimulationResult& result, const RunOptions& run_options) {
  const std::vector<SimulatedStep*> steps = steps_of(result);
  const StepOptions& asked = result.options;
  const bool same = asked.network == result.network && folds(asked) && !asked.check_folding && !is_worse(asked) &&
                    asked.timeline_slices == 0;
  const auto all = static_cast<std::size_t>(packet_hops(result) / 1000);
  std::mutex mutex;
  std::uint64_t done = 0;
  RunOptions by_step = run_options;
  std::function<void(std::uint64_t)> progress;
  if (run_options.progress && all > 0) {
    by_step.progress = nullptr;
    progress = [&](std::uint64_t more) {
      constexpr std::uint64_t often = 1'000'000;
      const std::scoped_lock lock(mutex);
      const std::uint64_t before = std::exchange(done, done + more);
      if (done / often > before / often) {
        run_options.progress(std::min<std::size_t>(done / 1000, all), all);
      }
    };
  }
  parallel_for(steps.size(), by_step, [&](std::size_t i) {
    if (same) {
      steps[i]->run = steps[i]->planned;
    } else {
      StepOptions options = result.options;
      options.packet_scale = steps[i]->packet_scale;
      options.timeline_slices = (options.timeline_slices + steps.size() - 1) / steps.size();
      steps[i]->run = execute(steps[i]->phase.step, options, progress);
    }
  });
  for (const SimulatedStep* step : steps) {
    result.signature = (result.signature ^ step->run.signature) * 0x100000001b3ULL;
  }
}

}  // namespace podium
