#include "sim/study/summary.h"

#include <cmath>
#include <set>

#include "sim/hardware/system.h"
#include "sim/topology/measure.h"

namespace podium {
namespace {

std::string number(double value) {
  std::string text = std::to_string(value);
  text.erase(text.find_last_not_of('0') + 1);
  if (text.back() == '.') {
    text.pop_back();
  }
  return text;
}

std::string percent(double part) { return number(std::round(part * 1000) / 10) + " %"; }

std::string describe(const ServingWorkload& w) {
  const std::string quantile = "p" + number(w.slo.quantile * 100);
  const std::string requests = w.arrivals.trace.empty()
                                   ? with_commas(w.arrivals.input) + " tokens in and " +
                                         with_commas(w.arrivals.output) + " out, Poisson arrivals"
                                   : "requests of " + w.arrivals.trace + ", their arrivals scaled to the rate";
  return "Serving " + w.model + ": " + requests + "; the highest rate with " + quantile +
         " TTFT <= " + to_text(w.slo.ttft) + " and " + quantile + " TPOT <= " + to_text(w.slo.tpot);
}

/// "90 %", or all the shares that the plans have.
std::string memory_shares(const ServingWorkload& w) {
  std::set<double> shares;
  for (const ServingRegime& regime : w.regimes) {
    for (const ServingOptions& options : regime.systems) {
      for (const auto* templates : {&options.prefill, &options.decode, &options.mixed}) {
        for (const InstanceTemplate& made_from : *templates) {
          shares.insert(made_from.plan.memory_share);
        }
      }
    }
  }
  std::string text;
  for (const double share : shares) {
    text += (text.empty() ? "" : " or ") + percent(share);
  }
  return text;
}

std::string describe(const TrainingWorkload& w) {
  return "One training step of " + w.model + ": global batch " + with_commas(std::llround(w.global_batch)) +
         " sequences of " + with_commas(std::llround(w.sequence)) + " tokens";
}

}  // namespace

SystemSummary summarise(const std::string& name, std::uint32_t domains) {
  const SystemSpec system = load_system(name);
  const ChipSpec chip = load_chip(system.chip);
  const auto chips = static_cast<std::uint32_t>(system.packages_per_node * system.nodes_per_domain) * domains;
  SystemSummary summary;
  summary.name = name;
  summary.description = system.description;
  summary.chip = chip.name;
  summary.chips = chips;
  summary.domains = domains;
  summary.ranks = chips * static_cast<std::uint32_t>(system.ranks_per_package);
  summary.rank_word = system.ranks_per_package > 1 ? "die" : "GPU";
  const double ranks = summary.ranks;
  for (const DataType type : {DataType::bf16, DataType::int8, DataType::fp8, DataType::nvfp4}) {
    if (chip.supports(type)) {
      summary.facts.emplace_back(std::string(to_string(type)) + " peak, dense", to_text(chip.peak(type) * ranks));
    }
  }
  const Topology topology = load_topology(system.topology, domains);
  summary.facts.emplace_back("memory", to_text(chip.memory_size * ranks));
  summary.facts.emplace_back("memory bandwidth", to_text(chip.memory_bandwidth * ranks));
  for (std::uint32_t plane = 0; plane < topology.planes.size(); ++plane) {
    if (const BytesPerSecond sent = injection(topology, plane); sent.value() > 0) {
      summary.facts.emplace_back(topology.planes[plane].name + " injection, one way", to_text(sent));
    }
  }
  summary.facts.emplace_back("power, all in", to_text(system.power_per_domain * domains));
  return summary;
}

namespace {

std::string capitalised(std::string text) {
  // locale has no say
  if (text[0] >= 'a' && text[0] <= 'z') {
    text[0] = static_cast<char>(text[0] - 'a' + 'A');
  }
  return text;
}

}  // namespace

std::vector<std::pair<std::string, std::string>> describe_workloads(const Study& study) {
  std::vector<std::pair<std::string, std::string>> result;
  for (const Workload& workload : study.workloads) {
    std::string text = std::visit([](const auto& w) { return describe(w); }, workload);
    std::visit(
        [&](const auto& w) {
          for (const auto& regime : w.regimes) {
            if (!regime.note.empty()) {
              text += ". " + capitalised(regime.name) + ": " + regime.note;
            }
          }
        },
        workload);
    result.emplace_back(name_of(workload), text);
  }
  return result;
}

std::vector<std::string> assumptions_of(const Study& study) {
  std::vector<std::string> result = study.assumptions;
  bool serves = false;
  for (const Workload& workload : study.workloads) {
    if (const auto* serving = std::get_if<ServingWorkload>(&workload)) {
      serves = true;
      result.push_back(serving->name + ": at least " + to_text(serving->measured) + " are measured after at least " +
                       to_text(serving->warm_up) + " of warm-up, more where requests stay long; " +
                       percent(serving->slo.quantile) + " of the requests keep to the objective.");
      result.push_back(serving->name + ": servers take at most " + memory_shares(*serving) +
                       " of a rank's memory, the runtime's own included (90 % is the default of vLLM, "
                       "gpu_memory_utilization).");
    }
  }
  result.emplace_back("Ranks that run the same program keep in step: the slowest group of a collective sets the pace.");
  result.emplace_back("Traffic is sprayed evenly over all shortest paths; links are shared max-min fairly.");
  result.emplace_back(
      "Kernels follow a roofline with a start time and two efficiencies a family, from measured kernels.");
  result.emplace_back(
      "Streams that compute at the same time share cores as the plan says, and a collective takes its plane's share "
      "of them; they share the memory's bandwidth max-min fairly.");
  result.emplace_back(
      "Power is the whole machine's all-in figure in proportion to the chips used; it does not depend on "
      "load.");
  if (serves) {
    result.emplace_back(
        "Instances do not disturb each other on the network, and their first instance's place stands for "
        "all. An iteration is either executed at its shape or interpolated between executed ones.");
    result.emplace_back(
        "Very many instances behave as many smaller deployments side by side: a part with the same balance of prefill "
        "and decode stands for them, large enough for the quantiles to be sure.");
  }
  return result;
}

std::vector<SourceUse> sources_of(const Study& study) {
  std::vector<SourceUse> result;
  std::set<std::string> seen;
  const auto add = [&](const std::string& file, const std::vector<Figure>& figures) {
    if (seen.insert(file).second) {
      for (const Figure& figure : figures) {
        result.push_back({file, figure});
      }
    }
  };
  for (const StudySystem& entry : study.systems) {
    const SystemSpec system = load_system(entry.name);
    const ChipSpec chip = load_chip(system.chip);
    add("systems/" + entry.name, system.figures);
    add("chips/" + system.chip, chip.figures);
    add("topologies/" + system.topology, load_topology(system.topology).figures);
  }
  for (const Workload& workload : study.workloads) {
    const std::string& model = std::visit([](const auto& w) -> const std::string& { return w.model; }, workload);
    add("models/" + model, load_model(model).figures);
  }
  add("studies/" + study.name, study.figures);
  return result;
}

}  // namespace podium
