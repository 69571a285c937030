#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <functional>
#include <map>
#include <queue>
#include <set>
#include <vector>

#include "sim/collective/player.h"
#include "sim/engine/engine.h"
#include "sim/system/calls.h"
#include "sim/system/kernel_time.h"
#include "sim/system/meeting.h"
#include "sim/system/simulator.h"
#include "sim/system/stall.h"
#include "sim/system/task_links.h"

namespace podium {

/// A task graph with everything that does not depend on the order of events worked out beforehand.
struct PreparedGraph {
  const TaskGraph* graph = nullptr;
  const FoldedFabric* fabric = nullptr;
  std::vector<KernelTime> kernel_times;  ///< of kernels, and of what takes its time alone on the chip
  std::vector<Execution> blocks;         ///< one pass of each block on each role that runs it
  std::vector<double> core_shares;       ///< by operation: of a rank's cores, as long as it is under way
  Table<RoleId, double> slowdowns;       ///< of its chips
  Table<TaskId, std::uint32_t> index;    ///< kernel_times; collective, group and send: operation; block: blocks
  const Calls* calls = nullptr;

  /// Of a collective, where it has one of its own.
  const Protocol* protocol(TaskId id) const {
    const std::optional<std::uint32_t> own = calls->protocol_of[id];
    return own ? &calls->protocols[*own] : nullptr;
  }
};

/// Runs a prepared graph on an engine: a task begins when the tasks that it names and the one before it on its stream
/// have ended. A stream of those that take the first task that can begin chooses once all is known that can in a round
/// of an instant, so that the choice does not depend on the order of events within it; what takes no time waits for no
/// turn, only until the stream is free. One use. A role's time is accounted for as it passes, by what is active on its
/// streams: the lowest stream that computes, else host time, else communication in flight ("exposed"), else waiting
/// ("bubble"). A collective takes its share of the cores from what computes beside it, for as long as both last:
/// computing, not launching and not waiting for memory, is slower by so much. Several take each a share of what the
/// others leave. Streams that compute at once share the memory's bandwidth max-min fairly: what asks for more than it
/// gets is slower. An event costs what computes at once on its role, however much is open there.
class Executor {
 public:
  Executor(Engine&, Player&, const PreparedGraph&, bool keep_spans);

  /// Makes the first tasks ready; the caller then runs the engine until nothing is pending.
  void start();
  /// After the engine has run: RunError where tasks are left, naming what each role waits for.
  Execution result() const;
  std::size_t ended() const { return finished_; }
  std::size_t tasks() const { return graph_.tasks().size(); }

 private:
  enum class Doing : std::uint8_t { block, kernels, cores_busy, memory_busy, host_busy, communicating };
  /// Of a role's account; from `exposed` on one for each label.
  enum Part : std::size_t { compute, memory, launch, host, bubble, exposed };
  /// A task that computes and is slowed by what runs beside it.
  struct Work {
    TaskId task;
    std::uint16_t stream = 0;
    Doing doing = Doing::kernels;
    Seconds whole{}, computing{}, streaming{};  ///< its time with all cores; of it, what needs them, and the memory
    Seconds left{};                             ///< of that time, and of all repeats
    double pace = 0;                            ///< of that time, in a second; 0: it has not begun
    double core_pace = 1;                       ///< the same, had it the memory to itself
    Seconds waited{};                           ///< so far, for the memory that others take
    EventId end{};
  };
  /// What is in flight, by stream, and of one stream as it began.
  struct Flight {
    std::uint16_t stream = 0;
    std::uint32_t number = 0;  ///< among all tasks that began
    TaskId task;
    friend auto operator<=>(const Flight&, const Flight&) = default;
  };
  /// A stream that takes the first task that can begin.
  struct Processor {
    bool is_busy = false;
    bool is_choosing = false;                            ///< at the end of this instant's round
    std::set<std::pair<std::uint32_t, TaskId>> waiting;  ///< by turn
    std::vector<TaskId> passing;                         ///< that take no time
  };
  struct RoleState {
    std::array<std::uint32_t, 6> open{};  ///< tasks that have begun and not ended, by Doing
    std::vector<Work> works;              ///< in order of stream: as many as compute at once
    std::vector<Flight> sharing;          ///< collectives in flight that take cores, in order
    std::priority_queue<Flight, std::vector<Flight>, std::greater<>> flights;  ///< and some that have ended
    std::map<std::uint16_t, Processor> processors;                             ///< by stream
    std::vector<Seconds> parts;                                                ///< by category
    std::map<std::uint32_t, double> blocks;  ///< how often each ran, by its place in PreparedGraph::blocks
    Time settled;                            ///< up to when time has been accounted for
    Time ended;                              ///< when its last task so far did
    bool is_open(Doing what) const { return open[static_cast<std::size_t>(what)] > 0; }
  };
  struct Message {
    bool sent = false, delivered = false;
    std::optional<TaskId> receiver;
  };

  void release(TaskId);
  void drain();
  static bool passes(const Task&);
  void queue(TaskId);
  void choose(RoleId, std::uint16_t stream);
  void choose_later(RoleId, std::uint16_t stream);
  void begin(TaskId);
  void finish(TaskId);
  void begin_group(TaskId, const GroupTask&);
  void begin_send(TaskId, const SendTask&);
  void begin_receive(TaskId, const ReceiveTask&);
  void begin_work(TaskId, Seconds time);
  void fly(RoleState&, TaskId);
  Seconds close(RoleState&, TaskId);
  static Doing doing(const Payload&);
  double cores_left(const RoleState&) const;
  void find_demands(Work&) const;
  static double core_pace(const Work&, double cores);
  static double memory_demand(const Work&);
  void schedule_end(Work&);
  void set_pace(RoleState&);
  void settle(RoleState&);
  void attribute(RoleState&, Seconds elapsed);
  void attribute_kernels(RoleState&, const Work&, Seconds elapsed);
  Account account(const RoleState&, Time end) const;

  Engine& engine_;
  Player& player_;
  const PreparedGraph& prepared_;
  const TaskGraph& graph_;
  bool keep_spans_;
  TaskLinks links_;
  Table<TaskId, std::uint32_t> missing_;  ///< dependencies that have not ended
  Table<TaskId, Progress> progress_;
  Table<TaskId, Time> begun_;
  Table<TaskId, std::uint32_t> numbers_;  ///< in the order in which they began
  std::uint32_t next_number_ = 0;
  Table<RoleId, RoleState> roles_;
  std::vector<Message> messages_;
  Meetings meetings_;
  std::vector<double> paces_, demands_;  ///< of `set_pace`, kept for their memory
  std::vector<TaskId> ready_;
  bool draining_ = false;
  std::size_t finished_ = 0;
  Time last_;
  Flops flops_;
  Bytes bytes_;
  std::vector<Span> spans_;
};

}  // namespace podium
