#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sim/topology/topology.h"

namespace podium {

/// Some links that keep only a part of their bandwidth from some time of a run on; 0: they have failed. Both
/// directions.
struct Fault {
  std::string part;  ///< see `LinkFinder`
  double left = 0;   ///< of the bandwidth
  Seconds at;
  Location where;
};

/// "PART", "PART=50%", "PART@2 ms", "PART=50%@2 ms".
Fault parse_fault(std::string_view text, const Location& where = {});

using NodeNames = std::map<std::string, NodeId>;
/// The nodes of a plane by their names: accelerators by their rank, others by tier and number ("spine0", "spine1" …),
/// and by names of their own ("left"; of networks that have the same again, "left.1", "left.2" …), which go first.
NodeNames name_nodes(const Topology&, std::uint32_t plane);

/// Finds the links of parts; names are made when a plane is first asked for, so one finder serves many parts. The
/// topology must outlive it.
class LinkFinder {
 public:
  explicit LinkFinder(const Topology& topology) : topology_(topology), names_(topology.planes.size()) {}

  /// The links of a part: all of one node or several, or those between two ("leaf0-spine3"). Nodes are named as above,
  /// or as "spine[3]", "spine[0..15]" and "spine" (all of a tier). On all planes that have such links, or on a named
  /// one
  /// ("ub:L2[0..15]"). InputError where there are none.
  std::vector<LinkId> find(std::string_view part, const Location& where = {});

 private:
  const NodeNames& names(std::uint32_t plane);
  std::vector<LinkId> find_in(std::uint32_t plane, std::string_view part);
  std::string known_names();

  const Topology& topology_;
  std::vector<NodeNames> names_;  ///< by plane; empty until asked for
};

/// Parts bundles where links of theirs differ, until switches of one bundle are alike again (equitable refinement), so
/// that merging them still changes no rate.
void split_bundles(Topology&);

/// A network from some time on.
struct NetworkState {
  Seconds since;
  Topology network;
};
/// What becomes of a network, in the order of time; the first is that of the start. All have the same nodes, links and
/// bundles, so that their links keep their ids when they are merged too.
std::vector<NetworkState> apply_faults(Topology, std::vector<Fault> faults);

/// A link has another capacity from some time on.
struct LinkChange {
  Seconds at;
  LinkId link;
  BytesPerSecond capacity;
};
/// By what each state differs from the one before it.
std::vector<LinkChange> find_changes(std::span<const NetworkState> states);

}  // namespace podium
