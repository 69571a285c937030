#include "sim/workload/trace_graph.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <numeric>

#include "sim/core/time.h"

namespace podium {
namespace {

constexpr std::uint16_t first_host_stream = 1024, memory_stream = 2048, first_group_stream = 2049;
constexpr std::uint32_t most_groups = TaskGraph::first_come - first_group_stream;

/// Ranks base + k stride, size of them, with base / stride even in a block of size: what a communicator makes.
struct Pattern {
  std::uint32_t stride = 0, size = 0;  ///< no stride: none such
  friend bool operator==(const Pattern&, const Pattern&) = default;
};

Pattern pattern_of(const TraceGroup& group, std::uint32_t ranks) {
  if (group.members == TraceGroup::Members::all) {
    return {1, ranks};
  }
  if (group.members == TraceGroup::Members::strided) {
    return {group.stride, group.size};
  }
  // in the order that is listed: an algorithm may go by it
  const std::vector<std::uint32_t>& listed = group.ranks;
  const auto size = static_cast<std::uint32_t>(listed.size());
  const std::uint32_t stride = size > 1 && listed[1] > listed[0] ? listed[1] - listed[0] : 1;
  const std::uint64_t block = std::uint64_t{stride} * size;
  const bool regular = ranks % block == 0 && listed[0] % block < stride &&
                       std::adjacent_find(listed.begin(), listed.end(), [stride](std::uint32_t a, std::uint32_t b) {
                         return a > b || b - a != stride;
                       }) == listed.end();
  return regular ? Pattern{stride, size} : Pattern{};
}

class Converter {
 public:
  Converter(const Trace& trace, const TraceMatch& match, const TraceTimes& times)
      : trace_(trace), match_(match), times_(times) {
    if (times.compute == TraceTimes::Compute::scaled) {
      PODIUM_CHECK(times.recorded_on.has_value(), "scaling needs the chip that was recorded");
      ratio_ = times.recorded_on->peak(DataType::bf16) / times.chip.peak(DataType::bf16);
      memory_ratio_ = times.recorded_on->memory_bandwidth / times.chip.memory_bandwidth;
    }
    for (const TraceGroup& group : trace.groups) {
      patterns_.push_back(pattern_of(group, trace.ranks()));
    }
    if (trace.groups.size() > most_groups) {
      throw InputError("more than " + std::to_string(most_groups) + " communicator groups are beyond what is run");
    }
  }

  TraceGraph convert() {
    const bool same = all_the_same();
    if (same) {
      alike_ = trace_.programs.size();
      add_program(trace_.programs[0], match_[0], "all ranks", 0, trace_.ranks());
    } else {
      for (std::size_t p = 0; p < trace_.programs.size(); ++p) {
        const TraceProgram& program = trace_.programs[p];
        roles_.push_back(result_.graph.add_role({"rank " + std::to_string(program.base), program.base, program.count}));
      }
      for (std::size_t p = 0; p < trace_.programs.size(); ++p) {
        add_nodes(trace_.programs[p], match_[p], roles_[p], false);
      }
    }
    add_notes();
    return std::move(result_);
  }

 private:
  bool equal(const TraceNode& a, const TraceNode& b) const {
    return a.operation == b.operation && a.place == b.place && a.kind == b.kind && a.stream == b.stream &&
           a.place_in_file == b.place_in_file && a.duration == b.duration && a.bytes == b.bytes && a.flops == b.flops &&
           same_entry(trace_.kernels, a.kernel, b.kernel) && same_entry(trace_.alone, a.alone, b.alone) &&
           same_entry(trace_.exchanges, a.exchange, b.exchange) && a.after_count == b.after_count &&
           patterns_[a.group] == patterns_[b.group];
  }

  /// No messages, equal nodes, and groups that a communicator of one role makes.
  bool all_the_same() const {
    const TraceProgram& first = trace_.programs[0];
    const auto fits = [&](const TraceNode& node) {
      return node.operation != TraceOperation::send && node.operation != TraceOperation::receive &&
             (node.operation != TraceOperation::collective || patterns_[node.group].stride > 0);
    };
    if (!std::all_of(first.nodes.begin(), first.nodes.end(), fits)) {
      return false;
    }
    std::vector<std::uint32_t> stands_for(trace_.groups.size(), TraceNode::none);
    return std::all_of(trace_.programs.begin(), trace_.programs.end(), [&](const TraceProgram& other) {
      return other.after == first.after && other.is_ordered == first.is_ordered &&
             std::equal(first.nodes.begin(), first.nodes.end(), other.nodes.begin(), other.nodes.end(),
                        [&](const TraceNode& a, const TraceNode& b) { return equal(a, b); }) &&
             names_as(first, other, stands_for);
    });
  }

