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

/// Keeps at least so many samples of a run that has as many events, and fewer than twice as many, about evenly spread
/// over its time: when there are too many, every other one goes. Idle time has one at either end.
class LinkSampler {
 public:
  explicit LinkSampler(std::size_t samples) : most_(2 * samples) {}
  /// Up to when the engine may run before it is to be asked again.
  Time next() const { return next_; }
  /// After it ran as far, or to its end.
  void look(Engine&, const Network&);
  std::vector<LinkHistory::Sample> samples() && { return std::move(samples_); }

 private:
  std::size_t most_;
  std::int64_t gap_ = 1'000'000;  ///< picoseconds between two looks: a microsecond at first
  Time next_ = Time::from_picoseconds(gap_);
  std::vector<LinkHistory::Sample> samples_;
};

/// What a network did that was built on a fabric of this topology: each link what its class did.
LinkUse link_use(const Topology&, const FoldedFabric&, const Network&);

/// Adds that of a block which came `repeat` times and took `share` of the whole's time.
void add_block(LinkUse& whole, const LinkUse& block, std::uint64_t repeat, double share);

}  // namespace podium
