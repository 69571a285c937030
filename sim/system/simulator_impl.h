#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "sim/collective/library.h"
#include "sim/collective/player.h"
#include "sim/collective/select.h"
#include "sim/system/block_runs.h"
#include "sim/system/calls.h"
#include "sim/system/executor.h"
#include "sim/system/simulator.h"
#include "sim/system/split.h"

namespace podium {

/// Of each role, by position: ranks of one value are of one class.
using ClassOf = Table<RoleId, std::vector<std::uint64_t>>;

/// How a run is prepared (simulator.cc), and how ranks are told apart (simulator_classes.cc).
struct Simulator::Impl {
  const Machine& machine;
  SimulatorOptions options;
  std::unique_ptr<ComputeModel> compute_model;
  Router router;
  CommunicationCosts costs;
  std::string unequal_trees;  ///< what is not done on this network, to say so
  Selector selector;
  std::optional<CommunicationLibrary> library;  ///< where there is one, and it is wanted
  std::optional<LibraryTimes> library_times;
  std::vector<PacketSettings> packets;  ///< by plane, where the network has packets
  std::map<std::vector<OperationKey>, std::unique_ptr<FoldedFabric>> fabrics;
  using Colours = Table<NodeId, std::uint64_t>;
  using Groups = std::vector<std::vector<NodeId>>;
  /// Refined, by all that they depend on: operations, initial colours, and groups that blocks join.
  std::map<std::tuple<std::vector<OperationKey>, std::vector<std::uint64_t>, std::vector<Groups>>, Colours> colours;
  BlockMemory known_blocks;
  std::unique_ptr<Simulator> unfolded;  ///< to check against

  Impl(const Machine& m, SimulatorOptions o);

  Execution run(const TaskGraph& graph, std::uint32_t shift);
  Execution execute(PreparedGraph& prepared, const Calls& calls);
  KernelTime kernel_time(const std::vector<Kernel>& kernels, CoreShare cores, double slowdown,
                         std::set<std::string>& notes) const;
  KernelTime kernel_time(const DelayTask& work, double slowdown) const;
  void prepare_compute(PreparedGraph& prepared, std::uint32_t shift, std::set<std::string>& notes) const;
  void prepare_blocks(PreparedGraph& prepared, const TaskGraph& graph, const SplitGraph* parts,
                      const BlockRuns& blocks) const;
  void prepare_communication(PreparedGraph& prepared, const Calls& calls);
  Choice choose(const CollectiveTask& call, const Placement& placement, std::set<std::string>& notes);
  std::uint32_t first_alike(const Role& role, std::uint32_t shift);
  BlockRuns run_blocks(const TaskGraph& graph, std::uint32_t shift);
  std::optional<ClassOf> find_classes(const TaskGraph& graph, std::uint32_t shift, const Calls& calls,
                                      const BlockRuns& blocks);
  ClassOf refine(const TaskGraph& graph, std::uint32_t shift, const Calls& calls, const BlockRuns& blocks);
  const FoldedFabric& fabric(const Calls& calls);
  std::vector<LinkHistory::Sample> run(Engine& engine, const Network& network, const Executor& executor) const;
  LinkUse links_of(const PreparedGraph& prepared, const Network& network, Seconds time) const;
};

}  // namespace podium
