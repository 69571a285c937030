#include "sim/calibration/routing.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <numeric>
#include <vector>

#include "sim/core/check.h"
#include "sim/core/rng.h"

namespace podium {
namespace {

Reached at_random(const ExpertRouting& routing) {
  const double held = routing.experts / routing.ranks;
  const double missed = std::pow(1 - routing.choices / routing.experts, routing.tokens);
  return {routing.tokens * routing.choices / routing.ranks, held * (1 - missed), RowSpread::random};
}

/// Of tokens that spread their choices evenly, one in each group of experts: half of the groups win, the first ones
/// since all are equal, and the choices that went to the others go to the first experts that are left.
std::vector<double> grouped_loads(const ExpertRouting& routing) {
  const auto experts = static_cast<std::size_t>(routing.experts), choices = static_cast<std::size_t>(routing.choices);
  const std::size_t stride = (experts + choices - 1) / choices;
  const std::size_t tokens = std::clamp<std::size_t>(static_cast<std::size_t>(routing.tokens), 1, stride);
  std::vector<double> loads(experts);
  for (std::size_t token = 0; token < tokens; ++token) {
    std::size_t left = choices - choices / 2;
    for (std::size_t expert = 0; expert < experts / 2; ++expert) {
      const bool chosen = expert % stride == token * stride / tokens;
      if (chosen || left > 0) {
        loads[expert] += routing.tokens / static_cast<double>(tokens);
        left -= chosen ? 0 : 1;
      }
    }
  }
  return loads;
}

/// Whole rows for each expert in proportion to what a power law draws: rounded, and what that leaves over or lacks
/// settled with the largest.
std::vector<double> drawn_loads(const ExpertRouting& routing, double exponent, Rng& rng) {
  const double all = routing.tokens * routing.choices;
  const double low = all > routing.experts ? 1 : 0.01, high = all > routing.experts ? 0.8 * routing.tokens : 2;
  const double from = std::pow(low, 1 - exponent), to = std::pow(high, 1 - exponent);
  std::vector<double> drawn(static_cast<std::size_t>(routing.experts));
  for (double& load : drawn) {
    load = std::pow(from + (to - from) * rng.uniform(), 1 / (1 - exponent));
  }
  const double scale = all / std::accumulate(drawn.begin(), drawn.end(), 0.0);
  std::vector<double> loads;
  for (const double load : drawn) {
    loads.push_back(std::min(std::round(load * scale), routing.tokens));
  }
  std::vector<std::size_t> order(loads.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return drawn[a] > drawn[b]; });
  double left = all - std::accumulate(loads.begin(), loads.end(), 0.0);
  for (std::size_t i = 0; i < order.size() && left != 0; ++i) {
    double& load = loads[order[i]];
    const double settled = std::clamp(load + std::clamp(left, -1.0, 1.0), 0.0, routing.tokens);
    left -= settled - load;
    load = settled;
  }
  return loads;
}

Reached fullest(const std::vector<double>& loads, double ranks) {
  const std::size_t held = loads.size() / static_cast<std::size_t>(ranks);
  Reached most;
  for (std::size_t first = 0; first + held <= loads.size(); first += held) {
    Reached rank;
    for (std::size_t i = first; i < first + held; ++i) {
      rank.rows += loads[i];
      rank.touched += loads[i] > 0 ? 1 : 0;
    }
    most = rank.rows > most.rows ? rank : most;
  }
  return most;
}

/// Tokens lie evenly between the strides, so that the first experts have one before the others.
Reached round_robin(const ExpertRouting& routing) {
  if (routing.grouped) {
    Reached rank = fullest(grouped_loads(routing), routing.ranks);
    rank.spread = RowSpread::skewed;
    return rank;
  }
  const double held = routing.experts / routing.ranks;
  const double rows = std::max(std::ceil(routing.tokens * routing.choices / routing.ranks), 1.0);
  return {rows, std::min(rows, held)};
}

Reached power_law(const ExpertRouting& routing, double exponent) {
  constexpr int draws = 4;
  Rng rng(1, "experts");
  Reached sum;
  sum.spread = RowSpread::skewed;
  for (int i = 0; i < draws; ++i) {
    const Reached one = fullest(drawn_loads(routing, exponent, rng), routing.ranks);
    sum.rows += one.rows / draws;
    sum.touched += one.touched / draws;
  }
  return sum;
}

}  // namespace

Reached reached(const ExpertRouting& routing, std::string_view distribution) {
  constexpr std::string_view law = "power_law_";
  if (distribution.empty()) {
    return at_random(routing);
  }
  if (distribution == "balanced") {
    return round_robin(routing);
  }
  double exponent = 0;
  if (distribution.starts_with(law)) {
    const std::string_view digits = distribution.substr(law.size());
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), exponent);
    if (error == std::errc() && exponent > 0 && exponent != 1) {
      return power_law(routing, exponent);
    }
  }
  throw InputError("a distribution is 'balanced' or 'power_law_A' with an exponent A, not '" +
                   std::string(distribution) + "'");
}

}  // namespace podium
