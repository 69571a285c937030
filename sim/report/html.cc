// Results as one HTML file that opens without a network.
#include "sim/report/format.h"
#include "sim/report/report.h"
#include "sim/report/tables.h"
#include "sim/report/verdict.h"

namespace podium {
namespace {

std::string element(const std::string& name, const std::string& text) {
  return "<" + name + ">" + escape_html(text) + "</" + name + ">\n";
}

std::string page(const std::string& title, const std::string& body) {
  return "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">" + element("title", title) +
         "<style>body{font-family:sans-serif;max-width:80em;margin:auto}td.number,th.number{text-align:right}"
         "td,th{padding:0 1em 0 0;text-align:left;vertical-align:top}</style></head>\n<body>\n" +
         element("h1", title) + body + "</body></html>\n";
}

std::string ending(const std::vector<std::string>& assumptions, const std::vector<SourceUse>& sources) {
  std::string text = element("h2", "Assumptions") + "<ul>";
  for (const std::string& assumption : assumptions) {
    text += element("li", assumption);
  }
  return text + "</ul>" + element("h2", "Sources") + html(sources_table(sources));
}

}  // namespace

std::string to_html(const ComparisonResult& result) {
  std::string body = element("p", result.question);
  for (const Contest& contest : contests(result)) {
    body += element("h2", contest.workload + ", " + contest.regime) + element("p", verdict(result, contest));
    body += html(throughput_table(result, contest)) + html(latency_table(result, contest));
    for (const std::string& phase : phase_names(contest)) {
      body += html(time_table(result, contest, phase)) + html(memory_table(result, contest, phase));
    }
  }
  for (const Crossover& crossover : result.crossovers) {
    body += element("p", sentence(result, crossover));
  }
  body += element("h2", "Systems") + html(systems_table(result.systems));
  return page(result.title, body + ending(result.assumptions, result.sources));
}

std::string to_html(const SweepResult& result) {
  std::string body;
  for (const std::string& workload : workloads_of(result)) {
    body += element("h2", workload) + html(points_table(result, workload));
  }
  body += html(refused_points_table(result));
  return page(result.title, body + ending(result.assumptions, result.sources));
}

}  // namespace podium
