#include <algorithm>
#include <utility>
#include <vector>

#include "sim/network/deadlines.h"
#include "sim/network/network.h"
#include "sim/network/sharing.h"
#include "sim/network/transfers.h"

namespace podium {
namespace {

/// One transfer. While it drains, it has `remaining` bytes at `since`, and a constant rate from then on.
struct Flow {
  Action delivered;
  const Route* route = nullptr;
  Bytes bytes;
  Bytes remaining;
  BytesPerSecond rate;
  Time since;
  bool draining = false;
  ShareId share;    ///< while it drains
  EventId arrival;  ///< once it has drained

  Bytes remaining_at(Time now) const { return std::max(Bytes(0), remaining - rate * (now - since)); }
};

/// Transfers as fluid: max-min fair rates over link capacities, brought up to date once in a round that changed the set
/// of transfers or a capacity. One engine event waits for the next transfer that drains.
class FlowNetwork final : public Network {
 public:
  FlowNetwork(Engine& engine, const Table<LinkId, BytesPerSecond>& capacities)
      : engine_(engine), sharing_(capacities), capacities_(capacities), carried_(capacities.size()) {
    std::for_each(capacities.begin(), capacities.end(), check_capacity);
  }

  TransferId send(const Transfer& transfer, Action delivered) override;
  void cancel(TransferId id) override;
  void set_capacity(LinkId link, BytesPerSecond capacity) override;
  void reroute(TransferId id, const Route& route) override;
  Table<LinkId, Bytes> carried() const override;

 private:
  void start_draining(TransferId id, ShareId share);
  void request_settle();
  void settle();
  void change_rate(ShareId share);
  void wake_next();
  void end_drained();
  void stop_draining(Flow& flow, Bytes bytes);
  void arrive_later(TransferId id, Flow& flow);

  Engine& engine_;
  Sharing sharing_;
  Table<LinkId, BytesPerSecond> capacities_;
  Table<LinkId, Bytes> carried_;  ///< by transfers that do not drain any more
  TransferTable<Flow> flows_;
  Table<ShareId, TransferId> transfer_of_;
  Deadlines drained_at_;  ///< by share
  std::vector<std::uint32_t> drained_;
  bool settle_requested_ = false;
  EventId wake_;
  Time wake_at_ = Time::max();
};

TransferId FlowNetwork::send(const Transfer& transfer, Action delivered) {
  check_transfer(transfer, capacities_);
  Flow flow;
  flow.delivered = std::move(delivered);
  flow.route = transfer.route;
  flow.bytes = transfer.bytes;
  flow.remaining = transfer.bytes;
  flow.since = engine_.now();
  flow.draining = transfer.bytes > Bytes(0) && !transfer.route->links.empty();
  const TransferId id = flows_.add(std::move(flow));
  Flow& added = *flows_.find(id);
  if (added.draining) {
    start_draining(id, sharing_.add(transfer.route->links, transfer.weight, transfer.cap));
  } else {
    arrive_later(id, added);
  }
  return id;
}

void FlowNetwork::start_draining(TransferId id, ShareId share) {
  flows_.find(id)->share = share;
  transfer_of_.resize(std::max<std::size_t>(transfer_of_.size(), share.index() + 1));
  transfer_of_[share] = id;
  request_settle();
}

void FlowNetwork::reroute(TransferId id, const Route& route) {
  Flow* flow = flows_.find(id);
  if (flow == nullptr || !flow->draining) {
    return;
  }
  flow->remaining = flow->remaining_at(engine_.now());
  carry(carried_, *flow->route, flow->bytes - flow->remaining);
  flow->bytes = flow->remaining;
  flow->since = engine_.now();
  flow->route = &route;
  drained_at_.set(flow->share.index(), Time::max());
  start_draining(id, sharing_.move(flow->share, route.links));
}

void FlowNetwork::cancel(TransferId id) {
  Flow* flow = flows_.find(id);
  if (flow == nullptr) {
    return;
  }
  if (flow->draining) {
    stop_draining(*flow, flow->bytes - flow->remaining_at(engine_.now()));
    request_settle();
  } else {
    engine_.cancel(flow->arrival);
  }
  flows_.remove(id);
}

void FlowNetwork::set_capacity(LinkId link, BytesPerSecond capacity) {
  check_capacity(capacity);
  capacities_.at(link) = capacity;
  sharing_.set_capacity(link, capacity);
  request_settle();
}

Table<LinkId, Bytes> FlowNetwork::carried() const {
  Table<LinkId, Bytes> result = carried_;
  for (const TransferId id : flows_.ids()) {
    const Flow& flow = *flows_.find(id);
    if (flow.draining) {
      carry(result, *flow.route, flow.bytes - flow.remaining_at(engine_.now()));
    }
  }
  return result;
}

void FlowNetwork::request_settle() {
  if (!settle_requested_) {
    settle_requested_ = true;
    engine_.at(
        engine_.now(), [this] { settle(); }, Phase::settle);
  }
}

void FlowNetwork::settle() {
  settle_requested_ = false;
  for (const ShareId share : sharing_.solve()) {
    change_rate(share);
  }
  wake_next();
}

/// The bytes that remain are counted anew only when the rate changes, so that a time of draining does not depend on
/// what others do.
void FlowNetwork::change_rate(ShareId share) {
  Flow& flow = *flows_.find(transfer_of_[share]);
  flow.remaining = flow.remaining_at(engine_.now());
  flow.since = engine_.now();
  flow.rate = sharing_.rate(share);
  drained_at_.set(share.index(), drained(flow.since, flow.remaining, flow.rate));
}

void FlowNetwork::wake_next() {
  const Time next = drained_at_.least();
  if (next == wake_at_) {
    return;
  }
  engine_.cancel(wake_);
  wake_at_ = next;
  if (next < Time::max()) {
    wake_ = engine_.at(next, [this] { end_drained(); });
  }
}

void FlowNetwork::end_drained() {
  wake_at_ = Time::max();
  drained_.clear();
  drained_at_.collect(engine_.now(), drained_);
  for (const std::uint32_t share : drained_) {
    const TransferId id = transfer_of_[ShareId(share)];
    Flow& flow = *flows_.find(id);
    stop_draining(flow, flow.bytes);
    arrive_later(id, flow);
  }
  request_settle();
}

void FlowNetwork::stop_draining(Flow& flow, Bytes bytes) {
  carry(carried_, *flow.route, bytes);
  sharing_.remove(flow.share);
  drained_at_.set(flow.share.index(), Time::max());
  flow.draining = false;
}

void FlowNetwork::arrive_later(TransferId id, Flow& flow) {
  flow.arrival = engine_.after(flow.route->latency, [this, id] { deliver(flows_, id); });
}

std::unique_ptr<Network> make_flow(Engine& engine, const Table<LinkId, BytesPerSecond>& capacities) {
  return std::make_unique<FlowNetwork>(engine, capacities);
}

const Networks::Entry flow_entry{"flow", "max-min fair sharing of links by fluid transfers", make_flow};

}  // namespace
}  // namespace podium
