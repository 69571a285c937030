#include "sim/topology/fabric.h"

namespace podium {
namespace {

/// Links between the dies of one package, every pair of them.
void die_link(Site& site, const Node& parameters) {
  const auto bandwidth = positive_figure<BytesPerSecond>(parameters.at("link_bandwidth"));
  const std::uint32_t dies = site.topology.accelerators_per_package;
  if (dies < 2) {
    parameters.fail("there are no links between dies in a package of one");
  }
  const std::vector<NodeId> all = site.accelerators();
  for (std::size_t first = 0; first < all.size(); first += dies) {
    for (std::size_t a = first; a < std::min<std::size_t>(first + dies, all.size()); ++a) {
      for (std::size_t b = first; b < a; ++b) {
        site.connect(all[b], all[a], bandwidth);
      }
    }
  }
}

const Fabrics::Entry die_link_entry{"die_link", "links between the dies of a package", die_link};

}  // namespace
}  // namespace podium
