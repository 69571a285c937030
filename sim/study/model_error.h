#pragma once

#include <string>
#include <vector>

#include "sim/study/run.h"

namespace podium {

/// All published results, predicted anew.
std::vector<Validated> validate_anchors(const RunOptions&);

struct Misses {
  std::size_t results = 0, too_fast = 0;  ///< all, and those predicted to be faster than published
  double mean = 0, largest = 0;
};

Misses misses(const std::vector<Validated>&);
/// Of training, or of inference.
Misses misses(const std::vector<Validated>&, bool training);

/// The mean miss to expect of a machine at a kind of work: where results of both are published, the mean of that kind's
/// on all machines; where none is, nobody has held the prediction against anything, and it is the largest of that kind.
/// Either is at least the mean of all work, as a few lucky results prove little; a kind without any result has the
/// largest of all.
double expected_miss(const std::vector<Validated>&, const std::string& system, bool training);

}  // namespace podium
