// Results for a terminal: the verdict and a table.
#include "sim/report/certainty.h"
#include "sim/report/format.h"
#include "sim/report/report.h"
#include "sim/report/tables.h"
#include "sim/report/verdict.h"
#include "sim/report/why.h"

namespace podium {

std::string to_text(const ComparisonResult& result) {
  std::string text = result.title + "\n\n";
  for (const std::string& sentence : summary(result)) {
    text += sentence + "\n";
  }
  for (const Contest& contest : contests(result)) {
    text += "\n" + full_name(contest.workload, contest.regime) + "\n  " + verdict(result, contest) + "\n\n";
    text += plain(throughput_table(result, contest), 2);
    if (const TextTable latency = latency_table(result, contest); !latency.rows.empty()) {
      const std::string limits = limit_sentence(result, contest);
      text += "\n" + plain(latency, 2) + (limits.empty() ? "" : "  " + limits + "\n");
    }
    text += phase_names(contest).empty() ? "" : "\n";
    for (const std::string& phase : phase_names(contest)) {
      text += "  " + time_sentence(result, contest, phase) + "\n";
    }
    if (const std::string why = why_sentence(result, contest); !why.empty()) {
      text += "  Why: " + why + "\n";
    }
    for (const CaseResult* one : contest.cases) {
      if (one->model_flops_utilisation) {
        text += "  " + display_name(result.systems, one->system) + ": " + utilisation(*one) + "\n";
      }
    }
    if (const Uncertainty* sure = uncertainty_of(result, contest)) {
      text += "\n" + plain(effects_table(*sure, 8, 48), 2);
      for (const std::string& sentence : certainty(result, *sure)) {
        text += "  " + sentence + "\n";
      }
    }
  }
  if (!result.crossovers.empty()) {
    text += "\nCrossover\n";
    for (const Crossover& crossover : result.crossovers) {
      text += "  " + full_name(crossover.workload, crossover.regime) + ": " + sentence(result, crossover) + "\n";
    }
  }
  if (!result.uncertainties.empty()) {
    text += "\nHow sure\n  " + draws_sentence(result.validated) + "\n";
  }
  return text + "\nsignature " + hexadecimal(result.signature) + "\n";
}

std::string to_text(const SweepResult& result) {
  std::string text = result.title + "\n\n";
  for (const std::string& sentence : summary(result)) {
    text += sentence + "\n";
  }
  for (const std::string& workload : workloads_of(result)) {
    text += "\n" + workload + "\n" + plain(points_table(result, workload), 2);
  }
  if (const TextTable refused = refused_points_table(result); !refused.rows.empty()) {
    text += "\nPoints without a result\n" + plain(refused, 2);
  }
  return text + "\nsignature " + hexadecimal(result.signature) + "\n";
}

}  // namespace podium
