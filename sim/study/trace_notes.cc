#include "sim/study/trace_notes.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "sim/core/text.h"

namespace podium {

namespace {

std::string prefix_note(const ServingWorkload& workload, const CaseResult& result) {
  const auto percent = [](double share) { return fmt::format("{:.1f} %", 100 * share); };
  const bool named =
      workload.arrivals.recorded && std::any_of(workload.arrivals.recorded->begin(), workload.arrivals.recorded->end(),
                                                [](const Request& r) { return !r.blocks.empty(); });
  const bool reuses = workload.prefix_reuse != PrefixReuse::off;
  if (!named) {
    return reuses ? "prefix_reuse has no effect: it needs a request trace that names the blocks of prompts" : "";
  }
  const std::string ideal = percent(repeated_share(*workload.arrivals.recorded));
  return reuses ? fmt::format(
                      "prefixes are reused: replicas had {} of the tokens of prompts in their caches already "
                      "(a single cache that forgets nothing: {})",
                      percent(result.reused_prompt_share.value_or(0)), ideal)
                : fmt::format(
                      "{} of the tokens of the prompts that are served repeat the beginning of an earlier one; all "
                      "are computed, since prefix_reuse is off",
                      ideal);
}

}  // namespace

std::vector<std::string> trace_notes(const ServingWorkload& workload, const CaseResult& result) {
  std::vector<std::string> notes;
  if (result.plan.empty()) {
    return notes;
  }
  if (std::string reuse = prefix_note(workload, result); !reuse.empty()) {
    notes.push_back(std::move(reuse));
  }
  if (!workload.arrivals.recorded) {
    return notes;
  }
  notes.insert(notes.end(), workload.arrivals.notes.begin(), workload.arrivals.notes.end());
  const std::size_t served = workload.arrivals.recorded->size();
  const auto text = [](std::size_t count) { return with_commas(static_cast<long long>(count)); };
  if (served < workload.arrivals.in_trace) {
    double input = 0, output = 0;
    for (const Request& request : *workload.arrivals.recorded) {
      input += request.input / static_cast<double>(served);
      output += request.output / static_cast<double>(served);
    }
    notes.push_back(
        fmt::format("of the trace's {} requests {} are served, in stretches evenly spread over it: mean tokens in and "
                    "out {:.0f} and {:.0f}, of the whole trace {:.0f} and {:.0f}",
                    text(workload.arrivals.in_trace), text(served), input, output, workload.arrivals.trace_input,
                    workload.arrivals.trace_output));
  }
  // with a mean gap before the next pass
  const auto size = static_cast<double>(served);
  const Seconds recorded = workload.arrivals.recorded->back().arrival * (size / (size - 1));
  const Seconds pass(size / result.request_rate);
  notes.push_back(
      fmt::format("{} requests are measured, from a trace of {}, which comes again and again; at this rate it comes in "
                  "{}, recorded "
                  "in {}: its swings, too, last that much {}",
                  text(result.requests + result.refused_requests), text(served), to_text(pass), to_text(recorded),
                  pass < recorded ? "shorter" : "longer"));
  return notes;
}

}  // namespace podium
