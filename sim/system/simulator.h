#pragma once

#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "sim/core/time.h"
#include "sim/system/account.h"
#include "sim/system/kernel_time.h"
#include "sim/system/link_use.h"
#include "sim/system/machine.h"
#include "sim/workload/task_graph.h"

namespace podium {

/// One task of a run, for observers: who, what and when.
struct Span {
  TaskId task;
  Time begin, end;
  /// In Execution: of a collective or send its place in `algorithms`, of a block in `blocks`, of kernels and of what
  /// takes its time alone in `kernel_times`.
  std::uint32_t detail = 0;
  Seconds memory_wait = {};  ///< of work: what others that computed beside it kept it waiting for the memory
};

/// When a rank had done a task.
struct TaskEnd {
  TaskId task;
  Time at;
};

/// Ranks of a role that did the same all the time.
struct RankClass {
  RoleId role;
  std::vector<std::uint32_t> positions;  ///< in the role, ascending; empty: all of it
  Seconds end;                           ///< of its last task
  Account account;                       ///< sums to the time of the execution
  std::vector<TaskEnd> task_ends = {};   ///< only where they were asked for
};

/// What was simulated, and what it stands for. Messages and links are of the graph and of each of its blocks, which run
/// once each on a network of their own; steps that send the same messages count once.
struct FoldingUse {
  std::size_t ranks = 0, classes = 0;
  std::size_t messages = 0, bundles = 0;    ///< bundles were simulated
  std::size_t links = 0, link_classes = 0;  ///< that messages take; merged links of switches in a bundle are one
};

/// What a run of a task graph came to.
struct Execution {
  Seconds time;                    ///< until the last task ended
  Account account;                 ///< of the mean rank; its parts sum to `time`
  std::vector<Account> by_role;    ///< each sums to `time`
  std::vector<RankClass> classes;  ///< together all ranks
  Flops flops;                     ///< of all ranks
  Bytes memory_traffic;            ///< of all ranks
  FoldingUse folding;
  std::uint64_t signature = 0;
  std::set<std::string> notes;  ///< where what the options ask for could not be done, and what was instead
  // only where they were asked for
  std::vector<Span> spans;  ///< in order of their ends; those of blocks are in `blocks`
  std::vector<KernelTime> kernel_times;
  std::vector<Execution> blocks;        ///< one pass of each block on each role that runs it, alone
  std::vector<std::string> algorithms;  ///< by operation
  std::vector<std::uint32_t> planes;    ///< by operation: the last that its messages take, in the topology's order
  LinkUse links;
};

/// How a simulator runs.
struct SimulatorOptions {
  std::string network = "flow";  ///< name in the registry of network models
  std::string algorithm =
      "auto";  ///< of collectives, where it suits; elsewhere, and with "auto", the fastest by prediction
  /// Collectives as the system's library was measured to do them (configs/calibration/collective), where it was and the
  /// algorithm is "auto"; otherwise by schedules with the figures of the system's file.
  bool use_library = false;
  bool keep_spans = false;
  /// Off: every rank and every message by itself. Models of real links are never folded, and ask for a machine whose
  /// bundles are apart.
  Folding folding = Folding::exact;
  /// Runs every rank by itself too and compares when each has done each task: a RunError where it differs by a
  /// picosecond. Not with models of real links, which are never folded: an InputError.
  bool check_folding = false;
  bool keep_task_ends = false;
  bool keep_links = false;
  std::size_t link_samples = 0;  ///< at least, of the traffic over time of links that are kept; 0: none
  double packet_scale = 1;       ///< packets are so many times as large as the planes' are
  /// Told now and then how many packet-hops more have been done.
  std::function<void(std::uint64_t)> progress = {};
  /// Told now and then how many tasks have ended of how many; of a block, or of the graph around blocks.
  std::function<void(std::size_t done, std::size_t of)> task_progress = {};
};

/// Runs task graphs on a machine: kernels by the chip's compute model, collectives and sends over the network model.
/// One representative stands for all ranks of a class, which keep in step: a role where its ranks are alike in all that
/// can be seen, and parts of it where a failed link or a slow chip makes them differ. Networks of real links keep whole
/// roles in step: there a collective of a role ends when all its groups have ended. Folded networks, kernel costs and
/// blocks are remembered between runs, so a simulator is not shared between threads; what it returns does not depend on
/// what it ran before. A graph that cannot end (a receive without a send, say) throws RunError that names the role, the
/// task and what it waits for.
class Simulator {
 public:
  explicit Simulator(const Machine& machine, SimulatorOptions options = {});
  ~Simulator();
  Simulator(Simulator&&) noexcept;

  Execution run(const TaskGraph&);
  /// What `run` takes at least: the time of the stream with most to do in blocks, which run one after the other and are
  /// never faster than alone. Zero for a graph without blocks.
  Seconds least_time(const TaskGraph&);
  const Machine& machine() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace podium
