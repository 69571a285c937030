// The sending end of PacketNetwork: ports take packets from transfers in turn.
#include <algorithm>
#include <cmath>

#include "sim/network/packet.h"

namespace podium {

void PacketNetwork::pull_packet(std::uint32_t link) {
  ports_[link].pulling = false;
  // others may have passed through since it asked
  if (ports_[link].busy_until <= now_) {
    send_next(link);
  }
  arm_pull(link);
}

/// Sends the next packet of the transfer whose turn it is.
void PacketNetwork::send_next(std::uint32_t link) {
  PacketPort& port = ports_[link];
  while (!port.streams.empty() && port.alive()) {
    const PacketStream stream = port.streams.front();
    port.streams.pop_front();
    Flow& flow = flows_[stream.flow];
    const std::uint32_t index = stream.step == 0 ? flow.injected : stream.index;
    if (flow.generation == stream.generation && flow.live && index < flow.packets) {
      inject(flow, stream, index, link);
      queue_again(stream, flow, link);
      break;
    }
  }
}

/// Before a packet of a transfer passes through a port that has transfers of its own: one of these has its turn when a
/// passing one would have its second.
void PacketNetwork::take_turn(std::uint32_t link, std::uint32_t passing) {
  PacketPort& port = ports_[link];
  if (port.streams.empty()) {
    return;
  }
  const std::uint64_t bit = std::uint64_t{1} << passing % 64;
  if ((port.served & bit) != 0) {
    port.served = 0;
    send_next(link);
  }
  port.served |= bit;
}

void PacketNetwork::inject(Flow& flow, const PacketStream& stream, std::uint32_t index, std::uint32_t link) {
  Packet packet;
  packet.tail = now_;
  packet.wire = index + 1 < flow.packets ? flow.payload + flow.header : flow.last_payload + flow.last_header;
  packet.flow = stream.flow;
  packet.leg = stream.leg;
  packet.link = link;
  packet.fork = stream.fork;
  packet.index = index;
  packet.room = none;
  ++flow.injected;
  offer(add_packet(packet));
}

void PacketNetwork::queue_again(PacketStream stream, Flow& flow, std::uint32_t link) {
  if (stream.step > 0) {
    stream.index += stream.step;
    if (stream.index < flow.packets) {
      ports_[link].streams.push_back(stream);
    }
    return;
  }
  if (flow.injected == flow.packets) {
    return;
  }
  if (!flow.paced) {
    ports_[link].streams.push_back(stream);
    return;
  }
  flow.ready_at = std::max(flow.ready_at, now_) + pace(flow, flow.payload + flow.header);
  if (flow.ready_at <= now_) {
    queue_paced(stream.flow);
  } else {
    ++flow.references;
    push(flow.ready_at, ready, stream.flow);
  }
}

/// Queues one packet of a transfer on the way that is chosen for it.
void PacketNetwork::queue_paced(std::uint32_t slot) {
  Flow& flow = flows_[slot];
  const std::uint32_t leg = choose(flow, flow.route.forks[flow.route.sources.front()]);
  const auto link = flow.route.legs[leg].link.index();
  ports_[link].streams.push_back({slot, flow.generation, leg, 0, 0, flow.route.legs[leg].fork});
  arm_pull(link);
}

/// The time that a packet of so many bytes takes at the rate that its transfer may have; 0 where nothing holds it.
std::int64_t PacketNetwork::pace(Flow& flow, double wire) {
  double seconds = flow.cap > 0 ? flow.payload / flow.cap : 0;
  const PacketSettings& settings = wiring_.settings[flow.settings];
  if (settings.marks) {
    flow.rate.count(settings.dcqcn, Bytes(wire));
    seconds = std::max(seconds, wire / flow.rate.at(settings.dcqcn, now_).value());
  }
  return std::llround(seconds * 1e12);
}

/// Has the port ask for a packet when it is free and nothing waits before it.
void PacketNetwork::arm_pull(std::uint32_t link) {
  PacketPort& port = ports_[link];
  if (!port.pulling && !port.streams.empty() && port.alive() && channels_[port.first_channel].head == none) {
    port.pulling = true;
    push(std::max(now_, port.busy_until), pull, link);
  }
}

}  // namespace podium
