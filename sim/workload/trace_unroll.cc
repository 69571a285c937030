// A rank's part of a task graph as a trace, for other programs to run.
#include <algorithm>
#include <map>
#include <utility>

#include "sim/workload/trace_write.h"

namespace podium {
namespace {

/// Writes out what one rank of a graph does.
class Unroller {
 public:
  Unroller(const TaskGraph& graph, std::uint32_t rank, const KernelTimes& times)
      : times_(times), rank_(rank), builder_(trace_, "task graph", rank) {
    for (const RoleId id : graph.roles().ids()) {
      const Role& role = graph.roles()[id];
      if (rank >= role.base && rank < role.base + role.count) {
        add(graph, id, role, {});
      }
    }
    builder_.finish(TraceOptions::Missing::refuse);
  }
  Trace take() { return std::move(trace_); }

 private:
  using Ids = std::vector<std::uint64_t>;

  /// The tasks of a role, the first of which follow `before`; what has to end for all to have ended.
  Ids add(const TaskGraph& graph, RoleId role_id, const Role& role, const Ids& before) {
    Table<TaskId, Ids> ends(graph.tasks().size());
    std::map<std::uint16_t, TaskId> last_on_stream;
    std::vector<bool> followed(graph.tasks().size());
    for (const TaskId id : graph.tasks().ids()) {
      const Task& task = graph.tasks()[id];
      if (task.role != role_id) {
        continue;
      }
      Ids after;
      const auto follow = [&](TaskId earlier) {
        after.insert(after.end(), ends[earlier].begin(), ends[earlier].end());
        followed[earlier.index()] = true;
      };
      for (const TaskId earlier : graph.after(task)) {
        follow(earlier);
      }
      if (TaskGraph::is_ordered(task.stream)) {
        const auto [place, is_first] = last_on_stream.try_emplace(task.stream, id);
        if (!is_first) {
          follow(place->second);
          place->second = id;
        }
      }
      if (after.empty()) {
        after = before;
      }
      std::sort(after.begin(), after.end());
      after.erase(std::unique(after.begin(), after.end()), after.end());
      ends[id] = add(graph, role, task, after);
    }
    Ids last;
    for (const TaskId id : graph.tasks().ids()) {
      if (!followed[id.index()]) {
        last.insert(last.end(), ends[id].begin(), ends[id].end());
      }
    }
    return last;
  }

  Ids add(const TaskGraph& graph, const Role& role, const Task& task, Ids after) {
    if (const auto* block = std::get_if<BlockTask>(&task.payload)) {
      const TaskGraph& inside = graph.blocks().at(block->block.index());
      const std::uint32_t before = std::exchange(inside_, task.stream + 1U);
      for (std::uint32_t i = 0; i < block->repeat; ++i) {
        after = join(add(inside, RoleId(0), role, after));
      }
      inside_ = before;
      return after;
    }
    TraceNode node = node_of(graph, role, task);
    node.id = ++last_id_;
    node.name = builder_.name(graph.labels()[task.label]);
    builder_.add(node, after);
    return {node.id};
  }

  /// One node that ends when all of several have.
  Ids join(const Ids& after) {
    if (after.size() < 2) {
      return after;
    }
    TraceNode node;
    node.id = ++last_id_;
    node.place = TracePlace::host;
    node.name = builder_.name("join");
    builder_.add(node, after);
    return {node.id};
  }