  /// Whether a program's groups are those of the first, one to one. `stands_for` is that of the first by group: the
  /// same for all programs that name it, so that calls which meet stand in the same place.
  static bool names_as(const TraceProgram& first, const TraceProgram& other, std::vector<std::uint32_t>& stands_for) {
    std::map<std::uint32_t, std::uint32_t> own;  ///< by group of the first
    for (std::size_t i = 0; i < first.nodes.size(); ++i) {
      const std::uint32_t group = other.nodes[i].group, model = first.nodes[i].group;
      if (first.nodes[i].operation == TraceOperation::collective) {
        stands_for[group] = stands_for[group] == TraceNode::none ? model : stands_for[group];
        if (stands_for[group] != model || own.try_emplace(model, group).first->second != group) {
          return false;
        }
      }
    }
    return true;
  }

  void add_program(const TraceProgram& program, const std::vector<std::uint32_t>& numbers, const std::string& name,
                   std::uint32_t base, std::uint32_t count) {
    roles_.assign(1, result_.graph.add_role({name, base, count}));
    add_nodes(program, numbers, roles_[0], true);
  }

  void add_nodes(const TraceProgram& program, const std::vector<std::uint32_t>& numbers, RoleId role, bool in_role) {
    std::vector<TaskId> tasks;
    std::vector<TaskId> after;
    std::map<std::uint16_t, Seconds> ends;  ///< by stream, of which nothing may be later than a run can be long
    tasks.reserve(program.nodes.size());
    for (std::size_t i = 0; i < program.nodes.size(); ++i) {
      const TraceNode& node = program.nodes[i];
      after.clear();
      for (const std::uint32_t before : program.dependencies(node)) {
        after.push_back(tasks[before]);
      }
      const Payload task = payload(node, numbers[i], in_role);
      const std::uint16_t stream = stream_of(program, node);
      if (node.operation == TraceOperation::compute || node.operation == TraceOperation::memory) {
        insist_on_a_time(program, node, ends[stream] += least_time(task));
      }
      tasks.push_back(result_.graph.add(role, stream, label(node), task, after));
      result_.graph.set_turn(tasks.back(), node.place_in_file);
      result_.names.push_back(node.name);
    }
  }

  Seconds least_time(const Payload& task) const {
    if (const auto* delay = std::get_if<DelayTask>(&task)) {
      return delay->time;
    }
    const Kernel& product = result_.graph.kernels()[std::get<ComputeTask>(task).kernels].front();
    const Work counted = podium::work(product);
    return counted.flops / times_.chip.peak(counted.type);
  }

  void insist_on_a_time(const TraceProgram& program, const TraceNode& node, Seconds end) const {
    if (!(end < since_start(Time::max()))) {
      throw InputError(
          fmt::format("{}: with what its stream does before, it ends after {:.3g} s, beyond the 106 days "
                      "that can be simulated",
                      trace_.place(program, node), end.value()));
    }
  }

  std::uint16_t label(const TraceNode& node) {
    switch (node.operation) {
      case TraceOperation::collective:
        return result_.graph.add_label(std::string(to_string(node.kind)) + " " + kind_of(trace_.groups[node.group]));
      case TraceOperation::send:
      case TraceOperation::receive:
        return result_.graph.add_label("messages");
      case TraceOperation::memory:
        return result_.graph.add_label("memory");
      default:
        return result_.graph.add_label(node.place == TracePlace::host ? "host" : "compute");
    }
  }

  /// Groups that are listed have names of their own, of which there may be hundreds: their size says more.
  static std::string kind_of(const TraceGroup& group) {
    return group.members == TraceGroup::Members::listed ? "of " + std::to_string(group.ranks.size()) + " ranks"
                                                        : group.name;
  }

  Payload payload(const TraceNode& node, std::uint32_t number, bool in_role) {
    switch (node.operation) {
      case TraceOperation::nothing:
        return DelayTask{Seconds(), Worker::host};
      case TraceOperation::compute:
        return computing(node);
      case TraceOperation::memory:
        return moving(node);
      case TraceOperation::send:
        return SendTask{roles_.at(node.peer), number, node.bytes};
      case TraceOperation::receive:
        return ReceiveTask{roles_.at(node.peer), number};
      case TraceOperation::collective:
        return collective(node, number, in_role);
    }
    return {};
  }

  Payload computing(const TraceNode& node) {
    if (node.place == TracePlace::host) {
      return DelayTask{node.duration, Worker::host};
    }
    const bool anew = times_.compute == TraceTimes::Compute::predicted;
    if (anew && node.kernel != TraceNode::none && supported(trace_.kernels[node.kernel])) {
      ++by_shapes_;
      return ComputeTask{kernels(node.kernel)};
    }
    return work(node, node.flops);
  }

