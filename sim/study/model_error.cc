#include "sim/study/model_error.h"

#include <algorithm>
#include <cmath>

#include "sim/calibration/anchors.h"
#include "sim/study/parallel.h"

namespace podium {

std::vector<Validated> validate_anchors(const RunOptions& options) {
  const std::vector<Anchor> anchors = load_anchors();
  std::vector<Validated> results(anchors.size());
  parallel_for(anchors.size(), options, [&](std::size_t i) {
    const double error = evaluate(anchors[i]).error();
    const bool is_time = anchors[i].unit.starts_with("ms/");
    results[i] = {anchors[i].name, anchors[i].system, std::holds_alternative<TrainingPlan>(anchors[i].point),
                  is_time ? 1 / (1 + error) : 1 + error, std::abs(error)};
  });
  return results;
}

Misses misses(const std::vector<Validated>& results) {
  Misses found;
  found.results = results.size();
  for (const Validated& one : results) {
    found.mean += one.miss / static_cast<double>(results.size());
    found.largest = std::max(found.largest, one.miss);
    found.too_fast += one.speed > 1 ? 1 : 0;
  }
  return found;
}

Misses misses(const std::vector<Validated>& results, bool training) {
  std::vector<Validated> of_kind = results;
  std::erase_if(of_kind, [&](const Validated& one) { return one.training != training; });
  return misses(of_kind);
}

double expected_miss(const std::vector<Validated>& results, const std::string& system, bool training) {
  const Misses all = misses(results), of_kind = misses(results, training);
  const bool is_published = std::any_of(results.begin(), results.end(), [&](const Validated& one) {
    return one.system == system && one.training == training;
  });
  if (of_kind.results == 0) {
    return all.largest;
  }
  return std::max(is_published ? of_kind.mean : of_kind.largest, all.mean);
}

}  // namespace podium
