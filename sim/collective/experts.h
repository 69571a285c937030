#pragma once

#include <cstdint>
#include <span>

#include "sim/collective/schedule.h"

namespace podium {

/// InputError where tokens cannot choose like that: more experts than there are, more groups than there are, groups
/// that do not hold enough.
void check_routing(const TokenRouting&, const Location& where = {});

/// The chance that a token goes to any of these positions (ascending, each once) of a group of so many ranks: choices
/// are equally likely, within the groups of slots that are chosen, which are too (a hypergeometric distribution).
double chance_to_reach(const TokenRouting&, std::uint32_t ranks, std::span<const std::uint32_t> positions);

/// Of the bytes of a dispatch or combine, what a message takes that brings each token once for all of its experts at
/// these positions.
double share_of(const TokenRouting&, std::uint32_t ranks, std::span<const std::uint32_t> positions);

}  // namespace podium
