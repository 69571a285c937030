#pragma once

#include "sim/workload/inference.h"

namespace podium {

/// The mean iteration of instances: the operating point that a report explains. Tokens are those of the mean prompt,
/// and contexts such that tokens attend to as many as in the mean: the products with the counts are means, too.
struct MeanStep {
  StepShape shape;
  double sequences = 0;   ///< of all replicas, decoded and prefilled; those of `shape` are the fullest's
  double busy = 0;        ///< share of the time that goes into such iterations
  double iterations = 0;  ///< one that is watched in part counts in part
};

/// Sums over iterations, of each as much as is watched.
class StepSums {
 public:
  /// Of an iteration of some time that is watched in this part; `sequences` of all replicas.
  void add(const StepShape&, double sequences, Seconds time, double part);
  void add(const StepSums&);
  /// Of so many instances, watched for some time each.
  MeanStep mean(Seconds watched, std::size_t instances) const;

 private:
  double iterations_ = 0, sequences_ = 0;
  double decoded_ = 0, decoded_attended_ = 0;                     ///< sequences, and tokens that they attend to
  double prompts_ = 0, prompt_tokens_ = 0, prompt_attended_ = 0;  ///< the last: of all tokens, those before each
  Seconds time_;
};

}  // namespace podium
