#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <vector>

#include "sim/core/time.h"
#include "sim/workload/inference.h"

namespace podium {

/// An iteration of an instance, and what the instance held when it began; all its replicas together.
struct LoggedIteration {
  std::uint32_t instance = 0;  ///< prefill instances first, then those that decode
  Time begin, end;
  StepShape step;                 ///< of the fullest replica
  std::uint32_t prompts = 0;      ///< of which it takes chunks
  std::uint32_t running = 0;      ///< sequences that it decodes
  std::uint32_t waiting = 0;      ///< for prefill, those of which it takes chunks with them
  std::uint32_t delivered = 0;    ///< prefilled elsewhere, waiting for room
  double cached = 0;              ///< tokens, chunks of this iteration with them
  std::uint64_t preemptions = 0;  ///< so far
};

/// The course of one request; what did not come about is left out.
struct LoggedRequest {
  std::uint32_t id = 0;  ///< in order of arrival
  Time arrival;
  std::uint32_t input = 0, output = 0;
  std::optional<std::uint32_t> prefilled_by, decoded_by;  ///< instances
  std::optional<Time> prefill, first_token;  ///< when its first chunk was taken; when it had its first token
  std::optional<Time> delivered, decode;     ///< its cache, elsewhere; when it was first decoded
  std::optional<Time> finish;
  bool refused = false;
};

/// What a run did from an instant on, until it is full: of the first requests to arrive since, and iterations.
struct ServingLog {
  Time from;
  std::size_t most_iterations = 0, most_requests = 0;
  // filled in by the run
  std::vector<LoggedIteration> iterations;  ///< in order of their ends
  std::vector<LoggedRequest> requests;
  std::uint32_t prefill_instances = 0, decode_instances = 0;
  double prefill_capacity = 0, decode_capacity = 0;  ///< tokens of cache, of an instance

  bool takes_iteration(Time begin) const { return begin >= from && iterations.size() < most_iterations; }
  /// The request's entry; nothing where it is not logged.
  LoggedRequest* find(std::uint32_t id) {
    const std::uint32_t first = requests.empty() ? id : requests.front().id;
    return id >= first && id - first < requests.size() ? &requests[id - first] : nullptr;
  }
};

}  // namespace podium
