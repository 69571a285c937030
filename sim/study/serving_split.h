#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "sim/study/serving_candidate.h"

namespace podium {

/// Some instances of one candidate that both prefills and decodes, or of two.
struct Split {
  const ServingCandidate* prefill = nullptr;  ///< null: mixed
  const ServingCandidate* decode = nullptr;
  std::uint32_t prefill_instances = 0, decode_instances = 0;
  double rate = 0;  ///< predicted requests/s

  friend bool operator==(const Split&, const Split&) = default;
};

/// "prefill 8 x DP8 EP8 fp8, decode 1 x DP8 EP8 fp8".
std::string describe(const Split&);

/// So many instances of two candidates, or of a mixed one where `prefill` is null; the slower side sets the rate.
Split make_split(const ServingCandidate* prefill, const ServingCandidate& decode, std::uint32_t prefill_instances,
                 std::uint32_t decode_instances);

/// For each mixed candidate as many instances as fit; for each pair of a prefill and a decode candidate the numbers of
/// instances whose predicted rates balance best. An instance lies within one of the domains, whose free ranks are
/// `domains`. The highest predicted rate first; what does not fit is left out.
std::vector<Split> make_splits(const std::vector<const ServingCandidate*>&, const std::vector<std::uint32_t>& domains);

/// The same two candidates with one decode instance fewer and with one more, and what fits beside them; none of a mixed
/// split.
std::vector<Split> neighbours(const Split&, const std::vector<std::uint32_t>& domains);

/// A part of a split that stands for the whole.
struct Cell {
  Split split;
  double copies = 1;  ///< that the whole has room for; where it is not whole, the rest stands idle
};

/// Systems of many instances behave as many independent smaller ones: the cell with the balance of prefill and decode
/// (to 1.5 %) and eight replicas of each at least that is predicted to take `most_rate` requests/s at most, the one
/// whose copies lose least. Copies never lose more than 1.5 % of what is predicted of the whole: where such a cell is
/// larger than that, it is the smallest one, and where there is none, as of seven prefill instances beside two for
/// decode, the whole.
Cell make_cell(const Split&, double most_rate);

}  // namespace podium
