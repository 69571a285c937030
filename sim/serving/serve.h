#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "sim/core/time.h"
#include "sim/serving/deployment.h"
#include "sim/serving/mean_step.h"
#include "sim/serving/request.h"
#include "sim/serving/serving_log.h"

namespace podium {

/// What one request saw.
struct Outcome {
  Time arrival, first_token, finish;
  std::uint32_t output = 0;
  bool refused = false;  ///< longer than a replica's cache: turned away on arrival

  Seconds ttft() const { return first_token - arrival; }
  /// Mean time of a token after the first; zero for one token.
  Seconds tpot() const { return output > 1 ? (finish - first_token) / (output - 1.0) : Seconds(); }
};

struct Served {
  std::vector<Outcome> outcomes;  ///< by request, in order of arrival; all served, or those that were watched
  MeanStep prefill, decode;       ///< of the pools while the run is watched
  /// Of the decode pool's iterations those that take prompts, too, and those that only decode.
  MeanStep with_prompts, without_prompts;
  std::uint64_t preemptions = 0, refused = 0;
  /// Of the prompts that were begun of those that are watched, and of these what a cache had already.
  double prompt_tokens = 0, reused_tokens = 0;
  Seconds time;
  std::uint64_t signature = 0;
};

/// The requests that a run is about, and what the given share of them must see at most. The run ends when the last of
/// them is served, and sooner where so many are late that the objective cannot be kept any more.
struct Watch {
  Time from, until;  ///< arrivals at or after the one and before the other
  double quantile = 1;
  Seconds ttft, tpot;

  bool covers(Time arrival) const { return arrival >= from && arrival < until; }
  /// How much of the time between two instants is between `from` and `until`.
  Seconds overlap(Time begin, Time end) const;
};

/// Iterations that each request decodes for, after its first token: each brings one token, and the draft tokens before
/// the first that is refused (each is accepted with the plan's probability). Drawn once for all rates.
std::vector<std::uint32_t> draw_iterations(const UnitRequests&, const InferencePlan&, std::uint64_t seed);

/// Offers `requests` at `rate` requests per second to a deployment and runs until all are served, or returns nothing
/// where it cannot keep the watched objective. Continuous batching: an iteration decodes all sequences of a replica and
/// takes prompt chunks, first come first served; replicas of an instance iterate in step, at the pace of the fullest. A
/// sequence leaves when it has run its iterations. A replica whose cache is full takes no new sequence, and sends its
/// youngest one back to be computed again when growth fills it. Requests go to the instance, and in it to the replica,
/// with the fewest tokens to prefill, or sequences to decode. Where a pool reuses prefixes, prompts begin after the
/// blocks that their replica's cache has, and go to the replica on which they and those before them leave the fewest
/// tokens to prefill (of mixed instances: among those that hold few sequences).
/// `log` is filled in where there is one; it changes nothing else.
std::optional<Served> serve(const Deployment&, std::span<const Request>, std::span<const std::uint32_t> iterations,
                            double rate, std::optional<Watch> watch = {}, ServingLog* log = nullptr);
/// The same with iterations drawn from `seed`.
std::optional<Served> serve(const Deployment&, const UnitRequests&, double rate, std::uint64_t seed,
                            std::optional<Watch> watch = {});

}  // namespace podium
