#include "sim/system/simulator.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <tuple>
#include <utility>

#include "sim/collective/select.h"
#include "sim/system/executor.h"

namespace podium {
namespace {

/// What makes two operations the same on the network, whatever their bytes.
struct OperationKey {
  bool is_send = false;
  std::uint32_t base = 0, count = 0;   ///< the role's ranks
  std::uint32_t to = 0;                ///< of a send: the other role's base
  std::uint32_t stride = 0, size = 0;  ///< of a collective: its communicator
  CollectiveKind kind = CollectiveKind::send;
  std::string algorithm = {};
  std::vector<std::vector<std::uint32_t>> groups = {};  ///< of a collective: where they are written out
  auto operator<=>(const OperationKey&) const = default;
};

Placement place(const Machine& machine, const Role& role, const Communicator& communicator) {
  const std::uint32_t span = communicator.stride * communicator.size;
  PODIUM_CHECK(role.count % span == 0, "the groups of '" + communicator.name + "' fill role '" + role.name + "'");
  Placement placement;
  for (std::uint32_t outer = 0; outer < role.count; outer += span) {
    for (std::uint32_t inner = 0; inner < communicator.stride; ++inner) {
      std::vector<NodeId> group;
      for (std::uint32_t i = 0; i < communicator.size; ++i) {
        group.push_back(machine.node(role.base + outer + inner + i * communicator.stride));
      }
      placement.groups.push_back(std::move(group));
    }
  }
  return placement;
}

Placement place(const Machine& machine, const RankGroups& groups) {
  Placement placement;
  for (const std::vector<std::uint32_t>& ranks : groups.groups) {
    std::vector<NodeId>& group = placement.groups.emplace_back();
    for (const std::uint32_t rank : ranks) {
      if (rank >= machine.ranks()) {
        throw RunError("group '" + groups.name + "' has rank " + std::to_string(rank) + ", but the machine has only " +
                       std::to_string(machine.ranks()));
      }
      group.push_back(machine.node(rank));
    }
  }
  return placement;
}

}  // namespace

struct Simulator::Impl {
  const Machine& machine;
  SimulatorOptions options;
  std::unique_ptr<ComputeModel> compute_model;
  Router router;
  CommunicationCosts costs;
  Selector selector;
  std::vector<PacketSettings> packets;  ///< by plane, where the network has packets
  std::map<std::vector<OperationKey>, std::unique_ptr<FoldedFabric>> fabrics;

  Impl(const Machine& m, SimulatorOptions o)
      : machine(m),
        options(std::move(o)),
        compute_model(ComputeModels::find(m.chip().compute_model)(m.chip())),
        router(m.network()),
        costs(communication_costs(m.system(), m.chip(), m.network())),
        selector(m.network(), router, costs) {
    if (!m.changes().empty()) {
      throw InputError("a run of tasks takes faults from its start on, not later ones");
    }
    if (options.algorithm != "auto") {
      Algorithms::find(options.algorithm);  // throws where there is none of this name
    }
    if (Networks::find(options.network).needs_wires()) {
      options.folding = Folding::off;
      for (const PacketSettings& plane : load_packet_settings(costs.planes)) {
        packets.push_back(enlarged(plane, options.packet_scale));
      }
    }
  }

