#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "sim/collective/fold.h"
#include "sim/network/network.h"

namespace podium {

/// What had gone over links by some instants of a run. Between two of them it is taken to go evenly, which is what
/// flows do between events.
struct LinkHistory {
  struct Sample {
    Time at;
    Table<LinkId, Bytes> carried;  ///< since the start, by class
  };
  Table<LinkId, std::optional<LinkId>> classes;  ///< by link of the machine's network; nothing where it is not used
  std::vector<Sample> samples;                   ///< in order of time; empty: none were kept
};

/// What the links of a machine did in a run.
struct LinkUse {
  Table<LinkId, PortStatistics> ports;  ///< by link of the machine's network; a block counts as often as it came
  std::vector<Bytes> executed;          ///< by plane, on all wires: of what was executed, so that a block counts once
  std::uint64_t packet_hops = 0;        ///< of what was executed
  LinkHistory history;                  ///< without that of blocks; only where it was asked for
};

/// Keeps at least so many samples of a run that is long enough for its events to be told apart, and at most twice as
/// many, evenly spread over its time: when there are too many, every other one goes. What goes over links between two
/// looks is taken to go evenly; where nothing happens it looks at either end, so that idle time has nothing of it.
class LinkSampler {
 public:
  explicit LinkSampler(std::size_t samples) : most_(2 * samples) {}
  /// Up to when the engine may run before it is to be asked again.
  Time next() const { return next_; }
  /// After it ran as far, or to its end.
  void look(Engine&, const Network&);
  std::vector<LinkHistory::Sample> samples() &&;

 private:
  Table<LinkId, Bytes> between(const Table<LinkId, Bytes>& carried, Time now) const;
  void thin();

  std::size_t most_;
  Seconds gap_{1e-6};          ///< between two samples
  Time edge_ = Time() + gap_;  ///< of the next sample
  Time next_ = Time() + gap_;  ///< look
  LinkHistory::Sample last_;   ///< look
  std::vector<LinkHistory::Sample> samples_;
};

/// What a network did that was built on a fabric of this topology: each link what its class did.
LinkUse link_use(const Topology&, const FoldedFabric&, const Network&);

/// Adds that of a block which came `repeat` times and took `share` of the whole's time.
void add_block(LinkUse& whole, const LinkUse& block, std::uint64_t repeat, double share);

}  // namespace podium
