#include "sim/collective/rank_classes.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "sim/collective/colours.h"
#include "sim/collective/expand.h"
#include "sim/collective/kept_turns.h"
#include "sim/core/mix.h"

namespace podium {
namespace {

using Colour = std::uint64_t;

Colour hash(double value) { return mix(std::bit_cast<Colour>(value)); }

/// A node in a group.
struct Seat {
  NodeId node;             ///< or the first of its orbit
  bool is_first = true;    ///< the node is that first one
  std::uint32_t like = 0;  ///< the seat whose messages are expanded: its own, or the first one's
};
struct Group {
  std::uint32_t begin = 0, end = 0;  ///< its seats
  Colour colour = 0;
};
struct ColouredMessage {
  Colour seen = 0;  ///< what the network sees of it beside its links
  std::uint32_t group = 0, seat = 0;
  std::uint64_t count = 1;   ///< so many of its owner's are alike
  std::uint64_t weight = 1;  ///< of all owners that its own stands for
  std::uint32_t first = 0;   ///< of its crossings
  Colour colour = 0;
};
struct Crossing {
  std::uint32_t link = 0;
  Colour load = 0;
};

/// Sums of hashes, so that the order of neighbours does not matter; a colour is mixed with its sums, so that it is
/// never coarser than before. With orbits, the first node and link of each stand for all.
class Refinement {
 public:
  Refinement(const Topology& topology, Router& router, std::span<const Operation> operations, const Patterns& patterns,
             std::span<const Placement> meetings, Table<NodeId, Colour> nodes, NetworkOrbits* orbits)
      : topology_(topology), orbits_(orbits), nodes_(std::move(nodes)), numbers_(topology.capacities()) {
    for (const Operation& operation : operations) {
      add_placement(operation.placement);
    }
    for (const Placement& placement : meetings) {
      add_placement(placement);
    }
    add_messages(router, patterns);
  }

  Table<NodeId, Colour> run() {
    for (std::size_t before = 0, now = classes(); now > before;) {
      refine_messages();
      refine_links();
      refine_groups();
      before = now;
      now = classes();
    }
    for (const NodeId node : nodes_.ids()) {
      nodes_[node] = nodes_[first_of(node)];
    }
    return std::move(nodes_);
  }

 private:
  NodeId first_of(NodeId node) const { return orbits_ != nullptr ? orbits_->node(node).first : node; }

  void add_placement(const Placement& placement) {
    const auto known = std::find_if(placements_.begin(), placements_.end(),
                                    [&](const auto& other) { return other.first->groups == placement.groups; });
    if (known != placements_.end()) {
      return;
    }
    placements_.emplace_back(&placement, static_cast<std::uint32_t>(groups_.size()));
    Table<NodeId, std::uint32_t> seat_of(orbits_ != nullptr ? nodes_.size() : 0);
    const std::size_t begin = seats_.size();
    for (const std::vector<NodeId>& group : placement.groups) {
      const auto first = static_cast<std::uint32_t>(seats_.size());
      for (const NodeId node : group) {
        const auto seat = static_cast<std::uint32_t>(seats_.size());
        seats_.push_back({first_of(node), first_of(node) == node, seat});
        if (orbits_ != nullptr) {
          seat_of[node] = seat;
        }
      }
      groups_.push_back({first, static_cast<std::uint32_t>(seats_.size()), mix(placements_.size())});
    }
    for (std::size_t i = begin; orbits_ != nullptr && i < seats_.size(); ++i) {
      seats_[i].like = seat_of[seats_[i].node];
    }
  }

  void add_messages(Router& router, const Patterns& patterns) {
    for (std::size_t p = 0; p < patterns.all.size(); ++p) {
      const Pattern& pattern = patterns.all[p];
      const auto place = std::find_if(placements_.begin(), placements_.end(), [&](const auto& other) {
        return other.first->groups == pattern.placement->groups;
      });
      const auto visit = [&](const Route& route, const Owner& owner, std::uint64_t count) {
        const Colour seen = mix(p) + hash(route.latency.value()) + mix(mix(route.plane)) + mix(~Colour(route.switches));
        const std::uint32_t group = place->second + owner.group;
        messages_.push_back({seen, group, groups_[group].begin + owner.position, count,
                             orbits_ != nullptr ? orbits_->node(owner.node).size * count : 1,
                             static_cast<std::uint32_t>(crossings_.size())});
        for (const LinkLoad& crossing : route.links) {
          crossings_.push_back({number(crossing.link), mix(static_cast<Colour>(std::llround(crossing.load * 0x1p36)))});
        }
      };
      expand(pattern, topology_, router, visit, orbits_);
    }
  }

  /// Of those that are used, in the order of their first use.
  std::uint32_t number(LinkId link) {
    std::uint32_t& place = numbers_[link];
    if (place == 0) {
      links_.push_back(mix(topology_.plane(link) + hash(topology_.capacity(link).value())));
      shares_.push_back(orbits_ != nullptr ? inverse(orbits_->link(link).size) : 1);
      place = static_cast<std::uint32_t>(links_.size());
    }
    return place - 1;
  }

