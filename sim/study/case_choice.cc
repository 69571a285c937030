#include "sim/study/case_choice.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

namespace podium {
namespace {

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return std::tolower(c); });
  return text;
}

/// The one of the names that is meant; any, where nothing is said.
std::optional<std::string> meant(const char* option, const std::string& said, const std::vector<std::string>& names) {
  if (said.empty() || std::find(names.begin(), names.end(), said) != names.end()) {
    return said.empty() ? std::nullopt : std::optional(said);
  }
  std::vector<std::string> parts;
  for (const std::string& name : names) {
    if (lower(name).find(lower(said)) != std::string::npos) {
      parts.push_back(name);
    }
  }
  const Location where{std::string("--") + option};
  if (parts.empty()) {
    throw InputError(where, unknown_name(std::string(option) + " of this study", said, names));
  }
  if (parts.size() > 1) {
    throw InputError(where, fmt::format("'{}' may be any of: {}", said, fmt::join(parts, ", ")));
  }
  return parts.front();
}

template <class Items, class Name>
std::vector<std::string> names_of(const Items& items, const Name& name) {
  std::vector<std::string> names;
  for (const auto& item : items) {
    if (std::find(names.begin(), names.end(), name(item)) == names.end()) {
      names.push_back(name(item));
    }
  }
  return names;
}

template <class Items, class Name>
void keep(Items& items, const std::optional<std::string>& wanted, const Name& name) {
  if (wanted) {
    std::erase_if(items, [&](const auto& item) { return name(item) != *wanted; });
  }
}

const auto name_of_regime = [](const auto& regime) { return regime.name; };

std::vector<std::string> regimes_of(const Study& study) {
  std::vector<std::string> all;
  for (const Workload& workload : study.workloads) {
    std::visit(
        [&](const auto& w) {
          for (const std::string& name : names_of(w.regimes, name_of_regime)) {
            all.push_back(name);
          }
        },
        workload);
  }
  return names_of(all, [](const std::string& name) { return name; });
}

}  // namespace

Study choose(Study study, const CaseChoice& choice) {
  const auto workload = meant("workload", choice.workload, names_of(study.workloads, name_of));
  keep(study.workloads, workload, name_of);
  const auto regime = meant("regime", choice.regime, regimes_of(study));
  const auto name = [](const StudySystem& system) { return system.name; };
  const auto system = meant("system", choice.system, names_of(study.systems, name));
  keep(study.systems, system, name);
  study.crossovers.clear();
  for (Workload& one : study.workloads) {
    std::visit(
        [&](auto& w) {
          keep(w.regimes, regime, name_of_regime);
          for (auto& kept : w.regimes) {
            keep(kept.systems, system, [](const auto& options) { return options.system; });
          }
        },
        one);
  }
  std::erase_if(study.workloads, [](const Workload& one) {
    return std::visit(
        [](const auto& w) {
          return std::all_of(w.regimes.begin(), w.regimes.end(), [](const auto& r) { return r.systems.empty(); });
        },
        one);
  });
  if (study.workloads.empty()) {
    throw InputError(Location{study.file}, "the study has no case of this workload, regime and system");
  }
  return study;
}

}  // namespace podium
