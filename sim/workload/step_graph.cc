#include "sim/workload/step_graph.h"

#include <algorithm>
#include <optional>

namespace podium {
namespace {

using After = ProgramWriter::After;

/// Longest pattern of layers that is looked for.
constexpr std::size_t longest_pattern = 16;

After both(After a, const After& b) {
  a.insert(a.end(), b.begin(), b.end());
  std::sort(a.begin(), a.end());
  a.erase(std::unique(a.begin(), a.end()), a.end());
  return a;
}

/// What a pass through the block does: micro-batch A and B run `current`, while B ends `previous`, one layer behind.
/// Without weaving there is only `current`.
struct BlockPass {
  std::optional<std::size_t> current, previous;
  auto operator<=>(const BlockPass&) const = default;
};

/// Writes passes for two micro-batches A and B; `a` and `b` are what each waits for.
struct Weaver {
  ProgramWriter& writer;
  const std::vector<LayerProgram>& programs;
  After a = {}, b = {};

  void one(const BlockPass& pass) {
    const LayerProgram& layer = programs[*pass.current];
    a = writer.add(layer.attention, main_stream, std::move(a));
    a = writer.add_behind_attention(layer, main_stream, std::move(a));
  }

  /// In lockstep, since each half waits for both halves before it: A's attention beside B's experts of the layer
  /// before, then B's attention beside A's experts.
  void share_cores(const BlockPass& pass) {
    if (pass.current) {
      a = writer.add(programs[*pass.current].attention, main_stream, std::move(a));
    }
    if (pass.previous) {
      b = writer.add_behind_attention(programs[*pass.previous], expert_stream, std::move(b));
    }
    if (pass.current) {
      b = writer.add(programs[*pass.current].attention, main_stream, std::move(b));
      a = writer.add_behind_attention(programs[*pass.current], expert_stream, std::move(a));
    }
  }

  /// In four lockstep slots, each a computation of one beside an exchange of the other. What is computed of returned
  /// results waits for the end of the slot, so that it does not hold the other's computation up.
  void take_turns(const BlockPass& pass) {
    if (pass.previous) {
      b = writer.add(programs[*pass.previous].back, main_stream, std::move(b));
    }
    if (pass.current) {
      const LayerProgram& layer = programs[*pass.current];
      a = attend(layer, std::move(a));
      a = writer.add(layer.send, main_stream, std::move(a));
    }
    if (pass.previous) {
      b = writer.add(programs[*pass.previous].finish, main_stream, std::move(b));
    }
    if (pass.current) {
      const LayerProgram& layer = programs[*pass.current];
      b = attend(layer, std::move(b));
      a = compute(layer, std::move(a));
      b = writer.add(layer.send, main_stream, std::move(b));
      a = writer.add(layer.back, main_stream, std::move(a));
      b = compute(layer, std::move(b));
      a = writer.add(layer.finish, main_stream, std::move(a));
    }
  }

  After attend(const LayerProgram& layer, After after) {
    after = writer.add(layer.attention, main_stream, std::move(after));
    return writer.add(layer.front, main_stream, std::move(after));
  }

