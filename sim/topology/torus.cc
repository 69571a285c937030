#include "sim/topology/grid.h"

namespace podium {
namespace {

/// A k-ary n-cube, its sizes free in each dimension (Dally, IEEE Transactions on Computers 39, 1990): every accelerator
/// is linked to the next and the previous one in each dimension, the last ones to the first.
void torus(Site& site, const Node& parameters) { connect_grid(site, read_grid(site, parameters, Row::ring)); }

/// A torus without the links that close the rings.
void mesh(Site& site, const Node& parameters) { connect_grid(site, read_grid(site, parameters, Row::line)); }

/// One ring of all accelerators in rank order.
void ring(Site& site, const Node& parameters) {
  const GridDimension dimension{static_cast<std::uint32_t>(site.accelerators().size()), Row::ring,
                                positive_figure<BytesPerSecond>(parameters.at("link_bandwidth"))};
  connect_grid(site, {&dimension, 1});
}

const Fabrics::Entry torus_entry{"torus", "torus of accelerators in any number of dimensions", torus};
const Fabrics::Entry mesh_entry{"mesh", "mesh of accelerators in any number of dimensions", mesh};
const Fabrics::Entry ring_entry{"ring", "ring of accelerators", ring};

}  // namespace
}  // namespace podium
