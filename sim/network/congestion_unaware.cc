#include <algorithm>
#include <limits>
#include <utility>
#include <vector>

#include "sim/network/closed_form.h"
#include "sim/network/network.h"
#include "sim/network/transfers.h"

namespace podium {
namespace {

/// The closed form hops x latency + size / bandwidth for each transfer, as if it were alone: a port that sends 63
/// messages is busy once. The bandwidth is that of its narrowest link, after its load there. What has begun keeps its
/// time when a capacity changes; what comes to a link without capacity waits until it has one.
class CongestionUnawareNetwork final : public Network {
 public:
  CongestionUnawareNetwork(Engine& engine, const Wiring& wiring) : engine_(engine), carried_(wiring.wires.size()) {
    for (const Wire& wire : wiring.wires) {
      check_capacity(wire.capacity);
      capacities_.push_back(wire.capacity);
    }
  }

  TransferId send(const Transfer& transfer, Action delivered) override;
  void cancel(TransferId id) override;
  void set_capacity(LinkId link, BytesPerSecond capacity) override;
  Table<LinkId, Bytes> carried() const override;

 private:
  struct Flight {
    Action delivered;
    Transfer transfer;
    EventId arrival;
    BytesPerSecond rate;  ///< 0 while it waits for capacity
    Time begun;
  };

  BytesPerSecond bandwidth(const Transfer& transfer) const;
  Bytes left_of(const Flight& flight) const;
  void begin(TransferId id);

  Engine& engine_;
  Table<LinkId, BytesPerSecond> capacities_;
  Table<LinkId, Bytes> carried_;  ///< by what has begun, all of it
  TransferTable<Flight> flights_;
  std::vector<TransferId> waiting_;  ///< for capacity
};

TransferId CongestionUnawareNetwork::send(const Transfer& transfer, Action delivered) {
  check_transfer(transfer, capacities_);
  const TransferId id = flights_.add({std::move(delivered), transfer, EventId(), {}, {}});
  begin(id);
  return id;
}

void CongestionUnawareNetwork::cancel(TransferId id) {
  if (const Flight* flight = flights_.find(id)) {
    engine_.cancel(flight->arrival);
    carry(carried_, *flight->transfer.route, Bytes() - left_of(*flight));
    flights_.remove(id);
  }
}

void CongestionUnawareNetwork::set_capacity(LinkId link, BytesPerSecond capacity) {
  check_capacity(capacity);
  capacities_.at(link) = capacity;
  for (const TransferId id : std::exchange(waiting_, {})) {
    begin(id);
  }
}

/// Of what has begun, on all its links: it takes them for as long as its bytes take at its rate.
Bytes CongestionUnawareNetwork::left_of(const Flight& flight) const {
  return flight.rate > BytesPerSecond(0)
             ? std::max(Bytes(), flight.transfer.bytes - flight.rate * (engine_.now() - flight.begun))
             : Bytes();
}

Table<LinkId, Bytes> CongestionUnawareNetwork::carried() const {
  Table<LinkId, Bytes> result = carried_;
  for (const TransferId id : flights_.ids()) {
    const Flight& flight = *flights_.find(id);
    carry(result, *flight.transfer.route, Bytes() - left_of(flight));
  }
  return result;
}

BytesPerSecond CongestionUnawareNetwork::bandwidth(const Transfer& transfer) const {
  BytesPerSecond narrowest(std::numeric_limits<double>::infinity());
  if (transfer.cap > BytesPerSecond(0)) {
    narrowest = transfer.cap;
  }
  for (const LinkLoad& use : transfer.route->links) {
    narrowest = std::min(narrowest, capacities_[use.link] / use.load);
  }
  return narrowest;
}

void CongestionUnawareNetwork::begin(TransferId id) {
  Flight* flight = flights_.find(id);
  if (flight == nullptr) {
    return;
  }
  const Transfer& transfer = flight->transfer;
  const bool moves = transfer.bytes > Bytes(0) && !transfer.route->links.empty();
  const BytesPerSecond rate = moves ? bandwidth(transfer) : BytesPerSecond(0);
  if (moves && rate <= BytesPerSecond(0)) {
    waiting_.push_back(id);
    return;
  }
  carry(carried_, *transfer.route, transfer.bytes);
  flight->rate = rate;
  flight->begun = engine_.now();
  const Seconds latency = transfer.route->latency;
  flight->arrival = engine_.after(moves ? closed_form_delay(latency, transfer.bytes, rate) : latency,
                                  [this, id] { deliver(flights_, id); });
}

std::unique_ptr<Network> make_congestion_unaware(Engine& engine, const Wiring& wiring) {
  return std::make_unique<CongestionUnawareNetwork>(engine, wiring);
}

const Networks::Entry congestion_unaware_entry{
    "congestion_unaware", "hops x latency + size / bandwidth in whole nanoseconds, each transfer as if alone",
    make_congestion_unaware};

}  // namespace
}  // namespace podium
