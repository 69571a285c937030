#include <algorithm>
#include <limits>
#include <span>
#include <utility>
#include <vector>

#include "sim/network/network.h"
#include "sim/network/transfers.h"

namespace podium {
namespace {

/// One transfer. It has `left` of its way before it at `since`, and the whole way takes it until `drained_at` at the
/// present capacities.
struct Flight {
  Action delivered;
  const Route* route = nullptr;
  Bytes bytes;
  BytesPerSecond cap;
  double weight = 1;
  std::vector<double> queue;  ///< by link of the route: raw bytes that go over it until this transfer is through
  double left = 1;
  Time since;
  Time drained_at = Time::max();
  EventId arrival;

  double left_at(Time now) const {
    if (now >= drained_at) {
      return 0;
    }
    return drained_at == Time::max() ? left : left * ((drained_at - now) / (drained_at - since));
  }
  /// At the same rate per weight, the transfer of less drains first.
  double demand() const { return bytes.value() / weight; }
};

/// Alpha-beta with the use of links counted within a batch. A batch is what is sent in one round. With x bytes, weight
/// w, cap c and load a on each link of capacity C, and d = x / w, transfer t arrives
///
///     T(t) = latency(t) + max( x(t) / c(t),  max over its links l of  Q(l, t) / C(l) )
///     Q(l, t) = sum over the batch's transfers i on l of  a(i, l) x min(x(i), w(i) d(t))
///
/// after it was sent. Q is what l has carried when t is through, were l the only link of the network and shared by
/// weight: a port that sends n equal messages is busy n times. So T is the flow model's on networks where each transfer
/// has at most one shared link and is held back by no other, and the batch as a whole is never slower than there (its
/// fullest link must carry all of it; for equal latencies). Batches do not see each other.
class AnalyticNetwork final : public Network {
 public:
  AnalyticNetwork(Engine& engine, const Table<LinkId, BytesPerSecond>& capacities)
      : engine_(engine),
        capacities_(capacities),
        carried_(capacities.size()),
        use_(capacities.size()),
        done_(capacities.size()) {
    std::for_each(capacities.begin(), capacities.end(), check_capacity);
  }

  TransferId send(const Transfer& transfer, Action delivered) override;
  void cancel(TransferId id) override;
  void set_capacity(LinkId link, BytesPerSecond capacity) override;
  void reroute(TransferId id, const Route& route) override;
  Table<LinkId, Bytes> carried() const override;
  Seconds overdrawn() const override { return overdrawn_; }

 private:
  /// Of one link by one batch, in the order of demand: bytes of transfers that are through, and load x weight of those
  /// that are not; and when the last of all has drained.
  struct Use {
    double through = 0;
    double demand = 0;
    Time drained_at{};
  };

  void join_batch(TransferId id);
  void settle();
  void count_uses();
  void queue_equals(std::span<const TransferId> equals);
  void draw();
  void depart(TransferId id, Flight& flight);
  void arrive(TransferId id);

