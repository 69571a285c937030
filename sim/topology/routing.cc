#include "sim/topology/routing.h"

#include <algorithm>

namespace podium {
namespace {

/// The enumerators of an option in the order of their names; the first is the default.
template <class Choice>
Choice read_choice(const Node& routing, std::string_view key, const std::vector<std::string>& names) {
  const auto node = routing.find(key);
  const std::string name = node ? node->one_of(names) : names.front();
  const auto found = std::find(names.begin(), names.end(), name);
  return static_cast<Choice>(found - names.begin());
}

}  // namespace

Routing read_routing(const Node& plane) {
  Routing routing;
  const auto node = plane.find("routing");
  if (!node) {
    return routing;
  }
  routing.order = read_choice<WayOrder>(*node, "order", {"shortest", "dimension_ordered", "one_global", "up_down"});
  routing.spread = read_choice<Spread>(*node, "spread", {"sprayed", "hashed", "fixed", "adaptive"});
  routing.detour = read_choice<Detour>(*node, "detour", {"none", "valiant"});
  if (const auto seed = node->find("seed")) {
    routing.seed = static_cast<std::uint64_t>(seed->count());
  }
  if (const auto channels = node->find("virtual_channels")) {
    constexpr std::int64_t most = 64;
    if (channels->count() < 1 || channels->count() > most) {
      channels->fail("a link has 1 to " + std::to_string(most) + " virtual channels");
    }
    routing.virtual_channels = static_cast<std::uint32_t>(channels->count());
  }
  return routing;
}

std::string to_text(const Routing& routing) {
  std::string text;
  switch (routing.order) {
    case WayOrder::shortest:
      text = "shortest paths";
      break;
    case WayOrder::dimension_ordered:
      text = "dimension-ordered";
      break;
    case WayOrder::one_global:
      text = "at most one global link";
      break;
    case WayOrder::up_down:
      text = "up-down";
      break;
  }
  switch (routing.spread) {
    case Spread::sprayed:
      text += ", sprayed";
      break;
    case Spread::hashed:
      text += ", hashed";
      break;
    case Spread::fixed:
      text += ", one fixed path a destination";
      break;
    case Spread::adaptive:
      text += ", on the least used paths";
      break;
  }
  return text + (routing.detour == Detour::valiant ? ", with Valiant's detours" : "");
}

}  // namespace podium