  TraceNode node_of(const TaskGraph& graph, const Role& role, const Task& task) {
    TraceNode node;
    if (const auto* compute = std::get_if<ComputeTask>(&task.payload)) {
      const std::vector<Kernel>& kernels = graph.kernels()[compute->kernels];
      const TimeAlone alone = times_(kernels, graph.cores(task.role, task.stream));
      node.operation = TraceOperation::compute;
      node.stream = stream(task);
      node.duration = alone.time;
      node.alone = trace_.add(alone.demands);
      for (const Kernel& kernel : kernels) {
        const Work done = work(kernel);
        node.flops += done.flops;
        node.bytes += done.read + done.written;
      }
    } else if (const auto* delay = std::get_if<DelayTask>(&task.payload)) {
      node.operation = TraceOperation::compute;
      node.stream = stream(task);
      node.place = delay->worker == Worker::host ? TracePlace::host : TracePlace::device;
      node.duration = delay->time;
    } else if (const auto* send = std::get_if<SendTask>(&task.payload)) {
      node.operation = TraceOperation::send;
      node.peer = graph.roles()[send->to].base + rank_ - role.base;
      node.tag = send->tag;
      node.bytes = send->bytes;
    } else if (const auto* receive = std::get_if<ReceiveTask>(&task.payload)) {
      node.operation = TraceOperation::receive;
      node.peer = graph.roles()[receive->from].base + rank_ - role.base;
      node.tag = receive->tag;
    } else {
      collective(graph, role, task, node);
    }
    return node;
  }

  void collective(const TaskGraph& graph, const Role& role, const Task& task, TraceNode& node) {
    node.operation = TraceOperation::collective;
    if (const auto* call = std::get_if<CollectiveTask>(&task.payload)) {
      call_of(*call, node);
      const Communicator& c = graph.communicators()[call->communicator];
      const std::uint32_t x = rank_ - role.base, first = x - x / c.stride % c.size * c.stride;
      std::vector<std::uint32_t> ranks;
      for (std::uint32_t i = 0; i < c.size; ++i) {
        ranks.push_back(role.base + first + i * c.stride);
      }
      node.group = group(c.name, task.stream, std::move(ranks));
    } else if (const auto* groups = std::get_if<GroupTask>(&task.payload)) {
      call_of(*groups, node);
      for (const auto& ranks : graph.groups()[groups->groups].groups) {
        if (std::find(ranks.begin(), ranks.end(), rank_) != ranks.end()) {
          node.group = group(graph.groups()[groups->groups].name, task.stream, ranks);
        }
      }
    }
  }

  template <class Call>
  void call_of(const Call& call, TraceNode& node) {
    node.kind = call.kind;
    node.bytes = call.bytes * call.imbalance;
    if (is_expert_exchange(call.kind)) {
      node.exchange = trace_.add(TraceExchange{call.imbalance, call.routing});
    }
  }

  /// Streams inside of blocks are apart from those outside, and from those of blocks on other streams.
  std::uint16_t stream(const Task& task) {
    const auto next = static_cast<std::uint16_t>(streams_.size());
    PODIUM_CHECK(next < most_streams, "a rank has few streams");
    return streams_.try_emplace({inside_, task.stream}, next).first->second;
  }

  /// Calls of one group on two streams may overlap: to others that is two communicators.
  std::uint32_t group(const std::string& name, std::uint16_t stream, std::vector<std::uint32_t> ranks) {
    const std::string unique = name + "." + std::to_string(ranks.front()) + "x" + std::to_string(ranks.size()) +
                               (inside_ == 0   ? std::string()
                                : inside_ == 1 ? std::string(".layers")
                                               : ".layers" + std::to_string(inside_ - 1)) +
                               ".stream" + std::to_string(stream);
    return builder_.group({unique, TraceGroup::Members::listed, std::move(ranks)});
  }

  const KernelTimes& times_;
  std::uint32_t rank_;
  Trace trace_;
  TraceProgramBuilder builder_;
  std::uint64_t last_id_ = 0;
  std::uint32_t inside_ = 0;                                                  ///< a block on stream `inside_` - 1
  std::map<std::pair<std::uint32_t, std::uint16_t>, std::uint16_t> streams_;  ///< of nodes, by `inside_` and the task's
};

}  // namespace

Trace trace_of_rank(const TaskGraph& graph, std::uint32_t rank, const KernelTimes& times) {
  return Unroller(graph, rank, times).take();
}

}  // namespace podium
