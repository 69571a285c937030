#pragma once

#include <deque>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sim/serving/request.h"
#include "sim/serving/step_times.h"
#include "sim/study/result.h"
#include "sim/study/study.h"

namespace podium {

enum class Stage { prefill, decode, mixed };

/// What a workload asks of every instance: the mean request and the objective.
struct MeanRequest {
  double input = 0, output = 0;
  /// Of a prompt, what a cache that forgets nothing would not have: all of it where prefixes are not reused. And what
  /// it would have, in the mean over all tokens that are computed.
  double computed = 0, prefix = 0;
  /// At the SLO's quantile: of the prompt that must still see its first token in time, with what is computed of it, and
  /// of the request that must be served, with its answer.
  double long_input = 0, long_computed = 0, long_request = 0;
  double shortest_input = 0;  ///< of all
  double longest = 0;         ///< of all, with its answer
  double fitting = 1;         ///< the share of requests that means are of
  Slo slo;
  /// Tokens in the cache of a sequence that decodes, and of these those that no prompt before it brought, in the mean
  /// over all that is decoded: long answers stay longer.
  double context = 0, own_context = 0;
};

/// A machine of an instance's ranks, and what iterations of its plan take there.
struct InstanceSteps {
  Machine machine;
  Simulator simulator;
  StepTimes times;

  InstanceSteps(Machine on, const SimulatorOptions& options, const ModelSpec& model, const InferencePlan& plan)
      : machine(std::move(on)), simulator(machine, options), times(simulator, model, plan) {}
};

/// One template with one chunk size and one cap on sequences: an instance that could be deployed.
struct ServingCandidate {
  Stage stage = Stage::mixed;
  InferencePlan plan;
  double chunk = 0;
  std::uint32_t cap = most_sequences;    ///< of `sequences`
  MeanRequest request;                   ///< of those that its cache can hold
  std::shared_ptr<InstanceSteps> steps;  ///< of all candidates of its template
  std::uint32_t sequences = 0;           ///< that a replica decodes at once at most
  double cache_tokens = 0;               ///< that a replica's cache holds, beside the step of so many
  MemoryUse memory;                      ///< without cache
  double rate = 0;                       ///< requests/s that one instance is predicted to take
  double most = 0;                       ///< likewise, if it were never idle
  Seconds stay;                          ///< predicted time of a request in it, at that rate
};

/// Means are of requests of at most `longest` tokens, input and output together; quantiles of all.
MeanRequest mean_request(const ServingWorkload&, const std::vector<Request>& recorded,
                         double longest = std::numeric_limits<double>::infinity());

/// The candidates of one system for one workload: each is made when it is first asked for, and kept. None depends on
/// the number of chips.
class Candidates {
 public:
  /// Refers to the workload and the recorded requests, of which there are none where arrivals are random.
  Candidates(const Study&, const ServingWorkload&, const std::vector<Request>& recorded, ModelSpec, SystemSpec,
             const ServingOptions&);

  /// One template with one chunk size and cap; `candidate` stays empty where it was refused.
  struct Entry {
    Stage stage = Stage::mixed;
    const InstanceTemplate* made_from = nullptr;
    double chunk = 0;
    std::uint32_t cap = most_sequences;
    std::optional<ServingCandidate> candidate;
    std::string refused;
    double excess = 0;  ///< where it was refused: what it needs of memory or time over what there is
    Lack lack = Lack::other;
  };
  std::deque<Entry>& entries() { return entries_; }
  /// Nothing where the plan cannot be, does not fit, or keeps to the objective with no batch: `entry.refused` says why.
  const ServingCandidate* get(Entry& entry);

  /// An iteration that carries a full chunk of mean prompts, whole ones where they are shorter, beside `batch`
  /// sequences a replica.
  static StepShape full_step(const ServingCandidate&, double batch);

  const ModelSpec& model() const { return model_; }
  const SystemSpec& system() const { return system_; }
  const ChipSpec& chip() const { return chip_; }

 private:
  ServingCandidate make(const Entry&);
  std::shared_ptr<InstanceSteps> steps_of(const InstanceTemplate&);
  static Seconds check_prompt_alone(const ServingCandidate&);
  StepShape largest_step(const ServingCandidate&) const;
  void fill_memory(ServingCandidate&) const;
  void predict(ServingCandidate&) const;
  void predict_prefill(ServingCandidate&) const;
  static Seconds prompt_time(const ServingCandidate&, double batch);
  static double most_mixed(const ServingCandidate&);
  /// Time of a token where each replica of the instance has `batch` sequences of `context` tokens.
  static Seconds predict_tpot(const ServingCandidate&, double batch, double context);
  static double most_in_time(const ServingCandidate&, double context);

  const Study& study_;
  const ServingWorkload& workload_;
  const std::vector<Request>& recorded_;
  MeanRequest all_;  ///< of all requests
  ModelSpec model_;
  SystemSpec system_;
  ChipSpec chip_;
  std::deque<Entry> entries_;  ///< candidates are referred to
  std::map<const InstanceTemplate*, std::shared_ptr<InstanceSteps>> steps_;
};

}  // namespace podium
