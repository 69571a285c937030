#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sim/config/config.h"

namespace podium {

/// Reads configs/calibration/<kind>/<chip>.yaml, where that is the stack's or none is named, or <chip>-<stack>.yaml;
/// nothing where there is no such file.
template <class Figures>
std::optional<Figures> load_calibrated(std::string_view kind, std::string_view chip, std::string_view stack,
                                       Figures (*read)(const Document&)) {
  const std::string folder = "configs/calibration/" + std::string(kind);
  const std::vector<std::string> names = list_files(folder);
  for (const std::string& name : {std::string(chip), std::string(chip) + "-" + std::string(stack)}) {
    if (std::count(names.begin(), names.end(), name) > 0) {
      Figures figures = read(Document::load(find_file(folder, name)));
      if (stack.empty() || figures.stack == stack) {
        return figures;
      }
    }
  }
  return std::nullopt;
}

}  // namespace podium
