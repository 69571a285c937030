#pragma once

#include <cstdint>
#include <vector>

#include "sim/core/rng.h"
#include "sim/network/network.h"
#include "sim/network/packet_calendar.h"
#include "sim/network/packet_dcqcn.h"
#include "sim/network/packet_port.h"
#include "sim/network/packet_route.h"

namespace podium {

/// A network of real links on which every packet goes its way. Its switches have a queue at each output and count room
/// by input, as credits and PFC do. Contract beside that of Network:
///  - a sender's port takes a packet from each of its transfers in turn, whenever it is free, so that a transfer with
///    several first links is spread over them as they have room;
///  - queues are served in the order of arrival among the packets that may go;
///  - a packet's receiver always has room. A transfer has arrived with the last of its packets;
///  - multicast: switches copy packets to all that follow; reduction: they wait for a packet of each and send on one;
///  - on a link that changes its capacity, the few packets that have been given their time still go as they would have;
///    the rest waits, or takes another way of its route. A transfer that is rerouted sends the rest by the new route,
///    and again what waits for a dead link; a multicast or a reduction under way cannot be rerouted (RunError);
///  - where an accelerator passes packets on, its own take turns with each transfer that passes;
///  - weights mean nothing: ports serve their transfers in turn, packet by packet;
///  - a packet takes the virtual channel that ChannelRule says: what `podium topology` calls free of deadlock is;
///  - multiplicities other than one, and packets that wait for each other in a circle, are a RunError; planes with
///    Valiant's detours an InputError.
///
/// Speed: one event a hop. Where credits are there, a packet's time on a link is known when it comes to the queue, so
/// that nothing happens when it begins or ends; the last hop needs no event at all.
class PacketNetwork final : public Network {
 public:
  PacketNetwork(Engine& engine, Wiring wiring);

  TransferId send(const Transfer& transfer, Action delivered) override;
  void cancel(TransferId id) override;
  void set_capacity(LinkId link, BytesPerSecond capacity) override;
  void reroute(TransferId id, const Route& route) override;
  Time clock(const Engine& engine) const override;
  Table<LinkId, Bytes> carried() const override;

  Table<LinkId, PortStatistics> statistics() const override;
  std::uint64_t packet_hops() const override { return packet_hops_; }

 private:
  static constexpr std::uint32_t none = PacketChannel::none;
  enum Kind : std::uint32_t { pull, arrive, wake, pause, resume, resend, ready, notice, deliver };

  struct Flow {
    Action delivered;
    PacketRoute route;
    std::uint32_t generation = 1;
    std::uint32_t settings = 0;
    std::uint32_t packets = 0;
    std::uint32_t injected = 0;
    std::uint32_t references = 0;  ///< packets and events that know it: while there are any, its slot is not reused
    bool live = false;
    bool paced = false;           ///< one packet at a time, on a way that is chosen for it
    std::uint32_t first_leg = 0;  ///< of the way that it takes since it was rerouted
    double header = 0;
    double last_header = 0;
    double payload = 0;
    double last_payload = 0;
    std::uint64_t expected = 0;  ///< arrivals to come
    std::int64_t last_arrival = 0;
    std::int64_t latency = 0;
    std::int64_t last_latency = 0;
    double cap = 0;
    std::int64_t ready_at = 0;
    std::int64_t next_notice = 0;
    DcqcnRate rate;
    std::vector<std::uint32_t> gathered;  ///< by packet: how many of its parts a switch has
  };

  // transfers (packet.cc)
  Flow make_flow(const Transfer& transfer) const;
  void set_headers(Flow& flow) const;
  BytesPerSecond line_of(const Flow& flow) const;
  bool holds(TransferId id) const;
  void request_settle();
  void settle();
  void begin(std::uint32_t slot);
  void queue_streams(const Flow& flow, std::uint32_t slot);
  void arrived(const Packet& packet, std::int64_t end);
  void finish(std::uint32_t slot);
  void let_go(std::uint32_t slot);
  void push(std::int64_t time, Kind kind, std::uint32_t index) { calendar_.push({time, kind, index}); }
  void arm();
  void pump();
  void handle(const PacketEvent& event);

  // links that change (packet_change.cc)
  void widen(LinkId link, BytesPerSecond capacity);
  void empty_dead_port(std::uint32_t link);
  void empty_dead_ports();
  void send_again(std::uint32_t id);

  // senders (packet_source.cc)
  void pull_packet(std::uint32_t link);
  void send_next(std::uint32_t link);
  void inject(Flow& flow, const PacketStream& stream, std::uint32_t index, std::uint32_t link);
  void queue_again(PacketStream stream, Flow& flow, std::uint32_t link);
  void queue_paced(std::uint32_t slot);
  std::int64_t pace(Flow& flow, double wire);
  void arm_pull(std::uint32_t link);
  void take_turn(std::uint32_t link, std::uint32_t passing);

  // switches (packet_switch.cc)
  std::uint32_t choose(Flow& flow, PacketRoute::Fork& fork);
  static void take_leg(Packet& packet, const Flow& flow, std::uint32_t leg);
  static bool goes_to_receiver(const Packet& packet) { return packet.fork == PacketRoute::none; }
  void offer(std::uint32_t id);
  bool may_start(const PacketPort& port, PacketChannel& channel, const Packet& packet);
  void start(std::uint32_t id, std::uint32_t at);
  void arrive_at_switch(std::uint32_t id);
  void copy_packet(std::uint32_t id, const PacketRoute::Fork& fork);
  bool take_room(Packet& packet);
  void leave_room(const Packet& packet, std::int64_t when);
  void wake_channel(std::uint32_t at);
  void arm_wake(std::uint32_t at);
  void pause_port(std::uint32_t at);
  void resume_port(std::uint32_t at);
  void mark(Packet& packet, PacketPort& port);
  std::uint32_t add_packet(const Packet& packet);
  void remove_packet(std::uint32_t id);

  Engine& engine_;
  Wiring wiring_;
  Table<LinkId, BytesPerSecond> capacities_;
  std::vector<PacketPort> ports_;
  std::vector<PacketChannel> channels_;
  std::vector<Packet> packets_;
  std::vector<std::uint32_t> free_packets_;
  std::vector<Flow> flows_;
  std::vector<std::uint32_t> free_flows_;
  std::vector<TransferId> batch_;  ///< sent in this round
  bool settle_requested_ = false;
  bool is_rerouted_ = false;  ///< some transfer, in this round
  PacketCalendar calendar_;
  std::int64_t now_ = 0;
  Time armed_at_ = Time::max();  ///< when the engine will come back
  EventId armed_;
  std::uint64_t waiting_ = 0;  ///< packets in queues that may not begin
  std::uint64_t dead_links_ = 0;
  std::uint64_t packet_hops_ = 0;
  Rng rng_;
};

}  // namespace podium
