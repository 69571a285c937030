#include "sim/system/machine.h"

#include <algorithm>
#include <set>

namespace podium {

void check_slow_chips(const Allocation& allocation, const Location& where) {
  std::set<std::uint32_t> seen;
  for (const SlowChip& slow : allocation.slow) {
    const Location& at = slow.where.file.empty() ? where : slow.where;
    if (slow.rank >= allocation.ranks) {
      throw InputError(at, "a slow chip is one of ranks 0 to " + std::to_string(allocation.ranks - 1) + ", not " +
                               std::to_string(slow.rank));
    }
    PODIUM_CHECK(slow.slowdown >= 1, "a slow chip takes at least as long as others");
    if (!seen.insert(slow.rank).second) {
      throw InputError(at, "rank " + std::to_string(slow.rank) + " is slow twice");
    }
  }
}

std::vector<SlowChip> parse_slow_chips(std::string_view text, const Location& where) {
  const std::size_t equals = text.find('=');
  const auto ranks = parse_range(text.substr(0, equals));
  std::vector<SlowChip> slow;
  if (equals != std::string_view::npos && ranks) {
    const double left = parse_number(text.substr(equals + 1), where);
    for (std::uint32_t rank = ranks->first; left > 0 && left < 1 && rank <= ranks->second; ++rank) {
      slow.push_back({rank, 1 / left, where});
    }
  }
  if (slow.empty()) {
    throw InputError(where, "'" + std::string(text) +
                                "' names no slow chips: RANK=LEFT or FIRST..LAST=LEFT is right, as 5=80% or "
                                "8..15=50%, where more than 0 and under 100 % of the speed are left");
  }
  return slow;
}

namespace {

/// A system and its topology say the same of packages, nodes and domains.
void check_packing(const SystemSpec& system, const Topology& network) {
  const auto check = [&](const char* what, std::int64_t by_system, std::int64_t by_topology) {
    if (by_system != by_topology) {
      throw InputError(system.topology_where, "a " + std::string(what) + " has " + std::to_string(by_system) +
                                                  " ranks, but in its topology " + network.name + " it has " +
                                                  std::to_string(by_topology));
    }
  };
  check("package", system.ranks_per_package, network.accelerators_per_package);
  check("node", std::int64_t{system.ranks_per_package} * system.packages_per_node, network.accelerators_per_node);
  check("domain", system.ranks_per_domain(), network.accelerators_per_domain);
}

void check_protocols(const SystemSpec& system, const Topology& network) {
  std::vector<std::string> planes;
  for (const Plane& plane : network.planes) {
    planes.push_back(plane.name);
  }
  for (const auto& [plane, protocol] : system.protocols) {
    if (std::find(planes.begin(), planes.end(), plane) == planes.end()) {
      throw InputError(system.protocols_where, "protocols: " + unknown_name("plane of " + network.name, plane, planes));
    }
  }
}

}  // namespace

Machine::Machine(SystemSpec system, ChipSpec chip, const Allocation& allocation,
                 const std::map<std::string, std::string>& overrides, const Location& where)
    : system_(std::move(system)), chip_(std::move(chip)), allocation_(allocation) {
  const auto whole = static_cast<std::uint32_t>(system_.ranks_per_domain());
  if (allocation_.ranks_per_domain == 0) {
    allocation_.ranks_per_domain = whole;
  }
  if (allocation_.ranks == 0) {
    throw InputError(where, "a run needs at least one rank");
  }
  if (allocation_.ranks_per_domain > whole) {
    throw InputError(where, std::to_string(allocation_.ranks_per_domain) +
                                " ranks a domain asked for, but a domain of " + system_.name + " has " +
                                std::to_string(whole));
  }
  std::sort(allocation_.slow.begin(), allocation_.slow.end(),
            [](const SlowChip& a, const SlowChip& b) { return a.rank < b.rank; });
  domains_ = (allocation_.ranks + allocation_.ranks_per_domain - 1) / allocation_.ranks_per_domain;
  if (domains_ > static_cast<std::uint32_t>(system_.max_domains)) {
    throw InputError(where, std::to_string(allocation_.ranks) + " ranks need " + std::to_string(domains_) +
                                " domains of " + system_.name + ", whose scale-out plane is built for " +
                                std::to_string(system_.max_domains));
  }
  check_slow_chips(allocation_, where);
  // whole, as the chips that a run leaves idle are there too, and may pass on what others send
  std::vector<NetworkState> states =
      apply_faults(load_topology(system_.topology, domains_, 0, overrides, system_.topology_where), allocation_.faults);
  if (allocation_.bundles == Bundles::merged) {
    for (NetworkState& state : states) {
      state.network = merge_bundles(state.network);
    }
  }
  changes_ = find_changes(states);
  network_ = std::move(states.front().network);
  check_packing(system_, network_);
  check_protocols(system_, network_);
}

NodeId Machine::node(std::uint32_t rank) const {
  PODIUM_CHECK(rank < allocation_.ranks);
  const std::uint32_t domain = rank / allocation_.ranks_per_domain;
  const auto whole = static_cast<std::uint32_t>(system_.ranks_per_domain());
  return network_.accelerator(domain * whole + rank % allocation_.ranks_per_domain);
}

double Machine::slowdown(std::uint32_t rank) const {
  const auto found = std::lower_bound(allocation_.slow.begin(), allocation_.slow.end(), rank,
                                      [](const SlowChip& slow, std::uint32_t other) { return slow.rank < other; });
  return found != allocation_.slow.end() && found->rank == rank ? found->slowdown : 1;
}

const Protocol& Machine::protocol(std::uint32_t plane) const {
  const std::string& name = network_.planes.at(plane).name;
  const auto found = system_.protocols.find(name);
  if (found == system_.protocols.end()) {
    throw InputError("system " + system_.name + " has no protocol for plane '" + name + "' of topology " +
                     network_.name);
  }
  return found->second;
}

Machine load_machine(std::string_view system, const Allocation& allocation, const Location& where) {
  SystemSpec spec = load_system(system, {}, where);
  ChipSpec chip = load_chip(spec.chip, {}, spec.chip_where);
  return Machine(std::move(spec), std::move(chip), allocation, {}, where);
}

}  // namespace podium
