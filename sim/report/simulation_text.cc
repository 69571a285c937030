// Executed steps for a terminal.
#include <fmt/format.h>

#include "sim/report/format.h"
#include "sim/report/report.h"
#include "sim/report/simulation_tables.h"
#include "sim/report/verdict.h"

namespace podium {
namespace {

std::string to_text(const SimulationResult& result, const SimulatedStep& step) {
  std::string text = fmt::format("\n  {}: {}, {} ranks, {} sequences\n\n", step.phase.name, step.phase.plan,
                                 count(step.phase.step.allocation.ranks), count(step.phase.batch));
  text += plain(step_table(result, step), 4);
  text += "\n" + plain(path_table(step), 4) + "\n" + plain(help_table(step), 4);
  if (!step.run.tiers.empty()) {
    text += "\n" + plain(tier_table(result, step), 4) + "\n    busiest links\n";
    for (const PortTier& tier : step.run.tiers) {
      text += "      " + busiest_links(tier) + "\n";
    }
  }
  for (const std::string& note : step_notes(result, step)) {
    text += "    " + note + "\n";
  }
  return text;
}

}  // namespace

std::string to_text(const SimulationResult& result) {
  std::string text = result.found.title + ": steps on the " + result.options.network + " network\n\n";
  for (const std::string& sentence : scope(result)) {
    text += sentence + "\n";
  }
  for (const SimulatedCase& one : result.cases) {
    const CaseResult& found = one.found;
    text += fmt::format("\n{}, {}\n  plan: {}\n  the search found {} {}\n", full_name(found.workload, found.regime),
                        machine_name(result.found.systems, found), found.plan,
                        three_digits(found.throughput.per_system), found.throughput.unit);
    for (const std::string& note : found.notes) {
      text += "  " + note + "\n";
    }
    for (const SimulatedStep& step : one.steps) {
      text += to_text(result, step);
    }
  }
  for (const CaseResult& found : result.found.cases) {
    if (found.plan.empty()) {
      text += fmt::format("\n{}, {}\n  no plan: {}\n", full_name(found.workload, found.regime),
                          machine_name(result.found.systems, found), refusal(found));
    }
  }
  return text + "\nsignature " + hexadecimal(result.signature) + "\n";
}

}  // namespace podium
