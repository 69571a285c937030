#include <algorithm>
#include <limits>
#include <utility>
#include <vector>

#include "sim/network/max_min.h"
#include "sim/network/network.h"
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
  BytesPerSecond cap;
  double weight = 1;
  Time since;
  Time drained_at = Time::max();
  bool draining = true;
  EventId arrival;  ///< once it has drained

  Bytes remaining_at(Time now) const { return std::max(Bytes(0), remaining - rate * (now - since)); }
};

/// Transfers as fluid: max-min fair rates over link capacities, shared again once in a round that changed the set of
/// transfers or a capacity. One engine event waits for the next transfer that drains.
class FlowNetwork final : public Network {
 public:
  FlowNetwork(Engine& engine, const Table<LinkId, BytesPerSecond>& capacities)
      : engine_(engine), capacities_(capacities), carried_(capacities.size()), dense_(capacities.size(), unused) {
    std::for_each(capacities.begin(), capacities.end(), check_capacity);
  }

  TransferId send(const Transfer& transfer, Action delivered) override;
  void cancel(TransferId id) override;
  void set_capacity(LinkId link, BytesPerSecond capacity) override;
  Table<LinkId, Bytes> carried() const override;

 private:
  static constexpr std::uint32_t unused = UINT32_MAX;

  void request_settle();
  void settle();
  void assemble();
  void change_rate(Flow& flow, BytesPerSecond rate) const;
  void wake_next(Time next);
  void end_drained();
  void arrive_later(TransferId id, Flow& flow);
  void arrive(TransferId id);

  Engine& engine_;
  Table<LinkId, BytesPerSecond> capacities_;
  Table<LinkId, Bytes> carried_;  ///< by transfers that do not drain any more
  TransferTable<Flow> flows_;
  std::vector<TransferId> draining_;  ///< in the order of sending; swept when links are shared
  bool settle_requested_ = false;
  EventId wake_;
  Time wake_at_ = Time::max();
  MaxMinProblem problem_;               ///< of the links that are used, and the flows in the order of `draining_`
  std::vector<LinkId> used_;            ///< links of the problem
  Table<LinkId, std::uint32_t> dense_;  ///< their places in it
};

TransferId FlowNetwork::send(const Transfer& transfer, Action delivered) {
  check_transfer(transfer, capacities_);
  Flow flow;
  flow.delivered = std::move(delivered);
  flow.route = transfer.route;
  flow.bytes = transfer.bytes;
  flow.remaining = transfer.bytes;
  flow.cap = transfer.cap;
  flow.weight = transfer.weight;
  flow.since = engine_.now();
  const bool drains = transfer.bytes > Bytes(0) && !transfer.route->links.empty();
  const TransferId id = flows_.add(std::move(flow));
  if (drains) {
    draining_.push_back(id);
    request_settle();
  } else {
    arrive_later(id, *flows_.find(id));
  }
  return id;
}

void FlowNetwork::cancel(TransferId id) {
  const Flow* flow = flows_.find(id);
  if (flow == nullptr) {
    return;
  }
  if (flow->draining) {
    carry(carried_, *flow->route, flow->bytes - flow->remaining_at(engine_.now()));
    request_settle();
  } else {
    engine_.cancel(flow->arrival);
  }
  flows_.remove(id);
}

void FlowNetwork::set_capacity(LinkId link, BytesPerSecond capacity) {
  check_capacity(capacity);
  capacities_.at(link) = capacity;
  request_settle();
}

Table<LinkId, Bytes> FlowNetwork::carried() const {
  Table<LinkId, Bytes> result = carried_;
  for (const TransferId id : draining_) {
    const Flow* flow = flows_.find(id);
    if (flow != nullptr && flow->draining) {
      carry(result, *flow->route, flow->bytes - flow->remaining_at(engine_.now()));
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

/// Shares the links among the transfers that drain now.
void FlowNetwork::settle() {
  settle_requested_ = false;
  std::erase_if(draining_, [this](TransferId id) {
    const Flow* flow = flows_.find(id);
    return flow == nullptr || !flow->draining;
  });
  assemble();
  const std::vector<double> rates = max_min_rates(problem_);
  Time next = Time::max();
  for (std::size_t i = 0; i < draining_.size(); ++i) {
    Flow& flow = *flows_.find(draining_[i]);
    change_rate(flow, BytesPerSecond(rates[i]));
    next = std::min(next, flow.drained_at);
  }
  wake_next(next);
}

/// States the problem of the transfers that drain, over the links that they use.
void FlowNetwork::assemble() {
  problem_.capacity.clear();
  problem_.first.assign(1, 0);
  problem_.link.clear();
  problem_.load.clear();
  problem_.weight.clear();
  problem_.cap.clear();
  used_.clear();
  for (const TransferId id : draining_) {
    const Flow& flow = *flows_.find(id);
    for (const LinkLoad& use : flow.route->links) {
      if (dense_[use.link] == unused) {
        dense_[use.link] = static_cast<std::uint32_t>(used_.size());
        used_.push_back(use.link);
        problem_.capacity.push_back(capacities_[use.link].value());
      }
      problem_.link.push_back(dense_[use.link]);
      problem_.load.push_back(use.load);
    }
    problem_.first.push_back(static_cast<std::uint32_t>(problem_.link.size()));
    problem_.weight.push_back(flow.weight);
    problem_.cap.push_back(flow.cap > BytesPerSecond(0) ? flow.cap.value() : std::numeric_limits<double>::infinity());
  }
  for (const LinkId link : used_) {
    dense_[link] = unused;
  }
}

/// The bytes that remain are counted anew only when the rate changes, so that a time of draining does not depend on
/// what others do.
void FlowNetwork::change_rate(Flow& flow, BytesPerSecond rate) const {
  if (rate == flow.rate) {
    return;
  }
  flow.remaining = flow.remaining_at(engine_.now());
  flow.since = engine_.now();
  flow.rate = rate;
  flow.drained_at = drained(flow.since, flow.remaining, flow.rate);
}

void FlowNetwork::wake_next(Time next) {
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
  for (const TransferId id : draining_) {
    Flow* flow = flows_.find(id);
    if (flow != nullptr && flow->draining && flow->drained_at <= engine_.now()) {
      carry(carried_, *flow->route, flow->bytes);
      arrive_later(id, *flow);
    }
  }
  request_settle();
}

void FlowNetwork::arrive_later(TransferId id, Flow& flow) {
  flow.draining = false;
  flow.arrival = engine_.after(flow.route->latency, [this, id] { arrive(id); });
}

void FlowNetwork::arrive(TransferId id) {
  Action delivered = std::move(flows_.find(id)->delivered);
  flows_.remove(id);
  delivered();
}

std::unique_ptr<Network> make_flow(Engine& engine, const Table<LinkId, BytesPerSecond>& capacities) {
  return std::make_unique<FlowNetwork>(engine, capacities);
}

const Networks::Entry entry{"flow", "max-min fair sharing of links by fluid transfers", make_flow};

}  // namespace
}  // namespace podium
