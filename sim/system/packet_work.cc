#include "sim/system/packet_work.h"

#include <cmath>

#include "sim/network/packet_settings.h"

namespace podium {

double real_packet_hops(const Topology& topology, const LinkUse& use) {
  const std::vector<PacketSettings> packets = load_packet_settings(packet_planes(topology));
  double hops = 0;
  for (std::size_t plane = 0; plane < use.executed.size(); ++plane) {
    hops += use.executed[plane] * topology.planes[plane].payload_efficiency_far / packets[plane].payload;
  }
  return hops;
}

double fitting_packet_scale(double real_hops) {
  return real_hops > most_packet_hops ? std::exp2(std::ceil(std::log2(real_hops / most_packet_hops))) : 1;
}

}  // namespace podium
