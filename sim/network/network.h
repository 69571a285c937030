#pragma once

#include <memory>
#include <vector>

#include "sim/core/registry.h"
#include "sim/engine/engine.h"
#include "sim/topology/route.h"

namespace podium {

struct TransferTag;
using TransferId = Id<TransferTag>;

/// `multiplicity` equal transfers of `bytes` each, which begin together, or a multicast or reduction tree.
/// `route.links` holds what one unit of rate of *one* transfer, with its equals, puts on each link: for a bundle the
/// loads are those of all its members together on one representative link.
struct Transfer {
  const Route* route = nullptr;  ///< must outlive the transfer
  Bytes bytes;                   ///< of one member
  BytesPerSecond cap{0};         ///< most that one member can take; 0: no cap
  double weight = 1;             ///< of its share under max-min fairness
  double multiplicity = 1;
};

/// How bytes get over links in time. Contract:
///  - transfers sent in one round begin together whatever the order of the calls; links are shared in Phase::settle;
///  - `delivered` runs once, when the last byte has arrived: bytes at the rates of the model, and the route's latency;
///  - zero bytes, or an empty route (a send to oneself), arrive after the route's latency;
///  - `cancel` of a finished transfer does nothing; `delivered` of a cancelled one never runs;
///  - `set_capacity` takes effect now; a capacity of zero stalls what is on the link.
class Network {
 public:
  virtual ~Network() = default;
  virtual TransferId send(const Transfer&, Action delivered) = 0;
  virtual void cancel(TransferId) = 0;
  virtual void set_capacity(LinkId, BytesPerSecond) = 0;
  /// Raw bytes that have gone over each link so far (headers included).
  virtual Table<LinkId, Bytes> carried() const = 0;
};

/// Built on link capacities alone, so that links may be real ones or classes of equal ones.
struct NetworkKind {
  static constexpr const char* what = "network model";
  using Value = std::unique_ptr<Network> (*)(Engine&, const Table<LinkId, BytesPerSecond>& capacities);
};
using Networks = Registry<NetworkKind>;

}  // namespace podium