  Engine& engine_;
  Table<LinkId, BytesPerSecond> capacities_;
  Table<LinkId, Bytes> carried_;  ///< by transfers that are gone
  TransferTable<Flight> flights_;
  std::vector<TransferId> batch_;  ///< sent in this round
  Table<LinkId, Use> use_;         ///< zero between batches
  Table<LinkId, Seconds> done_;    ///< when each link would be, did batches queue for it
  Seconds overdrawn_{};            ///< of them, by how much the latest was later than was said
};

TransferId AnalyticNetwork::send(const Transfer& transfer, Action delivered) {
  check_transfer(transfer, capacities_);
  Flight flight;
  flight.delivered = std::move(delivered);
  flight.route = transfer.route;
  flight.bytes = transfer.bytes;
  flight.cap = transfer.cap;
  flight.weight = transfer.weight;
  flight.since = engine_.now();
  const TransferId id = flights_.add(std::move(flight));
  if (transfer.bytes > Bytes(0) && !transfer.route->links.empty()) {
    join_batch(id);
  } else {
    flights_.find(id)->arrival = engine_.after(transfer.route->latency, [this, id] { arrive(id); });
  }
  return id;
}

void AnalyticNetwork::join_batch(TransferId id) {
  if (batch_.empty()) {
    engine_.at(
        engine_.now(), [this] { settle(); }, Phase::settle);
  }
  batch_.push_back(id);
}

/// What is left belongs to the batch of the present round.
void AnalyticNetwork::reroute(TransferId id, const Route& route) {
  Flight* flight = flights_.find(id);
  const bool is_over = flight == nullptr || flight->route->links.empty() || flight->bytes == Bytes(0) ||
                       flight->drained_at <= engine_.now();
  if (is_over) {
    return;
  }
  const bool waits_for_settle = flight->queue.empty();
  const double left = waits_for_settle ? 1 : flight->left_at(engine_.now());
  carry(carried_, *flight->route, flight->bytes * (1 - left));
  flight->bytes *= left;
  flight->left = 1;
  flight->since = engine_.now();
  flight->drained_at = Time::max();
  flight->route = &route;
  flight->queue.clear();
  engine_.cancel(flight->arrival);
  if (!waits_for_settle) {
    join_batch(id);
  }
}

void AnalyticNetwork::cancel(TransferId id) {
  const Flight* flight = flights_.find(id);
  if (flight != nullptr) {
    engine_.cancel(flight->arrival);
    carry(carried_, *flight->route, flight->bytes * (1 - flight->left_at(engine_.now())));
    flights_.remove(id);
  }
}

void AnalyticNetwork::set_capacity(LinkId link, BytesPerSecond capacity) {
  check_capacity(capacity);
  capacities_.at(link) = capacity;
  for (const TransferId id : flights_.ids()) {
    Flight& flight = *flights_.find(id);
    const std::vector<LinkLoad>& links = flight.route->links;
    const auto uses = [link](const LinkLoad& use) { return use.link == link; };
    const bool under_way = !flight.queue.empty() && flight.drained_at > engine_.now();
    if (under_way && std::any_of(links.begin(), links.end(), uses)) {
      flight.left = flight.left_at(engine_.now());
      flight.since = engine_.now();
      depart(id, flight);
    }
  }
}

Table<LinkId, Bytes> AnalyticNetwork::carried() const {
  Table<LinkId, Bytes> result = carried_;
  for (const TransferId id : flights_.ids()) {
    const Flight& flight = *flights_.find(id);
    carry(result, *flight.route, flight.bytes * (1 - flight.left_at(engine_.now())));
  }
  return result;
}

/// Works out a batch: its queues in the order of demand, then the times.
void AnalyticNetwork::settle() {
  std::erase_if(batch_, [this](TransferId id) { return flights_.find(id) == nullptr; });
  std::stable_sort(batch_.begin(), batch_.end(), [this](TransferId a, TransferId b) {
    return flights_.find(a)->demand() < flights_.find(b)->demand();
  });
  count_uses();
  for (std::size_t first = 0; first < batch_.size();) {
    std::size_t last = first + 1;
    while (last < batch_.size() && flights_.find(batch_[last])->demand() == flights_.find(batch_[first])->demand()) {
      ++last;
    }
    queue_equals(std::span(batch_).subspan(first, last - first));
    first = last;
  }
  for (const TransferId id : batch_) {
    depart(id, *flights_.find(id));
  }
  draw();
  batch_.clear();
}

/// Of the links of a batch: when each is done in truth, and when its last transfer is said to be.
void AnalyticNetwork::draw() {
  for (const TransferId id : batch_) {
    const Flight& flight = *flights_.find(id);
    for (const LinkLoad& use : flight.route->links) {
      Use& batch = use_[use.link];
      batch.drained_at = std::max(batch.drained_at, flight.drained_at);
    }
  }
  for (const TransferId id : batch_) {
    for (const LinkLoad& use : flights_.find(id)->route->links) {
      const Use batch = std::exchange(use_[use.link], Use());
      if (batch.through > 0 && capacities_[use.link] > BytesPerSecond(0)) {
        Seconds& done = done_[use.link];
        done = std::max(done, since_start(engine_.now())) + Bytes(batch.through) / capacities_[use.link];
        overdrawn_ = std::max(overdrawn_, done - since_start(batch.drained_at));
      }
    }
  }
}

void AnalyticNetwork::count_uses() {
  for (const TransferId id : batch_) {
    const Flight& flight = *flights_.find(id);
    for (const LinkLoad& use : flight.route->links) {
      use_[use.link].demand += use.total() * flight.weight;
    }
  }
}

/// Queues transfers of the same demand, before any of them counts as through: they are through together.
void AnalyticNetwork::queue_equals(std::span<const TransferId> equals) {
  for (const TransferId id : equals) {
    Flight& flight = *flights_.find(id);
    for (const LinkLoad& use : flight.route->links) {
      flight.queue.push_back(use_[use.link].through + use_[use.link].demand * flight.demand());
    }
  }
  for (const TransferId id : equals) {
    const Flight& flight = *flights_.find(id);
    for (const LinkLoad& use : flight.route->links) {
      use_[use.link].through += use.total() * flight.bytes.value();
      use_[use.link].demand -= use.total() * flight.weight;
    }
  }
}

/// Sets the time of what is left of a transfer's way, at the present capacities.
void AnalyticNetwork::depart(TransferId id, Flight& flight) {
  double rate = flight.cap > BytesPerSecond(0) ? flight.cap.value() : std::numeric_limits<double>::infinity();
  for (std::size_t i = 0; i < flight.queue.size(); ++i) {
    const double capacity = capacities_[flight.route->links[i].link].value();
    rate = std::min(rate, flight.bytes.value() / flight.queue[i] * capacity);
  }
  engine_.cancel(flight.arrival);
  flight.drained_at = drained(flight.since, flight.bytes * flight.left, BytesPerSecond(rate));
  if (flight.drained_at < Time::max()) {
    flight.arrival = engine_.at(flight.drained_at + flight.route->latency, [this, id] { arrive(id); });
  }
}

void AnalyticNetwork::arrive(TransferId id) {
  Flight& flight = *flights_.find(id);
  Action delivered = std::move(flight.delivered);
  carry(carried_, *flight.route, flight.bytes);
  flights_.remove(id);
  delivered();
}

std::unique_ptr<Network> make_analytic(Engine& engine, const Table<LinkId, BytesPerSecond>& capacities) {
  return std::make_unique<AnalyticNetwork>(engine, capacities);
}

const Networks::Entry analytic_entry{"analytic", "alpha-beta, with each batch's use of links counted", make_analytic};

}  // namespace
}  // namespace podium
