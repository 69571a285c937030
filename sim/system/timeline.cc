#include "sim/system/timeline.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <optional>
#include <tuple>
#include <utility>

#include "sim/system/counters.h"
#include "sim/workload/trace_graph.h"

namespace podium {
namespace {

std::size_t slices_of(const TaskGraph& graph, const Task& task) {
  const auto* compute = std::get_if<ComputeTask>(&task.payload);
  return compute != nullptr ? graph.kernels()[compute->kernels].size() : 1;
}

/// Of a graph whose blocks are one slice a task.
std::size_t slices_of(const TaskGraph& graph) {
  std::size_t sum = 0;
  for (const Task& task : graph.tasks()) {
    sum += slices_of(graph, task);
  }
  return sum;
}

/// Passes through a block that are told in detail, and the slices that this takes.
struct BlockDetail {
  std::uint64_t passes = 0;  ///< in all
  std::size_t slices = 0;    ///< of one, itself included
};

std::uint32_t choose_passes(const TaskGraph& graph, const Execution& execution, std::size_t most_slices) {
  std::vector<BlockDetail> blocks(execution.blocks.size());
  std::uint64_t passes = 1;
  for (const Span& span : execution.spans) {
    if (const auto* block = std::get_if<BlockTask>(&graph.tasks()[span.task].payload)) {
      BlockDetail& detail = blocks[span.detail];
      detail.passes += block->repeat;
      detail.slices = 1 + slices_of(graph.blocks()[block->block.index()]);
      passes = std::max(passes, detail.passes);
    }
  }
  const auto fits = [&](std::uint64_t first) {
    std::size_t sum = slices_of(graph);
    for (const BlockDetail& block : blocks) {
      sum += std::min(first, block.passes) * block.slices;
    }
    return sum <= most_slices;
  };
  std::uint64_t fitting = 1;
  while (fitting < passes) {  // halves the range in which the last that fits lies
    const std::uint64_t middle = fitting + (passes - fitting + 1) / 2;
    fits(middle) ? fitting = middle : passes = middle - 1;
  }
  return static_cast<std::uint32_t>(fitting);
}

/// What runs: the whole graph, or a block of it on one of its roles.
struct Run {
  const TaskGraph& graph;
  const Execution& execution;
  std::optional<RoleId> role = {};           ///< of a block: who runs it
  std::optional<std::uint16_t> stream = {};  ///< of a block: where
};

/// Its own name, or that of its part.
std::string name_of(const TaskGraph& graph, TaskId task, const TaskNames& names) {
  std::string name = names ? names(task) : "";
  return name.empty() ? graph.labels()[graph.tasks()[task].label] : name;
}

/// The slices of a send and of its receive.
struct Message {
  std::optional<std::size_t> sent, received;
};

enum class Lane : std::uint8_t { passes, compute, exchange };

class Writer {
 public:
  Writer(const Machine& machine, std::uint32_t detailed_passes, const TaskNames& names)
      : machine_(machine), names_(names), compute_model_(compute_model_of(machine.chip())) {
    timeline_.detailed_passes = detailed_passes;
  }
  Timeline write(const Run&) &&;

 private:
  /// Role, stream outside blocks, stream within them, kind, what is exchanged: in the order in which they are shown.
  using TrackKey = std::tuple<RoleId, std::uint16_t, std::uint16_t, Lane, std::string>;

  void add_spans(const Run&, const Stretch&);
  void add_kernels(const Run&, const Span&, const Stretch&);
  void add_delay(const Run&, const Span&, const Stretch&, const DelayTask&);
  void add_exchange(const Run&, const Span&, const Stretch&);
  void add_passes(const Run&, const Span&, const Stretch&);
  Slice slice(const Run&, const Span&, const Stretch&, Lane, const std::string& name);
  void connect(const Run&, TaskId, std::size_t slice);
  void spread();
  void sort();

