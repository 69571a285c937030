#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <tuple>
#include <vector>

#include "sim/serving/serve.h"
#include "sim/study/serving_split.h"

namespace podium {

/// What the requests saw that arrived while a run was measured.
struct Measured {
  std::vector<double> ttft, tpot;
  std::vector<double> arrival, stay;  ///< of each request, in order of arrival
  double tokens = 0;                  ///< of answers
  std::size_t refused = 0;            ///< turned away
  std::size_t refused_decoding = 0;   ///< of these, who wanted more than one token
  Seconds time;                       ///< in which they arrived

  /// Of all that came: those that were turned away have none.
  double tokens_of_each() const { return tokens / static_cast<double>(ttft.size() + refused); }
  /// Of all requests, also those that were turned away, who wait for ever.
  double ttft_at(double of) const;
  std::optional<double> tpot_at(double of) const;  ///< nothing where no answer has a second token
};

/// A deployment at the highest rate that was found to keep the objective.
struct Sustained {
  double rate = 0, tokens = 0;  ///< requests and output tokens a second, of all copies
  Split part;                   ///< that was simulated
  double copies = 1;
  Served served;
  Measured measured;
  double above = 0;  ///< the lowest rate that was not sustained: the objective was missed, or queues grew
};

/// Finds how many requests a second deployments of one workload sustain, by simulating them. Requests are drawn once
/// and kept, so that all deployments see the same; what is found does not depend on what was asked before.
class RateSearch {
 public:
  /// Refers to the workload, the model and the recorded requests, of which there are none where arrivals are random.
  RateSearch(const ServingWorkload& workload, const ModelSpec& model, const MeanRequest& mean,
             const std::vector<Request>& recorded, std::string transfer_plane, std::uint64_t seed)
      : workload_(workload),
        model_(model),
        mean_(mean),
        recorded_(recorded),
        transfer_plane_(std::move(transfer_plane)),
        seed_(seed) {}

  /// Whether the plane between prefill and decode, where they are apart, has any bandwidth left.
  bool can_transfer(const Split&) const;

  /// Bisection for the highest rate that keeps the objective, to 1 %; nothing where there is none, or `at_least` is
  /// more, which costs one run to find out and changes nothing else.
  std::optional<Sustained> sustain(const Split&, double at_least = 0);

  /// A run at a rate (of all copies) that was not sustained, to its end whatever requests see: the first, of ever
  /// longer ones, that misses the objective, or the longest.
  Measured look(const Split&, double rate);

  /// A run at a rate (of all copies) that was sustained, logged from where it is measured on.
  ServingLog log(const Split&, double rate, std::size_t most_iterations, std::size_t most_requests);

 private:
  /// What is offered at all rates: the first of these.
  struct Offer {
    UnitRequests requests;
    std::vector<std::uint32_t> iterations;
  };
  /// Random requests by their number, those of a trace by passes and how many share it; and what is drafted.
  struct OfferKey {
    std::size_t size = 0;
    double copies = 1;
    std::int32_t draft_tokens = 0;
    double acceptance = 0;
    auto operator<=>(const OfferKey&) const = default;
  };

  /// How long a run lasts, at least.
  struct Run {
    Seconds warm_up, measured, drain;
    Seconds length() const { return warm_up + measured + drain; }
  };

  Deployment deploy(const Split&) const;
  /// Requests that a run measures: a quantile is told by those beyond it.
  double fewest() const;
  Run plan_run(const Split&, double rate, double patience) const;
  const Offer& offer(std::size_t size, double copies, const InferencePlan&);
  Measured measure(const Served&, const Watch&) const;
  bool keeps_objective(const Measured&) const;
  Cell cell_of(const Split&) const;
  /// What a run offers, and which of it is measured.
  struct Trial {
    std::span<const Request> requests;
    std::span<const std::uint32_t> iterations;
    double rate = 0;  ///< at which the requests are offered
    Watch watched;
    std::size_t passes = 0;  ///< of a trace, that are measured
  };
  Trial plan_trial(const Cell&, double rate, double patience);
  Seconds least_passes(const Cell&, double rate, double patience) const;
  /// Whether a run with patience would take more than can be simulated.
  bool is_too_long(const Cell&, double rate, double patience) const;
  std::optional<Sustained> hold(const Cell&, const Deployment&, double rate);

  const ServingWorkload& workload_;
  const ModelSpec& model_;
  MeanRequest mean_;
  const std::vector<Request>& recorded_;
  std::string transfer_plane_;
  std::uint64_t seed_;
  std::map<OfferKey, Offer> offers_;  ///< equal for all splits and numbers of chips that share alike
};

}  // namespace podium
