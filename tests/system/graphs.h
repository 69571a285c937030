#pragma once

#include "sim/system/simulator.h"

/// A server of eight GPUs, and small graphs to run on it.
namespace podium::test {

constexpr double picosecond = 1e-12;

inline const Machine& server() {
  static const Machine machine = load_machine("hgx-h100", {8, 0});
  return machine;
}

inline Execution run(const TaskGraph& graph, SimulatorOptions options = {}) {
  return Simulator(server(), std::move(options)).run(graph);
}

inline Gemm product(double m) { return {DataType::bf16, m, 4096, 4096, 1}; }

inline Seconds kernel_time(const Kernel& kernel, CoreShare cores = {}) {
  return ComputeModels::find(server().chip().compute_model)(server().chip())->cost(kernel, server().chip(), cores).time;
}

/// A graph of one role over `count` ranks with labels "work" (0) and "talk" (1).
struct Builder {
  TaskGraph graph;
  RoleId role;
  CommunicatorId all;
  explicit Builder(std::uint32_t count = 8) {
    role = graph.add_role({"ranks", 0, count});
    all = graph.add_communicator({"tp", 1, count});
    graph.add_label("work");
    graph.add_label("talk");
  }
  TaskId compute(std::uint16_t stream, const Kernel& kernel, std::vector<TaskId> after = {}) {
    return graph.add(role, stream, 0, ComputeTask{graph.add_kernels({kernel})}, after);
  }
  TaskId delay(std::uint16_t stream, Seconds time, std::vector<TaskId> after = {}) {
    return graph.add(role, stream, 0, DelayTask{time}, after);
  }
  TaskId all_reduce(std::uint16_t stream, Bytes bytes, std::vector<TaskId> after = {}) {
    return graph.add(role, stream, 1, CollectiveTask{all, CollectiveKind::all_reduce, bytes}, after);
  }
};

}  // namespace podium::test
