#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "sim/study/result.h"
#include "sim/study/study.h"
#include "sim/system/simulator.h"

namespace podium {

/// One plan of a training step, and what came of it so far: it is refused, has a bound, or ran.
struct TrainingTrial {
  KeptStep step;
  Alternative alternative;
  double most = std::numeric_limits<double>::infinity();  ///< throughput that it cannot exceed
  bool bounded = false;                                   ///< by what its stages compute; else by the chips' peak
  bool ran = false;
  // of one that ran
  PhaseResult phase;
  double model_flops_utilisation = 0;
  std::uint64_t signature = 0;

  bool refused() const { return !alternative.refused.empty(); }
};

/// Steps of one workload on one system, each run once whatever number of chips it was asked for.
class TrainingTrials {
 public:
  /// Refers to all three.
  TrainingTrials(const Study&, const TrainingWorkload&, const TrainingOptions&);
  ~TrainingTrials();

  const ModelSpec& model() const { return model_; }
  const SystemSpec& system() const { return system_; }
  const ChipSpec& chip() const { return chip_; }

  using Trials = std::vector<TrainingTrial*>;
  /// One for each step, and the same one for steps that are alike; nothing for those without a width.
  Trials of(const KeptSteps&);
  /// Runs those that can be, side by side.
  void run_all(const Trials&);
  /// Bounds those that can be by what their stages compute.
  void bound_all(const Trials&);
  /// Runs them, but leaves out those that cannot be the best or cannot reach `enough`.
  void run_best(const Trials&, double enough);

  MemoryUse memory(const KeptStep&) const;
  /// Tokens a second of one step, run by itself and not remembered; zero where it is refused.
  double throughput(const KeptStep&);
  /// The same from two shorter steps.
  double predicted_throughput(const KeptStep&);

 private:
  struct Bench;
  /// By ranks and ranks a domain.
  using BenchKey = std::pair<std::uint32_t, std::uint32_t>;

  static Trials open(const Trials&, bool TrainingTrial::*done);
  TrainingTrial begin(const KeptStep&) const;
  template <class Work>
  static void attempt(TrainingTrial&, Work);
  void bound(TrainingTrial&);
  void run(TrainingTrial&);
  PhaseResult phase(const Execution&, const KeptStep&, const Allocation&) const;
  template <class Use>
  void on_bench(const KeptStep&, Use);
  std::unique_ptr<Bench> take_bench(BenchKey);
  double tokens_a_second(Seconds step) const { return workload_.global_batch * workload_.sequence / step.value(); }

  const Study& study_;
  const TrainingWorkload& workload_;
  const TrainingOptions& options_;
  ModelSpec model_;
  SystemSpec system_;
  ChipSpec chip_;
  std::map<std::pair<std::string, std::uint32_t>, TrainingTrial> trials_;  ///< by plan, ranks of each of its domains
  std::mutex mutex_;
  std::map<BenchKey, std::vector<std::unique_ptr<Bench>>> idle_;  ///< those that wait for a thread to use them
};

}  // namespace podium
