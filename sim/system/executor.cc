#include "sim/system/executor.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "sim/system/stall.h"

namespace podium {
namespace {

enum Category : std::size_t { compute, memory, launch, host, bubble, first_exposed };

const char* const category_names[] = {"compute", "memory", "launch", "host", "bubble"};

/// A whole, shared max-min fairly among demands: the small ones get theirs, the others equal parts of what is left.
std::vector<double> fair_shares(const std::vector<double>& demands) {
  std::vector<std::size_t> order(demands.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(),
            [&](std::size_t a, std::size_t b) { return std::pair(demands[a], a) < std::pair(demands[b], b); });
  std::vector<double> shares(demands.size());
  double left = 1;
  for (std::size_t i = 0; i < order.size(); ++i) {
    shares[order[i]] = std::min(demands[order[i]], left / static_cast<double>(order.size() - i));
    left -= shares[order[i]];
  }
  return shares;
}

}  // namespace

Executor::Executor(Engine& engine, Player& player, const PreparedGraph& prepared, bool keep_spans)
    : engine_(engine),
      player_(player),
      prepared_(prepared),
      graph_(*prepared.graph),
      keep_spans_(keep_spans),
      links_(link_tasks(graph_)),
      missing_(links_.before),
      begun_(graph_.tasks().size()),
      roles_(graph_.roles().size()),
      messages_(links_.messages),
      meetings_(graph_) {
  for (RoleState& role : roles_) {
    role.parts.resize(first_exposed + graph_.labels().size());
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
  const auto place = std::find_if(role.active.begin(), role.active.end(),
                                  [&](const Activity& other) { return other.stream > task.stream; });
  role.active.insert(place, Activity{.task = id, .stream = task.stream, .doing = doing(task.payload)});

  const std::uint32_t index = prepared_.index[id];
  if (std::holds_alternative<ComputeTask>(task.payload)) {
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
  Activity& activity = *active(id);
  activity.left = time;
  activity.works = true;
  set_pace(roles_[graph_.tasks()[id].role]);
}

void Executor::schedule_end(Activity& activity) {
  const Seconds left = std::max(activity.left, Seconds()) / activity.pace;
  activity.end = engine_.after(left, [this, id = activity.task] { finish(id); });
}

Executor::Doing Executor::doing(const Payload& payload) {
  if (std::holds_alternative<BlockTask>(payload)) {
    return Doing::block;
  }
  if (std::holds_alternative<ComputeTask>(payload)) {
    return Doing::kernels;
  }
  if (const auto* delay = std::get_if<DelayTask>(&payload)) {
    return delay->worker == Worker::cores    ? Doing::cores_busy
           : delay->worker == Worker::memory ? Doing::memory_busy
                                             : Doing::host_busy;
  }
  const bool collective = std::holds_alternative<CollectiveTask>(payload) || std::holds_alternative<GroupTask>(payload);
  return collective ? Doing::collective : Doing::message;
}

/// Beside collectives. With all cores a task takes `whole`, of which it computes a part, and that part alone needs
/// cores.
double Executor::core_pace(const RoleState& role, const Activity& activity) const {
  double cores = 1;
  for (const Activity& other : role.active) {
    if (other.in_flight && other.doing == Doing::collective) {
      cores *= 1 - prepared_.core_shares[prepared_.index[other.task]];
    }
  }
  if (cores == 1) {
    return 1;
  }
  const std::uint32_t index = prepared_.index[activity.task];
  const bool is_block = activity.doing == Doing::block;
  const Seconds whole = is_block ? prepared_.blocks[index].time : prepared_.kernel_times[index].time;
  const Seconds computing =
      is_block ? prepared_.blocks[index].account.part("compute") : prepared_.kernel_times[index].compute;
  return whole > Seconds() ? whole / (whole + computing * (1 / cores - 1)) : 1;
}

/// The share of the memory's bandwidth that a task takes at full pace.
double Executor::memory_demand(const Activity& activity) const {
  const std::uint32_t index = prepared_.index[activity.task];
  if (activity.doing == Doing::block) {
    const Execution& once = prepared_.blocks[index];
    return once.time > Seconds() ? once.account.part("memory") / once.time : 0;
  }
  const KernelTime& cost = prepared_.kernel_times[index];
  return cost.time > Seconds() ? cost.streaming / cost.time : 0;
}

/// After something has begun or ended beside what works.
void Executor::set_pace(RoleState& role) {
  paces_.clear();
  demands_.clear();
  for (const Activity& activity : role.active) {
    paces_.push_back(activity.works ? core_pace(role, activity) : 0);
    demands_.push_back(activity.works ? memory_demand(activity) * paces_.back() : 0);
  }
  const bool enough = std::accumulate(demands_.begin(), demands_.end(), 0.0) <= 1;
  const std::vector<double> shares = enough ? std::vector<double>() : fair_shares(demands_);
  for (std::size_t i = 0; i < role.active.size(); ++i) {
    Activity& activity = role.active[i];
    const double pace = !enough && shares[i] < demands_[i] ? paces_[i] * (shares[i] / demands_[i]) : paces_[i];
    if (pace != activity.pace) {
      engine_.cancel(activity.end);
      activity.pace = pace;
      activity.core_pace = paces_[i];
      schedule_end(activity);
    }
  }
}

void Executor::begin_group(TaskId id, const GroupTask& call) {
  active(id)->in_flight = false;
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
    active(member)->in_flight = true;
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
  if (message.receiver) {
    settle(roles_[send.to]);
    active(*message.receiver)->in_flight = true;
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
  active(id)->in_flight = message.sent;
  if (message.delivered) {
    finish(id);
  }
}

Executor::Activity* Executor::active(TaskId id) {
  for (Activity& activity : roles_[graph_.tasks()[id].role].active) {
    if (activity.task == id) {
      return &activity;
    }
  }
  PODIUM_CHECK(false, "the task is active");
  return nullptr;
}

void Executor::finish(TaskId id) {
  const Task& task = graph_.tasks()[id];
  RoleState& role = roles_[task.role];
  settle(role);
  if (std::holds_alternative<BlockTask>(task.payload)) {
    const Execution& once = prepared_.blocks[prepared_.index[id]];
    const double repeat = std::get<BlockTask>(task.payload).repeat;
    role.blocks[prepared_.index[id]] += repeat;
    role.parts[compute] += engine_.now() - begun_[id] - once.time * repeat;
  }
  role.active.erase(role.active.begin() + (active(id) - role.active.data()));
  set_pace(role);
  if (keep_spans_) {
    spans_.push_back({id, begun_[id], engine_.now(), prepared_.index[id]});
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

void Executor::settle(RoleState& role) {
  const Seconds elapsed = engine_.now() - role.settled;
  role.settled = engine_.now();
  if (elapsed.value() <= 0) {
    return;
  }
  for (Activity& activity : role.active) {
    activity.left -= elapsed * activity.pace;
  }
  const auto first = [&](Doing what) {
    return std::find_if(role.active.begin(), role.active.end(), [=](const Activity& a) { return a.doing == what; });
  };
  const auto none = role.active.end();
  if (first(Doing::block) != none) {
    return;  // a block brings its own account when it ends
  }
  if (const auto busy = first(Doing::kernels); busy != none) {
    attribute(role, *busy, elapsed);
  } else if (first(Doing::cores_busy) != none) {
    role.parts[compute] += elapsed;
  } else if (first(Doing::memory_busy) != none) {
    role.parts[memory] += elapsed;
  } else if (first(Doing::host_busy) != none) {
    role.parts[host] += elapsed;
  } else if (const auto moving = std::find_if(role.active.begin(), none, [](const Activity& a) { return a.in_flight; });
             moving != none) {
    role.parts[first_exposed + graph_.tasks()[moving->task].label] += elapsed;
  } else {
    role.parts[bubble] += elapsed;
  }
}

void Executor::attribute(RoleState& role, const Activity& activity, Seconds elapsed) {
  const KernelTime& cost = prepared_.kernel_times[prepared_.index[activity.task]];
  const Seconds work = elapsed * activity.pace;
  const Seconds launch_time = work * (cost.launch / cost.time);
  const Seconds memory_time = work * (cost.memory / cost.time) + (elapsed - work / activity.core_pace);
  role.parts[memory] += memory_time;
  role.parts[launch] += launch_time;
  role.parts[compute] += elapsed - memory_time - launch_time;
}

Account Executor::account(const RoleState& role, Time end) const {
  Account result;
  for (std::size_t i = 0; i < role.parts.size(); ++i) {
    Seconds time = role.parts[i];
    if (i == bubble) {
      time += end - role.settled;
    }
    if (time.value() > 0) {
      result.add(i < first_exposed ? category_names[i] : "exposed " + graph_.labels()[i - first_exposed], time);
    }
  }
  for (const auto& [block, repeats] : role.blocks) {
    result.add(prepared_.blocks[block].account, repeats);
  }
  return result;
}

Execution Executor::result() const {
  if (finished_ < graph_.tasks().size()) {
    report_stall();
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

void Executor::report_stall() const {
  Table<TaskId, Progress> progress(graph_.tasks().size(), Progress::ended);
  for (const TaskId id : graph_.tasks().ids()) {
    progress[id] = missing_[id] > 0 ? Progress::blocked : Progress::ended;
  }
  for (const RoleState& role : roles_) {
    for (const Activity& activity : role.active) {
      progress[activity.task] = Progress::open;
    }
  }
  throw RunError(describe_stall(graph_, meetings_, progress));
}

}  // namespace podium
