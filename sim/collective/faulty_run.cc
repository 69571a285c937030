#include "sim/collective/faulty_run.h"

#include <deque>
#include <memory>

namespace podium {

namespace {

/// One call on links that change.
class FaultyRun {
 public:
  FaultyRun(const CollectiveCall& call, const Topology& topology, const Operation& operation,
            const CommunicationCosts& costs, std::string_view network_name, const Faults& faults)
      : topology_(topology), operation_(operation), router_(topology) {
    find_routes();
    network_ = make_network(network_name, engine_, fabrics_.back(), packets_of(network_name, costs));
    player_.emplace(engine_, *network_, fabrics_.back(), costs);
    player_->play(call, [this] {
      end_ = engine_.now();
      engine_.stop();
    });
    for (const LinkChange& change : faults.changes) {
      engine_.at(Time() + change.at, [this, &change] { change_link(change); });
    }
    for (std::size_t i = 0; i < faults.changes.size(); ++i) {
      if (i + 1 == faults.changes.size() || faults.changes[i + 1].at > faults.changes[i].at) {
        engine_.at(Time() + (faults.changes[i].at + faults.recovery), [this] { reroute(); });
      }
    }
  }

  Seconds run() {
    engine_.run();
    if (!end_) {
      throw RunError("the collective never ended: after the faults a link that it needs has no capacity");
    }
    return since_start(*end_);
  }

 private:
  void find_routes() { fabrics_.push_back(fold(topology_, router_, {&operation_, 1}, Folding::off)); }

  void change_link(const LinkChange& change) {
    network_->set_capacity(change.link, change.capacity);
    router_.set_capacity(change.link, change.capacity);
  }

  void reroute() {
    try {
      find_routes();
    } catch (const InputError& error) {
      throw RunError("after the fault: " + std::string(error.what()));
    }
    player_->reroute(fabrics_.back());
  }

  const Topology& topology_;
  const Operation& operation_;
  Router router_;
  Engine engine_;
  std::deque<FoldedFabric> fabrics_;  ///< transfers under way hold on to their routes
  std::unique_ptr<Network> network_;
  std::optional<Player> player_;
  std::optional<Time> end_;
};

}  // namespace

Seconds time_alone(const CollectiveCall& call, const Topology& topology, const Operation& operation,
                   const CommunicationCosts& costs, std::string_view network, const Faults& faults) {
  return FaultyRun(call, topology, operation, costs, network, faults).run();
}

}  // namespace podium
