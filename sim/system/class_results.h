#pragma once

#include <cstdint>

#include "sim/system/simulator.h"
#include "sim/system/split.h"

namespace podium {

/// Of a block that a whole role of `count` ranks ran, what a class of the role did: it ends with those that its groups
/// join it to, which `joined` lists (split.h).
Execution of_class(const Execution& whole, const std::vector<std::vector<std::uint32_t>>& joined, std::uint32_t count,
                   const RoleClass& part);

/// In terms of the graph before it was split. Of the classes of a role, the spans are those of one that ends last.
void unsplit(Execution&, const SplitGraph& parts, const TaskGraph& graph);

/// Messages and links; ranks are not those of a block again.
void add(FoldingUse& sum, const FoldingUse& other);

}  // namespace podium
