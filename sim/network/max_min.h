#pragma once

#include <cstdint>
#include <vector>

namespace podium {

/// A max-min fair sharing problem in CSR form. Flow f puts load[j] x rate(f) on link[j] for j in [first[f],
/// first[f+1]).
struct MaxMinProblem {
  std::vector<double> capacity;      ///< by link; not negative
  std::vector<std::uint32_t> first;  ///< by flow, and one past the end
  std::vector<std::uint32_t> link;
  std::vector<double> load;    ///< positive
  std::vector<double> weight;  ///< by flow, positive
  std::vector<double> cap;     ///< by flow; infinity where it has none

  std::size_t flows() const { return weight.size(); }
};

/// Weighted max-min fair rates by progressive filling (Bertsekas and Gallager, Data Networks, 6.5.2): all unfrozen
/// rates rise in proportion to their weights; when a link is full its flows freeze. The rates are the unique vector
/// where each flow is at its cap or crosses a full link on which no flow has a higher rate per weight.
///  - A flow without a cap that crosses no link is a Bug.
///  - The rates are the same bits in whatever order flows and links come, and are not disturbed by flows that share no
///    link with them, directly or through others: sums over flows are exact (fixed point), and all that is full at the
///    same level freezes in one batch.
///  - Products of load and weight below 2^-80, or sums of them on a link of 2^48 and more, are beyond the arithmetic.
///  - Costs O(n log n) for n pairs of flow and link.
std::vector<double> max_min_rates(const MaxMinProblem&);

}  // namespace podium
