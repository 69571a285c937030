#pragma once

#include <optional>
#include <string>
#include <vector>

#include "sim/workload/training_kernels.h"

namespace podium {

/// Streams of a training step. Blocks use the first two, and the last where weights are sharded.
enum TrainingStream : std::uint16_t {
  compute_stream = 0,
  exchange_stream = 1,
  send_stream = 2,
  receive_stream = 3,
  shard_stream = 4,
};

/// Writes the program of a block, one rank's view: kernels one after the other, and exchanges beside them. Kernels
/// gather into one task until an exchange needs their results. An exchange among one rank is none.
class BlockWriter {
 public:
  BlockWriter(const TrainingPlan&, const std::string& label);

  /// How the kernels that follow are accounted for.
  void label(const std::string&);
  void run(const Kernel&);
  void run(const std::vector<Kernel>&);
  /// An exchange that needs what was computed so far, and that what follows waits for.
  void exchange(Axis, CollectiveKind, Bytes);
  /// The same, but only what follows `wait` waits for it.
  std::optional<TaskId> start(Axis, CollectiveKind, Bytes);
  void wait(std::optional<TaskId>);
  /// An exchange beside everything else: of weights and gradients of other layers.
  void beside(Axis, CollectiveKind, Bytes);

  TaskGraph finish() &&;

 private:
  void flush();

  const TrainingPlan& plan_;
  TaskGraph graph_;
  RoleId role_;
  std::uint16_t label_ = 0;
  std::vector<Kernel> pending_;
  std::vector<TaskId> waits_;       // exchanges that the next kernels need
  std::optional<TaskId> computed_;  // the last task of kernels
};

/// Adds an exchange among the ranks of an axis to a graph of any kind.
TaskId add_collective(TaskGraph&, const TrainingPlan&, RoleId, std::uint16_t stream, Axis, CollectiveKind, Bytes,
                      std::span<const TaskId> after);

/// Linear layers whose columns (`column`) or rows (`row`) are split over tp, with their exchanges, for the tokens of a
/// micro-batch. `gathered` is the width of the tensor that is gathered before column-parallel products: several that
/// share an input, or parts of it.
void column_forward(BlockWriter&, const TrainingPlan&, const std::vector<Linear>&, double gathered, const Operands&);
void column_backward(BlockWriter&, const TrainingPlan&, const std::vector<Linear>&, double gathered, const Operands&);
void row_forward(BlockWriter&, const TrainingPlan&, const Linear&, const Operands&);
void row_backward(BlockWriter&, const TrainingPlan&, const Linear&, const Operands&);

}  // namespace podium
