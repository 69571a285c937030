#include "sim/topology/fabric.h"

namespace podium {
namespace {

/// One tier of switch chips, all accelerators linked to each of them; an accelerator's links are dealt to the chips in
/// turn. NVIDIA DGX SuperPOD with GB200, reference architecture: 18 links of a GPU, one to each of 18 chips.
void nvswitch(Site& site, const Node& parameters) {
  const auto chips = static_cast<std::size_t>(parameters.at("chips").figure_count());
  const auto links = static_cast<std::size_t>(parameters.at("links_per_accelerator").figure_count());
  const auto bandwidth = positive_figure<BytesPerSecond>(parameters.at("link_bandwidth"));
  if (chips == 0 || links < chips) {
    parameters.fail("an accelerator needs a link to each of at least one chip");
  }
  const std::vector<NodeId> switches = site.add_bundle(chips, parameters.at("tier").text());
  for (const NodeId accelerator : site.accelerators()) {
    for (std::size_t chip = 0; chip < chips; ++chip) {
      const std::size_t to_this_one = links / chips + (chip < links % chips ? 1 : 0);
      site.connect_cables(accelerator, switches[chip], to_this_one, bandwidth);
    }
  }
}

const Fabrics::Entry nvswitch_entry{"nvswitch", "one tier of switch chips, every accelerator linked to each (NVLink)",
                                    nvswitch};

}  // namespace
}  // namespace podium