  After compute(const LayerProgram& layer, After after) {
    after = writer.add(layer.beside, main_stream, std::move(after));
    return writer.add(layer.feed_forward, main_stream, std::move(after));
  }
};

TaskGraph write_block(const InferencePlan& plan, Weaving weaving, const std::vector<LayerProgram>& programs,
                      const std::vector<BlockPass>& passes) {
  TaskGraph graph;
  ProgramWriter writer(graph, plan);
  if (weaving == Weaving::share_cores) {
    graph.share_cores(RoleId(0), main_stream, plan.attention_cores);
    graph.share_cores(RoleId(0), expert_stream, plan.expert_cores);
  }
  Weaver weaver{writer, programs};
  for (const BlockPass& pass : passes) {
    switch (weaving) {
      case Weaving::none:
        weaver.one(pass);
        break;
      case Weaving::take_turns:
        weaver.take_turns(pass);
        break;
      case Weaving::share_cores:
        weaver.share_cores(pass);
        break;
    }
  }
  return graph;
}

std::vector<BlockPass> list_passes(const std::vector<std::size_t>& kinds, Weaving weaving) {
  std::vector<BlockPass> passes;
  std::optional<std::size_t> previous;
  for (const std::size_t kind : kinds) {
    passes.push_back({kind, weaving == Weaving::none ? std::nullopt : previous});
    previous = kind;
  }
  if (weaving != Weaving::none) {
    passes.push_back({std::nullopt, previous});
  }
  return passes;
}

}  // namespace

std::vector<Repetition> find_repetitions(const std::vector<std::size_t>& kinds, std::size_t longest) {
  std::vector<Repetition> runs;
  for (std::size_t first = 0; first < kinds.size();) {
    Repetition best{first, 1, 1};
    for (std::size_t period = 1; period <= longest && first + period <= kinds.size(); ++period) {
      std::size_t end = first + period;
      while (end < kinds.size() && kinds[end] == kinds[end - period]) {
        ++end;
      }
      const std::size_t repeat = (end - first) / period;
      if (repeat > 1 && repeat * period > best.repeat * best.period) {
        best = {first, period, repeat};
      }
    }
    runs.push_back(best);
    first += best.period * best.repeat;
  }
  return runs;
}

ProgramWriter::ProgramWriter(TaskGraph& graph, const InferencePlan& plan) : graph_(graph) {
  role_ = graph.add_role({"instance", 0, plan.ranks()});
  communicators_[Among::tp] = graph.add_communicator({"tp", 1, plan.tp});
  communicators_[Among::ep] = graph.add_communicator({"ep", plan.expert_tp, plan.ep});
  communicators_[Among::expert_tp] = graph.add_communicator({"tp", 1, plan.expert_tp});
}

After ProgramWriter::add(const Program& program, std::uint16_t stream, After after) {
  for (const Piece& piece : program) {
    if (const auto* compute = std::get_if<Compute>(&piece)) {
      const KernelListId kernels = graph_.add_kernels(compute->kernels);
      after = {graph_.add(role_, stream, graph_.add_label(compute->label), ComputeTask{kernels}, after)};
      continue;
    }
    const auto& exchange = std::get<Exchange>(piece);
    const CollectiveTask task{communicators_.at(exchange.among), exchange.kind, exchange.bytes, exchange.imbalance,
                              exchange.routing};
    const std::uint16_t on = exchange.among == Among::tp ? stream : transfer_stream;
    after = {graph_.add(role_, on, graph_.add_label(exchange.label), task, after)};
  }
  return after;
}

After ProgramWriter::add_delay(const std::string& label, Seconds time, After after) {
  return {graph_.add(role_, main_stream, graph_.add_label(label), DelayTask{time}, after)};
}

After ProgramWriter::add_block(const std::string& label, BlockId block, std::uint32_t repeat, After after) {
  return {graph_.add(role_, main_stream, graph_.add_label(label), BlockTask{block, repeat}, after)};
}

After ProgramWriter::add_behind_attention(const LayerProgram& layer, std::uint16_t stream, After after) {
  after = add(layer.front, stream, std::move(after));
  After sent = add(layer.send, stream, after);
  const After beside = add(layer.beside, stream, std::move(after));
  After computed = add(layer.feed_forward, stream, both(std::move(sent), beside));
  After returned = add(layer.back, stream, std::move(computed));
  return add(layer.finish, stream, std::move(returned));
}

After add_layers(TaskGraph& graph, ProgramWriter& writer, const InferencePlan& plan, Weaving weaving,
                 const std::vector<LayerProgram>& programs, const std::vector<std::size_t>& kinds,
                 const std::string& label, After after) {
  const std::vector<BlockPass> passes = list_passes(kinds, weaving);
  std::vector<BlockPass> distinct = passes;
  std::sort(distinct.begin(), distinct.end());
  distinct.erase(std::unique(distinct.begin(), distinct.end()), distinct.end());
  std::vector<std::size_t> pass_kinds;
  for (const BlockPass& pass : passes) {
    const auto place = std::lower_bound(distinct.begin(), distinct.end(), pass);
    pass_kinds.push_back(static_cast<std::size_t>(place - distinct.begin()));
  }
  for (const Repetition& run : find_repetitions(pass_kinds, longest_pattern)) {
    const auto first = passes.begin() + static_cast<std::ptrdiff_t>(run.first);
    const std::vector<BlockPass> pattern(first, first + static_cast<std::ptrdiff_t>(run.period));
    const BlockId block = graph.add_block(write_block(plan, weaving, programs, pattern));
    after = writer.add_block(label, block, static_cast<std::uint32_t>(run.repeat), std::move(after));
  }
  return after;
}

}  // namespace podium
