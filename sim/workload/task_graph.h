#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "sim/collective/kind.h"
#include "sim/compute/compute_model.h"
#include "sim/core/id.h"

namespace podium {

struct RoleTag;
struct TaskTag;
struct CommunicatorTag;
struct KernelListTag;
using RoleId = Id<RoleTag>;
using TaskId = Id<TaskTag>;
using CommunicatorId = Id<CommunicatorTag>;
using KernelListId = Id<KernelListTag>;
struct BlockTag;
struct RankGroupsTag;
using RankGroupsId = Id<RankGroupsTag>;
using BlockId = Id<BlockTag>;

/// Ranks that run the same program: [base, base + count), or those that are listed.
struct Role {
  std::string name;
  std::uint32_t base = 0;
  std::uint32_t count = 1;
  std::vector<std::uint32_t> listed = {};  ///< ascending, `count` of them, from `base` on
  std::uint32_t rank(std::uint32_t position) const { return listed.empty() ? base + position : listed.at(position); }
  bool operator==(const Role&) const = default;
};

/// Splits a role's ranks into groups by one digit of a mixed radix: rank base + x belongs with all ranks that differ
/// from it only in (x / stride) mod size. Tensor parallelism has stride 1; data parallelism strides over it.
struct Communicator {
  std::string name;  ///< "tp", "ep" …: how exposed time is accounted for
  std::uint32_t stride = 1;
  std::uint32_t size = 1;
  bool operator==(const Communicator&) const = default;
};

/// Groups of ranks that are written out, across roles as may be: each a list of ranks by position. As a rule one; where
/// there are several, they do the same at the same time, each by itself. The roles that have ranks in them are the
/// members; all ranks of a role keep in step. Replayed traces run on them:
///
///     const RoleId rank8 = graph.add_role({"rank 8", 8, 1});
///     const RankGroupsId dp = graph.add_groups({"dp", {{0, 8, 16, 24}}});
///     graph.add(rank8, stream, label, GroupTask{dp, CollectiveKind::all_reduce, 64_MiB}, after);
///
/// Members that ask for another kind or other bytes are a RunError at the call; so are those that never come, and roles
/// that wait for each other in a circle, once nothing can go on.
struct RankGroups {
  std::string name;  ///< "dp", "world" …
  std::vector<std::vector<std::uint32_t>> groups;
  bool operator==(const RankGroups&) const = default;
};

/// Kernels of one rank, one after the other on one stream.
struct ComputeTask {
  KernelListId kernels;
  bool operator==(const ComputeTask&) const = default;
};
/// All groups of the communicator within the role, each by itself.
struct CollectiveTask {
  CommunicatorId communicator;
  CollectiveKind kind = CollectiveKind::all_reduce;
  Bytes bytes;           ///< as CollectiveKind counts them
  double imbalance = 1;  ///< the fullest rank's bytes over the mean (expert exchanges)
  std::optional<TokenRouting> routing = {};
  bool operator==(const CollectiveTask&) const = default;
};
/// A collective of written-out groups, as each member role calls it. Calls of different members with one sequence
/// number are one collective: it begins when the last member has come. Without a number, it is that of the role's tasks
/// of these groups that were added before.
struct GroupTask {
  RankGroupsId groups;
  CollectiveKind kind = CollectiveKind::all_reduce;
  Bytes bytes;           ///< as CollectiveKind counts them; the same for all members
  double imbalance = 1;  ///< the fullest rank's bytes over the mean
  std::optional<std::uint32_t> sequence = {};
  bool barrier = false;  ///< nothing moves: it ends when the last member has come
  std::optional<TokenRouting> routing = {};
  bool operator==(const GroupTask&) const = default;
};
/// Rank i of this role sends to rank i of `to`. Matched with its Receive by (roles, tag).
struct SendTask {
  RoleId to;
  std::uint32_t tag = 0;
  Bytes bytes;
  bool operator==(const SendTask&) const = default;
};
struct ReceiveTask {
  RoleId from;
  std::uint32_t tag = 0;
  bool operator==(const ReceiveTask&) const = default;
};
/// What a task of fixed length keeps busy: the host; or, as what was recorded on a device does, the chip's cores or its
/// memory, whichever bounds it.
enum class Worker : std::uint8_t { host, cores, memory };
/// The part of an account that its time belongs to: "host", "compute", "memory".
std::string_view to_string(Worker);
/// Of the time that work takes alone on its chip: what its cores bound, what its memory is busy, behind computing too,
/// and the launches of its kernels. What neither the cores nor launches explain waits for the memory.
struct Demands {
  Seconds cores, memory, launch;
  bool operator==(const Demands&) const = default;
};
/// Host time, or work of a device that was recorded, which takes as long whatever runs beside it: what ran beside it is
/// in its time; or work whose `time` is what it takes alone on its chip, by its counts say: it shares cores and memory
/// as kernels do. On a slow chip cores and memory take longer for either.
struct DelayTask {
  Seconds time;
  Worker worker = Worker::host;
  Flops flops = {};                   ///< of one rank, as far as they are known
  Bytes bytes = {};                   ///< that its memory moves
  std::optional<Demands> alone = {};  ///< of work that takes `time` alone on its chip
  bool operator==(const DelayTask&) const = default;
};

/// A piece of program that comes again and again: a graph of its own over one role of as many ranks, run `repeat`
/// times. Its streams are its own; outside it takes the one stream of its task. The executor may run it once, alone on
/// the network, and keep its time and account.
struct BlockTask {
  BlockId block;
  std::uint32_t repeat = 1;
  bool operator==(const BlockTask&) const = default;
};

using Payload = std::variant<ComputeTask, CollectiveTask, GroupTask, SendTask, ReceiveTask, DelayTask, BlockTask>;

struct Task {
  RoleId role;
  std::uint16_t stream = 0;
  std::uint16_t label = 0;  ///< index into TaskGraph::labels
  Payload payload;
  std::uint32_t first_after = 0;  ///< dependencies: a slice of TaskGraph::dependencies
  std::uint32_t after_count = 0;
  std::uint32_t turn = 0;  ///< on a stream that takes the first that can: the least, and of equals the one added first
  bool operator==(const Task&) const = default;
};

/// What every role does, as data: tasks with dependencies on streams. A stream runs its tasks in the order in which
/// they were added; streams of a role run side by side. Built by generators and trace readers, run by the executor.
class TaskGraph {
 public:
  /// From here on streams run one task at a time, but take the first of those that can begin, by their turn: a
  /// processor that nobody queues for in advance. For tasks that compute.
  static constexpr std::uint16_t first_come = 0x8000;
  /// A stream without order: its tasks wait for their dependencies alone.
  static constexpr std::uint16_t unordered = 0xFFFF;
  static constexpr bool is_ordered(std::uint16_t stream) { return stream < first_come; }
  static constexpr bool is_first_come(std::uint16_t stream) { return stream >= first_come && stream != unordered; }

