#include "sim/topology/fabric.h"

namespace podium {
namespace {

/// A link between every two accelerators of the site.
void full_mesh(Site& site, const Node& parameters) {
  const auto bandwidth = parameters.at("link_bandwidth").figure<BytesPerSecond>();
  const std::vector<NodeId> all = site.accelerators();
  for (std::size_t a = 0; a < all.size(); ++a) {
    for (std::size_t b = 0; b < a; ++b) {
      site.connect(all[b], all[a], bandwidth);
    }
  }
}

const Fabrics::Entry entry{"full_mesh", "a link between every two accelerators", full_mesh};

}  // namespace
}  // namespace podium