  std::span<const Crossing> crossings(std::size_t message) const {
    const std::size_t end = message + 1 < messages_.size() ? messages_[message + 1].first : crossings_.size();
    return std::span(crossings_).subspan(messages_[message].first, end - messages_[message].first);
  }

  void refine_messages() {
    for (std::size_t m = 0; m < messages_.size(); ++m) {
      Colour sum = messages_[m].seen + mix(groups_[messages_[m].group].colour);
      for (const Crossing& crossing : crossings(m)) {
        sum += mix(links_[crossing.link] ^ crossing.load);
      }
      messages_[m].colour = mix(sum);
    }
  }

  void refine_links() {
    std::vector<std::uint64_t> sums(links_.size());
    for (std::size_t m = 0; m < messages_.size(); ++m) {
      for (const Crossing& crossing : crossings(m)) {
        const std::uint64_t seen = mix(messages_[m].colour ^ crossing.load) % modulus;
        sums[crossing.link] =
            (sums[crossing.link] + (orbits_ != nullptr ? times(seen, messages_[m].weight) : seen)) % modulus;
      }
    }
    for (std::size_t link = 0; link < links_.size(); ++link) {
      links_[link] = mix(links_[link] + mix(times(sums[link], shares_[link])));
    }
  }

  void refine_groups() {
    std::vector<Colour> sent(seats_.size());
    for (const ColouredMessage& message : messages_) {
      sent[message.seat] += message.count * mix(message.colour);
    }
    Table<NodeId, Colour> sums(nodes_.size());
    for (Group& group : groups_) {
      const std::span<const Seat> seats = std::span(seats_).subspan(group.begin, group.end - group.begin);
      Colour sum = 0;
      for (const Seat& seat : seats) {
        sum += sent[seat.like] + mix(~nodes_[seat.node]);
      }
      group.colour = mix(group.colour + mix(sum));
    }
    for (const Group& group : groups_) {
      for (std::uint32_t seat = group.begin; seat < group.end; ++seat) {
        if (seats_[seat].is_first) {
          sums[seats_[seat].node] += mix(group.colour);
        }
      }
    }
    for (const NodeId node : nodes_.ids()) {
      nodes_[node] = mix(nodes_[node] + mix(sums[node]));
    }
  }

  /// Of all four kinds.
  std::size_t classes() const {
    std::vector<Colour> groups, messages, nodes;
    for (const Group& group : groups_) {
      groups.push_back(group.colour);
    }
    for (const ColouredMessage& message : messages_) {
      messages.push_back(message.colour);
    }
    for (const NodeId node : nodes_.ids()) {
      if (first_of(node) == node) {
        nodes.push_back(nodes_[node]);
      }
    }
    return count_distinct(std::move(groups)) + count_distinct(std::move(messages)) + count_distinct(links_) +
           count_distinct(std::move(nodes));
  }

  const Topology& topology_;
  NetworkOrbits* orbits_;
  Table<NodeId, Colour> nodes_;  ///< while it runs, right of the first of each orbit
  std::vector<std::pair<const Placement*, std::uint32_t>> placements_;  ///< different ones, with their first groups
  std::vector<Group> groups_;
  std::vector<Seat> seats_;
  std::vector<ColouredMessage> messages_;
  std::vector<Crossing> crossings_;
  Table<LinkId, std::uint32_t> numbers_;  ///< one more than the place in `links_`; 0: not used
  std::vector<Colour> links_;
  std::vector<std::uint64_t> shares_;  ///< one over the links that each stands for, modulo
};

/// Of turns that keep the network, colours, groups and messages. A message's group is told by its owner then, who is in
/// one group of each placement only.
NetworkOrbits* find_rank_orbits(Router& router, Patterns patterns, std::span<const Placement> meetings,
                                const Table<NodeId, Colour>& colours) {
  const Step together{.pairing = Pairing::all_others};
  for (const Placement& placement : meetings) {
    patterns.all.push_back({&placement, {}, &together});
  }
  const std::vector<const Placement*> placements = placements_of(patterns);
  if (std::any_of(placements.begin(), placements.end(),
                  [](const Placement* placement) { return share_nodes(placement->groups); })) {
    return nullptr;
  }
  return orbits_of(patterns, router, &colours);
}

}  // namespace

Table<NodeId, std::uint64_t> refine_nodes(const Topology& merged, Router& router, std::span<const Operation> operations,
                                          std::span<const Placement> meetings, Table<NodeId, std::uint64_t> colours) {
  const Patterns patterns = find_patterns(operations);
  NetworkOrbits* orbits = find_rank_orbits(router, patterns, meetings, colours);
  return Refinement(merged, router, operations, patterns, meetings, std::move(colours), orbits).run();
}

}  // namespace podium
