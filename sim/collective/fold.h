#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sim/collective/schedule.h"
#include "sim/network/packet_settings.h"
#include "sim/topology/route.h"

namespace podium {

/// Where an operation runs: groups that do it at the same time, each a list of nodes by position.
struct Placement {
  std::vector<std::vector<NodeId>> groups;  ///< each with as many nodes as the schedule has ranks
};

/// A schedule on its groups. All groups are kept in step: the operation has ended when it has ended in all of them.
struct Operation {
  Schedule schedule;
  Placement placement;
  std::optional<std::uint32_t> plane = {};  ///< nothing: for each message the first plane that joins its two ends
};

/// Point-to-point messages that begin together, from the first of each pair to the second.
Operation make_sends(std::span<const std::pair<NodeId, NodeId>> pairs, std::optional<std::uint32_t> plane = {});

/// Messages that are equal in all that the network can see: a class of the equitable partition.
struct Bundle {
  Route route;              ///< over classes of links, with the members that cross one link of the class
  double multiplicity = 1;  ///< members
};

struct FoldedOperation {
  Schedule schedule;
  std::vector<std::vector<std::uint32_t>> patterns;  ///< by stage and step: where its bundles are
  std::uint32_t plane = 0;                           ///< the last plane, in the topology's order, that a message takes
};

/// A network of classes of links on which bundles run as their members would on the real links.
struct FoldedFabric {
  Table<LinkId, BytesPerSecond> capacities;      ///< by class of links: of one member
  Table<LinkId, std::uint32_t> members;          ///< by class of links
  Table<LinkId, std::optional<LinkId>> classes;  ///< by link of the topology: its class; nothing where it is not used
  Table<LinkId, Wire> wires;                  ///< by class, where folding is off: the link; Wire::settings is its plane
  std::vector<std::vector<Bundle>> patterns;  ///< steps that send the same messages share one
  std::vector<FoldedOperation> operations;    ///< as given
  /// Whether the groups of each operation are alike: their messages are of the same classes, so that groups which begin
  /// together end together. Not found out where folding is off.
  bool groups_alike = false;
  std::size_t messages = 0;   ///< in all patterns, before folding
  std::size_t looked_at = 0;  ///< of these: one of each orbit of the turns that keep the network and the messages
  std::size_t bundles = 0;    ///< after it
};

/// `off` leaves every link and every message a class of its own, and links their ids: the check of `exact`, and for
/// networks that change in the course of a run.
enum class Folding { exact, off };

/// What keeps runs from being folded: a network (by name) with models of real links, or "adaptive paths", of which each
/// goes by what those asked for before it took, so that equal messages take unequal ways. Empty where nothing does.
std::string unfoldable(std::string_view network, const Topology&);

/// Whether FoldedFabric::classes is filled: only who looks at single links needs it.
enum class LinkClasses { kept, left_out };

/// Expands the steps of all operations to messages, and folds messages and links to the classes of their coarsest
/// equitable partition (colour refinement: Paige and Tarjan 1987; of linear programs: Grohe et al. 2014), on which
/// max-min fair rates are constant whichever operations run at the same time. The partition is verified exactly. Where
/// turns of ranks leave the network and all messages as they are (kept_turns.h), only the messages of one rank of each
/// orbit are expanded, and stand for all. Nodes that no plane joins, and a node twice in a group, are an InputError.
/// Cost: messages that are expanded x links of a route; nodes and links once for each guess of a turn.
FoldedFabric fold(const Topology& merged, Router&, std::span<const Operation>, Folding = Folding::exact,
                  LinkClasses = LinkClasses::kept);

}  // namespace podium
