#include "sim/system/link_use.h"

#include <algorithm>

namespace podium {

LinkUse link_use(const Topology& topology, const FoldedFabric& fabric, const Network& network) {
  LinkUse use;
  use.ports.resize(topology.links.size());
  use.executed.resize(topology.planes.size());
  use.packet_hops = network.packet_hops();
  const Table<LinkId, PortStatistics> by_class = network.statistics();
  for (const LinkId link : topology.links.ids()) {
    if (const auto of = fabric.classes[link]) {
      use.ports[link] = by_class[*of];
      use.executed[topology.links[link].plane] += by_class[*of].bytes;
    }
  }
  return use;
}

void LinkSampler::look(Engine& engine, const Network& network) {
  const Time now = network.clock(engine);
  if (samples_.size() >= most_) {
    std::size_t kept = 0;
    for (std::size_t i = 0; i < samples_.size(); i += 2) {
      std::swap(samples_[kept++], samples_[i]);
    }
    samples_.resize(kept);
    gap_ *= 2;
  }
  if (samples_.empty() && now > Time()) {
    samples_.push_back({Time(), Table<LinkId, Bytes>(network.carried().size())});
  }
  const bool is_idle = !samples_.empty() && samples_.back().at == now;
  if (is_idle) {
    samples_.back().carried = network.carried();  // the instant went on
  } else {
    samples_.push_back({now, network.carried()});
  }
  // where nothing happens the next stretch begins when something does: what follows is not spread over idle time
  const std::optional<Time> again = is_idle ? engine.next_time() : std::nullopt;
  next_ = again ? *again : Time::from_picoseconds(next_.picoseconds() + gap_);
}

void add_block(LinkUse& whole, const LinkUse& block, std::uint64_t repeat, double share) {
  const auto times = static_cast<double>(repeat);
  for (const LinkId link : whole.ports.ids()) {
    PortStatistics& sum = whole.ports[link];
    const PortStatistics& one = block.ports[link];
    sum.packets += repeat * one.packets;
    sum.bytes += times * one.bytes;
    sum.busy += times * one.busy;
    sum.queue_most = std::max(sum.queue_most, one.queue_most);
    sum.queue_mean += share * one.queue_mean;
    sum.stalls += repeat * one.stalls;
    sum.stalled += times * one.stalled;
    sum.pauses += repeat * one.pauses;
    sum.paused += times * one.paused;
    sum.marks += repeat * one.marks;
    sum.drops += repeat * one.drops;
  }
  for (std::size_t plane = 0; plane < whole.executed.size(); ++plane) {
    whole.executed[plane] += block.executed[plane];
  }
  whole.packet_hops += block.packet_hops;
}

}  // namespace podium