  Execution run(const TaskGraph& graph, std::uint32_t shift);
  KernelTime kernel_time(const std::vector<Kernel>& kernels, CoreShare cores, std::set<std::string>& notes) const;
  std::set<std::string> prepare_compute(PreparedGraph& prepared) const;
  void prepare_blocks(PreparedGraph& prepared, std::uint32_t shift);
  Schedule choose(const CollectiveTask& call, const Placement& placement, std::set<std::string>& notes);
  std::set<std::string> prepare_communication(PreparedGraph& prepared, std::uint32_t shift);
  const FoldedFabric& fabric(const std::vector<OperationKey>& keys, const std::vector<Operation>& operations);
  void run(Engine& engine, const Network& network) const;
  LinkUse links_of(const PreparedGraph& prepared, const Network& network, Seconds time) const;
};

KernelTime Simulator::Impl::kernel_time(const std::vector<Kernel>& kernels, CoreShare cores,
                                        std::set<std::string>& notes) const {
  KernelTime sum;
  for (const Kernel& kernel : kernels) {
    const Cost cost = compute_model->cost(kernel, machine.chip(), cores);
    if (cost.extrapolated) {
      notes.insert(fmt::format("{}: {} lies beyond the rows that the model has", machine.chip().name,
                               to_string(family_of(kernel))));
    }
    sum.time += cost.time;
    sum.launch += cost.launch;
    const Seconds busy = cost.time - cost.launch;
    (cost.bound == Bound::memory ? sum.memory : sum.compute) += busy;
    sum.streaming += cost.bound == Bound::memory ? busy : std::min(busy, cost.bytes / machine.chip().memory_bandwidth);
    sum.flops += cost.flops;
    sum.bytes += cost.bytes;
  }
  return sum;
}

/// The notes on kernels that the compute model cannot vouch for.
std::set<std::string> Simulator::Impl::prepare_compute(PreparedGraph& prepared) const {
  std::set<std::string> notes;
  const TaskGraph& graph = *prepared.graph;
  std::map<std::tuple<KernelListId, double, double>, std::uint32_t> known;
  for (const TaskId id : graph.tasks().ids()) {
    const Task& task = graph.tasks()[id];
    if (const auto* compute = std::get_if<ComputeTask>(&task.payload)) {
      const CoreShare cores = graph.cores(task.role, task.stream);
      const auto [place, is_new] = known.try_emplace({compute->kernels, cores.matrix, cores.vector},
                                                     static_cast<std::uint32_t>(prepared.kernel_times.size()));
      if (is_new) {
        prepared.kernel_times.push_back(kernel_time(graph.kernels()[compute->kernels], cores, notes));
      }
      prepared.index[id] = place->second;
    }
  }
  return notes;
}

void Simulator::Impl::prepare_blocks(PreparedGraph& prepared, std::uint32_t shift) {
  const TaskGraph& graph = *prepared.graph;
  std::map<std::pair<BlockId, RoleId>, std::uint32_t> known;
  for (const TaskId id : graph.tasks().ids()) {
    const Task& task = graph.tasks()[id];
    if (const auto* block = std::get_if<BlockTask>(&task.payload)) {
      const auto [place, is_new] =
          known.try_emplace({block->block, task.role}, static_cast<std::uint32_t>(prepared.blocks.size()));
      if (is_new) {
        prepared.blocks.push_back(run(graph.blocks().at(block->block.index()), shift + graph.roles()[task.role].base));
      }
      prepared.index[id] = place->second;
    }
  }
}

/// The named algorithm where it suits, else the fastest by prediction, and a note that says so.
Schedule Simulator::Impl::choose(const CollectiveTask& call, const Placement& placement, std::set<std::string>& notes) {
  const auto chosen = [&](const std::string& algorithm) {
    return selector.choose(algorithm, call.kind, placement, call.bytes, call.imbalance);
  };
  if (options.algorithm == "auto") {
    return chosen("auto");
  }
  const GroupShape shape = shape_of(placement, {}, router, costs);
  if (shape.ranks < 2 || Algorithms::find(options.algorithm).suits(call.kind, shape)) {
    return chosen(options.algorithm);
  }
  Schedule schedule = chosen("auto");
  notes.insert(options.algorithm + " cannot do " + std::string(to_string(call.kind)) + " among " +
               std::to_string(shape.ranks) + " ranks: " + schedule.algorithm + " does");
  return schedule;
}

/// The notes on what could not be done as asked for.
std::set<std::string> Simulator::Impl::prepare_communication(PreparedGraph& prepared, std::uint32_t shift) {
  std::set<std::string> notes;
  const TaskGraph& graph = *prepared.graph;
  const auto moved = [&](RoleId id) {
    Role role = graph.roles()[id];
    role.base += shift;
    return role;
  };
  using Call = std::tuple<RoleId, CommunicatorId, CollectiveKind, Bytes, double>;
  std::map<Call, std::uint32_t> calls;
  using GroupCall = std::tuple<RankGroupsId, CollectiveKind, Bytes, double>;
  std::map<GroupCall, std::uint32_t> group_calls;
  std::map<OperationKey, std::uint32_t> numbers;
  std::vector<OperationKey> keys;
  std::vector<Operation> operations;
  const auto number = [&](const OperationKey& key, auto&& make) {
    const auto [place, is_new] = numbers.try_emplace(key, static_cast<std::uint32_t>(operations.size()));
    if (is_new) {
      keys.push_back(key);
      operations.push_back(make());
    }
    return place->second;
  };
  for (const TaskId id : graph.tasks().ids()) {
    const Task& task = graph.tasks()[id];
    const Role role = moved(task.role);
    if (const auto* collective = std::get_if<CollectiveTask>(&task.payload)) {
      const Call call{task.role, collective->communicator, collective->kind, collective->bytes, collective->imbalance};
      if (const auto known = calls.find(call); known != calls.end()) {
        prepared.index[id] = known->second;
        continue;
      }
      const Communicator& communicator = graph.communicators()[collective->communicator];
      Placement placement = place(machine, role, communicator);
      Schedule schedule = choose(*collective, placement, notes);
      const OperationKey key{false,
                             role.base,
                             role.count,
                             0,
                             communicator.stride,
                             communicator.size,
                             collective->kind,
                             schedule.algorithm};
      prepared.index[id] = calls[call] = number(key, [&] {
        return Operation{std::move(schedule), std::move(placement)};
      });
    } else if (const auto* call = std::get_if<GroupTask>(&task.payload)) {
      const RankGroups& groups = graph.groups()[call->groups];
      const GroupCall key{call->groups, call->kind, call->bytes, call->imbalance};
      const auto [known, is_new] = group_calls.try_emplace(key);
      if (is_new) {
        Placement placement = place(machine, groups);
        Schedule schedule = choose({{}, call->kind, call->bytes, call->imbalance}, placement, notes);
        known->second = number({.kind = call->kind, .algorithm = schedule.algorithm, .groups = groups.groups}, [&] {
          return Operation{std::move(schedule), std::move(placement)};
        });
      }
      prepared.index[id] = known->second;
    } else if (const auto* send = std::get_if<SendTask>(&task.payload)) {
      const Role to = moved(send->to);
      PODIUM_CHECK(role.count == to.count, "sender and receiver have as many ranks");
      prepared.index[id] = number({true, role.base, role.count, to.base, 0, 0, CollectiveKind::send, ""}, [&] {
        std::vector<std::pair<NodeId, NodeId>> pairs;
        for (std::uint32_t i = 0; i < role.count; ++i) {
          pairs.emplace_back(machine.node(role.base + i), machine.node(to.base + i));
        }
        return make_sends(pairs);
      });
    }
  }
  prepared.fabric = &fabric(keys, operations);
  for (const FoldedOperation& operation : prepared.fabric->operations) {
    const bool moves = !operation.schedule.stages.empty();
    prepared.core_shares.push_back(moves ? costs.protocol(operation.plane).core_share : 0);
  }
  return notes;
}

const FoldedFabric& Simulator::Impl::fabric(const std::vector<OperationKey>& keys,
                                            const std::vector<Operation>& operations) {
  std::unique_ptr<FoldedFabric>& known = fabrics[keys];
  if (!known) {
    known = std::make_unique<FoldedFabric>(fold(machine.network(), router, operations, options.folding));
  }
  return *known;
}

void Simulator::Impl::run(Engine& engine, const Network& network) const {
  constexpr std::uint64_t some = 1000;  // events between two looks at how far it is
  std::uint64_t told = 0;
  while (engine.run(Time::max(), options.progress ? some : Engine::no_limit) == Ended::events) {
    options.progress(network.packet_hops() - std::exchange(told, network.packet_hops()));
  }
  if (options.progress) {
    options.progress(network.packet_hops() - told);
  }
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
    const double share = time > Seconds() ? static_cast<double>(repeats[i]) * (block.time / time) : 0;
    add_block(use, block.links, repeats[i], share);
  }
  return use;
}