  RoleId add_role(Role);
  CommunicatorId add_communicator(Communicator);
  RankGroupsId add_groups(RankGroups);
  /// Kernel lists are interned: equal shapes are added once by their maker and used by many tasks.
  KernelListId add_kernels(std::vector<Kernel>);
  /// A graph of one role with base 0; labels are its own.
  BlockId add_block(TaskGraph);
  /// The index of a label, added where it is new.
  std::uint16_t add_label(const std::string&);
  /// Cores that a stream of compute tasks may use; all of them by default.
  void share_cores(RoleId, std::uint16_t stream, CoreShare);

  /// Room for so many tasks and dependencies in all, where they are millions.
  void reserve(std::size_t tasks, std::size_t dependencies);
  TaskId add(RoleId, std::uint16_t stream, std::uint16_t label, Payload, std::span<const TaskId> after = {});
  void set_turn(TaskId id, std::uint32_t turn) { tasks_[id].turn = turn; }

  const Table<RoleId, Role>& roles() const { return roles_; }
  const Table<CommunicatorId, Communicator>& communicators() const { return communicators_; }
  const Table<RankGroupsId, RankGroups>& groups() const { return groups_; }
  const Table<KernelListId, std::vector<Kernel>>& kernels() const { return kernels_; }
  const std::vector<TaskGraph>& blocks() const { return blocks_; }
  const Table<TaskId, Task>& tasks() const { return tasks_; }
  const std::vector<std::string>& labels() const { return labels_; }
  std::span<const TaskId> after(const Task&) const;
  CoreShare cores(RoleId, std::uint16_t stream) const;

  bool operator==(const TaskGraph&) const = default;

 private:
  struct Share {
    RoleId role;
    std::uint16_t stream;
    CoreShare cores;
    bool operator==(const Share&) const = default;
  };
  Table<RoleId, Role> roles_;
  Table<CommunicatorId, Communicator> communicators_;
  Table<RankGroupsId, RankGroups> groups_;
  Table<KernelListId, std::vector<Kernel>> kernels_;
  std::vector<TaskGraph> blocks_;
  Table<TaskId, Task> tasks_;
  std::vector<TaskId> dependencies_;
  std::vector<std::string> labels_;
  std::vector<Share> shares_;
};

}  // namespace podium
