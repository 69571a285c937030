#include "sim/workload/training_block.h"

#include <utility>

namespace podium {
namespace {

Bytes gathered_bytes(const TrainingPlan& plan, double width, DataType type) {
  return group_tokens(plan) * width * size_of(type);
}

int pieces(const TrainingPlan& plan) { return plan.tp > 1 ? plan.tp_overlap_chunks : 1; }

/// Gathers a tensor over tp, piece by piece, and multiplies each piece as it has come.
void gather_and_multiply(BlockWriter& writer, const TrainingPlan& plan, Bytes bytes,
                         const std::vector<Kernel>& products_of_a_piece) {
  std::vector<std::optional<TaskId>> gathers;
  for (int piece = 0; piece < pieces(plan); ++piece) {
    gathers.push_back(writer.start(Axis::tp, CollectiveKind::all_gather, bytes / pieces(plan)));
  }
  for (const auto& gather : gathers) {
    writer.wait(gather);
    writer.run(products_of_a_piece);
  }
}

/// Each rank gathers along rows, and makes the copy along columns of the whole.
void transpose_gathered(BlockWriter& writer, const TrainingPlan& plan, double width, const Operands& operands) {
  if (plan.tp > 1) {
    writer.run(transpose(group_tokens(plan) * width, operands));
  }
}

}  // namespace

TaskId add_collective(TaskGraph& graph, const TrainingPlan& plan, RoleId role, std::uint16_t stream, Axis axis,
                      CollectiveKind kind, Bytes bytes, std::span<const TaskId> after) {
  const Communicator wanted = communicator(axis, plan);
  for (const CommunicatorId id : graph.communicators().ids()) {
    const Communicator& there = graph.communicators()[id];
    if (there.name == wanted.name && there.stride == wanted.stride && there.size == wanted.size) {
      return graph.add(role, stream, graph.add_label(wanted.name), CollectiveTask{id, kind, bytes}, after);
    }
  }
  const CommunicatorId id = graph.add_communicator(wanted);
  return graph.add(role, stream, graph.add_label(wanted.name), CollectiveTask{id, kind, bytes}, after);
}

BlockWriter::BlockWriter(const TrainingPlan& plan, const std::string& label) : plan_(plan) {
  role_ = graph_.add_role({"stage", 0, plan.tp * plan.cp * plan.dp});
  label_ = graph_.add_label(label);
}

void BlockWriter::label(const std::string& name) {
  flush();
  label_ = graph_.add_label(name);
}

void BlockWriter::run(const Kernel& kernel) { pending_.push_back(kernel); }

void BlockWriter::run(const std::vector<Kernel>& kernels) {
  pending_.insert(pending_.end(), kernels.begin(), kernels.end());
}

void BlockWriter::exchange(Axis axis, CollectiveKind kind, Bytes bytes) { wait(start(axis, kind, bytes)); }

std::optional<TaskId> BlockWriter::start(Axis axis, CollectiveKind kind, Bytes bytes) {
  if (communicator(axis, plan_).size == 1) {
    return {};
  }
  flush();
  std::vector<TaskId> after = waits_;
  if (computed_) {
    after.push_back(*computed_);
  }
  return add_collective(graph_, plan_, role_, exchange_stream, axis, kind, bytes, after);
}

void BlockWriter::wait(std::optional<TaskId> exchange) {
  if (exchange) {
    flush();
    waits_.push_back(*exchange);
  }
}

void BlockWriter::beside(Axis axis, CollectiveKind kind, Bytes bytes) {
  if (communicator(axis, plan_).size > 1 && bytes > Bytes()) {
    add_collective(graph_, plan_, role_, shard_stream, axis, kind, bytes, {});
  }
}

TaskGraph BlockWriter::finish() && {
  flush();
  return std::move(graph_);
}

void BlockWriter::flush() {
  if (pending_.empty()) {
    return;
  }
  const KernelListId kernels = graph_.add_kernels(std::exchange(pending_, {}));
  computed_ = graph_.add(role_, compute_stream, label_, ComputeTask{kernels}, std::exchange(waits_, {}));
}

void column_forward(BlockWriter& writer, const TrainingPlan& plan, const std::vector<Linear>& linears, double gathered,
                    const Operands& operands) {
  std::vector<Kernel> products;
  for (const Linear& linear : linears) {
    products.push_back(forward_product(linear, group_tokens(plan) / pieces(plan), operands.type));
  }
  gather_and_multiply(writer, plan, gathered_bytes(plan, gathered, operands.type), products);
}

void column_backward(BlockWriter& writer, const TrainingPlan& plan, const std::vector<Linear>& linears, double gathered,
                     const Operands& operands) {
  const Bytes inputs = gathered_bytes(plan, gathered, operands.type);
  const auto input = writer.start(Axis::tp, CollectiveKind::all_gather, inputs);
  for (const Linear& linear : linears) {
    writer.run(data_product(linear, group_tokens(plan), operands.type));
  }
  const Bytes sums = gathered_bytes(plan, gathered, DataType::bf16);
  const auto scatter = writer.start(Axis::tp, CollectiveKind::reduce_scatter, sums);
  writer.wait(input);
  transpose_gathered(writer, plan, gathered, operands);
  for (const Linear& linear : linears) {
    writer.run(weight_product(linear, group_tokens(plan), operands.type, plan));
  }
  writer.wait(scatter);
}

void row_forward(BlockWriter& writer, const TrainingPlan& plan, const Linear& linear, const Operands& operands) {
  const Bytes sums = gathered_bytes(plan, linear.out, DataType::bf16) / pieces(plan);
  std::vector<std::optional<TaskId>> scatters;
  for (int piece = 0; piece < pieces(plan); ++piece) {
    writer.run(forward_product(linear, group_tokens(plan) / pieces(plan), operands.type));
    scatters.push_back(writer.start(Axis::tp, CollectiveKind::reduce_scatter, sums));
  }
  for (const auto& scatter : scatters) {
    writer.wait(scatter);
  }
}

void row_backward(BlockWriter& writer, const TrainingPlan& plan, const Linear& linear, const Operands& operands) {
  gather_and_multiply(writer, plan, gathered_bytes(plan, linear.out, operands.type),
                      {data_product(linear, group_tokens(plan) / pieces(plan), operands.type)});
  transpose_gathered(writer, plan, linear.out, operands);
  writer.run(weight_product(linear, group_tokens(plan), operands.type, plan));
}

}  // namespace podium
