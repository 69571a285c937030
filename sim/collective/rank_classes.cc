#include "sim/collective/rank_classes.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "sim/collective/expand.h"
#include "sim/core/mix.h"

namespace podium {
namespace {

using Colour = std::uint64_t;

Colour hash(double value) {
  Colour bits = 0;
  std::memcpy(&bits, &value, sizeof bits);
  return mix(bits);
}

struct Group {
  const std::vector<NodeId>* members = nullptr;
  Colour colour = 0;
};
struct ColouredMessage {
  Colour seen = 0;  ///< what the network sees of it beside its links
  std::uint32_t group = 0;
  std::uint32_t first = 0;  ///< of its crossings
  Colour colour = 0;
};
struct Crossing {
  LinkId link;
  Colour load = 0;
};

/// Sums of hashes, so that the order of neighbours does not matter; a colour is mixed with its sums, so that it is
/// never coarser than before.
class Refinement {
 public:
  Refinement(const Topology& topology, Router& router, std::span<const Operation> operations,
             std::span<const Placement> meetings, Table<NodeId, Colour> nodes)
      : nodes_(std::move(nodes)) {
    for (std::size_t link = 0; link < topology.capacities(); ++link) {
      links_.push_back(mix(topology.plane(LinkId(link)) + hash(topology.capacity(LinkId(link)).value())));
    }
    for (const Operation& operation : operations) {
      add_placement(operation.placement);
    }
    for (const Placement& placement : meetings) {
      add_placement(placement);
    }
    add_messages(topology, router, operations);
  }

  Table<NodeId, Colour> run() {
    for (std::size_t before = 0, now = classes(); now > before;) {
      refine_messages();
      refine_links();
      refine_groups();
      before = now;
      now = classes();
    }
    return std::move(nodes_);
  }

 private:
  void add_placement(const Placement& placement) {
    const auto known = std::find_if(placements_.begin(), placements_.end(),
                                    [&](const auto& other) { return other.first->groups == placement.groups; });
    if (known != placements_.end()) {
      return;
    }
    placements_.emplace_back(&placement, static_cast<std::uint32_t>(groups_.size()));
    for (const std::vector<NodeId>& group : placement.groups) {
      groups_.push_back({&group, mix(placements_.size())});
    }
  }

  void add_messages(const Topology& topology, Router& router, std::span<const Operation> operations) {
    const Patterns patterns = find_patterns(operations);
    for (std::size_t p = 0; p < patterns.all.size(); ++p) {
      const Pattern& pattern = patterns.all[p];
      const std::size_t begin = messages_.size();
      expand(pattern, topology, router, [&](const Route& route, NodeId) {
        const Colour seen = mix(p) + hash(route.latency.value()) + mix(mix(route.plane)) + mix(~Colour(route.switches));
        messages_.push_back({seen, 0, static_cast<std::uint32_t>(crossings_.size())});
        for (const LinkLoad& crossing : route.links) {
          crossings_.push_back({crossing.link, mix(static_cast<Colour>(std::llround(crossing.load * 0x1p36)))});
        }
      });
      const auto place = std::find_if(placements_.begin(), placements_.end(), [&](const auto& other) {
        return other.first->groups == pattern.placement->groups;
      });
      // groups come one after the other, and are of one size
      const std::size_t each = (messages_.size() - begin) / pattern.placement->groups.size();
      for (std::size_t m = begin; m < messages_.size(); ++m) {
        messages_[m].group = place->second + static_cast<std::uint32_t>((m - begin) / each);
      }
    }
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
    Table<LinkId, Colour> sums(links_.size());
    for (std::size_t m = 0; m < messages_.size(); ++m) {
      for (const Crossing& crossing : crossings(m)) {
        sums[crossing.link] += mix(messages_[m].colour ^ crossing.load);
      }
    }
    for (const LinkId link : links_.ids()) {
      links_[link] = mix(links_[link] + mix(sums[link]));
    }
  }

  void refine_groups() {
    std::vector<Colour> sums(groups_.size());
    for (const ColouredMessage& message : messages_) {
      sums[message.group] += mix(message.colour);
    }
    Table<NodeId, Colour> node_sums(nodes_.size());
    for (std::size_t g = 0; g < groups_.size(); ++g) {
      for (const NodeId member : *groups_[g].members) {
        sums[g] += mix(~nodes_[member]);
      }
      groups_[g].colour = mix(groups_[g].colour + mix(sums[g]));
      for (std::size_t i = 0; i < groups_[g].members->size(); ++i) {
        node_sums[(*groups_[g].members)[i]] += mix(groups_[g].colour);
      }
    }
    for (const NodeId node : nodes_.ids()) {
      nodes_[node] = mix(nodes_[node] + mix(node_sums[node]));
    }
  }

  /// Of all four kinds.
  std::size_t classes() const {
    const auto distinct = [](std::vector<Colour> colours) {
      std::sort(colours.begin(), colours.end());
      return static_cast<std::size_t>(std::unique(colours.begin(), colours.end()) - colours.begin());
    };
    std::vector<Colour> groups, messages;
    for (const Group& group : groups_) {
      groups.push_back(group.colour);
    }
    for (const ColouredMessage& message : messages_) {
      messages.push_back(message.colour);
    }
    return distinct(std::move(groups)) + distinct(std::move(messages)) + distinct({links_.begin(), links_.end()}) +
           distinct({nodes_.begin(), nodes_.end()});
  }

  Table<NodeId, Colour> nodes_;
  Table<LinkId, Colour> links_;
  std::vector<std::pair<const Placement*, std::uint32_t>> placements_;  ///< different ones, with their first groups
  std::vector<Group> groups_;
  std::vector<ColouredMessage> messages_;
  std::vector<Crossing> crossings_;
};

}  // namespace

Table<NodeId, std::uint64_t> refine_nodes(const Topology& merged, Router& router, std::span<const Operation> operations,
                                          std::span<const Placement> meetings, Table<NodeId, std::uint64_t> colours) {
  return Refinement(merged, router, operations, meetings, std::move(colours)).run();
}

}  // namespace podium
