#pragma once

#include <cstdint>
#include <string>

#include "sim/config/config.h"

namespace podium {

/// Which ways are allowed; a transfer takes the shortest of them.
enum class WayOrder : std::uint8_t {
  shortest,           ///< all
  dimension_ordered,  ///< links in ascending order of Link::dimension (Dally and Seitz, IEEE ToC C-36, 1987)
  one_global,         ///< at most one link of a dimension above 0: minimal in a dragonfly (Kim et al., ISCA 2008)
  up_down             ///< first towards the roots of the network, then away from them (Autonet: Schroeder et al., 1991)
};

/// How a transfer is dealt to the shortest allowed ways.
enum class Spread : std::uint8_t {
  sprayed,  ///< over all of them, at each hop in proportion to capacity
  hashed,   ///< on one, chosen at each hop by a hash of both ends, the flow and the seed (ECMP), weighted by capacity
  fixed,    ///< on one, chosen by the destination alone (D-mod-k: Zahavi, 2010)
  /// on one: at each hop the link that the fewest routes before took, over its capacity; among equals by the hash. What
  /// adaptive switches come to for flows that last; like them it knows the next link only. In the order of asking.
  adaptive
};

/// Valiant and Brebner, STOC 1981: first to a node that is chosen at random among all that could be, then on to the
/// destination. What is sprayed goes over each of them in equal parts: the exact mean.
enum class Detour : std::uint8_t { none, valiant };

/// How traffic finds its way through a plane.
struct Routing {
  WayOrder order = WayOrder::shortest;
  Spread spread = Spread::sprayed;
  Detour detour = Detour::none;
  std::uint64_t seed = 0;              ///< of the hash
  std::uint32_t virtual_channels = 1;  ///< of a link: see channels.h
};

/// Reads `routing:` of a plane, a mapping in which every key may be left out.
Routing read_routing(const Node& plane);
/// "dimension-ordered, hashed, with Valiant's detours".
std::string to_text(const Routing&);

}  // namespace podium