Execution Simulator::Impl::run(const TaskGraph& graph, std::uint32_t shift) {
  PreparedGraph prepared;
  prepared.graph = &graph;
  prepared.index.resize(graph.tasks().size());
  std::set<std::string> notes = prepare_compute(prepared);
  prepare_blocks(prepared, shift);
  notes.merge(prepare_communication(prepared, shift));

  Engine engine;
  const std::unique_ptr<Network> network = make_network(options.network, engine, *prepared.fabric, packets);
  Player player(engine, *network, *prepared.fabric, costs);
  Executor executor(engine, player, prepared, options.keep_spans);
  executor.start();
  run(engine, *network);
  Execution execution = executor.result();
  execution.notes = std::move(notes);
  for (const Execution& block : prepared.blocks) {
    execution.notes.insert(block.notes.begin(), block.notes.end());
    execution.signature = (execution.signature ^ block.signature) * 0x100000001b3ULL;
  }
  if (options.keep_links) {
    execution.links = links_of(prepared, *network, execution.time);
  }
  if (options.keep_spans) {
    execution.blocks = std::move(prepared.blocks);
    for (const FoldedOperation& operation : prepared.fabric->operations) {
      execution.algorithms.push_back(operation.schedule.algorithm);
      execution.planes.push_back(operation.plane);
    }
  }
  return execution;
}

Simulator::Simulator(const Machine& machine, SimulatorOptions options)
    : impl_(std::make_unique<Impl>(machine, std::move(options))) {}
Simulator::~Simulator() = default;
Simulator::Simulator(Simulator&&) noexcept = default;

Execution Simulator::run(const TaskGraph& graph) { return impl_->run(graph, 0); }
const Machine& Simulator::machine() const { return impl_->machine; }

}  // namespace podium
