#include "sim/study/trace_notes.h"

#include <fmt/format.h>

#include <cmath>

namespace podium {

std::vector<std::string> trace_notes(const ServingWorkload& workload, const CaseResult& result) {
  std::vector<std::string> notes;
  if (!workload.arrivals.recorded || result.plan.empty()) {
    return notes;
  }
  const std::vector<Request>& requests = *workload.arrivals.recorded;
  const std::string size = with_commas(static_cast<long long>(requests.size()));
  // arrivals have one rate, while a run warms up as while it is measured
  const double of_run = static_cast<double>(result.requests) * (1 + workload.warm_up / workload.measured);
  if (of_run > static_cast<double>(requests.size())) {
    notes.push_back(fmt::format("the trace of {} requests is shorter than a run, of some {}: it is repeated", size,
                                with_commas(std::llround(of_run))));
  }
  return notes;
}

}  // namespace podium
