#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>
#include <tuple>
#include <utility>

#include "sim/system/class_results.h"
#include "sim/system/folding_check.h"
#include "sim/system/simulator_impl.h"
#include "sim/topology/symmetry.h"

namespace podium {

Simulator::Impl::Impl(const Machine& m, SimulatorOptions o)
    : machine(m),
      options(std::move(o)),
      compute_model(compute_model_of(m.chip())),
      router(m.network()),
      costs(communication_costs(m.system(), m.chip(), m.network())),
      selector(m.network(), router, costs) {
  if (!m.changes().empty()) {
    throw InputError("a run of tasks takes faults from its start on, not later ones");
  }
  if (options.algorithm != "auto") {
    Algorithms::find(options.algorithm);  // throws where there is none of this name
  } else if (options.use_library) {
    library = load_library(m.system());
  }
  if (library) {
    library_times.emplace(*library, m.network(), router, costs);
  }
  options.keep_task_ends |= options.check_folding;
  if (const std::string cause = unfoldable(options.network, m.network()); !cause.empty()) {
    if (options.check_folding) {
      throw InputError("nothing is folded on " + cause + ": there is nothing to check");
    }
    options.folding = Folding::off;
  }
  if (Networks::find(options.network).needs_wires()) {
    unequal_trees = leave_out_unequal_trees(costs, m.network(), router);
    for (const PacketSettings& plane : load_packet_settings(costs.planes)) {
      packets.push_back(enlarged(plane, options.packet_scale));
    }
  }
}

namespace {

void slow_down(KernelTime& time, double slowdown) {
  for (Seconds* part : {&time.time, &time.launch, &time.compute, &time.memory, &time.streaming}) {
    *part *= slowdown;
  }
}

}  // namespace

KernelTime Simulator::Impl::kernel_time(const std::vector<Kernel>& kernels, CoreShare cores, double slowdown,
                                        std::set<std::string>& notes) const {
  KernelTime sum = time_of(kernels, *compute_model, machine.chip(), cores, machine.launch_speed());
  for (const KernelFamily family : sum.extrapolated) {
    notes.insert(fmt::format("{}: {} lies beyond the rows that the model has", machine.chip().name, to_string(family)));
  }
  slow_down(sum, slowdown);
  return sum;
}

KernelTime Simulator::Impl::kernel_time(const DelayTask& work, double slowdown) const {
  const Seconds launch = work.alone->launch / machine.launch_speed();
  const Seconds busy = work.time - work.alone->launch;
  KernelTime time{.time = launch + busy,
                  .launch = launch,
                  .compute = work.alone->cores,
                  .memory = busy - work.alone->cores,
                  .streaming = work.alone->memory,
                  .flops = work.flops,
                  .bytes = work.bytes};
  slow_down(time, slowdown);
  return time;
}

/// With the notes on kernels that the compute model cannot vouch for.
void Simulator::Impl::prepare_compute(PreparedGraph& prepared, std::uint32_t shift,
                                      std::set<std::string>& notes) const {
  const TaskGraph& graph = *prepared.graph;
  for (const Role& role : graph.roles()) {
    prepared.slowdowns.push_back(machine.slowdown(role.base + shift));
  }
  std::map<std::tuple<KernelListId, double, double, double>, std::uint32_t> known;
  for (const TaskId id : graph.tasks().ids()) {
    const Task& task = graph.tasks()[id];
    const double slowdown = prepared.slowdowns[task.role];
    if (const auto* compute = std::get_if<ComputeTask>(&task.payload)) {
      const CoreShare cores = graph.cores(task.role, task.stream);
      const auto [place, is_new] = known.try_emplace({compute->kernels, cores.matrix, cores.vector, slowdown},
                                                     static_cast<std::uint32_t>(prepared.kernel_times.size()));
      if (is_new) {
        prepared.kernel_times.push_back(kernel_time(graph.kernels()[compute->kernels], cores, slowdown, notes));
      }
      prepared.index[id] = place->second;
    } else if (const auto* delay = std::get_if<DelayTask>(&task.payload); delay != nullptr && delay->alone) {
      prepared.index[id] = static_cast<std::uint32_t>(prepared.kernel_times.size());
      prepared.kernel_times.push_back(kernel_time(*delay, slowdown));
    }
  }
}

/// As the library does it; otherwise the named algorithm where it suits, else the fastest by prediction, and a note
/// that says so.
Choice Simulator::Impl::choose(const CollectiveTask& call, const Placement& placement, std::set<std::string>& notes) {
  const auto chosen = [&](const std::string& algorithm) {
    return selector.choose(algorithm, call.kind, placement, call.bytes, call.imbalance, {}, {}, call.routing);
  };
  const auto ways = library_times ? library_times->rank(call.kind, placement, call.bytes * call.imbalance, call.routing)
                                  : std::vector<LibraryChoice>();
  if (!ways.empty()) {
    return {chosen(ways.front().algorithm), ways.front().protocol};
  }
  if (library_times && placement.groups.front().size() > 1) {
    notes.insert(
        fmt::format("the library of {} was not measured to do {} among {} ranks that lie like these: by "
                    "schedules, with the system's own figures",
                    machine.system().name, to_string(call.kind), placement.groups.front().size()));
  }
  if (options.algorithm == "auto") {
    return {chosen("auto")};
  }
  const GroupShape shape = shape_of(placement, {}, router, costs, call.routing);
  if (shape.ranks < 2 || Algorithms::find(options.algorithm).suits(call.kind, shape)) {
    return {chosen(options.algorithm)};
  }
  Schedule schedule = chosen("auto");
  notes.insert(options.algorithm + " cannot do " + std::string(to_string(call.kind)) + " among " +
               std::to_string(shape.ranks) + " ranks: " + schedule.algorithm + " does");
  return {std::move(schedule)};
}

void Simulator::Impl::prepare_communication(PreparedGraph& prepared, const Calls& calls) {
  for (const TaskId id : prepared.graph->tasks().ids()) {
    const Payload& payload = prepared.graph->tasks()[id].payload;
    if (std::holds_alternative<CollectiveTask>(payload) || std::holds_alternative<GroupTask>(payload) ||
        std::holds_alternative<SendTask>(payload)) {
      prepared.index[id] = calls.index[id];
    }
  }
  prepared.fabric = &fabric(calls);
  prepared.calls = &calls;
  for (const FoldedOperation& operation : prepared.fabric->operations) {
    const bool moves = !operation.schedule.stages.empty();
    prepared.core_shares.push_back(moves ? costs.protocol(operation.plane).core_share : 0);
  }
}

const FoldedFabric& Simulator::Impl::fabric(const Calls& calls) {
  std::unique_ptr<FoldedFabric>& known = fabrics[calls.keys];
  if (!known) {
    known = std::make_unique<FoldedFabric>(fold(machine.network(), router, calls.operations, options.folding,
                                                options.keep_links ? LinkClasses::kept : LinkClasses::left_out));
  }
  return *known;
}

/// The least rank from which on as many ranks as the role has are to the network what the role's are, one by one: what
/// is found out there holds for the role. Its own first rank where no other is known.
std::uint32_t Simulator::Impl::first_alike(const Role& role, std::uint32_t shift) {
  const std::uint32_t base = role.base + shift;
  const std::uint32_t begin = base % role.count, size = (machine.ranks() - begin) / role.count;
  const bool in_a_row = role.listed.empty() && machine.node(machine.ranks() - 1).index() == machine.ranks() - 1;
  if (options.folding == Folding::off || !in_a_row || size < 2 || !machine.allocation().slow.empty()) {
    return base;
  }
  Symmetry* symmetry = router.symmetry(static_cast<std::uint32_t>(machine.network().planes.size()));
  const Turn turn{begin, begin + size * role.count, role.count, size};
  return symmetry != nullptr && symmetry->find(turn) != nullptr ? begin : base;
}

BlockRuns Simulator::Impl::run_blocks(const TaskGraph& graph, std::uint32_t shift) {
  BlockRuns runs;
  for (const Task& task : graph.tasks()) {
    const auto* asked = std::get_if<BlockTask>(&task.payload);
    if (asked == nullptr || runs.contains({asked->block, task.role})) {
      continue;
    }
    const Role& role = graph.roles()[task.role];
    PODIUM_CHECK(role.listed.empty(), "a block's ranks lie in a row");
    const TaskGraph& block = graph.blocks().at(asked->block.index());
    const std::uint32_t base = options.keep_links ? role.base + shift : first_alike(role, shift);
    const Execution* known = known_blocks.find(block, base);
    runs[{asked->block, task.role}] = known != nullptr ? *known : known_blocks.keep(block, base, run(block, base));
  }
  return runs;
}

std::vector<LinkHistory::Sample> Simulator::Impl::run(Engine& engine, const Network& network,
                                                      const Executor& executor) const {
  // events between two looks at how far it is
  const std::uint64_t some = options.progress ? 1'000 : options.task_progress ? 100'000 : Engine::no_limit;
  std::uint64_t told = 0;
  const auto tell = [&] {
    if (options.progress) {
      options.progress(network.packet_hops() - std::exchange(told, network.packet_hops()));
    }
    if (options.task_progress) {
      options.task_progress(executor.ended(), executor.tasks());
    }
  };
  LinkSampler sampler(options.link_samples);
  const bool samples = options.keep_links && options.link_samples > 0;
  for (Ended ended = Ended::events; ended == Ended::events || ended == Ended::time;) {
    ended = engine.run(samples ? sampler.next() : Time::max(), some);
    if (samples && ended != Ended::events) {
      sampler.look(engine, network);
    }
    tell();
  }
  return std::move(sampler).samples();
}

/// Of the graph's own messages, and of its blocks as often as they come.
LinkUse Simulator::Impl::links_of(const PreparedGraph& prepared, const Network& network, Seconds time) const {
  LinkUse use = link_use(machine.network(), *prepared.fabric, network);
  std::vector<std::uint64_t> repeats(prepared.blocks.size());
  for (const TaskId id : prepared.graph->tasks().ids()) {
    if (const auto* block = std::get_if<BlockTask>(&prepared.graph->tasks()[id].payload)) {
      repeats[prepared.index[id]] += block->repeat;
    }
  }
  for (std::size_t i = 0; i < repeats.size(); ++i) {
    const Execution& block = prepared.blocks[i];
    if (block.links.ports.empty()) {
      continue;  // another class of the role has them
    }
    const double share = time > Seconds() ? static_cast<double>(repeats[i]) * (block.time / time) : 0;
    add_block(use, block.links, repeats[i], share);
  }
  return use;
}

namespace {

void note_overdrawn(const std::string& network, Seconds overdrawn, Execution& execution) {
  constexpr double negligible = 1e-3;
  if (overdrawn > execution.time * negligible) {
    execution.notes.insert("links carried more than they can: on the " + network +
                           " network, what is sent at different times shares none of them. On flow it does");
  }
}

}  // namespace

/// One representative of each role. Compute, blocks and what their tasks have to do with them are there already.
Execution Simulator::Impl::execute(PreparedGraph& prepared, const Calls& calls) {
  prepare_communication(prepared, calls);
  Engine engine;
  const std::unique_ptr<Network> network = make_network(options.network, engine, *prepared.fabric, packets);
  Player player(engine, *network, *prepared.fabric, costs);
  Executor executor(engine, player, prepared, options.keep_spans || options.keep_task_ends);
  executor.start();
  std::vector<LinkHistory::Sample> samples = run(engine, *network, executor);
  Execution execution = executor.result();
  if (options.keep_task_ends) {
    for (const Span& span : execution.spans) {
      execution.classes[prepared.graph->tasks()[span.task].role.index()].task_ends.push_back({span.task, span.end});
    }
  }
  add(execution.folding, folding_use(*prepared.fabric));
  note_overdrawn(options.network, network->overdrawn(), execution);
  for (const Execution& block : prepared.blocks) {
    execution.notes.insert(block.notes.begin(), block.notes.end());
    execution.signature = (execution.signature ^ block.signature) * 0x100000001b3ULL;
  }
  if (options.keep_links) {
    execution.links = links_of(prepared, *network, execution.time);
    if (!samples.empty()) {
      execution.links.history = {prepared.fabric->classes, std::move(samples)};
    }
  }
  if (options.keep_spans) {
    execution.blocks = std::move(prepared.blocks);
    execution.kernel_times = std::move(prepared.kernel_times);
    for (const FoldedOperation& operation : prepared.fabric->operations) {
      execution.algorithms.push_back(operation.schedule.algorithm);
      execution.planes.push_back(operation.plane);
    }
  }
  return execution;
}

/// What each class of a role takes from its runs of blocks; `parts` is nothing where roles are whole.
void Simulator::Impl::prepare_blocks(PreparedGraph& prepared, const TaskGraph& graph, const SplitGraph* parts,
                                     const BlockRuns& blocks) const {
  std::map<std::pair<BlockId, RoleId>, std::uint32_t> known;
  std::set<std::pair<BlockId, RoleId>> linked;
  std::map<std::pair<BlockId, std::uint32_t>, std::vector<std::vector<std::uint32_t>>> joined;
  for (const TaskId id : prepared.graph->tasks().ids()) {
    const Task& task = prepared.graph->tasks()[id];
    if (const auto* block = std::get_if<BlockTask>(&task.payload)) {
      const auto [place, is_new] =
          known.try_emplace({block->block, task.role}, static_cast<std::uint32_t>(prepared.blocks.size()));
      if (is_new) {
        const RoleId role = parts != nullptr ? parts->classes[task.role].role : task.role;
        const Execution& whole = blocks.at({block->block, role});
        if (parts == nullptr) {
          prepared.blocks.push_back(whole);
        } else {
          const std::uint32_t count = graph.roles()[role].count;
          const auto [groups, is_first] = joined.try_emplace({block->block, count});
          if (is_first) {
            groups->second = joined_by(graph.blocks()[block->block.index()], count);
          }
          prepared.blocks.push_back(of_class(whole, groups->second, count, parts->classes[task.role]));
        }
        if (linked.insert({block->block, role}).second) {
          prepared.blocks.back().links = whole.links;
        }
      }
      prepared.index[id] = place->second;
    }
  }
}

Execution Simulator::Impl::run(const TaskGraph& graph, std::uint32_t shift) {
  const BlockRuns blocks = run_blocks(graph, shift);
  std::set<std::string> notes;
  const Calls calls =
      find_calls(machine, graph, shift, [&](TaskId id, const CollectiveTask& call, const Placement& on) {
        if (!std::holds_alternative<CollectiveTask>(graph.tasks()[id].payload)) {
          return choose(call, on, notes);
        }
        const Role& role = graph.roles()[graph.tasks()[id].role];
        const std::uint32_t back = role.base + shift - first_alike(role, shift);
        Placement alike = on;
        for (std::vector<NodeId>& group : alike.groups) {
          for (NodeId& node : group) {
            node = NodeId(node.index() - back);
          }
        }
        return choose(call, alike, notes);
      });
  const std::optional<ClassOf> classes = find_classes(graph, shift, calls, blocks);
  SplitGraph parts;
  if (classes) {
    parts = split(graph, *classes);
  }
  PreparedGraph prepared;
  prepared.graph = classes ? &parts.graph : &graph;
  prepared.index.resize(prepared.graph->tasks().size());
  prepare_compute(prepared, shift, notes);
  prepare_blocks(prepared, graph, classes ? &parts : nullptr, blocks);
  Execution execution;
  if (classes) {
    const auto chosen = [&](TaskId id, const CollectiveTask&, const Placement&) {
      const TaskId original = *parts.original[id];
      const std::optional<std::uint32_t> own = calls.protocol_of[original];
      return Choice{calls.operations[calls.index[original]].schedule,
                    own ? std::optional(calls.protocols[*own]) : std::nullopt};
    };
    const Calls of_parts = find_calls(machine, parts.graph, shift, chosen);
    PODIUM_CHECK(options.folding == Folding::off || fabric(of_parts).groups_alike, "groups of a class are alike");
    execution = execute(prepared, of_parts);
    unsplit(execution, parts, graph);
  } else {
    execution = execute(prepared, calls);
  }
  execution.notes.insert(notes.begin(), notes.end());
  if (!unequal_trees.empty() && !calls.operations.empty()) {
    execution.notes.insert(unequal_trees);
  }
  for (const auto& [key, block] : blocks) {
    add(execution.folding, block.folding);
  }
  for (const Role& role : graph.roles()) {
    execution.folding.ranks += role.count;
  }
  execution.folding.classes = execution.classes.size();
  return execution;
}

Simulator::Simulator(const Machine& machine, SimulatorOptions options)
    : impl_(std::make_unique<Impl>(machine, std::move(options))) {}
Simulator::~Simulator() = default;
Simulator::Simulator(Simulator&&) noexcept = default;

Execution Simulator::run(const TaskGraph& graph) {
  if (!impl_->options.check_folding) {
    return impl_->run(graph, 0);
  }
  if (!impl_->unfolded) {
    SimulatorOptions by_itself = impl_->options;
    by_itself.folding = Folding::off;
    by_itself.check_folding = by_itself.keep_links = false;
    by_itself.progress = nullptr;
    by_itself.task_progress = nullptr;
    impl_->unfolded = std::make_unique<Simulator>(impl_->machine, by_itself);
  }
  Execution execution = impl_->run(graph, 0);
  const std::string difference = difference_between(graph, execution, impl_->unfolded->run(graph));
  if (!difference.empty()) {
    throw RunError(difference);
  }
  return execution;
}

Seconds Simulator::least_time(const TaskGraph& graph) { return busiest_stream(graph, impl_->run_blocks(graph, 0)); }

const Machine& Simulator::machine() const { return impl_->machine; }

}  // namespace podium
