#include "sim/study/ranged_figures.h"

#include <algorithm>

#include "sim/hardware/system.h"

namespace podium {
namespace {

std::vector<std::string> parts_of(const std::string& path) {
  std::vector<std::string> parts{""};
  for (const char c : path) {
    if (c == '.') {
      parts.emplace_back();
    } else {
      parts.back() += c;
    }
  }
  return parts;
}

bool is_index(const std::string& part) {
  return std::all_of(part.begin(), part.end(), [](char c) { return c >= '0' && c <= '9'; });
}

/// One path for several: "protocols.{die_link, ub}.launch". Indices in which they differ are left out.
std::string joint_path(const std::vector<std::string>& paths) {
  std::vector<std::vector<std::string>> choices;  // by place in the path
  for (const std::string& path : paths) {
    const std::vector<std::string> parts = parts_of(path);
    choices.resize(std::max(choices.size(), parts.size()));
    for (std::size_t place = 0; place < parts.size(); ++place) {
      if (std::find(choices[place].begin(), choices[place].end(), parts[place]) == choices[place].end()) {
        choices[place].push_back(parts[place]);
      }
    }
  }
  std::string joint;
  for (const std::vector<std::string>& parts : choices) {
    if (parts.size() > 1 && is_index(parts.front())) {
      continue;
    }
    std::string listed;
    for (const std::string& part : parts) {
      listed += (listed.empty() ? "" : ", ") + part;
    }
    joint += (joint.empty() ? "" : ".") + (parts.size() > 1 ? "{" + listed + "}" : listed);
  }
  return joint;
}

/// "workloads.0.regimes.0.systems.gb200.prefill.2.expert_imbalance" -> "gb200.prefill.2.expert_imbalance".
std::string within_options(const std::string& path) {
  const std::string before = ".systems.";
  const std::size_t place = path.find(before);
  return place == std::string::npos ? path : path.substr(place + before.size());
}

bool is_same_fact(const RangedFigure& known, const SourceUse& use) {
  const Figure &a = known.figure, &b = use.figure;
  return known.file == use.file && parts_of(a.path).back() == parts_of(b.path).back() && a.value == b.value &&
         a.low == b.low && a.high == b.high && a.source == b.source;
}

/// Whether a path in a study leads into a case, or to what it has in common with others: it parts from the case's own
/// path at a key, and not at a name or number.
bool leads_to(const std::string& path, const Study& study, const CaseId& id) {
  const std::vector<std::string> own{"workloads", std::to_string(id.workload), "regimes", std::to_string(id.regime),
                                     "systems",   system_of(study, id)};
  const std::vector<std::string> parts = parts_of(path);
  const std::size_t both = std::min(own.size(), parts.size());
  const auto apart = static_cast<std::size_t>(
      std::mismatch(own.begin(), own.begin() + static_cast<std::ptrdiff_t>(both), parts.begin()).first - own.begin());
  return apart == both || apart % 2 == 0;
}

}  // namespace

std::vector<RangedFigure> ranged_figures(const std::vector<SourceUse>& sources) {
  std::vector<RangedFigure> facts;
  for (const SourceUse& use : sources) {
    if (!use.figure.range || use.figure.range->low == use.figure.range->high) {
      continue;
    }
    const auto known =
        std::find_if(facts.begin(), facts.end(), [&](const RangedFigure& fact) { return is_same_fact(fact, use); });
    if (known == facts.end()) {
      facts.push_back({use.file, use.figure, {use.figure.path}});
    } else {
      known->paths.push_back(use.figure.path);
    }
  }
  for (RangedFigure& fact : facts) {
    std::vector<std::string> shown = fact.paths;
    if (fact.file.starts_with("studies/")) {
      std::transform(shown.begin(), shown.end(), shown.begin(), within_options);
    }
    fact.figure.path = joint_path(shown);
  }
  return facts;
}

FigureChanges at_end(const RangedFigure& fact, End end) {
  FigureChanges changes;
  for (const std::string& path : fact.paths) {
    changes[fact.file][path] = end == End::low ? fact.figure.low : fact.figure.high;
  }
  return changes;
}

std::vector<std::string> files_of(const Study& study, const CaseId& id) {
  const std::string& name = system_of(study, id);
  const SystemSpec system = load_system(study, name);
  const std::string& model =
      std::visit([](const auto& w) -> const std::string& { return w.model; }, study.workloads[id.workload]);
  return {"systems/" + name, "chips/" + system.chip, "topologies/" + system.topology, "models/" + model,
          "studies/" + study.name};
}

bool touches(const RangedFigure& fact, const Study& study, const CaseId& id, const std::vector<std::string>& files) {
  if (std::find(files.begin(), files.end(), fact.file) == files.end()) {
    return false;
  }
  return fact.file != "studies/" + study.name ||
         std::any_of(fact.paths.begin(), fact.paths.end(),
                     [&](const std::string& path) { return leads_to(path, study, id); });
}

}  // namespace podium
