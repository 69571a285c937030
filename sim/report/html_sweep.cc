// A sweep as one HTML file that opens without a network.
#include "sim/report/page.h"
#include "sim/report/report.h"
#include "sim/report/tables.h"
#include "sim/report/verdict.h"

namespace podium {

std::string to_html(const SweepResult& result) {
  Html sentences;
  for (const std::string& sentence : summary(result)) {
    sentences += paragraph(sentence);
  }
  Html body = heading("verdict", "Verdict") + element("div", "summary", sentences) +
              heading("throughput", "Throughput against chips") +
              paragraph(
                  "Filled points lie within one scale-up domain (a supernode, a rack, a server), hollow ones span "
                  "several; a cross above the axis is a count without a result.",
                  "note");
  for (const std::string& workload : workloads_of(result)) {
    body += element("h3", "", prose(workload)) + chart("scaling", {{"workload", workload}}) +
            folded("Numbers and plans", table(points_table(result, workload)));
  }
  Places places{{"verdict", "Verdict"}, {"throughput", "Throughput"}};
  if (const TextTable refused = refused_points_table(result); !refused.rows.empty()) {
    body += heading("refused", "Points without a result") + table(refused);
    places.emplace_back("refused", "Refused");
  }
  body += heading("systems", "Systems") + paragraph("At their full size in this study.", "note") +
          table(systems_table(result.systems));
  for (const auto& [name, description] : result.workloads) {
    body += element("p", "", element("b", "", prose(name)) + prose(": " + description + "."));
  }
  places.insert(places.end(), {{"systems", "Systems"}, {"assumptions", "Assumptions"}, {"sources", "Sources"}});
  body += assumptions_section(result.assumptions) + sources_section(result.sources) +
          reproduction_section(result.command, result.signature);
  return page(result.title, result.question, "Podium · sweep", result.systems, places, body, to_json(result));
}

}  // namespace podium
