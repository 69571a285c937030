#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "sim/hardware/chip.h"

namespace podium {

/// What a communication call costs beside its bytes, on one plane of a system.
struct Protocol {
  Seconds launch;              ///< start and end of one collective kernel, paid once a call
  Seconds step;                ///< synchronisation of one step with its peers, beside the wire's latency
  Seconds send_launch;         ///< one point-to-point send and its receive
  Seconds dispatch_launch;     ///< one expert dispatch (low-latency, one-sided), beside its bytes
  Seconds combine_launch;      ///< one expert combine
  Seconds per_peer;            ///< what a one-sided exchange pays for each peer (flags, addresses)
  double core_share = 0;       ///< of the chip's cores taken while a collective runs beside compute
  double bulk_efficiency = 1;  ///< of the wire's payload bandwidth that a large collective reaches
  bool in_switch_reduction = false;
  // of collectives whose switches add up and copy, in place of `launch` and `bulk_efficiency`
  Seconds in_switch_launch;
  double in_switch_efficiency = 1;
  std::uint32_t splits = 1;  ///< equal parts in which a call is done, one after the other, each with its launch
  /// Where it is given, what a step brings is added up once it is there, at this bandwidth, in whole nanoseconds for
  /// each of two reads and a write. Otherwise as it comes, at the bandwidth of the chip's memory.
  std::optional<BytesPerSecond> sum_bandwidth = {};
  /// What a rank sends at most over all its links together, where its copy engines are slower than these; nothing: no
  /// slower.
  std::optional<BytesPerSecond> injection = {};
};

/// A kind of machine: chips, their packaging, the network's name, communication costs, power and price. Immutable.
/// Ranks are dies or GPUs; packages are what is counted as a chip.
struct SystemSpec {
  std::string name;
  std::string description;
  std::string chip;      ///< configs/chips
  std::string topology;  ///< topologies
  /// Whose collectives the machine was measured with: a name of configs/calibration/collective, or a path; nothing
  /// where nobody measured any.
  std::optional<std::string> library;
  /// Where the file names them.
  Location chip_where, topology_where, protocols_where, library_where;
  int ranks_per_package = 1;
  int packages_per_node = 1;
  int nodes_per_domain = 1;                   ///< a domain is one scale-up network: a supernode, a rack, a server
  int max_domains = 1;                        ///< what the scale-out plane is built for
  std::map<std::string, Protocol> protocols;  ///< by plane name
  Watts power_per_domain;                     ///< all-in: chips, hosts, switches, optics, cooling
  std::optional<Dollars> price_per_domain;
  std::optional<DollarsPerSecond> rent_per_package;
  std::vector<Figure> figures;

  int ranks_per_node() const { return ranks_per_package * packages_per_node; }
  int ranks_per_domain() const { return ranks_per_node() * nodes_per_domain; }
};

/// Reads configs/systems/NAME.yaml (or a path); the format is in sim/hardware/README.md.
SystemSpec load_system(std::string_view name, const std::map<std::string, std::string>& overrides = {},
                       const Location& where = {});
/// The system that a document describes.
SystemSpec read_system(const Document& document, std::string name);

}  // namespace podium
