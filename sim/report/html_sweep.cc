// A sweep as one HTML file that opens without a network.
#include "sim/report/page.h"
#include "sim/report/report.h"
#include "sim/report/tables.h"

namespace podium {

std::string to_html(const SweepResult& result) {
  Html body = heading("throughput", "Throughput against chips") +
              paragraph(
                  "Filled points lie within one scale-up domain (a supernode, a rack, a server), hollow ones span "
                  "several; a cross on the axis is a count without a result.",
                  "note");
  for (const std::string& workload : workloads_of(result)) {
    body += element("h3", "", prose(workload)) + chart("scaling", {{"workload", workload}}) +
            folded("Numbers and plans", table(points_table(result, workload)));
  }
  Places places{{"throughput", "Throughput"}};
  if (const Table refused = refused_points_table(result); !refused.rows.empty()) {
    body += heading("refused", "Points without a result") + table(refused);
    places.emplace_back("refused", "Refused");
  }
  body += heading("systems", "Systems") + table(systems_table(result.systems));
  for (const auto& [name, description] : result.workloads) {
    body += element("p", "", element("b", "", prose(name)) + prose(": " + description + "."));
  }
  places.insert(places.end(), {{"systems", "Systems"}, {"assumptions", "Assumptions"}, {"sources", "Sources"}});
  body += assumptions_section(result.assumptions) + sources_section(result.sources) +
          reproduction_section(result.command, result.signature);
  return page(result.title, result.question, "Podium · sweep", result.systems, places, body, to_json(result));
}

}  // namespace podium
