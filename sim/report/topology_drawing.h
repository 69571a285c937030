#pragma once

#include <string>
#include <vector>

#include "sim/topology/measure.h"

namespace podium {

/// "3 switches"; "12 links" where accelerators are linked to each other.
std::string describe_diameter(const PlaneMeasures&);

/// A picture of a topology as SVG: one scale-up domain with its nodes in the middle, the switches of scale-up planes
/// above and those of scale-out planes below, grouped where they are many, and each plane's figures at the foot.
std::string to_svg(const Topology&, const std::vector<PlaneMeasures>&);

}  // namespace podium
