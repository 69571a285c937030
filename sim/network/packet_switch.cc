// The switches of PacketNetwork: queues, room, and the choice of ways.
#include <algorithm>

#include "sim/network/packet.h"

namespace podium {

std::uint32_t PacketNetwork::choose(Flow& flow, PacketRoute::Fork& fork) {
  if (fork.count == 1) {
    return fork.first;
  }
  const auto port_of = [&](const PacketRoute::Leg& leg) -> const PacketPort& { return ports_[leg.link.index()]; };
  const auto open = [&](const PacketRoute::Leg& leg) { return port_of(leg).alive(); };
  const PacketSettings& settings = wiring_.settings[flow.settings];
  switch (settings.path_choice) {
    case PathChoice::spray:
      return spray(flow.route, fork, open);
    case PathChoice::hash:
      for (std::uint32_t tried = 0; tried < fork.count; ++tried) {
        const std::uint64_t place = flow.route.legs[fork.first].link.index();
        const std::uint64_t hash = mix(mix(flow.route.ends, settings.seed), mix(place, tried));
        const auto leg = static_cast<std::uint32_t>(fork.first + hash % fork.count);
        if (open(flow.route.legs[leg])) {
          return leg;
        }
      }
      return spray(flow.route, fork, open);
    case PathChoice::adaptive:
      break;
  }
  // the shortest queue by time; among equals, the next in turn
  std::uint32_t best = spray(flow.route, fork, open);
  const auto queue = [&](std::uint32_t leg) {
    const PacketPort& port = port_of(flow.route.legs[leg]);
    return std::max(port.busy_until - now_, std::int64_t{0}) + port.duration(port.waiting);
  };
  std::int64_t shortest = queue(best);
  for (std::uint32_t leg = fork.first; leg < fork.first + fork.count && shortest > 0; ++leg) {
    const std::int64_t length = queue(leg);
    if (length < shortest && open(flow.route.legs[leg])) {
      shortest = length;
      best = leg;
    }
  }
  return best;
}

void PacketNetwork::take_leg(Packet& packet, const Flow& flow, std::uint32_t leg) {
  packet.leg = leg;
  packet.link = static_cast<std::uint32_t>(flow.route.legs[leg].link.index());
  packet.fork = flow.route.legs[leg].fork;
}

/// A packet comes to the queue of its leg's port.
void PacketNetwork::offer(std::uint32_t id) {
  Packet& packet = packets_[id];
  PacketPort& port = ports_[packet.link];
  if (!port.alive() && packet.leg < flows_[packet.flow].first_leg) {
    return send_again(id);
  }
  const std::uint32_t at = port.first_channel + port.channel_rule.on(packet.stand, port.mark);
  PacketChannel& channel = channels_[at];
  packet.came = now_;
  const auto ahead = static_cast<double>(std::max(port.busy_until - now_, std::int64_t{0}));
  const double sent = port.alive() ? ahead / port.picoseconds_per_byte : 0;
  port.queue_most = std::max(port.queue_most, sent + port.waiting + packet.wire);
  if (port.control != FlowControl::credits) {
    mark(packet, port);
  }
  if (channel.head == none && may_start(port, channel, packet)) {
    start(id, at);
    return;
  }
  packet.next = none;
  (channel.head == none ? channel.head : packets_[channel.last].next) = id;
  channel.last = id;
  port.waiting += packet.wire;
  ++waiting_;
  arm_wake(at);
}

/// May the first packet of a channel be given its time on the link? With credits, as soon as there is room at the far
/// end: none but the packets before it can take that; to a receiver, not long before. Otherwise only now, because a
/// pause may come.
bool PacketNetwork::may_start(const PacketPort& port, PacketChannel& channel, const Packet& packet) {
  if (!port.alive()) {
    return false;
  }
  if (port.control != FlowControl::credits) {
    return !port.paused && port.busy_until <= now_;
  }
  if (goes_to_receiver(packet)) {
    return port.busy_until - now_ <= port.ahead;
  }
  if (channel.free < packet.wire) {
    channel.take_releases(now_);
    return channel.free >= packet.wire || channel.free >= channel.size;
  }
  return true;
}

/// Gives a packet its time on the link.
void PacketNetwork::start(std::uint32_t id, std::uint32_t at) {
  Packet& packet = packets_[id];
  PacketChannel& channel = channels_[at];
  PacketPort& port = ports_[channel.port];
  const std::int64_t duration = port.take_duration(packet.wire);
  // its last byte cannot leave before it is here
  const std::int64_t begin = std::max({now_, port.busy_until, packet.tail - duration});
  const std::int64_t end = begin + duration;
  packet.stand = port.channel_rule.behind(packet.stand, port.mark);
  port.busy_until = end;
  ++packet_hops_;
  ++port.packets;
  port.bytes += packet.wire;
  port.busy += duration;
  port.queue_time += packet.wire * static_cast<double>(end - packet.came);
  if (packet.room != none) {
    leave_room(packet, end);
  }
  if (goes_to_receiver(packet)) {
    arrived(packet, end);
    remove_packet(id);
    return;
  }
  if (port.control == FlowControl::credits) {
    channel.free -= packet.wire;
  }
  packet.room = at;
  packet.tail = end + port.latency;
  push(port.forwarding == Forwarding::cut_through ? begin + port.latency : packet.tail, arrive, id);
}

void PacketNetwork::arrive_at_switch(std::uint32_t id) {
  Packet& packet = packets_[id];
  if (!take_room(packet)) {
    packet.room = none;
    push(now_ + picoseconds(wiring_.settings[flows_[packet.flow].settings].resend_after), resend, id);
    return;
  }
  Flow& flow = flows_[packet.flow];
  PacketRoute::Fork& fork = flow.route.forks[packet.fork];
  switch (fork.act) {
    case PacketRoute::Act::split:
      take_leg(packet, flow, choose(flow, fork));
      take_turn(packet.link, packet.flow);
      return offer(id);
    case PacketRoute::Act::copy:
      return copy_packet(id, fork);
    case PacketRoute::Act::gather:
      leave_room(packet, now_);
      if (++flow.gathered[packet.index] < fork.gathers) {
        remove_packet(id);
        return;
      }
      packet.room = none;
      take_leg(packet, flow, fork.first);
      return offer(id);
  }
}

/// As sums do, the copies wait in the switch's own memory: the room at the input is free when the first has left.
void PacketNetwork::copy_packet(std::uint32_t id, const PacketRoute::Fork& fork) {
  const Flow& flow = flows_[packets_[id].flow];
  Packet copy = packets_[id];
  const std::uint32_t first = fork.first;
  const std::uint32_t count = fork.count;
  copy.room = none;
  for (std::uint32_t leg = first + 1; leg < first + count; ++leg) {
    take_leg(copy, flow, leg);
    offer(add_packet(copy));
  }
  take_leg(packets_[id], flow, first);
  offer(id);
}

/// Counts what has arrived at a switch (but for credits, which count when it is sent). False where there is no room.
bool PacketNetwork::take_room(Packet& packet) {
  PacketChannel& channel = channels_[packet.room];
  PacketPort& port = ports_[channel.port];
  if (port.control == FlowControl::credits) {
    return true;
  }
  if (channel.taken + packet.wire > channel.size) {
    ++port.drops;
    return false;
  }
  channel.taken += packet.wire;
  const double limit = wiring_.settings[port.settings].pause_at.value();
  if (port.control == FlowControl::pause && channel.taken > limit && !channel.told_to_pause) {
    channel.told_to_pause = true;
    push(now_ + port.latency, pause, packet.room);
  }
  return true;
}

/// A packet will have left the switch then: the room that it took is free, and the sender hears of it.
void PacketNetwork::leave_room(const Packet& packet, std::int64_t when) {
  PacketChannel& channel = channels_[packet.room];
  const PacketPort& port = ports_[channel.port];
  if (port.control == FlowControl::credits) {
    channel.release(when + port.latency, packet.wire);
    if (channel.head != none) {
      arm_wake(packet.room);
    }
    return;
  }
  channel.taken -= packet.wire;
  if (channel.told_to_pause && channel.taken <= wiring_.settings[port.settings].resume_at.value()) {
    channel.told_to_pause = false;
    push(now_ + port.latency, resume, packet.room);
  }
}

/// Gives their time to all that may go now.
void PacketNetwork::wake_channel(std::uint32_t at) {
  const std::uint32_t link = channels_[at].port;
  if (channels_[at].wake_at <= now_) {
    channels_[at].wake_at = PacketChannel::never;
  }
  while (channels_[at].head != none) {
    PacketChannel& channel = channels_[at];
    const std::uint32_t id = channel.head;
    const Packet& packet = packets_[id];
    PacketPort& port = ports_[link];
    if (!may_start(port, channel, packet)) {
      break;
    }
    channel.head = packet.next;
    port.waiting -= packet.wire;
    --waiting_;
    const std::int64_t could = std::max(packet.came, port.busy_until);
    if (port.control == FlowControl::credits && could < now_) {
      ++port.stalls;
      port.stalled += now_ - could;
    }
    start(id, at);
  }
  if (channels_[at].head != none) {
    arm_wake(at);
  }
  arm_pull(link);
}

/// Comes back to a channel when its first packet may be able to go, where that is known.
void PacketNetwork::arm_wake(std::uint32_t at) {
  PacketChannel& channel = channels_[at];
  const PacketPort& port = ports_[channel.port];
  std::int64_t when = PacketChannel::never;
  if (port.control != FlowControl::credits) {
    when = port.paused ? PacketChannel::never : std::max(now_, port.busy_until);
  } else if (goes_to_receiver(packets_[channel.head])) {
    when = std::max(now_, port.busy_until - port.ahead / 2);  // for many at a time
  } else if (!channel.releases.empty()) {
    when = std::max(now_, channel.releases.front().time);
  }
  if (when < channel.wake_at && port.alive()) {
    channel.wake_at = when;
    push(when, wake, at);
  }
}

void PacketNetwork::pause_port(std::uint32_t at) {
  PacketPort& port = ports_[channels_[at].port];
  port.paused = true;
  port.paused_since = now_;
  ++port.pauses;
}

void PacketNetwork::resume_port(std::uint32_t at) {
  PacketPort& port = ports_[channels_[at].port];
  port.paused = false;
  port.paused_time += now_ - port.paused_since;
  wake_channel(at);
}

/// ECN, by the length of the queue that a packet comes to (RED's ramp).
void PacketNetwork::mark(Packet& packet, PacketPort& port) {
  const PacketSettings& settings = wiring_.settings[port.settings];
  const double from = settings.mark_from.value();
  const double to = settings.mark_to.value();
  if (!settings.marks || port.waiting <= from) {
    return;
  }
  const double chance = port.waiting < to ? settings.mark_most * (port.waiting - from) / (to - from) : 1;
  if (chance >= 1 || rng_.uniform() < chance) {
    port.marks += packet.marked ? 0 : 1;
    packet.marked = true;
  }
}

std::uint32_t PacketNetwork::add_packet(const Packet& packet) {
  ++flows_[packet.flow].references;
  if (free_packets_.empty()) {
    packets_.push_back(packet);
    return static_cast<std::uint32_t>(packets_.size() - 1);
  }
  const std::uint32_t id = free_packets_.back();
  free_packets_.pop_back();
  packets_[id] = packet;
  return id;
}

void PacketNetwork::remove_packet(std::uint32_t id) {
  free_packets_.push_back(id);
  let_go(packets_[id].flow);
}

}  // namespace podium
