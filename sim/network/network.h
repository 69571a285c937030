#pragma once

#include <cstdint>
#include <memory>

#include "sim/core/registry.h"
#include "sim/engine/engine.h"
#include "sim/network/port_statistics.h"
#include "sim/topology/route.h"

namespace podium {

/// Names one transfer; stays unique after it was delivered or cancelled. The default names none.
struct TransferId {
  std::uint32_t slot = 0;
  std::uint32_t generation = 0;
};

/// `multiplicity` equal transfers of `bytes` each, which begin together, or a multicast or reduction tree.
/// `route.links` holds what one unit of rate of *one* transfer, with its equals, puts on each link: for a bundle the
/// loads are those of all its members together on one representative link. So the loads say all that a network need
/// know of the members; bytes, cap and weight are those of one.
struct Transfer {
  const Route* route = nullptr;  ///< must outlive the transfer
  Bytes bytes;                   ///< of one member
  BytesPerSecond cap{0};         ///< most that one member can take; 0: no cap
  double weight = 1;             ///< of its share under max-min fairness
  double multiplicity = 1;
};

/// How bytes get over links in time. Contract:
///  - transfers sent in one round begin together whatever the order of the calls; links are shared in Phase::settle;
///  - `delivered` runs once, in Phase::act, when the last byte has arrived: bytes at the rates of the model, and then
///    the route's latency;
///  - zero bytes, or an empty route (a send to oneself), arrive after the route's latency;
///  - `cancel` stops a transfer that has not arrived: its `delivered` never runs. That of a finished one does nothing;
///  - `set_capacity` takes effect now; a capacity of zero stalls what is on the link, until it has one again;
///  - sizes, capacities and caps that are negative or not finite, loads and weights that are not positive, and links
///    that are not there are a Bug.
class Network {
 public:
  virtual ~Network() = default;
  virtual TransferId send(const Transfer&, Action delivered) = 0;
  virtual void cancel(TransferId) = 0;
  virtual void set_capacity(LinkId, BytesPerSecond) = 0;
  /// What is left of a transfer, before the links of its route, takes another one, which must outlive it; one that is
  /// past them, or has arrived, is left alone. Models that choose ways of their own among those of a route keep to it.
  virtual void reroute(TransferId, const Route&) {}
  /// Between runs of the engine, how far the network is: to the last event, or on if it has run ahead of the engine.
  virtual Time clock(const Engine& engine) const { return engine.now(); }
  /// Raw bytes that have gone over each link so far (headers included): bytes x load of each transfer.
  virtual Table<LinkId, Bytes> carried() const = 0;
  /// How much later a link would be done, had it carried what was sent over it one after the other: so far, and at
  /// most. Nothing where links are shared by all that is on them.
  virtual Seconds overdrawn() const { return {}; }
  /// What each link has done so far.
  virtual Table<LinkId, PortStatistics> statistics() const;
  /// Packets that a link has begun to carry so far, all links together; 0 where there are none.
  virtual std::uint64_t packet_hops() const { return 0; }
};

/// Real links with what is at their ends: see packet_settings.h.
struct Wiring;

/// What a model of real links has on them: whole messages, or packets.
enum class Moves : std::uint8_t { messages, packets };

/// Makes a network: on link capacities alone, so that links may be real ones or classes of equal ones, or on wires.
class NetworkModel {
 public:
  using OnCapacities = std::unique_ptr<Network> (*)(Engine&, const Table<LinkId, BytesPerSecond>& capacities);
  using OnWires = std::unique_ptr<Network> (*)(Engine&, const Wiring&);
  NetworkModel(OnCapacities make) : on_capacities_(make) {}  // NOLINT(google-explicit-constructor)
  NetworkModel(OnWires make, Moves moves = Moves::messages)  // NOLINT(google-explicit-constructor)
      : on_wires_(make), moves_(moves) {}

  /// Neither merged nor folded links are real ones.
  bool needs_wires() const { return on_capacities_ == nullptr; }
  bool has_packets() const { return needs_wires() && moves_ == Moves::packets; }
  /// InputError where it needs wires.
  std::unique_ptr<Network> operator()(Engine& engine, const Table<LinkId, BytesPerSecond>& capacities) const {
    if (needs_wires()) {
      throw InputError("this network model runs on real links, and here equal links are folded into one");
    }
    return on_capacities_(engine, capacities);
  }
  /// For a model that needs them.
  std::unique_ptr<Network> on(Engine& engine, const Wiring& wiring) const { return on_wires_(engine, wiring); }

 private:
  OnCapacities on_capacities_ = nullptr;
  OnWires on_wires_ = nullptr;
  Moves moves_ = Moves::messages;
};

struct NetworkKind {
  static constexpr const char* what = "network model";
  using Value = NetworkModel;
};
using Networks = Registry<NetworkKind>;

}  // namespace podium
