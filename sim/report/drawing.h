#pragma once

/// What drawings of topologies and schedules have in common: the page and its colours.
namespace podium {

inline constexpr double page_width = 1400;
inline constexpr double page_right = page_width - 40;  ///< where a drawing ends

inline constexpr const char* ink = "#1f2933";
inline constexpr const char* faint = "#7b8794";
inline constexpr const char* paper = "#f5f7fa";
inline constexpr const char* steel = "#486581";
inline constexpr const char* green = "#2f6f4f";
inline constexpr const char* orange = "#d9822b";

}  // namespace podium
