#pragma once

#include "sim/compute/experts.h"
#include "sim/compute/tiled.h"

namespace podium {

/// Figures that were measured on one chip, for another with the same die, by both data sheets:
///  - of the time of a byte a part lies on the die and does not shrink with a faster memory, so that the share of the
///    data sheet's bandwidth that is reached falls: to what time / ((1 - part) + part x new / old) leaves of it;
///  - with all cores busy the power limit holds the clock, and dynamic power goes by its cube, so that the sustained
///    rate goes by the cube root of what the limit leaves beside the idle power.
/// Between equal data sheets nothing changes.
TiledFigures carried_over(TiledFigures figures, const ChipSpec& from, const ChipSpec& to);

/// load_tiled by the chip's name, carried over where its file names another chip.
TiledFigures load_tiled_for(const ChipSpec& chip, std::string_view stack = {});
/// load_experts, likewise.
std::optional<ExpertFigures> load_experts_for(const ChipSpec& chip, std::string_view stack = {});

}  // namespace podium
