#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <variant>
#include <vector>

#include "sim/config/config.h"
#include "sim/core/units.h"
#include "sim/economics/throughput.h"
#include "sim/study/planned_step.h"
#include "sim/system/simulator.h"
#include "sim/workload/memory.h"
#include "sim/workload/training.h"

namespace podium {

/// p50, p95 and p99 over requests.
struct Percentiles {
  Seconds p50, p95, p99;
};

/// What a serving case had to keep, what it saw at its rate, and what it sees at one a hundredth higher: the quantile
/// of requests that see at most these times.
struct Objective {
  double quantile = 0;
  Seconds ttft, tpot;
  struct Seen {
    Seconds ttft;
    std::optional<Seconds> tpot = {};  ///< nothing where answers are one token
  };
  Seen seen = {}, above = {};
};

/// Named parts of a time: "compute", "memory", "launch", "exposed tp" …, "bubble".
using Breakdown = std::vector<std::pair<std::string, Seconds>>;

/// What a step takes where a resource is a tenth better, over what it takes as it is: the same step, run again.
struct ResourceGain {
  std::string resource;  ///< "memory bandwidth", "nvlink latency"
  double time = 1;
};

/// Where the time of one step went. The shares sum to `time`.
struct PhaseResult {
  std::string name;  ///< "prefill step", "decode step", "mixed step", "training step"
  std::string plan;  ///< "EP320 x DP320, 2 micro-batches, int8"
  Seconds time;
  Breakdown breakdown;
  MemoryUse memory;
  Bytes memory_size;
  double batch = 0;         ///< sequences of the whole instance (serving) or of the step (training)
  std::uint32_t ranks = 0;  ///< of the system, that do such steps
  double time_share = 1;    ///< of the time in which they do any; the rest goes into others of the phases
  /// What the ranks of a step do over the whole of its time, as shares of what they could: FLOPs that its kernels
  /// execute (padding and uneven experts included) over the dense peak of `peak_type`, and memory traffic.
  double peak_share = 0, bandwidth_share = 0;
  std::string peak_type;            ///< "bf16", "int8" …
  std::vector<ResourceGain> gains;  ///< of all resources, where they were asked for (`add_gains`)
  PlannedStep step;                 ///< to execute it again
  FoldingUse folding;               ///< what was simulated for what, of one instance or step
};

/// What a plan lacks that was refused, the least first: of those that fit and are fast enough alone the objective is
/// kept at no rate.
enum class Lack : std::uint8_t { rate, time, memory, other };

/// A plan that was tried and what came of it.
struct Alternative {
  std::string plan;
  double throughput = 0;  ///< per system, in the case's unit; 0 where it was refused
  std::string refused;    ///< why it cannot be, where it cannot
  double excess = 0;      ///< what it needs of memory or time over what there is, where that is what it lacks
  Lack lack = Lack::other;

