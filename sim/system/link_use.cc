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
  Table<LinkId, Bytes> carried = network.carried();
  if (samples_.empty()) {
    samples_.push_back({Time(), Table<LinkId, Bytes>(carried.size())});
    last_ = samples_.front();
  }
  const bool is_idle = last_.at == now;
  while (now >= edge_ && static_cast<std::size_t>((now - edge_) / gap_) + 2 + samples_.size() > most_) {
    thin();
  }
  for (; edge_ <= now; edge_ = edge_ + gap_) {
    samples_.push_back({edge_, between(carried, now)});
  }
  last_ = {now, std::move(carried)};
  // where nothing happens the next stretch begins when something does: what follows is not spread over idle time
  const std::optional<Time> again = is_idle ? engine.next_time() : std::nullopt;
  next_ = again ? *again : std::max(now, next_) + gap_;
}

/// What had been carried by the next edge, which lies between the last look and one at `now`.
Table<LinkId, Bytes> LinkSampler::between(const Table<LinkId, Bytes>& carried, Time now) const {
  const double share = now > last_.at ? (edge_ - last_.at) / (now - last_.at) : 1;
  Table<LinkId, Bytes> result = last_.carried;
  for (const LinkId link : result.ids()) {
    result[link] += share * (carried[link] - last_.carried[link]);
  }
  return result;
}

/// Every other edge goes.
void LinkSampler::thin() {
  std::size_t kept = 0;
  for (std::size_t i = 0; i < samples_.size(); i += 2) {
    std::swap(samples_[kept++], samples_[i]);
  }
  samples_.resize(kept);
  gap_ = 2 * gap_;
  edge_ = samples_.back().at + gap_;
}

std::vector<LinkHistory::Sample> LinkSampler::samples() && {
  if (!samples_.empty() && samples_.back().at < last_.at) {
    samples_.push_back(std::move(last_));
  }
  return std::move(samples_);
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
