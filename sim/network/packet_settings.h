#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "sim/core/time.h"
#include "sim/topology/channels.h"

namespace podium {

/// Packets count time in whole picoseconds.
inline std::int64_t picoseconds(Seconds duration) { return (Time() + duration).picoseconds(); }

/// What keeps a sender from running over the next switch.
///  - credits: it sends only what has room there (NVLink, UB, InfiniBand);
///  - pause: it is told to stop when the room that its packets take passes a mark (IEEE 802.1Qbb, PFC);
///  - drop: nothing; what finds no room is lost, and sent again after a time (Ethernet without PFC).
enum class FlowControl : std::uint8_t { credits, pause, drop };

/// How a packet's way is chosen where a route splits.
///  - spray: the ways take turns, packet by packet, by the loads of the route;
///  - adaptive: the way with the shortest queue;
///  - hash: one way for all packets of a transfer (ECMP).
enum class PathChoice : std::uint8_t { spray, adaptive, hash };

/// When a switch hands a packet on: while it still comes in, or when it is whole.
enum class Forwarding : std::uint8_t { cut_through, store_and_forward };

/// DCQCN: Zhu et al., Congestion Control for Large-Scale RDMA Deployments, SIGCOMM 2015, whose section 5 and figure 14
/// have these figures (for 40 Gb/s); the hyper increase is ten additive ones, as in the adapters' defaults. Increases
/// are shares of the line rate, so that recovery takes as many steps on links of any speed.
struct DcqcnSettings {
  double gain = 1.0 / 256;        ///< g
  Seconds notification{50e-6};    ///< least time between two notifications for one flow
  Seconds decay{55e-6};           ///< without a notification for so long, alpha decays
  Seconds increase_after{55e-6};  ///< a step of increase by time
  Bytes increase_each{10e6};      ///< a step of increase by bytes
  int fast_recovery = 5;          ///< F, steps
  double additive = 0.001;        ///< 40 Mb/s of 40 Gb/s
  double hyper = 0.01;
  BytesPerSecond least{125e3};  ///< 1 Mb/s
};

/// How the links of a plane move packets.
struct PacketSettings {
  std::string name;  ///< of the entry that says so
  /// Of a full packet. A header is the payload times (load - 1), on packets that are not full too.
  Bytes payload{4096};
  double scale = 1;  ///< real packets, each with its header, that go as one
  FlowControl flow_control = FlowControl::credits;
  PathChoice path_choice = PathChoice::spray;
  Forwarding forwarding = Forwarding::cut_through;
  ChannelRule channels;    ///< credits: virtual channels of the plane's routing
  std::uint64_t seed = 0;  ///< of hashes, the plane's routing's
  Detour detour = Detour::none;
  /// Room for packets at the far end of a link, for each channel, beyond what its round trip keeps under way. What a
  /// link is built with is this and its round trip, so that it never waits for itself.
  std::uint32_t spare_packets = 8;
  Bytes pause_at{100e3};  ///< of what came over one link (pause), or its room (drop)
  Bytes resume_at{90e3};
  /// Beyond `pause_at`, for what comes until the pause is heard (pause): none: as IEEE 802.1Qbb asks for, the round
  /// trip and the packets that have begun. What finds no room is lost, as on Ethernet without PFC.
  std::optional<Bytes> headroom;
  bool marks = false;       ///< ECN on queues, and DCQCN at senders
  Bytes mark_from{5e3};     ///< K_min: shorter queues are not marked
  Bytes mark_to{200e3};     ///< K_max: longer ones always are
  double mark_most = 0.01;  ///< P_max: the probability at K_max
  DcqcnSettings dcqcn;
  Seconds resend_after{1e-3};  ///< of what was dropped
};

/// One direction of a link, as packets see it.
struct Wire {
  NodeId from;
  NodeId to;
  BytesPerSecond capacity;
  Seconds latency;             ///< from the sender to the queue of the next switch
  std::uint32_t settings = 0;  ///< index in Wiring::settings
  ChannelMark mark = {};
};

/// Bytes that fit at a wire's far end, of each channel.
double room_of(const Wire& wire, const PacketSettings& settings);

/// Real links, with what is at their ends.
struct Wiring {
  Table<LinkId, Wire> wires;
  std::vector<PacketSettings> settings;
};

/// What decides how packets move on a plane.
struct PacketPlane {
  std::string name;
  std::string packets;  ///< the entry of configs/packets.yaml that it names; none: the one of its own name, or `other`
  Routing routing;
};

PacketPlane packet_plane(const Plane&);
std::vector<PacketPlane> packet_planes(const Topology&);

/// The settings of planes, from configs/packets.yaml. InputError where one names an entry that is not there.
std::vector<PacketSettings> load_packet_settings(const std::vector<PacketPlane>&);

/// The same with packets `scale` times as large, and all that is counted in them: rooms and marks. A transfer puts as
/// many bytes on the wire, in fewer packets.
PacketSettings enlarged(PacketSettings, double scale);

}  // namespace podium