  /// Between memory and its device, which may be in the host's name: all bytes, whatever operations it counts.
  Payload moving(const TraceNode& node) { return work(node, Flops()); }

  /// Of a device: as long as its counts say, or as recorded where there are none or they are not asked for.
  DelayTask work(const TraceNode& node, Flops flops) {
    const Demands counted = demands(node, flops, times_.chip);
    const Seconds longest = std::max(counted.cores, counted.memory);
    const bool anew = times_.compute == TraceTimes::Compute::predicted;
    const bool by_counts = longest > Seconds() && (anew || node.duration <= Seconds());
    by_counts_ += by_counts && anew ? 1 : 0;
    without_time_ += by_counts && !anew ? 1 : 0;
    kept_ += anew && longest <= Seconds() ? 1 : 0;
    empty_ += longest <= Seconds() && node.duration <= Seconds() ? 1 : 0;
    const Worker worker = bounds(counted, node);
    if (by_counts) {
      const Demands alone{worker == Worker::cores ? longest : Seconds(), counted.memory, Seconds()};
      return {longest, worker, node.flops, node.bytes, alone};
    }
    return recorded(node, flops, worker);
  }

  /// By counts, at the peaks.
  static Demands demands(const TraceNode& node, Flops flops, const ChipSpec& chip) {
    return {flops / chip.peak(DataType::bf16), node.bytes / chip.memory_bandwidth, Seconds()};
  }

  /// Loads and stores are the memory's, counted or not.
  static Worker bounds(const Demands& demands, const TraceNode& node) {
    return demands.memory > demands.cores || node.operation == TraceOperation::memory ? Worker::memory : Worker::cores;
  }

  DelayTask recorded(const TraceNode& node, Flops flops, Worker worker) {
    DelayTask task{node.duration, worker, node.flops, node.bytes};
    if (node.alone != TraceNode::none) {
      task.alone = trace_.alone[node.alone];
      task.worker = bounds(*task.alone, node);
      ++alone_;
    }
    if (times_.compute == TraceTimes::Compute::scaled && node.duration > Seconds()) {
      ++scaled_;
      const Demands there = task.alone.value_or(demands(node, flops, *times_.recorded_on));
      task.time *= bounds(there, node) == Worker::memory ? memory_ratio_ : ratio_;
      if (task.alone) {
        const Seconds launch = there.launch * (task.time / node.duration);
        task.alone = {std::min(there.cores * ratio_, task.time - launch),
                      std::min(there.memory * memory_ratio_, task.time - launch), launch};
      }
    }
    return task;
  }

  bool supported(const Kernel& kernel) const {
    const auto* gemm = std::get_if<Gemm>(&kernel);
    return gemm != nullptr && times_.chip.supports(gemm->type);
  }

  KernelListId kernels(std::uint32_t kernel) {
    const std::string key = to_string(trace_.kernels[kernel]);
    const auto known = kernel_lists_.find(key);
    return known != kernel_lists_.end()
               ? known->second
               : kernel_lists_.emplace(key, result_.graph.add_kernels({trace_.kernels[kernel]})).first->second;
  }

  /// Of the ranks of one role, or of roles that are called together by their number.
  Payload collective(const TraceNode& node, std::uint32_t number, bool in_role) {
    const TraceGroup& group = trace_.groups[node.group];
    const Pattern& pattern = patterns_[node.group];
    const TraceExchange exchange = node.exchange == TraceNode::none ? TraceExchange() : trace_.exchanges[node.exchange];
    const bool is_listed = group.members == TraceGroup::Members::listed;
    of_one_ += (in_role ? pattern.size : is_listed ? group.ranks.size() : trace_.ranks()) == 1 ? 1 : 0;
    if (in_role) {
      const auto known = communicators_.find(node.group);
      const CommunicatorId communicator =
          known != communicators_.end()
              ? known->second
              : communicators_
                    .emplace(node.group, result_.graph.add_communicator({group.name, pattern.stride, pattern.size}))
                    .first->second;
      return CollectiveTask{communicator, node.kind, node.bytes / exchange.imbalance, exchange.imbalance,
                            exchange.routing};
    }
    const auto known = groups_.find(node.group);
    const RankGroupsId groups =
        known != groups_.end()
            ? known->second
            : groups_.emplace(node.group, result_.graph.add_groups({group.name, {ranks_of(group)}})).first->second;
    return GroupTask{groups, node.kind,       node.bytes / exchange.imbalance, exchange.imbalance, number,
                     false,  exchange.routing};
  }