  friend bool operator==(const Alternative&, const Alternative&) = default;
};

/// Whether the first of two that were refused is nearer to what could be.
inline bool lacks_less(const Alternative& a, const Alternative& b) {
  return std::tie(a.lack, a.excess) < std::tie(b.lack, b.excess);
}

/// The deployment that a serving case kept: places of its templates among the candidates of its options.
struct KeptDeployment {
  std::optional<std::size_t> prefill;  ///< nothing: mixed
  std::size_t decode = 0;
  std::uint32_t prefill_instances = 0, decode_instances = 0;
};

/// A step that a training case ran.
struct KeptStep {
  TrainingPlan plan;
  std::uint32_t ranks_per_domain = 0;  ///< 0: all
};

/// All steps that a training case ran, the fastest first: it keeps the first that fits into memory.
using KeptSteps = std::vector<KeptStep>;

/// What a case kept, so that it can be evaluated again where figures differ; nothing where no plan could be.
using KeptPlan = std::variant<std::monostate, KeptDeployment, KeptSteps>;

/// One system on one workload at its best plan.
struct CaseResult {
  std::string workload;  ///< the workload's name in the study
  std::string system;
  std::string regime;  ///< "equal precision" or "own best precision"
  std::string plan;
  std::uint32_t ranks = 0, chips = 0, domains = 0;
  Throughput throughput;
  Watts power;
  std::string peak_type;            ///< of the weights' products: "bf16", "fp8" …
  FlopsPerSecond peak;              ///< dense, of all ranks in that type
  BytesPerSecond memory_bandwidth;  ///< of all ranks
  std::vector<PhaseResult> phases;
  // serving
  double request_rate = 0;  ///< requests/s sustained within the SLO
  std::optional<Percentiles> ttft, tpot;
  std::optional<Objective> objective;
  std::uint64_t requests = 0, refused_requests = 0;  ///< that were measured: served, and turned away
  std::optional<double> reused_prompt_share;         ///< of prompts' tokens, what caches had; nothing: all are computed
  // training
  std::optional<double> model_flops_utilisation;  ///< of `peak`
  std::vector<Alternative> alternatives;
  std::vector<std::string> notes;
  KeptPlan kept;
  std::uint64_t signature = 0;
};

/// Whether it is a training step; or else serving.
inline bool is_training(const CaseResult& one) { return one.model_flops_utilisation.has_value(); }

/// The fewest chips of one system whose throughput reaches another system's.
struct Crossover {
  std::string workload, regime;
  std::string challenger, reference;
  std::uint32_t reference_chips = 0, compared_chips = 0;
  double reference_throughput = 0;
  std::optional<std::uint32_t> chips;  ///< nothing where `largest` chips do not reach it; more than compared as may be
  std::uint32_t largest = 0;
  double throughput = 0;  ///< at `chips`
};

/// What a report says of a system before any result.
struct SystemSummary {
  std::string name, description, chip;
  std::uint32_t ranks = 0, chips = 0, domains = 0;
  std::string rank_word;                                   ///< "die" or "GPU"
  std::vector<std::pair<std::string, std::string>> facts;  ///< "bf16 peak", "288.8 PFLOP/s" …, in order
};

/// A source and the figures that rest on it.
struct SourceUse {
  std::string file;
  Figure figure;
};

/// An uncertain figure and what it does to a contest.
struct FigureEffect {
  std::string file;
  Figure figure;                     ///< its path stands for all its places in the file
  std::size_t places = 1;            ///< in which the file says the same, so that they move together
  std::vector<std::string> systems;  ///< that it is of
  /// Throughput of the leader over that of the next where the figure is at an end of its range; nothing where no plan
  /// of one of them fits there.
  std::optional<double> at_low, at_high;
  bool simulated = false;  ///< in full: of serving, most are only predicted
};

/// How sure a contest is, over random draws of what is uncertain.
struct Odds {
  double leader_wins = 0;    ///< probability
  double low = 0, high = 0;  ///< 90 % of the ratios of the leader to the next lie between
};

/// How sure a contest's winner is: kept plans, throughput as a whole.
struct Uncertainty {
  std::string workload, regime;
  std::string leader, next;           ///< systems
  double ratio = 0;                   ///< of their throughputs, as simulated
  std::vector<FigureEffect> effects;  ///< the widest first; figures that leave the ratio as it is are left out
  std::size_t without_effect = 0;     ///< figures with a range that touch a machine and leave the ratio as it is
  Odds by_figures, with_model_error;
};

/// A published result beside what is predicted of it (`podium validate`).
struct Validated {
  std::string name, system;
  bool training = false;  ///< or a step of inference
  double speed = 1;       ///< predicted, over the published one
  double miss = 0;        ///< of the published figure, as a share of it
};

struct ComparisonResult {
  std::string study, title, question;
  std::string command;  ///< that makes this result again, where the program knows it
  std::vector<SystemSummary> systems;
  std::vector<std::pair<std::string, std::string>> workloads;  ///< name and what it is
  std::vector<CaseResult> cases;
  std::vector<Crossover> crossovers;
  std::vector<Uncertainty> uncertainties;  ///< of the contests that two systems or more have a plan for
  std::vector<Validated> validated;        ///< published results, where how sure it is was asked
  std::vector<std::string> assumptions;
  std::vector<SourceUse> sources;
  std::uint64_t signature = 0;
};

/// One point of a sweep. Where `refused` is not empty there is no throughput.
struct SweepPoint {
  std::string workload, system;
  std::uint32_t chips = 0, ranks = 0, domains = 0;
  std::string plan;
  Throughput throughput;
  std::string refused;
  std::uint64_t signature = 0;
};

struct SweepResult {
  std::string study, title, question;
  std::string command;  ///< that makes this result again, where the program knows it
  std::vector<SystemSummary> systems;
  std::vector<std::pair<std::string, std::string>> workloads;
  std::vector<SweepPoint> points;
  std::vector<std::string> assumptions;
  std::vector<SourceUse> sources;
  std::uint64_t signature = 0;
};

}  // namespace podium
