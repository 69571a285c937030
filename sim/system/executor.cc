#include "sim/system/executor.h"

#include <algorithm>
#include <utility>

namespace podium {

Executor::Executor(Engine& engine, Player& player, const PreparedGraph& prepared, bool keep_spans)
    : engine_(engine),
      player_(player),
      prepared_(prepared),
      graph_(*prepared.graph),
      keep_spans_(keep_spans),
      links_(link_tasks(graph_)),
      missing_(links_.before),
      progress_(graph_.tasks().size(), Progress::blocked),
      begun_(graph_.tasks().size()),
      numbers_(graph_.tasks().size()),
      roles_(graph_.roles().size()),
      messages_(links_.messages),
      meetings_(graph_) {
  for (RoleState& role : roles_) {
    role.parts.resize(exposed + graph_.labels().size());
  }
}

void Executor::start() {
  for (const TaskId id : graph_.tasks().ids()) {
    if (missing_[id] == 0) {
      ready_.push_back(id);
    }
  }
  drain();
}

void Executor::release(TaskId id) {
  if (--missing_[id] == 0) {
    ready_.push_back(id);
  }
}

void Executor::drain() {
  // a task that ends at once releases others from inside `begin`: they wait in `ready_`, the stack stays flat
  if (draining_) {
    return;
  }
  draining_ = true;
  for (std::size_t next = 0; next < ready_.size(); ++next) {
    const TaskId id = ready_[next];
    TaskGraph::is_first_come(graph_.tasks()[id].stream) ? queue(id) : begin(id);
  }
  ready_.clear();
  draining_ = false;
}

/// Whether it takes no time of its stream.
bool Executor::passes(const Task& task) {
  const auto* delay = std::get_if<DelayTask>(&task.payload);
  return delay != nullptr && delay->time <= Seconds();
}

void Executor::queue(TaskId id) {
  const Task& task = graph_.tasks()[id];
  Processor& processor = roles_[task.role].processors[task.stream];
  if (passes(task)) {
    processor.is_busy ? processor.passing.push_back(id) : begin(id);
    return;
  }
  processor.waiting.insert({task.turn, id});
  choose_later(task.role, task.stream);
}

void Executor::choose_later(RoleId role, std::uint16_t stream) {
  Processor& processor = roles_[role].processors.at(stream);
  if (!processor.is_busy && !processor.is_choosing && !processor.waiting.empty()) {
    processor.is_choosing = true;
    engine_.after(
        Seconds(), [this, role, stream] { choose(role, stream); }, Phase::settle);
  }
}

void Executor::choose(RoleId role, std::uint16_t stream) {
  Processor& processor = roles_[role].processors.at(stream);
  processor.is_choosing = false;
  processor.is_busy = true;
  begin(processor.waiting.extract(processor.waiting.begin()).value().second);
}

void Executor::begin(TaskId id) {
  const Task& task = graph_.tasks()[id];
  RoleState& role = roles_[task.role];
  settle(role);
  begun_[id] = engine_.now();
  numbers_[id] = next_number_++;
  progress_[id] = Progress::open;
  ++role.open[static_cast<std::size_t>(doing(task.payload))];

  const std::uint32_t index = prepared_.index[id];
  if (doing(task.payload) == Doing::kernels) {
    const KernelTime& cost = prepared_.kernel_times[index];
    const double ranks = graph_.roles()[task.role].count;
    flops_ += cost.flops * ranks;
    bytes_ += cost.bytes * ranks;
    begin_work(id, cost.time);
  } else if (const auto* delay = std::get_if<DelayTask>(&task.payload)) {
    const bool on_chip = delay->worker != Worker::host;
    const double ranks = graph_.roles()[task.role].count;
    flops_ += delay->flops * ranks;
    bytes_ += delay->bytes * ranks;
    engine_.after(delay->time * (on_chip ? prepared_.slowdowns[task.role] : 1), [this, id] { finish(id); });
  } else if (const auto* block = std::get_if<BlockTask>(&task.payload)) {
    const Execution& once = prepared_.blocks[index];
    flops_ += once.flops * block->repeat;
    bytes_ += once.memory_traffic * block->repeat;
    begin_work(id, once.time * block->repeat);
  } else if (const auto* collective = std::get_if<CollectiveTask>(&task.payload)) {
    fly(role, id);
    player_.play({index, collective->kind, collective->bytes, collective->imbalance, prepared_.protocol(id)},
                 [this, id] { finish(id); });
    set_pace(role);
  } else if (const auto* group = std::get_if<GroupTask>(&task.payload)) {
    begin_group(id, *group);
  } else if (const auto* send = std::get_if<SendTask>(&task.payload)) {
    begin_send(id, *send);
  } else {
    begin_receive(id, std::get<ReceiveTask>(task.payload));
  }
}

void Executor::begin_work(TaskId id, Seconds time) {
  const Task& task = graph_.tasks()[id];
  RoleState& role = roles_[task.role];
  const auto place =
      std::find_if(role.works.begin(), role.works.end(), [&](const Work& other) { return other.stream > task.stream; });
  Work work{.task = id, .stream = task.stream, .doing = doing(task.payload), .left = time};
  find_demands(work);
  role.works.insert(place, work);
  set_pace(role);
}

/// Its bytes are on their way, or will be once they have been launched.
void Executor::fly(RoleState& role, TaskId id) {
  const Task& task = graph_.tasks()[id];
  const Flight flight{task.stream, numbers_[id], id};
  role.flights.push(flight);
  const bool is_message =
      std::holds_alternative<SendTask>(task.payload) || std::holds_alternative<ReceiveTask>(task.payload);
  if (!is_message && prepared_.core_shares[prepared_.index[id]] > 0) {
    role.sharing.insert(std::upper_bound(role.sharing.begin(), role.sharing.end(), flight), flight);
  }
}

/// It has ended, and no longer is beside what works. How long it waited for the memory that others took.
Seconds Executor::close(RoleState& role, TaskId id) {
  progress_[id] = Progress::ended;
  Seconds waited;
  const Doing was = doing(graph_.tasks()[id].payload);
  --role.open[static_cast<std::size_t>(was)];
  if (was == Doing::communicating) {
    std::erase_if(role.sharing, [id](const Flight& flight) { return flight.task == id; });
  } else if (const auto work =
                 std::find_if(role.works.begin(), role.works.end(), [id](const Work& one) { return one.task == id; });
             work != role.works.end()) {
    waited = work->waited;
    role.works.erase(work);
  }
  return waited;
}

Executor::Doing Executor::doing(const Payload& payload) {
  if (std::holds_alternative<BlockTask>(payload)) {
    return Doing::block;
  }
  if (std::holds_alternative<ComputeTask>(payload)) {
    return Doing::kernels;
  }
  if (const auto* delay = std::get_if<DelayTask>(&payload)) {
    return delay->alone                      ? Doing::kernels
           : delay->worker == Worker::cores  ? Doing::cores_busy
           : delay->worker == Worker::memory ? Doing::memory_busy
                                             : Doing::host_busy;
  }
  return Doing::communicating;
}

void Executor::begin_group(TaskId id, const GroupTask& call) {
  if (!meetings_.arrive(id)) {
    return;
  }
  if (call.barrier) {
    for (const TaskId member : meetings_.all(id)) {
      finish(member);
    }
    return;
  }
  for (const TaskId member : meetings_.all(id)) {
    RoleState& role = roles_[graph_.tasks()[member].role];
    settle(role);
    fly(role, member);
    set_pace(role);
  }
  player_.play({prepared_.index[id], call.kind, call.bytes, call.imbalance, prepared_.protocol(id)}, [this, id] {
    for (const TaskId member : meetings_.all(id)) {
      finish(member);
    }
  });
}

void Executor::begin_send(TaskId id, const SendTask& send) {
  Message& message = messages_[links_.message_of[id]];
  if (message.sent) {
    throw RunError("role '" + graph_.roles()[graph_.tasks()[id].role].name + "' sends twice to '" +
                   graph_.roles()[send.to].name + "' with tag " + std::to_string(send.tag));
  }
  message.sent = true;
  fly(roles_[graph_.tasks()[id].role], id);
  if (message.receiver) {
    settle(roles_[send.to]);
    fly(roles_[send.to], *message.receiver);
  }
  player_.play({prepared_.index[id], CollectiveKind::send, send.bytes, 1}, [this, id] {
    Message& arrived = messages_[links_.message_of[id]];
    arrived.delivered = true;
    const std::optional<TaskId> receiver = arrived.receiver;
    finish(id);
    if (receiver) {
      finish(*receiver);
    }
  });
}

void Executor::begin_receive(TaskId id, const ReceiveTask& receive) {
  Message& message = messages_[links_.message_of[id]];
  if (message.receiver) {
    throw RunError("role '" + graph_.roles()[graph_.tasks()[id].role].name + "' receives twice from '" +
                   graph_.roles()[receive.from].name + "' with tag " + std::to_string(receive.tag));
  }
  message.receiver = id;
  if (message.delivered) {
    finish(id);
  } else if (message.sent) {
    fly(roles_[graph_.tasks()[id].role], id);
  }
}

void Executor::finish(TaskId id) {
  const Task& task = graph_.tasks()[id];
  RoleState& role = roles_[task.role];
  settle(role);
  const Seconds waited = close(role, id);
  if (std::holds_alternative<BlockTask>(task.payload)) {
    const Execution& once = prepared_.blocks[prepared_.index[id]];
    const double repeat = std::get<BlockTask>(task.payload).repeat;
    role.blocks[prepared_.index[id]] += repeat;
    role.parts[memory] += waited;
    role.parts[compute] += engine_.now() - begun_[id] - once.time * repeat - waited;
  }
  set_pace(role);
  if (keep_spans_) {
    spans_.push_back({id, begun_[id], engine_.now(), prepared_.index[id], waited});
  }
  last_ = engine_.now();
  role.ended = last_;
  ++finished_;
  for (const TaskId after : links_.after(id)) {
    release(after);
  }
  drain();
  if (TaskGraph::is_first_come(task.stream) && !passes(task)) {
    Processor& processor = role.processors.at(task.stream);
    processor.is_busy = false;
    for (const TaskId passing : std::exchange(processor.passing, {})) {
      begin(passing);
    }
    choose_later(task.role, task.stream);
  }
}

Execution Executor::result() const {
  if (finished_ < graph_.tasks().size()) {
    throw RunError(describe_stall(graph_, meetings_, progress_));
  }
  Execution execution;
  execution.time = since_start(last_);
  double ranks = 0;
  for (const RoleId id : graph_.roles().ids()) {
    execution.by_role.push_back(account(roles_[id], last_));
    execution.classes.push_back({id, {}, since_start(roles_[id].ended), execution.by_role.back()});
    execution.account.add(execution.by_role.back(), graph_.roles()[id].count);
    ranks += graph_.roles()[id].count;
  }
  Account mean;
  mean.add(execution.account, 1 / ranks);
  execution.account = mean;
  execution.flops = flops_;
  execution.memory_traffic = bytes_;
  execution.signature = engine_.signature();
  execution.spans = spans_;
  return execution;
}

}  // namespace podium
