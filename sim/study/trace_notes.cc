#include "sim/study/trace_notes.h"

#include <fmt/format.h>

#include <algorithm>
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
  const int most = load_model(workload.model).max_context;
  const auto too_long = std::count_if(requests.begin(), requests.end(), [most](const Request& request) {
    return std::int64_t{request.input} + request.output > most;
  });
  if (too_long > 0) {
    notes.push_back(fmt::format("{} of the trace's {} requests are longer than the {} tokens that {} takes",
                                with_commas(too_long), size, with_commas(most), workload.model));
  }
  return notes;
}

}  // namespace podium
