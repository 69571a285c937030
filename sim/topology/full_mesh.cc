#include "sim/topology/grid.h"

namespace podium {
namespace {

/// A link between every two accelerators of the site; with `dimensions`, between every two in a row of each dimension:
/// the nD full mesh of UB-Mesh (Liao et al., arXiv 2503.20377), the HyperX of Ahn et al. (SC 2009) without its
/// switches.
void full_mesh(Site& site, const Node& parameters) {
  if (parameters.has("dimensions")) {
    connect_grid(site, read_grid(site, parameters, Row::clique));
    return;
  }
  const GridDimension all{static_cast<std::uint32_t>(site.accelerators().size()), Row::clique,
                          positive_figure<BytesPerSecond>(parameters.at("link_bandwidth"))};
  connect_grid(site, {&all, 1});
}

const Fabrics::Entry full_mesh_entry{
    "full_mesh", "a link between every two accelerators, or every two in a row of a grid", full_mesh};

}  // namespace
}  // namespace podium
