// Timelines of executed steps, and of the requests that were served, as one file.
#include <fmt/format.h>

#include "sim/report/format.h"
#include "sim/report/report.h"
#include "sim/report/simulation_tables.h"
#include "sim/report/timeline_trace.h"
#include "sim/report/verdict.h"

namespace podium {

std::string to_trace(const SimulationResult& result) {
  TraceEvents events;
  std::string steps, served;
  std::uint32_t next = 1;
  for (const SimulatedCase& one : result.cases) {
    const std::string name = fmt::format("{}, {}", full_name(one.found.workload, one.found.regime),
                                         machine_name(result.found.systems, one.found));
    for (const SimulatedStep& step : one.steps) {
      const Timeline& timeline = step.run.timeline;
      const std::string run = name + ", " + step.phase.name;
      steps += fmt::format("{}{{\"name\":{},\"plan\":{},\"first_pid\":{},\"time_seconds\":{},\"detailed_passes\":{}}}",
                           steps.empty() ? "" : ",\n", json_string(run), json_string(step.phase.plan), next,
                           exact(timeline.time.value()), timeline.detailed_passes);
      next = write_timeline(events, timeline, run, next);
    }
    if (one.served) {
      served += fmt::format(
          "{}{{\"name\":{},\"first_pid\":{},\"begins_at_seconds\":{},\"iterations\":{},\"requests\":{}}}",
          served.empty() ? "" : ",\n", json_string(name), next, exact(since_start(one.served->from).value()),
          one.served->iterations.size(), one.served->requests.size());
      next = write_serving(events, *one.served, name, next);
    }
  }
  return events.file(fmt::format(
      "\"command\":{},\"network\":{},\"signature\":\"{}\",\"steps\":[\n{}\n],\"served\":[\n{}\n]",
      json_string(result.command), json_string(result.options.network), hexadecimal(result.signature), steps, served));
}

std::string to_trace(const Timeline& timeline, const std::string& run, const std::string& command) {
  TraceEvents events;
  write_timeline(events, timeline, run, 1);
  return events.file(fmt::format("\"command\":{},\"time_seconds\":{},\"detailed_passes\":{}", json_string(command),
                                 exact(timeline.time.value()), timeline.detailed_passes));
}

}  // namespace podium
