#include "sim/network/packet.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "sim/network/transfers.h"

namespace podium {

double room_of(const Wire& wire, const PacketSettings& settings) {
  const double round_trip = 2 * wire.latency.value() * wire.capacity.value();
  switch (settings.flow_control) {
    case FlowControl::credits:
      return round_trip + settings.spare_packets * settings.payload.value();
    case FlowControl::pause: {
      constexpr double begun = 4;  // one passes the mark, two are on their way in or out, and their headers
      const double needed = round_trip + begun * settings.payload.value();
      return settings.pause_at.value() + settings.headroom.value_or(Bytes(needed)).value();
    }
    case FlowControl::drop:
      break;
  }
  return settings.pause_at.value();
}

PacketNetwork::PacketNetwork(Engine& engine, Wiring wiring)
    : engine_(engine), wiring_(std::move(wiring)), now_(engine.now().picoseconds()), rng_(1, "packet marks") {
  for (const Wire& wire : wiring_.wires) {
    check_capacity(wire.capacity);
    capacities_.push_back(wire.capacity);
    const PacketSettings& settings = wiring_.settings.at(wire.settings);
    PODIUM_CHECK(settings.payload > Bytes(0), "packets hold something");
    if (settings.detour != Detour::none) {
      throw InputError("packets take no detours, as Valiant's: network models flow and analytic know them");
    }
    PacketPort port;
    port.set_capacity(wire.capacity, settings.payload);
    port.latency = picoseconds(wire.latency);
    port.first_channel = static_cast<std::uint32_t>(channels_.size());
    port.channel_rule = settings.flow_control == FlowControl::credits ? settings.channels : ChannelRule();
    port.mark = wire.mark;
    port.settings = wire.settings;
    port.control = settings.flow_control;
    port.forwarding = settings.forwarding;
    dead_links_ += port.alive() ? 0 : 1;
    for (std::uint32_t i = 0; i < port.channels(); ++i) {
      PacketChannel& channel = channels_.emplace_back();
      channel.port = static_cast<std::uint32_t>(ports_.size());
      channel.size = room_of(wire, settings);
      channel.free = channel.size;
    }
    ports_.push_back(std::move(port));
  }
}

PacketNetwork::Flow PacketNetwork::make_flow(const Transfer& transfer) const {
  const Route& route = *transfer.route;
  Flow flow;
  flow.latency = picoseconds(route.latency);
  if (route.links.empty() || transfer.bytes == Bytes(0)) {
    return flow;
  }
  flow.route = make_packet_route(route, wiring_);
  flow.settings = wiring_.wires[route.links.front().link].settings;
  const PacketSettings& settings = wiring_.settings[flow.settings];
  const double payload = settings.payload.value();
  // bytes that are a multiple of a packet but for their rounding make no packet more
  const double packets = std::max(1.0, std::ceil(transfer.bytes.value() / payload - 1e-9));
  if (packets >= none) {
    throw RunError("a message of " + to_text(transfer.bytes) + " is more than 2^32 packets: larger packets are needed");
  }
  flow.packets = static_cast<std::uint32_t>(packets);
  flow.payload = payload;
  flow.last_payload = transfer.bytes.value() - (packets - 1) * payload;
  set_headers(flow);
  flow.expected = std::uint64_t{flow.packets} * flow.route.receivers;
  flow.last_latency = picoseconds(flow.route.last_latency);
  flow.cap = transfer.cap.value();
  flow.paced = !flow.route.is_tree() && (settings.path_choice == PathChoice::hash || settings.marks || flow.cap > 0);
  if (settings.marks) {
    flow.rate = DcqcnRate(settings.dcqcn, line_of(flow), now_);
  }
  const bool gathers = std::any_of(flow.route.forks.begin(), flow.route.forks.end(),
                                   [](const auto& fork) { return fork.act == PacketRoute::Act::gather; });
  flow.gathered.assign(gathers ? flow.packets : 0, 0);
  return flow;
}

/// Of the sender's fastest link, as it is when it is whole.
BytesPerSecond PacketNetwork::line_of(const Flow& flow) const {
  BytesPerSecond line;
  const PacketRoute::Fork& fork = flow.route.forks[flow.route.sources.front()];
  for (std::uint32_t leg = fork.first; leg < fork.first + fork.count; ++leg) {
    line = std::max(line, wiring_.wires[flow.route.legs[leg].link].capacity);
  }
  return line;
}

void PacketNetwork::set_headers(Flow& flow) const {
  const double real = flow.payload / wiring_.settings[flow.settings].scale;
  flow.header = flow.payload * (flow.route.overhead - 1);
  flow.last_header = real * std::max(1.0, std::ceil(flow.last_payload / real - 1e-9)) * (flow.route.overhead - 1);
}

TransferId PacketNetwork::send(const Transfer& transfer, Action delivered) {
  check_transfer(transfer, capacities_);
  if (transfer.multiplicity != 1) {
    throw RunError("packets know no bundles: run them without folding");
  }
  now_ = engine_.now().picoseconds();
  const auto slot = free_flows_.empty() ? static_cast<std::uint32_t>(flows_.size()) : free_flows_.back();
  Flow flow = make_flow(transfer);
  flow.delivered = std::move(delivered);
  flow.live = true;
  if (free_flows_.empty()) {
    flows_.emplace_back();
  } else {
    free_flows_.pop_back();
  }
  flow.generation = flows_[slot].generation;
  flows_[slot] = std::move(flow);
  const TransferId id{slot, flows_[slot].generation};
  request_settle();
  batch_.push_back(id);
  return id;
}

void PacketNetwork::request_settle() {
  if (!settle_requested_) {
    settle_requested_ = true;
    engine_.at(
        engine_.now(), [this] { settle(); }, Phase::settle);
  }
}

void PacketNetwork::settle() {
  settle_requested_ = false;
  now_ = engine_.now().picoseconds();
  if (is_rerouted_) {
    empty_dead_ports();
  }
  for (const TransferId id : batch_) {
    if (holds(id)) {
      begin(id.slot);
    }
  }
  batch_.clear();
  arm();
}

bool PacketNetwork::holds(TransferId id) const {
  return id.slot < flows_.size() && flows_[id.slot].generation == id.generation && flows_[id.slot].live;
}

void PacketNetwork::cancel(TransferId id) {
  if (holds(id)) {
    Flow& flow = flows_[id.slot];
    flow.live = false;
    flow.delivered = Action();
    ++flow.references;
    let_go(id.slot);
  }
}

/// One that knew the flow does no longer.
void PacketNetwork::let_go(std::uint32_t slot) {
  Flow& flow = flows_[slot];
  if (--flow.references == 0 && !flow.live) {
    flow.route = PacketRoute();
    // a slot whose generations are used up is left alone for good
    if (++flow.generation != 0) {
      free_flows_.push_back(slot);
    }
  }
}

void PacketNetwork::begin(std::uint32_t slot) {
  Flow& flow = flows_[slot];
  if (flow.packets == 0) {
    ++flow.references;
    push(now_ + flow.latency, deliver, slot);
    return;
  }
  flow.ready_at = now_;
  if (flow.paced) {
    queue_paced(slot);
  } else {
    queue_streams(flow, slot);
  }
}

/// Has all ports at which the transfer begins ask it for packets.
void PacketNetwork::queue_streams(const Flow& flow, std::uint32_t slot) {
  for (const std::uint16_t source : flow.route.sources) {
    const PacketRoute::Fork& fork = flow.route.forks[source];
    for (std::uint32_t i = 0; i < fork.count; ++i) {
      const std::uint32_t way = (fork.turn + i) % fork.count;
      const std::uint32_t leg = fork.first + way;
      const auto link = flow.route.legs[leg].link.index();
      ports_[link].streams.push_back(
          {slot, flow.generation, leg, i, flow.route.is_tree() ? fork.count : 0U, flow.route.legs[leg].fork});
      arm_pull(link);
    }
  }
}

/// A packet has been given its time on its last link.
void PacketNetwork::arrived(const Packet& packet, std::int64_t end) {
  Flow& flow = flows_[packet.flow];
  const std::int64_t when = end + flow.last_latency;
  flow.last_arrival = std::max(flow.last_arrival, when);
  if (packet.marked && when >= flow.next_notice) {
    flow.next_notice = when + picoseconds(wiring_.settings[flow.settings].dcqcn.notification);
    ++flow.references;
    push(when + flow.latency, notice, packet.flow);
  }
  if (--flow.expected == 0) {
    ++flow.references;
    push(flow.last_arrival, deliver, packet.flow);
  }
}

void PacketNetwork::finish(std::uint32_t slot) {
  Flow& flow = flows_[slot];
  if (flow.live) {
    flow.live = false;
    // an event of its own: what it throws leaves the network whole
    engine_.at(engine_.now(), std::move(flow.delivered));
  }
  let_go(slot);
}

/// Has the engine come back at the next event.
void PacketNetwork::arm() {
  if (calendar_.empty()) {
    return;
  }
  const Time next = std::max(engine_.now(), Time::from_picoseconds(calendar_.next_time()));
  if (next < armed_at_) {
    engine_.cancel(armed_);
    armed_at_ = next;
    armed_ = engine_.at(next, [this] { pump(); });
  }
}

/// Does what is due. While nobody else has anything to do, nobody can tell whether the clock goes with it: then it runs
/// ahead, up to the next delivery, or as far as the engine is to run.
void PacketNetwork::pump() {
  armed_at_ = Time::max();
  const std::int64_t due = engine_.now().picoseconds();
  while (!calendar_.empty()) {
    if (engine_.pending() > 0 && calendar_.next_time() > due) {
      break;
    }
    const PacketEvent event = calendar_.front();
    if (event.time > due && (event.kind == deliver || event.time > engine_.until().picoseconds())) {
      break;
    }
    calendar_.pop();
    now_ = event.time;
    handle(event);
  }
  if (calendar_.empty() && waiting_ > 0 && dead_links_ == 0) {
    throw RunError(
        std::to_string(waiting_) +
        " packets wait for each other's room in a circle (deadlock): as many virtual channels as the longest "
        "path has hops prevent it");
  }
  arm();
}

void PacketNetwork::handle(const PacketEvent& event) {
  switch (static_cast<Kind>(event.kind)) {
    case pull:
      return pull_packet(event.index);
    case arrive:
      return arrive_at_switch(event.index);
    case wake:
      return wake_channel(event.index);
    case pause:
      return pause_port(event.index);
    case resume:
      return resume_port(event.index);
    case resend: {
      Packet& packet = packets_[event.index];
      Flow& flow = flows_[packet.flow];
      take_leg(packet, flow, choose(flow, flow.route.forks[flow.route.sources.front()]));
      packet.tail = now_;
      return offer(event.index);
    }
    case ready:
      if (flows_[event.index].live) {
        queue_paced(event.index);
      }
      return let_go(event.index);
    case notice:
      flows_[event.index].rate.notify(wiring_.settings[flows_[event.index].settings].dcqcn, now_);
      return let_go(event.index);
    case deliver:
      return finish(event.index);
  }
}

/// While packets are under way they are as far as the engine was to run.
Time PacketNetwork::clock(const Engine& engine) const {
  const Time last = std::max(engine.now(), Time::from_picoseconds(now_));
  return calendar_.empty() || engine.until() == Time::max() ? last : std::max(last, engine.until());
}

/// What has been given its time on a link and has not gone yet is taken to go without a gap: it may be wrong by a
/// packet.
Table<LinkId, Bytes> PacketNetwork::carried() const {
  Table<LinkId, Bytes> result(ports_.size());
  const std::int64_t now = clock(engine_).picoseconds();
  for (std::size_t link = 0; link < ports_.size(); ++link) {
    const PacketPort& port = ports_[link];
    const auto ahead = static_cast<double>(std::max(port.busy_until - now, std::int64_t{0}));
    const double waiting = port.alive() ? ahead / port.picoseconds_per_byte : 0;
    result[LinkId(link)] = Bytes(std::max(port.bytes - waiting, 0.0));
  }
  return result;
}

Table<LinkId, PortStatistics> PacketNetwork::statistics() const {
  Table<LinkId, PortStatistics> result(ports_.size());
  const std::int64_t end = std::max(now_, engine_.now().picoseconds());
  for (std::size_t link = 0; link < ports_.size(); ++link) {
    const PacketPort& port = ports_[link];
    const std::int64_t paused = port.paused_time + (port.paused ? end - port.paused_since : 0);
    const double mean = end > 0 ? port.queue_time / static_cast<double>(end) : 0;
    const auto seconds = [](std::int64_t count) { return Seconds(static_cast<double>(count) * 1e-12); };
    result[LinkId(link)] = {
        port.packets, Bytes(port.bytes),     seconds(port.busy), Bytes(port.queue_most), Bytes(mean),
        port.stalls,  seconds(port.stalled), port.pauses,        seconds(paused),        port.marks,
        port.drops};
  }
  return result;
}

namespace {

std::unique_ptr<Network> make_packet(Engine& engine, const Wiring& wiring) {
  return std::make_unique<PacketNetwork>(engine, wiring);
}

const Networks::Entry packet_entry{"packet", "every packet on its way: credits, PFC and DCQCN; on real links only",
                                   NetworkModel(make_packet, Moves::packets)};

}  // namespace
}  // namespace podium
