// Results as GitHub-flavoured Markdown: all that the HTML report says in words and tables.
#include "sim/report/certainty.h"
#include "sim/report/format.h"
#include "sim/report/report.h"
#include "sim/report/tables.h"
#include "sim/report/verdict.h"
#include "sim/report/why.h"

namespace podium {
namespace {

std::string heading(int depth, const std::string& text) {
  return "\n" + std::string(static_cast<std::size_t>(depth), '#') + " " + escape_markdown(text) + "\n\n";
}

std::string item(const std::string& text) { return "- " + escape_markdown(text) + "\n"; }

std::string named(const std::vector<std::pair<std::string, std::string>>& entries) {
  std::string text;
  for (const auto& [name, description] : entries) {
    text += "- **" + escape_markdown(name) + "**: " + escape_markdown(description) + "\n";
  }
  return text;
}

std::string contest_section(const ComparisonResult& result, const Contest& contest) {
  std::string text = heading(3, full_name(contest.workload, contest.regime));
  text += escape_markdown(verdict(result, contest)) + "\n\n" + markdown(throughput_table(result, contest));
  if (const TextTable latency = latency_table(result, contest); !latency.rows.empty()) {
    text += "\n" + markdown(latency) + "\n" + escape_markdown(limit_sentence(result, contest)) + "\n";
  }
  for (const std::string& phase : phase_names(contest)) {
    text += "\n" + escape_markdown(time_sentence(result, contest, phase)) + "\n\n";
    text += markdown(time_table(result, contest, phase)) + "\n" + markdown(memory_table(result, contest, phase));
    if (const TextTable gains = gains_table(result, contest, phase); !gains.rows.empty()) {
      text += "\n" + markdown(gains);
    }
    if (const std::string folding = folding_sentence(result, contest, phase); !folding.empty()) {
      text += "\n" + escape_markdown(folding) + "\n";
    }
  }
  if (const std::string why = why_sentence(result, contest); !why.empty()) {
    text += "\n" + escape_markdown("Why: " + why) + "\n";
  }
  for (const CaseResult* one : contest.cases) {
    if (one->model_flops_utilisation) {
      text += "\n" + escape_markdown(display_name(result.systems, one->system) + ": " + utilisation(*one)) + "\n";
    }
    for (const std::string& note : one->notes) {
      text += "\n" + escape_markdown(display_name(result.systems, one->system) + ": " + note + ".") + "\n";
    }
  }
  return text;
}

std::string certainty_text(const ComparisonResult& result) {
  if (result.uncertainties.empty()) {
    return "";
  }
  std::string text = heading(2, "How sure") + escape_markdown(draws_sentence(result.validated)) + "\n";
  for (const Uncertainty& sure : result.uncertainties) {
    text += heading(3, full_name(sure.workload, sure.regime));
    for (const std::string& sentence : certainty(result, sure)) {
      text += item(sentence);
    }
    text += "\n" + markdown(effects_table(sure));
  }
  return text;
}

std::string ending(const std::vector<std::string>& assumptions, const std::vector<SourceUse>& sources) {
  std::string text = heading(2, "Assumptions");
  for (const std::string& assumption : assumptions) {
    text += item(assumption);
  }
  return text + heading(2, "Sources") + markdown(sources_table(sources));
}

std::string reproduction(const std::string& command, std::uint64_t signature) {
  return heading(2, "How to make this again") + (command.empty() ? "" : "    " + command + "\n\n") + "Signature: `" +
         hexadecimal(signature) + "`. Equal inputs give it again, on any machine and with any number of threads.\n";
}

}  // namespace

std::string to_markdown(const ComparisonResult& result) {
  std::string text = "# " + escape_markdown(result.title) + "\n\n" + escape_markdown(result.question) + "\n";
  const std::vector<Contest> all = contests(result);
  text += heading(2, "Verdict");
  for (const std::string& sentence : summary(result)) {
    text += escape_markdown(sentence) + "\n";
  }
  text += "\n";
  for (const Contest& contest : all) {
    text += "- **" + escape_markdown(full_name(contest.workload, contest.regime)) + "**: ";
    text += escape_markdown(verdict(result, contest)) + "\n";
  }
  text += heading(2, "Workloads") + named(result.workloads);
  text += heading(2, "Systems") + markdown(systems_table(result.systems));
  text += heading(2, "Results");
  for (const Contest& contest : all) {
    text += contest_section(result, contest);
  }
  if (!result.crossovers.empty()) {
    text += heading(2, "Crossover");
    for (const Crossover& crossover : result.crossovers) {
      text += item(full_name(crossover.workload, crossover.regime) + ": " + sentence(result, crossover));
    }
    text += "\n" + markdown(crossover_table(result));
  }
  text += certainty_text(result) + heading(2, "Plans that were tried");
  for (const CaseResult& one : result.cases) {
    text += heading(3, full_name(one.workload, one.regime) + ": " + display_name(result.systems, one.system));
    text += markdown(alternatives_table(one));
  }
  text += ending(result.assumptions, result.sources);
  return text + reproduction(result.command, result.signature);
}

std::string to_markdown(const SweepResult& result) {
  std::string text = "# " + escape_markdown(result.title) + "\n\n" + escape_markdown(result.question) + "\n";
  text += heading(2, "Verdict");
  for (const std::string& sentence : summary(result)) {
    text += item(sentence);
  }
  text += heading(2, "Systems") + markdown(systems_table(result.systems));
  text += heading(2, "Workloads") + named(result.workloads) + heading(2, "Results");
  for (const std::string& workload : workloads_of(result)) {
    text += heading(3, workload) + markdown(points_table(result, workload));
  }
  if (const TextTable refused = refused_points_table(result); !refused.rows.empty()) {
    text += heading(2, "Points without a result") + markdown(refused);
  }
  text += ending(result.assumptions, result.sources);
  return text + reproduction(result.command, result.signature);
}

}  // namespace podium
