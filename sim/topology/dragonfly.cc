#include <algorithm>

#include "sim/core/text.h"
#include "sim/topology/fabric.h"

namespace podium {
namespace {

constexpr LinkLabel local_link{0, false};

/// What a dragonfly is built of; p, a and h of the paper.
struct Dragonfly {
  std::size_t terminals = 1;     ///< of a router
  std::size_t routers = 1;       ///< of a group
  std::size_t global_links = 1;  ///< of a router
  BytesPerSecond terminal_bandwidth;
  BytesPerSecond local_bandwidth;
  BytesPerSecond global_bandwidth;
  LinkLabel global_link{1, false};
};

std::size_t count_of(const Node& parameters, std::string_view key) {
  const Node node = parameters.at(key);
  if (node.figure_count() < 1) {
    node.fail("at least 1 is expected");
  }
  return static_cast<std::size_t>(node.figure_count());
}

Dragonfly read_dragonfly(const Node& parameters) {
  Dragonfly dragonfly;
  dragonfly.terminals = count_of(parameters, "terminals_per_router");
  dragonfly.routers = count_of(parameters, "routers_per_group");
  dragonfly.global_links = count_of(parameters, "global_links_per_router");
  dragonfly.terminal_bandwidth = positive_figure<BytesPerSecond>(parameters.at("terminal_bandwidth"));
  dragonfly.local_bandwidth = positive_figure<BytesPerSecond>(parameters.at("local_bandwidth"));
  dragonfly.global_bandwidth = positive_figure<BytesPerSecond>(parameters.at("global_bandwidth"));
  if (const auto latency = parameters.find("global_latency")) {
    dragonfly.global_link.latency = latency->figure<Seconds>();
  }
  return dragonfly;
}

/// Routers by group, with a link between every two of a group.
std::vector<std::vector<NodeId>> add_groups(Site& site, const Dragonfly& dragonfly, std::size_t count) {
  std::vector<std::vector<NodeId>> groups(count);
  for (std::vector<NodeId>& group : groups) {
    for (std::size_t i = 0; i < dragonfly.routers; ++i) {
      group.push_back(site.add_node(NodeKind::network_switch, "router"));
      for (std::size_t j = 0; j < i; ++j) {
        site.connect(group[j], group[i], dragonfly.local_bandwidth, local_link);
      }
    }
  }
  return groups;
}

/// A group's global ports are dealt in rounds, one to each other group in turn, the next group first; port p is that of
/// router p / global_links. Each round gives every two groups a link. Ports that are too few for a round stay empty.
void join_groups(Site& site, const Dragonfly& dragonfly, const std::vector<std::vector<NodeId>>& groups) {
  const std::size_t others = groups.size() - 1;
  const std::size_t rounds = others == 0 ? 0 : dragonfly.routers * dragonfly.global_links / others;
  const auto router = [&](std::size_t group, std::size_t round, std::size_t away) {
    return groups[group][(round * others + away - 1) / dragonfly.global_links];
  };
  for (std::size_t round = 0; round < rounds; ++round) {
    for (std::size_t a = 0; a < groups.size(); ++a) {
      for (std::size_t b = a + 1; b < groups.size(); ++b) {
        site.connect(router(a, round, b - a), router(b, round, groups.size() - (b - a)), dragonfly.global_bandwidth,
                     dragonfly.global_link);
      }
    }
  }
}

/// Groups of routers, all routers of a group linked to each other and all groups linked to each other (Kim, Dally,
/// Scott and Abts, ISCA 2008). As many groups as the accelerators need; the last may have routers without accelerators.
void dragonfly(Site& site, const Node& parameters) {
  const Dragonfly dragonfly = read_dragonfly(parameters);
  const std::vector<NodeId> accelerators = site.accelerators();
  const std::size_t per_group = dragonfly.terminals * dragonfly.routers;
  const std::size_t count = (accelerators.size() + per_group - 1) / per_group;
  const std::size_t global_links = dragonfly.routers * dragonfly.global_links;
  if (count > global_links + 1) {
    parameters.fail("groups of " + with_commas(static_cast<long long>(global_links)) +
                    " global links are too many to be linked to each other: " +
                    with_commas(static_cast<long long>(count)) + " are needed");
  }
  const std::vector<std::vector<NodeId>> groups = add_groups(site, dragonfly, count);
  for (std::size_t i = 0; i < accelerators.size(); ++i) {
    const NodeId router = groups[i / per_group][i % per_group / dragonfly.terminals];
    site.connect(accelerators[i], router, dragonfly.terminal_bandwidth);
  }
  join_groups(site, dragonfly, groups);
  if (count > 1 && (count % 2 != 0 || accelerators.size() != count * per_group)) {
    site.name_halves({});
  }
}

const Fabrics::Entry dragonfly_entry{"dragonfly", "groups of switches, all linked within and all groups to each other",
                                     dragonfly};

}  // namespace
}  // namespace podium