  const Machine& machine_;
  const TaskNames& names_;
  std::unique_ptr<ComputeModel> compute_model_;
  Timeline timeline_;
  std::map<TrackKey, std::uint32_t> tracks_;
  std::vector<std::uint64_t> passes_;                                      ///< by block: so far
  std::map<std::tuple<RoleId, RoleId, std::uint32_t>, Message> messages_;  ///< by sender, receiver and tag
};

Slice Writer::slice(const Run& run, const Span& span, const Stretch& stretch, Lane lane, const std::string& name) {
  const Task& task = run.graph.tasks()[span.task];
  const TrackKey key{run.role.value_or(task.role), run.stream.value_or(task.stream), run.stream ? task.stream : 0, lane,
                     name};
  Slice slice;
  slice.track = tracks_.try_emplace(key, static_cast<std::uint32_t>(tracks_.size())).first->second;
  slice.begin = stretch.at(span.begin);
  slice.end = stretch.at(span.end);
  slice.part = run.graph.labels()[task.label];
  return slice;
}

void Writer::add_kernels(const Run& run, const Span& span, const Stretch& stretch) {
  const Task& task = run.graph.tasks()[span.task];
  const CoreShare cores = run.graph.cores(task.role, task.stream);
  const std::vector<Kernel>& kernels = run.graph.kernels()[std::get<ComputeTask>(task.payload).kernels];
  std::vector<Cost> costs;
  Stretch within{stretch.at(span.begin), stretch.at(span.end)};
  for (const Kernel& kernel : kernels) {
    costs.push_back(compute_model_->cost(kernel, machine_.chip(), cores));
    within.length += costs.back().time.value();
  }
  double done = 0;
  for (std::size_t i = 0; i < kernels.size(); ++i) {
    Slice one = slice(run, span, stretch, Lane::compute, "compute");
    one.begin = within.at(done);
    done += costs[i].time.value();
    one.end = within.at(done);
    one.name = to_string(kernels[i]);
    one.flops = costs[i].flops;
    one.bytes = costs[i].bytes;
    one.bound = to_string(costs[i].bound);
    one.drive = drive_of(kernels[i], costs[i], machine_.chip());
    timeline_.slices.push_back(std::move(one));
  }
}

void Writer::add_delay(const Run& run, const Span& span, const Stretch& stretch, const DelayTask& delay) {
  Slice one = slice(run, span, stretch, Lane::compute, "compute");
  one.name = !run.role ? name_of(run.graph, span.task, names_) : one.part;
  if (delay.worker != Worker::host) {
    one.flops = delay.flops;
    one.bytes = delay.bytes;
    one.bound = to_string(delay.worker);
    one.drive = drive_of(delay, span.end - span.begin, machine_.chip());
  }
  timeline_.slices.push_back(std::move(one));
}

void Writer::connect(const Run& run, TaskId id, std::size_t slice) {
  const Task& task = run.graph.tasks()[id];
  if (const auto* send = std::get_if<SendTask>(&task.payload)) {
    messages_[{task.role, send->to, send->tag}].sent = slice;
  } else if (const auto* receive = std::get_if<ReceiveTask>(&task.payload)) {
    messages_[{receive->from, task.role, receive->tag}].received = slice;
  }
}

void Writer::add_exchange(const Run& run, const Span& span, const Stretch& stretch) {
  const Task& task = run.graph.tasks()[span.task];
  Slice one;
  if (const auto* collective = std::get_if<CollectiveTask>(&task.payload)) {
    const Communicator& communicator = run.graph.communicators()[collective->communicator];
    one = slice(run, span, stretch, Lane::exchange, communicator.name);
    const std::string& algorithm = run.execution.algorithms[span.detail];
    one.name = std::string(to_string(collective->kind)) + (algorithm.empty() ? "" : ", " + algorithm);
    one.bytes = collective->bytes;
    one.ranks = communicator.size;
  } else if (const auto* call = std::get_if<GroupTask>(&task.payload)) {
    const RankGroups& groups = run.graph.groups()[call->groups];
    one = slice(run, span, stretch, Lane::exchange, groups.name);
    const std::string& algorithm = run.execution.algorithms[span.detail];
    one.name = std::string(to_string(call->kind)) + (algorithm.empty() ? "" : ", " + algorithm);
    one.bytes = call->bytes;
    one.ranks = static_cast<std::uint32_t>(groups.groups.front().size());
  } else if (const auto* send = std::get_if<SendTask>(&task.payload)) {
    one = slice(run, span, stretch, Lane::exchange, "send");
    one.name = "send to " + run.graph.roles()[send->to].name;
    one.bytes = send->bytes;
  } else {
    one = slice(run, span, stretch, Lane::exchange, "receive");
    one.name = "receive from " + run.graph.roles()[std::get<ReceiveTask>(task.payload).from].name;
  }
  timeline_.slices.push_back(std::move(one));
  if (!run.role) {
    connect(run, span.task, timeline_.slices.size() - 1);
  }
}

void Writer::add_passes(const Run& run, const Span& span, const Stretch& stretch) {
  const Task& task = run.graph.tasks()[span.task];
  const auto& block = std::get<BlockTask>(task.payload);
  const auto add = [&](std::uint32_t first, std::uint32_t count, const Stretch& where) {
    Slice one = slice(run, span, stretch, Lane::passes, run.role ? "inner passes" : "passes");
    one.name = one.part;
    one.begin = where.begin;
    one.end = where.end;
    one.pass = first + 1;
    one.passes = count;
    timeline_.slices.push_back(std::move(one));
  };
  const Stretch all{stretch.at(span.begin), stretch.at(span.end), static_cast<double>(block.repeat)};
  std::uint32_t detailed = 0;
  if (!run.role) {
    std::uint64_t& before = passes_[span.detail];
    const Execution& once = run.execution.blocks[span.detail];
    const auto length = static_cast<double>((Time() + once.time).picoseconds());
    for (; detailed < block.repeat && before < timeline_.detailed_passes; ++detailed, ++before) {
      const Stretch pass{all.at(double(detailed)), all.at(double(detailed) + 1), length};
      add(detailed, 1, pass);
      add_spans({run.graph.blocks()[block.block.index()], once, task.role, task.stream}, pass);
    }
  }
  if (detailed < block.repeat) {
    add(detailed, block.repeat - detailed, {all.at(double(detailed)), all.end});
  }
}

void Writer::add_spans(const Run& run, const Stretch& stretch) {
  for (const Span& span : run.execution.spans) {
    const Payload& payload = run.graph.tasks()[span.task].payload;
    if (std::holds_alternative<ComputeTask>(payload)) {
      add_kernels(run, span, stretch);
    } else if (std::holds_alternative<BlockTask>(payload)) {
      add_passes(run, span, stretch);
    } else if (const auto* delay = std::get_if<DelayTask>(&payload)) {
      add_delay(run, span, stretch, *delay);
    } else {
      add_exchange(run, span, stretch);
    }
  }
}

/// Gives messages of a stream without order that overlap tracks of their own, the first that is free.
void Writer::spread() {
  std::vector<std::pair<TrackKey, std::uint32_t>> unordered;
  for (const auto& [key, track] : tracks_) {
    if (std::get<1>(key) == TaskGraph::unordered) {
      unordered.emplace_back(key, track);
    }
  }
  std::vector<std::vector<std::size_t>> of_track(tracks_.size());
  for (std::size_t i = 0; i < timeline_.slices.size() && !unordered.empty(); ++i) {
    of_track[timeline_.slices[i].track].push_back(i);
  }
  for (const auto& [key, track] : unordered) {
    std::vector<std::size_t>& slices = of_track[track];
    std::stable_sort(slices.begin(), slices.end(), [&](std::size_t a, std::size_t b) {
      return timeline_.slices[a].begin < timeline_.slices[b].begin;
    });
    std::vector<std::pair<std::uint32_t, Time>> lanes{{track, Time()}};  // and until when each is taken
    for (const std::size_t i : slices) {
      Slice& slice = timeline_.slices[i];
      auto lane = std::find_if(lanes.begin(), lanes.end(), [&](const auto& one) { return one.second <= slice.begin; });
      if (lane == lanes.end()) {
        TrackKey next = key;
        std::get<4>(next) += fmt::format(" {}", lanes.size() + 1);
        lanes.emplace_back(tracks_.try_emplace(next, static_cast<std::uint32_t>(tracks_.size())).first->second, Time());
        lane = lanes.end() - 1;
      }
      slice.track = lane->first;
      lane->second = slice.end;
    }
  }
}

/// Brings tracks and slices into the order in which they are shown.
void Writer::sort() {
  std::vector<std::uint32_t> shown_as(tracks_.size());
  for (const auto& [key, track] : tracks_) {
    const auto& [role, outer, inner, lane, name] = key;
    shown_as[track] = static_cast<std::uint32_t>(timeline_.tracks.size());
    const StreamKind kind = kind_of(outer);
    const std::string stream = outer == TaskGraph::unordered ? ""
                                                             : fmt::format(" (stream {}{})", kind.number,
                                                                           inner > 0 ? fmt::format(".{}", inner) : "");
    timeline_.tracks.push_back({role, (lane == Lane::compute ? kind.name : name) + stream});
  }
  std::vector<Slice>& slices = timeline_.slices;
  std::vector<std::size_t> order(slices.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return std::pair(shown_as[slices[a].track], slices[a].begin) <
           std::pair(shown_as[slices[b].track], slices[b].begin);
  });
  std::vector<std::size_t> place(slices.size());
  std::vector<Slice> sorted;
  for (const std::size_t i : order) {
    place[i] = sorted.size();
    sorted.push_back(std::move(slices[i]));
    sorted.back().track = shown_as[sorted.back().track];
  }
  slices = std::move(sorted);
  for (const auto& [message, ends] : messages_) {
    if (ends.sent && ends.received) {
      timeline_.arrows.push_back({place[*ends.sent], place[*ends.received]});
    }
  }
}

/// A task of the chain: who did what.
Slice slice_of(const TaskGraph& graph, const PathLink& link, const TaskNames& names) {
  const Task& task = graph.tasks()[link.task];
  Slice slice;
  slice.begin = link.begin;
  slice.end = link.end;
  slice.part = graph.labels()[task.label];
  slice.name = fmt::format("{} ({})", name_of(graph, link.task, names), graph.roles()[task.role].name);
  if (const auto* block = std::get_if<BlockTask>(&task.payload)) {
    slice.name = fmt::format("{} x {}", block->repeat, slice.name);
  }
  return slice;
}

Timeline Writer::write(const Run& run) && {
  for (const Role& role : run.graph.roles()) {
    timeline_.roles.push_back(role);
  }
  timeline_.time = run.execution.time;
  passes_.resize(run.execution.blocks.size());
  const Time end = Time() + run.execution.time;
  add_spans(run, {Time(), end, static_cast<double>(end.picoseconds())});
  spread();
  sort();
  return std::move(timeline_);
}

}  // namespace

Timeline make_timeline(const Machine& machine, const TaskGraph& graph, const Execution& execution,
                       const CriticalPath& path, std::size_t most_slices, const TaskNames& names) {
  Timeline timeline = Writer(machine, choose_passes(graph, execution, most_slices), names).write({graph, execution});
  for (const PathLink& link : path.links) {
    timeline.critical_path.push_back(slice_of(graph, link, names));
  }
  timeline.counters = count_work(machine.chip(), timeline);
  std::vector<Counter> links = count_links(machine.network(), graph, execution);
  std::move(links.begin(), links.end(), std::back_inserter(timeline.counters));
  return timeline;
}

}  // namespace podium
