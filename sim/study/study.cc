#include "sim/study/study.h"

#include <fmt/format.h>

#include <algorithm>

#include "sim/core/text.h"
#include "sim/network/network.h"
#include "sim/study/study_check.h"
#include "sim/study/study_read.h"
#include "sim/topology/fault.h"

namespace podium {
namespace {

StudySystem read_system_entry(const Node& node) {
  StudySystem result{known_file("configs/systems", node.at("name")), positive(node.at("domains")), {}, {}};
  const SystemSpec spec = load_system(result.name, {}, node.at("name").where());
  check_machine(spec, node.at("name").where());
  if (result.domains > static_cast<std::uint32_t>(spec.max_domains)) {
    node.at("domains").fail(result.name + " has at most " + std::to_string(spec.max_domains) + " domains, not " +
                            node.at("domains").text());
  }
  if (const auto faults = node.find("faults")) {
    const Topology network = load_topology(spec.topology, result.domains);
    LinkFinder links(network);
    for (const Node& fault : some(*faults)) {
      const Fault read = parse_fault(fault.text(), fault.where());
      if (read.at > Seconds()) {
        fault.fail("a study's faults are there from the start; podium collective takes later ones");
      }
      links.find(read.part, fault.where());
      result.faults.push_back(fault.text());
    }
  }
  if (const auto chips = node.find("slow")) {
    Allocation whole{.ranks = static_cast<std::uint32_t>(spec.ranks_per_domain()) * result.domains};
    for (const Node& slow : some(*chips)) {
      const std::vector<SlowChip> read = parse_slow_chips(slow.text(), slow.where());
      whole.slow.insert(whole.slow.end(), read.begin(), read.end());
      result.slow.push_back(slow.text());
    }
    check_slow_chips(whole);
  }
  return result;
}

/// Whether some regime has plans of all these systems.
bool has_plans(const Study& study, const std::vector<std::string>& names) {
  const auto has = [&](const auto& regime) {
    return std::ranges::all_of(names, [&](const std::string& name) {
      return std::ranges::any_of(regime.systems, [&](const auto& options) { return options.system == name; });
    });
  };
  return std::ranges::any_of(study.workloads, [&](const Workload& workload) {
    return std::visit([&](const auto& one) { return std::ranges::any_of(one.regimes, has); }, workload);
  });
}

/// A sweep stays within the systems that the study has.
void insist_on_room(const Study& study, const Node& chips) {
  for (const StudySystem& system : study.systems) {
    const SystemSpec spec = load_system(system.name);
    const auto most = system.domains * static_cast<std::uint32_t>(spec.packages_per_node * spec.nodes_per_domain);
    for (std::size_t i = 0; i < study.chips.size(); ++i) {
      if (study.chips[i] > most) {
        chips.items()[i].fail(fmt::format("{} has {} chips in this study (domains: {}), not {}", system.name,
                                          with_commas(most), system.domains, with_commas(study.chips[i])));
      }
    }
  }
}

CrossoverQuestion read_crossover(const Study& study, const Node& node) {
  CrossoverQuestion result{node.at("challenger").text(), node.at("reference").text()};
  std::vector<std::string> names;
  for (const StudySystem& system : study.systems) {
    names.push_back(system.name);
  }
  for (const char* key : {"challenger", "reference"}) {
    if (std::find(names.begin(), names.end(), node.at(key).text()) == names.end()) {
      node.at(key).fail(unknown_name("system in this study", node.at(key).text(), names));
    }
  }
  if (result.challenger == result.reference) {
    node.fail("'" + result.reference + "' is asked to reach itself");
  }
  if (!has_plans(study, {result.challenger, result.reference})) {
    node.fail("no regime of a workload has plans for both '" + result.challenger + "' and '" + result.reference + "'");
  }
  return result;
}

/// A study's name is that of a folder, too.
std::string read_name(const Node& node) {
  std::string name = node.text();
  const auto plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
           c == '.';
  };
  if (name.empty() || name.front() == '.' || !std::all_of(name.begin(), name.end(), plain)) {
    node.fail("'" + name + "' names the folder of results: letters, digits, '-', '_' and '.' are expected");
  }
  return name;
}

void apply_choices(Study& study) {
  if (!study.choices.network.empty()) {
    study.network = study.choices.network;
    check_search_network(study.network, {"--network"});
  }
  if (study.choices.requests.empty()) {
    return;
  }
  bool serves = false;
  for (Workload& workload : study.workloads) {
    if (auto* serving = std::get_if<ServingWorkload>(&workload)) {
      serving->arrivals = recorded_arrivals(study.choices.requests, {}, load_model(serving->model).max_context);
      serves = true;
    }
  }
  if (!serves) {
    throw InputError("--requests: the study '" + study.name + "' has no serving workload");
  }
}

/// `study` has its file and choices; all else is read.
void read_study(const Document& document, Study& study) {
  const Node root = document.root();
  study.name = read_name(root.at("name"));
  study.title = root.at("title").text();
  study.question = root.at("question").text();
  study.network = root.at("network").text();
  check_search_network(study.network, root.at("network").where());
  if (const auto library = root.find("library")) {
    study.use_library = library->flag();
  }
  root.find("sources");  // welcome also where no figure names one
  study.seed = static_cast<std::uint64_t>(root.at("seed").count());
  std::vector<std::string> systems, workloads;
  for (const Node& item : some(root.at("systems"))) {
    study.systems.push_back(read_system_entry(item));
    insist_on_new(systems, study.systems.back().name, item.at("name"));
  }
  for (const Node& item : some(root.at("workloads"))) {
    study.workloads.push_back(read_workload(study, item));
    insist_on_new(workloads, name_of(study.workloads.back()), item.at("name"));
  }
  for (const Node& item : root.at("systems").items()) {
    if (const std::string name = item.at("name").text(); !has_plans(study, {name})) {
      item.at("name").fail("no regime of a workload has plans for '" + name +
                           "': list some there, or leave it out here");
    }
  }
  if (const auto list = root.find("crossovers")) {
    std::vector<std::string> seen;
    for (const Node& item : list->items()) {
      study.crossovers.push_back(read_crossover(study, item));
      const CrossoverQuestion& question = study.crossovers.back();
      insist_on_new(seen, question.challenger + " against " + question.reference, item);
    }
  }
  if (const auto list = root.find("chips")) {
    study.chips = distinct_counts(*list);
    insist_on_room(study, *list);
  }
  if (const auto list = root.find("assumptions")) {
    for (const Node& item : list->items()) {
      study.assumptions.push_back(item.text());
    }
  }
  document.close();
  study.figures = document.figures();
  apply_choices(study);
}

}  // namespace

void check_search_network(const std::string& name, const Location& where) {
  if (Networks::find(name, where).needs_wires()) {
    throw InputError(where, "'" + name +
                                "' needs every link by itself, which no search can afford: search with flow or "
                                "analytic, and execute what it keeps by 'podium simulate STUDY --network " +
                                name + "'");
  }
}

Study load_study(const std::string& path, const StudyChoices& choices) {
  Study study;
  study.file = find_file("configs/studies", path);
  study.choices = choices;
  study.document = std::make_shared<const Document>(Document::load(study.file));
  read_study(*study.document, study);
  return study;
}

Study changed(const Study& study, const FigureChanges& changes) {
  Study result = study;
  for (const auto& [file, figures] : changes) {
    for (const auto& [path, text] : figures) {
      result.changes[file][path] = text;
    }
  }
  const std::map<std::string, std::string>& own = changes_to(result, "studies/" + study.name);
  if (!own.empty()) {
    Study again;
    again.file = study.file;
    again.choices = study.choices;
    read_study(study.document->with(own), again);
    result.workloads = std::move(again.workloads);
  }
  return result;
}

}  // namespace podium
