// Links of PacketNetwork that fail, are degraded or come back in the course of a run.
#include <algorithm>
#include <utility>

#include "sim/network/packet.h"
#include "sim/network/transfers.h"

namespace podium {

namespace {

/// Whether a route's last way, which begins with a leg, takes the links of another, as much of each.
bool has_way(const PacketRoute& route, std::uint32_t first_leg, const PacketRoute& other) {
  return std::equal(route.legs.begin() + first_leg, route.legs.end(), other.legs.begin(), other.legs.end(),
                    [](const PacketRoute::Leg& a, const PacketRoute::Leg& b) { return a.link == b.link; }) &&
         std::equal(route.loads.begin() + first_leg, route.loads.end(), other.loads.begin(), other.loads.end());
}

}  // namespace

void PacketNetwork::set_capacity(LinkId link, BytesPerSecond capacity) {
  check_capacity(capacity);
  PODIUM_CHECK(link.index() < ports_.size(), "the link is there");
  now_ = engine_.now().picoseconds();
  PacketPort& port = ports_[link.index()];
  dead_links_ -= port.alive() ? 0 : 1;
  port.set_capacity(capacity, wiring_.settings[port.settings].payload);
  widen(link, capacity);
  dead_links_ += port.alive() ? 0 : 1;
  capacities_[link] = capacity;
  if (port.alive()) {
    for (std::uint32_t i = 0; i < port.channels(); ++i) {
      wake_channel(port.first_channel + i);
    }
    arm_pull(link.index());
  } else {
    empty_dead_port(link.index());
  }
  arm();
}

/// A link that has more than ever before is built for that: with room for its round trip, and senders that may use it.
void PacketNetwork::widen(LinkId link, BytesPerSecond capacity) {
  Wire& wire = wiring_.wires[link];
  if (capacity <= wire.capacity) {
    return;
  }
  wire.capacity = capacity;
  const PacketPort& port = ports_[link.index()];
  for (std::uint32_t at = port.first_channel; at < port.first_channel + port.channels(); ++at) {
    const double more = room_of(wire, wiring_.settings[port.settings]) - channels_[at].size;
    channels_[at].size += more;
    channels_[at].free += more;
  }
  for (Flow& flow : flows_) {
    if (flow.live && flow.packets > 0) {
      flow.rate.set_line(line_of(flow));
    }
  }
}

/// What may go elsewhere does: packets whose switch has another way, those of transfers that have been rerouted, and
/// those that have not been sent.
void PacketNetwork::empty_dead_port(std::uint32_t link) {
  PacketPort& port = ports_[link];
  for (std::uint32_t at = port.first_channel; at < port.first_channel + port.channels(); ++at) {
    std::uint32_t id = std::exchange(channels_[at].head, none);
    while (id != none) {
      const std::uint32_t next = packets_[id].next;
      port.waiting -= packets_[id].wire;
      --waiting_;
      Packet& packet = packets_[id];
      Flow& flow = flows_[packet.flow];
      if (packet.leg >= flow.first_leg && !flow.route.is_tree()) {
        take_leg(packet, flow, choose(flow, flow.route.fork_before(packet.leg)));
      }
      offer(id);
      id = next;
    }
  }
  const auto may_choose = [this](const PacketStream& stream) {
    return holds({stream.flow, stream.generation}) && flows_[stream.flow].paced;
  };
  for (const PacketStream& stream : port.streams.take_if(may_choose)) {
    queue_paced(stream.flow);
  }
}

/// Its sender sends the packet once more, by the way that its transfer takes now.
void PacketNetwork::send_again(std::uint32_t id) {
  Packet& packet = packets_[id];
  if (packet.room != none) {
    leave_room(packet, now_);
    packet.room = none;
  }
  packet.stand = {};
  push(now_, resend, id);
}

void PacketNetwork::reroute(TransferId id, const Route& route) {
  if (!holds(id) || flows_[id.slot].packets == 0) {
    return;
  }
  now_ = engine_.now().picoseconds();
  Flow& flow = flows_[id.slot];
  PacketRoute other = make_packet_route(route, wiring_);
  if (has_way(flow.route, flow.first_leg, other)) {
    return;
  }
  if (flow.route.is_tree() || other.is_tree()) {
    throw RunError("the packets of a multicast or a reduction keep to their tree when a link of it fails");
  }
  const auto is_own = [id](const PacketStream& stream) {
    return stream.flow == id.slot && stream.generation == id.generation;
  };
  std::size_t taken = 0;  // of what has not been sent
  for (const std::uint16_t source : flow.route.sources) {
    const PacketRoute::Fork fork = flow.route.forks[source];
    for (std::uint32_t leg = fork.first; leg < fork.first + fork.count; ++leg) {
      taken += ports_[flow.route.legs[leg].link.index()].streams.take_if(is_own).size();
    }
  }
  flow.first_leg = static_cast<std::uint32_t>(flow.route.legs.size());
  flow.route.change_to(std::move(other));
  set_headers(flow);
  flow.rate.set_line(line_of(flow));
  if (taken > 0 && flow.paced) {
    queue_paced(id.slot);
  } else if (taken > 0) {
    queue_streams(flow, id.slot);
  }
  request_settle();
  is_rerouted_ = true;
}

/// Once for all transfers that were rerouted in this round.
void PacketNetwork::empty_dead_ports() {
  is_rerouted_ = false;
  for (std::uint32_t link = 0; link < ports_.size(); ++link) {
    if (!ports_[link].alive()) {
      empty_dead_port(link);
    }
  }
}

}  // namespace podium
