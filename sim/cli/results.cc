#include "sim/cli/results.h"

#include <fmt/format.h>

#include <algorithm>

#include "sim/report/verdict.h"

namespace podium {
namespace {

/// Why a point has no result; empty where it has one.
std::string refusal(const SweepPoint& point) { return point.refused; }

template <class Results>
void insist(const Study& study, const Results& results) {
  std::vector<std::string> reasons;
  for (const auto& one : results) {
    const std::string reason = refusal(one);
    if (reason.empty()) {
      return;
    }
    std::string said = one.system + ": " + reason;
    if (std::find(reasons.begin(), reasons.end(), said) == reasons.end()) {
      reasons.push_back(std::move(said));
    }
  }
  throw InputError(Location{study.file}, fmt::format("no case has a plan that can be: {}", fmt::join(reasons, "; ")));
}

}  // namespace

void insist_on_a_result(const Study& study, const ComparisonResult& result) { insist(study, result.cases); }
void insist_on_a_result(const Study& study, const SweepResult& result) { insist(study, result.points); }

}  // namespace podium
