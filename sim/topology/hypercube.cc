#include <bit>

#include "sim/topology/grid.h"

namespace podium {
namespace {

/// Accelerators whose numbers differ in one bit are linked: as many dimensions as the accelerators need. Those that are
/// no power of two make an incomplete hypercube (Katseff, IEEE Transactions on Computers 37, 1988).
void hypercube(Site& site, const Node& parameters) {
  const GridDimension dimension{2, Row::line, positive_figure<BytesPerSecond>(parameters.at("link_bandwidth"))};
  const auto bits = std::bit_width(site.accelerators().size() - 1);
  connect_grid(site, std::vector<GridDimension>(static_cast<std::size_t>(bits), dimension));
}

const Fabrics::Entry hypercube_entry{"hypercube", "links between accelerators whose numbers differ in one bit",
                                     hypercube};

}  // namespace
}  // namespace podium
