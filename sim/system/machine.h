#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "sim/compute/compute_model.h"
#include "sim/hardware/system.h"
#include "sim/system/resource.h"
#include "sim/topology/fault.h"

namespace podium {

/// Switches of one bundle are merged into one for sprayed traffic, or stand alone, as models of real links need them.
enum class Bundles : std::uint8_t { merged, apart };

/// A rank whose kernels take `slowdown` times as long as those of others.
struct SlowChip {
  std::uint32_t rank = 0;
  double slowdown = 1;
  Location where = {};
};

/// "5=80%", "8..15=50%": one rank or several, and what is left of their speed. InputError: none of it is left, or all.
std::vector<SlowChip> parse_slow_chips(std::string_view text, const Location& where = {});

/// How many ranks of a system a run uses and where they sit. Ranks fill domains one after the other.
struct Allocation {
  std::uint32_t ranks = 0;
  std::uint32_t ranks_per_domain = 0;  ///< 64 of a rack's 72 GPUs, say; 0: all that a domain has
  Bundles bundles = Bundles::merged;
  std::vector<Fault> faults = {};  ///< of the network
  std::vector<SlowChip> slow = {};
};

/// InputError where a slow chip is not among the allocation's ranks, is faster than others, or is there twice.
void check_slow_chips(const Allocation&, const Location& where = {});

/// A machine that is ready to run: its specs, its network as sprayed traffic sees it, and where each rank sits.
/// Immutable, shared by threads.
class Machine {
 public:
  /// InputError where the allocation asks for more than the system's domains hold, or has slow chips that cannot be.
  /// `overrides` are of the topology.
  Machine(SystemSpec system, ChipSpec chip, const Allocation& allocation,
          const std::map<std::string, std::string>& overrides = {}, const Location& where = {});

  const SystemSpec& system() const { return system_; }
  const ChipSpec& chip() const { return chip_; }
  const Topology& network() const { return network_; }  ///< at the start; bundles as the allocation says
  /// What later faults make of its links.
  const std::vector<LinkChange>& changes() const { return changes_; }
  const Allocation& allocation() const { return allocation_; }
  std::uint32_t ranks() const { return allocation_.ranks; }
  std::uint32_t domains() const { return domains_; }
  NodeId node(std::uint32_t rank) const;
  double slowdown(std::uint32_t rank) const;  ///< 1 where it is as fast as it should be
  /// Kernels are launched so many times as fast as their model says.
  double launch_speed() const { return launch_speed_; }
  const Protocol& protocol(std::uint32_t plane) const;  ///< InputError where the system has none for it

  /// The same machine where a resource is so many times as good.
  Machine improved(const Resource&, double factor) const;

 private:
  SystemSpec system_;
  ChipSpec chip_;
  Allocation allocation_;
  std::uint32_t domains_ = 0;
  Topology network_;
  std::vector<LinkChange> changes_;
  double launch_speed_ = 1;
};

/// Reads a system and its chip by name.
Machine load_machine(std::string_view system, const Allocation& allocation, const Location& where = {});

}  // namespace podium
