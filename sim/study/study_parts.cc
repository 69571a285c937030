#include <algorithm>

#include "sim/study/study.h"

namespace podium {

const std::string& name_of(const Workload& workload) {
  return std::visit([](const auto& w) -> const std::string& { return w.name; }, workload);
}

std::vector<CaseId> cases_of(const Study& study) {
  std::vector<CaseId> cases;
  for (std::size_t w = 0; w < study.workloads.size(); ++w) {
    std::visit(
        [&](const auto& workload) {
          for (std::size_t r = 0; r < workload.regimes.size(); ++r) {
            for (std::size_t o = 0; o < workload.regimes[r].systems.size(); ++o) {
              cases.push_back({w, r, o});
            }
          }
        },
        study.workloads[w]);
  }
  return cases;
}

const std::string& system_of(const Study& study, const CaseId& id) {
  return std::visit(
      [&](const auto& workload) -> const std::string& {
        return workload.regimes[id.regime].systems[id.options].system;
      },
      study.workloads[id.workload]);
}

std::vector<std::size_t> first_alike(const Study& study) {
  const std::vector<CaseId> cases = cases_of(study);
  const auto alike = [&](const CaseId& a, const CaseId& b) {
    return a.workload == b.workload &&
           std::visit(
               [&](const auto& workload) {
                 return workload.regimes[a.regime].systems[a.options] == workload.regimes[b.regime].systems[b.options];
               },
               study.workloads[a.workload]);
  };
  std::vector<std::size_t> first;
  for (const CaseId& id : cases) {
    const auto found = std::find_if(cases.begin(), cases.end(), [&](const CaseId& other) { return alike(id, other); });
    first.push_back(static_cast<std::size_t>(found - cases.begin()));
  }
  return first;
}

const std::map<std::string, std::string>& changes_to(const Study& study, const std::string& file) {
  static const std::map<std::string, std::string> none;
  const auto found = study.changes.find(file);
  return found == study.changes.end() ? none : found->second;
}

SystemSpec load_system(const Study& study, const std::string& name) {
  return load_system(name, changes_to(study, "systems/" + name));
}

ChipSpec load_chip(const Study& study, const std::string& name) {
  return load_chip(name, changes_to(study, "chips/" + name));
}

Machine make_machine(const Study& study, const SystemSpec& system, const ChipSpec& chip, const Allocation& allocation) {
  return Machine(system, chip, allocation, changes_to(study, "topologies/" + system.topology));
}

}  // namespace podium
