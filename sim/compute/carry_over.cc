#include "sim/compute/carry_over.h"

#include <algorithm>
#include <cmath>

namespace podium {
namespace {

/// From the triads of stas00/ml-engineering (compute/accelerator): an H100 reaches 2.97 TB/s of 3.35, an H200, the same
/// die with another memory, 4.15 TB/s of 4.8. With (1 - part) x 3.35 / 4.8 + part = 2.97 / 4.15.
constexpr double on_die = 0.059;

/// What is left of the share of the data sheet's bandwidth.
double memory_ratio(const ChipSpec& from, const ChipSpec& to) {
  return 1 / (1 - on_die + on_die * (to.memory_bandwidth / from.memory_bandwidth));
}

void carry_sustained(TiledFigures& figures, const ChipSpec& from, const ChipSpec& to) {
  const double clock = std::cbrt((to.power - to.idle_power) / (from.power - from.idle_power));
  for (auto& [type, own] : figures.types) {
    if (own.sustained < 1 && from.supports(type) && to.supports(type)) {
      const double ratio = clock * (from.peak(type) / to.peak(type));
      own.sustained = std::min(1.0, own.sustained * ratio);
      own.burst = std::min(1.0, own.burst * (from.peak(type) / to.peak(type)));
    }
  }
}

}  // namespace

TiledFigures carried_over(TiledFigures figures, const ChipSpec& from, const ChipSpec& to) {
  const double ratio = memory_ratio(from, to);
  figures.memory *= ratio;
  for (auto* attention : {&figures.attention, &figures.mla}) {
    if (*attention) {
      (*attention)->memory *= ratio;
    }
  }
  if (figures.memory_bound) {
    figures.memory_bound->memory *= ratio;
  }
  carry_sustained(figures, from, to);
  if (figures.grouped) {
    figures.grouped = std::make_shared<const TiledFigures>(carried_over(*figures.grouped, from, to));
  }
  return figures;
}

TiledFigures load_tiled_for(const ChipSpec& chip, std::string_view stack) {
  TiledFigures figures = load_tiled(chip.name, stack);
  if (figures.chip == chip.name) {
    return figures;
  }
  const ChipSpec measured = load_chip(figures.chip);
  return carried_over(std::move(figures), measured, chip);
}

std::optional<ExpertFigures> load_experts_for(const ChipSpec& chip, std::string_view stack) {
  std::optional<ExpertFigures> figures = load_experts(chip.name, stack);
  if (figures && figures->chip != chip.name) {
    figures->memory *= memory_ratio(load_chip(figures->chip), chip);
  }
  return figures;
}

}  // namespace podium
