#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sim/collective/fold.h"
#include "sim/hardware/system.h"
#include "sim/network/network.h"

namespace podium {

/// What a communication call costs beside its bytes on the wire.
struct CommunicationCosts {
  std::vector<std::optional<Protocol>> protocols;  ///< by plane of the topology
  std::vector<PacketPlane> planes;                 ///< their names, and what packets do on them
  BytesPerSecond memory_bandwidth;                 ///< of one rank
  /// That of a plane; InputError where the system has none for it.
  const Protocol& protocol(std::uint32_t plane) const;
};
CommunicationCosts communication_costs(const SystemSpec&, const ChipSpec&, const Topology&);
/// For models of real links, whose trees go over equal switches only: planes whose switches are not alike (the four of
/// an HGX H100 have four or five links to a GPU) copy and add up nothing. What to say of it; empty where all are alike.
std::string leave_out_unequal_trees(CommunicationCosts&, const Topology&, Router&);

/// One call of an operation of a folded fabric.
struct CollectiveCall {
  std::uint32_t operation = 0;  ///< index in FoldedFabric::operations
  CollectiveKind kind = CollectiveKind::all_reduce;
  Bytes bytes;           ///< as `kind.h` defines them
  double imbalance = 1;  ///< bytes of the fullest rank over the mean
  /// In place of that of the operation's plane; outlives the call.
  const Protocol* protocol = nullptr;
};

/// What a call of an operation costs beside its bytes.
const Protocol& protocol_of(const CollectiveCall&, const FoldedOperation&, const CommunicationCosts&);

/// The fixed cost of a call, before its first byte: `send_launch`, `dispatch_launch` or `combine_launch` and `per_peer`
/// for each message that a rank sends, or `launch`, which is `in_switch_launch` where switches add up or copy.
Seconds launch_time(CollectiveKind, const Schedule&, const Protocol&);
/// Of the wire's payload bandwidth that a step reaches: `bulk_efficiency` or `in_switch_efficiency`.
double efficiency(const Step&, const Protocol&);
/// What each step costs beside the wire: `step`, but for one-sided kinds (send, dispatch, combine), which wait for
/// nobody.
Seconds step_time(CollectiveKind, const Protocol&);

/// Equal parts in which a call is done: the protocol's, but a message goes whole.
std::uint32_t splits_of(CollectiveKind, const Protocol&);
/// Two reads and one write of what a rank adds up in one repeat of a stage, at memory bandwidth or `sum_bandwidth`.
Seconds reduction_time(const std::vector<Step>& stage, Bytes bytes, BytesPerSecond memory, const Protocol&);
/// At the rate at which a rank can send at all, what it sends in one repeat of a stage.
Seconds injection_time(const std::vector<Step>& stage, std::uint32_t ranks, Bytes bytes, const Protocol&);
/// What a step with messages of so many bytes waits for before it is in full flow: depth - 1 chunks in a row. A rank
/// passes a chunk on once it has it all, so that small ones cost time for each, and large ones fill slowly: with the
/// best size, a pipeline over h hops of latency a takes (sqrt(h a) + sqrt(wire))^2 in all, where `wire` is the time
/// that what a rank sends or gets in the step takes with the network to itself. Switches pass on what they get.
Seconds fill_time(const Step&, std::uint32_t ranks, const std::vector<Bundle>&,
                  const Table<LinkId, BytesPerSecond>& capacities, Bytes message, Seconds step_time);

/// Runs collective calls on a network of classes of links. Contract:
///  - costs are the call's own, or those of the operation's plane (the farthest that it takes);
///  - a call is its launch time, then its stages one after the other, each `repeat` times: the time of a step, then all
///    messages of the stage begin together; it ends when all have arrived, and not before a rank could send what it
///    sends, nor before what they bring could be added up at memory bandwidth (chunk by chunk, as it arrives), or when
///    that is added up afterwards, where the protocol has a `sum_bandwidth`. With `splits` all of this is done so many
///    times over, with a part of the bytes;
///  - bytes are multiplied by the imbalance and divided by the efficiency of their step;
///  - a step has one share of a port, whatever its messages: a kernel moves them all by the same few channels. So each
///    weighs 1 / `messages_at_port` where links are shared with other calls;
///  - `done` runs once, when all groups are done. A group of one is done at once;
///  - engine, network, fabric and costs outlive the player; the network is built on `fabric.capacities`.
class Player {
 public:
  Player(Engine&, Network&, const FoldedFabric&, const CommunicationCosts&);
  void play(const CollectiveCall&, Action done);
  /// From now on messages take the routes of another fabric of the same operations and links, unfolded both, what is
  /// left of those under way too.
  void reroute(const FoldedFabric&);

 private:
  struct Sent {
    TransferId transfer;
    std::uint32_t pattern = 0;
    std::uint32_t bundle = 0;
  };
  struct Play {
    CollectiveCall call;
    Action done;
    Bytes bytes;  ///< of one split
    Seconds launch;
    Seconds step_time;
    std::uint32_t splits = 1;  ///< that are left
    std::size_t stage = 0;
    std::uint32_t repeat = 0;
    std::size_t outstanding = 0;  ///< messages, and the reduction, of this repeat of the stage
    std::vector<Sent> sent;       ///< of this repeat of the stage
  };

  // of the play with this index in plays_
  void begin(std::uint32_t index);
  void end_split(std::uint32_t index);
  void send(std::uint32_t index);
  void send_step(std::uint32_t index, std::size_t step);
  void arrived(std::uint32_t index);
  void end_step(std::uint32_t index);
  Bytes message_size(const Play& play, const Step& step) const;
  const FoldedOperation& operation(const Play& play) const { return fabric_->operations[play.call.operation]; }
  const Protocol& protocol(const Play& play) const { return protocol_of(play.call, operation(play), costs_); }

  Engine& engine_;
  Network& network_;
  const FoldedFabric* fabric_;
  const CommunicationCosts& costs_;
  std::vector<Play> plays_;
  std::vector<std::uint32_t> free_;
};

/// The named network of a fabric; on its real links, and with `packets` by plane, where the model needs them.
/// InputError where it does and the fabric is folded.
std::unique_ptr<Network> make_network(std::string_view name, Engine&, const FoldedFabric&,
                                      const std::vector<PacketSettings>& packets);

/// What packets are on the planes; nothing for a model that knows none.
std::vector<PacketSettings> packets_of(std::string_view network, const CommunicationCosts&);

/// Plays one call alone, on an engine and a network (by name) of its own; where no trace of a step is left in the
/// network when the next begins, repeated ones once.
Seconds time_alone(const CollectiveCall&, const FoldedFabric&, const CommunicationCosts&, std::string_view network);

}  // namespace podium
