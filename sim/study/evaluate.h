#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "sim/serving/serving_log.h"
#include "sim/study/result.h"
#include "sim/study/study.h"
#include "sim/system/simulator.h"

namespace podium {

/// Evaluates one case (a workload, a regime, a system) on a number of chips, from the system's first one on. A case
/// without any plan has throughput zero and says why in its alternatives. What does not depend on the chips, as the
/// times of steps, is remembered between calls: an evaluator is used by one thread at a time, and what it returns does
/// not depend on what it was asked before. It refers to what it was made from.
class Evaluator {
 public:
  virtual ~Evaluator() = default;
  virtual CaseResult on(std::uint32_t chips) = 0;
  /// The same result, found sooner: of its alternatives those may be missing that cannot be the best. Where the best
  /// does not reach the throughput `enough`, nor does what is returned, which may then be any plan or none.
  virtual CaseResult best_on(std::uint32_t chips, double enough = 0) = 0;
};

/// The best deployment of a model, by search: for each pair of templates the split of ranks between prefill and decode
/// that balances their predicted rates, the most promising ones simulated, each at the highest rate that keeps the SLO
/// (bisection to 1 %).
std::unique_ptr<Evaluator> serving_evaluator(const Study&, const ServingWorkload&, const ServingRegime&,
                                             const ServingOptions&);

/// The fastest plan of a training step among those that fit in memory.
std::unique_ptr<Evaluator> training_evaluator(const Study&, const TrainingWorkload&, const TrainingRegime&,
                                              const TrainingOptions&);

/// The one or the other.
std::unique_ptr<Evaluator> evaluator_of(const Study&, const CaseId&);

/// How a kept plan is evaluated again: a deployment by the rate that its search begins with, which leaves queueing out,
/// and a step by shorter ones; or in full.
enum class Depth : std::uint8_t { predicted, simulated };

/// What the plan that a case kept gives on the whole machine, in the case's unit, with the study's figures and without
/// a search; of steps, the first that fits. Nothing where there is none.
std::optional<double> pinned_throughput(const Study&, const ServingWorkload&, const ServingRegime&,
                                        const ServingOptions&, const KeptDeployment&, Depth);
std::optional<double> pinned_throughput(const Study&, const TrainingWorkload&, const TrainingRegime&,
                                        const TrainingOptions&, const KeptSteps&, Depth);
std::optional<double> pinned_throughput(const Study&, const CaseId&, const KeptPlan&, Depth);

/// The requests and iterations of a kept deployment on the whole machine at the rate that it sustained.
ServingLog serving_log(const Study&, const ServingWorkload&, const ServingRegime&, const ServingOptions&,
                       const KeptDeployment&, double rate);

/// How the steps of a study are simulated.
SimulatorOptions simulator_options(const Study&);

/// The first ranks of a system, on a network with the faults that the study gives it, and with those of its slow chips
/// that are among them.
Allocation allocate(const Study&, const std::string& system, std::uint32_t ranks, std::uint32_t ranks_per_domain = 0);
/// Of many instances side by side the one that stands for all: it has every slow chip, at its place in its own
/// instance. So no instance is slower, and the others may be faster.
Allocation allocate_instance(const Study&, const std::string& system, std::uint32_t ranks);

/// Says of a case what all its ranks could do, in a type.
void set_peaks(CaseResult&, const ChipSpec&, DataType);
/// Says of a phase how many of the system's ranks it has, and what those of one step do over its time.
void set_use(PhaseResult&, std::uint32_t ranks, const Execution& step, std::uint32_t ranks_of_step, const ChipSpec&,
             DataType);

/// Why that many chips of a system cannot be; empty where they can.
std::string why_too_many(const SystemSpec&, std::uint32_t chips);

}  // namespace podium