  std::vector<std::uint32_t> ranks_of(const TraceGroup& group) const {
    PODIUM_CHECK(group.members != TraceGroup::Members::strided, "files that all ranks run are one role");
    std::vector<std::uint32_t> ranks = group.ranks;
    if (group.members == TraceGroup::Members::all) {
      ranks.resize(trace_.ranks());
      std::iota(ranks.begin(), ranks.end(), 0U);
    }
    return ranks;
  }

  void add_notes() {
    const auto count = [&](std::size_t n, const char* what) {
      return std::to_string(n * alike_) + " nodes of devices " + what;
    };
    auto& notes = result_.notes;
    if (by_shapes_ > 0) {
      notes.insert(count(by_shapes_, "are products that are predicted for this chip"));
    }
    if (by_counts_ > 0) {
      notes.insert(count(by_counts_,
                         "have counts to predict from: operations over the bf16 peak or bytes over the memory's "
                         "bandwidth, whichever is more, which no kernel quite reaches, and no launches"));
    }
    if (kept_ > 0) {
      notes.insert(count(kept_, "have neither shapes nor counts to predict from and take as long as recorded"));
    }
    if (without_time_ > 0) {
      notes.insert(count(without_time_,
                         "have no recorded time: operations over the bf16 peak or bytes over the "
                         "memory's bandwidth, whichever is more"));
    }
    if (alone_ > 0) {
      notes.insert(count(alone_,
                         "have the times that they take alone: they share the memory with what else computes, and "
                         "the cores with collectives"));
    }
    if (of_one_ > 0) {
      notes.insert(std::to_string(of_one_ * alike_) +
                   " collectives of the nodes are of groups of one rank, and move nothing");
    }
    if (empty_ > 0) {
      notes.insert(count(empty_, "have no time at all and take none"));
    }
    if (scaled_ > 0) {
      const bool is_idle = ratio_ == 1 && memory_ratio_ == 1;
      notes.insert(std::string(is_idle ? "--compute scaled has no effect, the chips are alike: " : "") +
                   "computing is scaled by the ratio of the bf16 peaks of " + times_.recorded_on->name + " and " +
                   times_.chip.name +
                   ", loads, stores and what counts more bytes than operations by that of their memories' "
                   "bandwidths");
    }
  }

  const Trace& trace_;
  const TraceMatch& match_;
  const TraceTimes& times_;
  double ratio_ = 1, memory_ratio_ = 1;
  std::vector<Pattern> patterns_;  ///< by group
  TraceGraph result_;
  std::vector<RoleId> roles_;                              ///< by program
  std::map<std::uint32_t, CommunicatorId> communicators_;  ///< by group
  std::map<std::uint32_t, RankGroupsId> groups_;
  std::map<std::string, KernelListId> kernel_lists_;
  std::size_t alike_ = 1;  ///< programs that the one which was looked at stands for
  std::size_t by_shapes_ = 0, by_counts_ = 0, kept_ = 0, without_time_ = 0, empty_ = 0, scaled_ = 0, alone_ = 0,
              of_one_ = 0;
};

}  // namespace

std::uint16_t stream_of(const TraceProgram& program, const TraceNode& node) {
  const std::uint16_t first = program.is_ordered ? 0 : TaskGraph::first_come;
  switch (node.operation) {
    case TraceOperation::compute:
      return static_cast<std::uint16_t>(first + node.stream + (node.place == TracePlace::host ? first_host_stream : 0));
    case TraceOperation::memory:
      return static_cast<std::uint16_t>(first + memory_stream);
    case TraceOperation::collective:
      return static_cast<std::uint16_t>(first_group_stream + node.group);
    default:
      return TaskGraph::unordered;
  }
}

StreamKind kind_of(std::uint16_t stream) {
  const std::uint16_t number =
      TaskGraph::is_first_come(stream) ? static_cast<std::uint16_t>(stream - TaskGraph::first_come) : stream;
  const auto from = [number](std::uint16_t first) { return static_cast<std::uint16_t>(number - first); };
  return number < first_host_stream    ? StreamKind{"compute", number}
         : number < memory_stream      ? StreamKind{"host", from(first_host_stream)}
         : number < first_group_stream ? StreamKind{"memory", from(memory_stream)}
                                       : StreamKind{"group", from(first_group_stream)};
}

TraceGraph to_task_graph(const Trace& trace, const TraceMatch& match, const TraceTimes& times) {
  PODIUM_CHECK(!trace.programs.empty(), "a trace has ranks");
  return Converter(trace, match, times).convert();
}

}  // namespace podium
