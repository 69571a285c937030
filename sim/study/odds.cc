#include "sim/study/odds.h"

#include <algorithm>
#include <cmath>

#include "sim/core/check.h"
#include "sim/core/quantile.h"

namespace podium {
namespace {

constexpr int draws = 20'000;

/// Multiplies one draw of a fact onto the contenders.
void draw(const Influence& influence, Rng& rng, std::vector<double>& throughputs) {
  const double u = rng.uniform();
  const bool is_below = u < influence.below;
  // on either side the density falls linearly from the value to the end: of the way there, a share that is 1 - sqrt(1 -
  // v)
  const double v = is_below ? u / influence.below : (u - influence.below) / (1 - influence.below);
  const double way = 1 - std::sqrt(1 - v);
  const std::vector<double>& factors = is_below ? influence.at_low : influence.at_high;
  for (std::size_t i = 0; i < throughputs.size(); ++i) {
    throughputs[i] *= 1 + way * (factors[i] - 1);
  }
}

}  // namespace

Odds draw_odds(const std::vector<double>& throughputs, const std::vector<Influence>& influences, Rng rng) {
  PODIUM_CHECK(throughputs.size() > 1, "a contest has two contenders at least");
  std::vector<double> ratios;
  double won = 0;
  for (int i = 0; i < draws; ++i) {
    std::vector<double> drawn = throughputs;
    for (const Influence& influence : influences) {
      draw(influence, rng, drawn);
    }
    const double most = *std::max_element(drawn.begin(), drawn.end());
    won += drawn[0] == most ? 1.0 / static_cast<double>(std::count(drawn.begin(), drawn.end(), most)) : 0;
    ratios.push_back(drawn[0] / drawn[1]);
  }
  return {won / draws, quantile(ratios, 0.05), quantile(ratios, 0.95)};
}

}  // namespace podium
