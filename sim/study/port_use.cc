#include "sim/study/port_use.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <tuple>

namespace podium {
namespace {

constexpr std::size_t few = 3;

void add(PortTier& tier, const PortStatistics& port) {
  PortStatistics& sum = tier.sum;
  sum.packets += port.packets;
  sum.bytes += port.bytes;
  sum.busy += port.busy;
  sum.queue_most = std::max(sum.queue_most, port.queue_most);
  sum.queue_mean = std::max(sum.queue_mean, port.queue_mean);
  sum.stalls += port.stalls;
  sum.stalled += port.stalled;
  sum.pauses += port.pauses;
  sum.paused += port.paused;
  sum.marks += port.marks;
  sum.drops += port.drops;
}

/// Of those as busy, but for the rounding of sums, the first.
void keep_busiest(std::vector<PortUse>& busiest, PortUse port) {
  const auto place = std::find_if(busiest.begin(), busiest.end(), [&](const PortUse& other) {
    return other.utilisation < port.utilisation * (1 - 1e-9);
  });
  if (place != busiest.end() || busiest.size() < few) {
    busiest.insert(place, std::move(port));
    busiest.resize(std::min(busiest.size(), few));
  }
}

}  // namespace

std::vector<PortTier> port_tiers(const Topology& topology, const LinkUse& use, Seconds time) {
  const Table<NodeId, std::string> names = shown_names(topology);
  std::map<std::tuple<std::uint32_t, std::string, std::string>, PortTier> tiers;
  for (const LinkId id : topology.links.ids()) {
    const Link& link = topology.links[id];
    const std::string &from = topology.nodes[link.from].tier, &to = topology.nodes[link.to].tier;
    PortTier& tier = tiers[{link.plane, from, to}];
    ++tier.links;
    const PortStatistics& port = use.ports[id];
    if (port.bytes > Bytes() && link.bandwidth > BytesPerSecond()) {
      ++tier.used;
      const double utilisation = port.bytes / (link.bandwidth * time);
      tier.mean_utilisation += utilisation;
      add(tier, port);
      keep_busiest(tier.busiest, {fmt::format("{} to {}", names[link.from], names[link.to]), utilisation, port});
    }
  }
  std::vector<PortTier> result;
  for (auto& [key, tier] : tiers) {
    if (tier.used > 0) {
      tier.plane = topology.planes[std::get<0>(key)].name;
      tier.from = std::get<1>(key);
      tier.to = std::get<2>(key);
      tier.mean_utilisation /= static_cast<double>(tier.used);
      result.push_back(std::move(tier));
    }
  }
  std::stable_sort(result.begin(), result.end(), [](const PortTier& a, const PortTier& b) {
    return a.busiest.front().utilisation > b.busiest.front().utilisation;
  });
  return result;
}

}  // namespace podium
