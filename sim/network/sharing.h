#pragma once

#include <span>
#include <vector>

#include "sim/network/level_queue.h"
#include "sim/topology/route.h"

namespace podium {

struct ShareTag;
/// Names one flow of a Sharing, until it is removed; then the name is given again.
using ShareId = Id<ShareTag>;

/// Weighted max-min fair rates (Bertsekas and Gallager, Data Networks, 6.5.2), kept up to date as flows and capacities
/// change. They are what progressive filling gives: the level, a rate per weight, rises from zero for all; at each
/// level the flows of every link that could not carry one level more freeze, and those at their cap.
///  - Levels are whole, and sums exact (level.h), so that rates are the same bits whatever changes led to the problem,
///    in whatever order flows and links come, and for a bundle (m times the load) as for its m members.
///  - No link is asked for more than its capacity, by loads as they are rounded in level.h.
///  - A flow without a cap that crosses no link is a Bug.
class Sharing {
 public:
  explicit Sharing(const Table<LinkId, BytesPerSecond>& capacities);

  /// A flow of rate r puts r x load on each link. O(links) each.
  ShareId add(std::span<const LinkLoad> loads, double weight = 1, BytesPerSecond cap = BytesPerSecond(0));
  void remove(ShareId);
  /// The same flow over other links. It gets another name.
  ShareId move(ShareId, std::span<const LinkLoad> loads);
  void set_capacity(LinkId, BytesPerSecond);

  /// Brings the rates up to date: the flows whose rate is another one than at the last time, or new. Costs about what
  /// progressive filling costs on the links that fill at other levels than before, and on their flows alone.
  std::span<const ShareId> solve();
  /// As of the last time that rates were brought up to date.
  BytesPerSecond rate(ShareId flow) const { return rate_at(flows_[flow.index()].level, flows_[flow.index()].weight); }

 private:
  struct Use {
    std::uint32_t link = 0;
    std::uint32_t place = 0;  ///< in the users of the link
    Demand demand = 0;
  };
  struct User {
    std::uint32_t flow = 0;
    std::uint32_t use = 0;  ///< in uses_
    Demand demand = 0;
  };
  struct Flow {
    Level level = no_level;    ///< where it froze; none while it rises
    std::uint32_t holder = 0;  ///< a link that filled at this level; none where the cap holds it
    std::uint32_t frozen = 0;  ///< the round when it froze last
    std::uint32_t first = 0;   ///< of its uses
    std::uint32_t count = 0;
    Level cap = no_level;
    double weight = 1;
  };
  /// What the present round knows of a link: as it was, or with flows that froze elsewhere, or filled anew.
  enum class Stage : std::uint8_t { as_before, disturbed, open };
  struct Link {
    Wide left = 0;           ///< of the capacity, by frozen flows; where the link is open or does not fill
    Wide rising = 0;         ///< demand of rising flows; as above
    Level level = no_level;  ///< where it filled in the last round
    Level filled = no_level;
    Level due = no_level;  ///< its first entry in the queue
    Stage stage = Stage::as_before;
    bool changed = false;   ///< since the last round
    bool may_fill = false;  ///< at a lower level than before
    Wide demand = 0;        ///< of all users
    Wide capacity = 0;
    std::vector<User> users;

    bool fills() const { return level != no_level; }
    /// What those that rise may take for sure, of a link that did not fill.
    Wide room() const { return left - (demand - rising); }
  };
  struct Frozen {
    std::uint32_t flow = 0;
    Level before = no_level;
  };

  std::span<Use> uses(const Flow& flow) { return std::span(uses_).subspan(flow.first, flow.count); }
  std::uint32_t new_uses(std::uint32_t count);
  void change(std::uint32_t link_index);

  // steps of a round
  void begin();
  void look_at_link(std::uint32_t link_index, Level now);
  void open(std::uint32_t link_index, Level now);
  void freeze(std::uint32_t flow_index, std::uint32_t holder, Level now);
  void freeze_users(std::uint32_t link_index, Level now);
  void set_free(std::uint32_t link_index, Level now);
  void rise(std::uint32_t flow_index, Level now);
  void close_batch(Level now);
  void end();
  void watch(std::uint32_t link_index, Level level);
  void disturb(std::uint32_t link_index, Level level);
  void queue_link(std::uint32_t link_index, Level level);
  void queue_flow(std::uint32_t flow_index, Level level);

  std::vector<Link> links_;
  std::vector<Flow> flows_;
  std::vector<Use> uses_;
  std::vector<std::uint32_t> free_flows_;
  std::vector<std::vector<std::uint32_t>> free_uses_;  ///< first of free runs in uses_, by their length
  std::vector<std::uint32_t> changed_links_;
  std::vector<std::uint32_t> new_flows_;
  // of a round
  std::uint32_t round_ = 0;
  LevelQueue queue_;           ///< links to look at, and (after them) flows to freeze at their caps
  std::size_t unsettled_ = 0;  ///< flows that rise, links that are disturbed, or open with users that have not frozen
  std::vector<std::uint32_t> opened_;
  std::vector<std::uint32_t> freed_;  ///< open links that do not fill where they did, at the present level
  std::vector<Frozen> batch_;         ///< flows that freeze at the present level
  std::vector<ShareId> changed_flows_;
};

}  // namespace podium
