#pragma once

#include <algorithm>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "sim/workload/task_graph.h"

namespace podium::test {

/// Calls `visit(graph, task, times)` for every task of a graph and of its blocks, with how often it runs.
inline void for_each_task(const TaskGraph& graph,
                          const std::function<void(const TaskGraph&, const Task&, double)>& visit, double times = 1) {
  for (const Task& task : graph.tasks()) {
    if (const auto* block = std::get_if<BlockTask>(&task.payload)) {
      for_each_task(graph.blocks()[block->block.index()], visit, times * block->repeat);
    } else {
      visit(graph, task, times);
    }
  }
}

/// What one rank does in all.
struct Totals {
  double products = 0;                 ///< flops of plain and grouped products
  double experts = 0;                  ///< of the grouped ones
  double attention = 0;                ///< flops of attention cores
  double weights_read = 0;             ///< elements
  std::map<std::string, double> sent;  ///< bytes of exchanges by label
  std::map<std::string, double> tasks;
};

inline Totals totals(const TaskGraph& graph) {
  Totals sum;
  for_each_task(graph, [&](const TaskGraph& in, const Task& task, double times) {
    const std::string& label = in.labels()[task.label];
    sum.tasks[label] += times;
    if (const auto* collective = std::get_if<CollectiveTask>(&task.payload)) {
      sum.sent[label] += times * collective->bytes.value();
    }
    const auto* compute = std::get_if<ComputeTask>(&task.payload);
    for (const Kernel& kernel : compute ? in.kernels()[compute->kernels] : std::vector<Kernel>{}) {
      const double flops = times * work(kernel).flops.value();
      if (const auto* g = std::get_if<Gemm>(&kernel)) {
        sum.products += flops;
        sum.weights_read += times * g->batch * g->n * g->k;
      } else if (const auto* grouped = std::get_if<GroupedGemm>(&kernel)) {
        sum.products += flops;
        sum.experts += flops;
        sum.weights_read += times * grouped->groups * grouped->n * grouped->k;
      } else if (!std::holds_alternative<MemoryOp>(kernel)) {
        sum.attention += flops;
      }
    }
  });
  return sum;
}

/// When the last task of a graph ends if tasks take `time` and nothing contends: streams run in order.
inline double makespan(const TaskGraph& graph, const std::function<double(const TaskGraph&, const Task&)>& time) {
  std::vector<double> end;
  std::map<std::uint16_t, double> stream;
  double last = 0;
  for (const Task& task : graph.tasks()) {
    double begin = stream[task.stream];
    for (const TaskId before : graph.after(task)) {
      begin = std::max(begin, end[before.index()]);
    }
    const auto* block = std::get_if<BlockTask>(&task.payload);
    const double takes =
        block ? block->repeat * makespan(graph.blocks()[block->block.index()], time) : time(graph, task);
    end.push_back(begin + takes);
    stream[task.stream] = end.back();
    last = std::max(last, end.back());
  }
  return last;
}

/// A chip that supports everything.
inline ChipSpec test_chip() {
  ChipSpec chip;
  chip.name = "test chip";
  for (const DataType type : all_data_types()) {
    chip.matrix_peak[type] = FlopsPerSecond(1e15);
  }
  chip.memory_bandwidth = BytesPerSecond(1e12);
  chip.reserved = Bytes(1e9);
  chip.graph_launch = Seconds(1e-3);
  return chip;
}

}  // namespace podium::test
