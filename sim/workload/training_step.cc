#include <optional>
#include <span>

#include "sim/workload/training_block.h"
#include "sim/workload/training_kernels.h"
#include "sim/workload/training_layer.h"
#include "sim/workload/training_schedule.h"

namespace podium {
namespace {

/// What a chunk consists of, in forward order: embedding, runs of equal layers, head.
struct Piece {
  BlockId forward, backward;
  std::uint32_t repeat = 1;
  Weights weights;  ///< of one repetition
};

struct Stage {
  std::uint32_t index = 0;
  RoleId role;
  std::vector<std::vector<Piece>> chunks;
  TaskId last;                     ///< its last pass
  std::vector<TaskId> reductions;  ///< what the optimiser waits for
};

class StepWriter {
 public:
  StepWriter(const ModelSpec& model, const ChipSpec& chip, const TrainingPlan& plan)
      : model_(model),
        chip_(chip),
        plan_(plan),
        pieces_(plan.pp * plan.virtual_stages),
        micro_batches_(static_cast<std::uint32_t>(plan.micro_batches())) {}
  TaskGraph write() &&;

 private:
  Piece add_piece(TaskGraph forward, TaskGraph backward, const Weights&);
  Piece layer_piece(const Layer&);
  RoleId role_of(std::uint32_t piece) const;
  std::vector<Piece> pieces_of(std::uint32_t stage, std::uint32_t chunk);

  void write_pass(Stage&, const Pass&);
  std::vector<TaskId> receive(const Stage&, const Pass&);
  void send(const Stage&, const Pass&, TaskId after);
  TaskId run_forward(const Stage&, const Pass&, std::vector<TaskId> after);
  TaskId run_backward(Stage&, const Pass&, std::vector<TaskId> after);
  TaskId run_block(const Stage&, BlockId, std::uint32_t repeat, Direction, std::span<const TaskId> after);
  std::vector<TaskId> shard(const Stage&, CollectiveKind, const Weights&, DataType, std::span<const TaskId> after);
  void exchange_tied_embedding(Stage&);
  void optimise(const Stage&);

  const ModelSpec& model_;
  const ChipSpec& chip_;
  const TrainingPlan& plan_;
  std::uint32_t pieces_, micro_batches_;
  TaskGraph graph_;
  std::vector<std::pair<Layer, Piece>> layers_;  ///< by shape, so that equal layers share their blocks
};

Piece StepWriter::add_piece(TaskGraph forward, TaskGraph backward, const Weights& weights) {
  const BlockId first = graph_.add_block(std::move(forward));
  return {first, graph_.add_block(std::move(backward)), 1, weights};
}

Piece StepWriter::layer_piece(const Layer& layer) {
  for (const auto& [known, piece] : layers_) {
    if (known == layer) {
      return piece;
    }
  }
  layers_.emplace_back(
      layer, add_piece(layer_forward(model_, chip_, plan_, layer), layer_backward(model_, chip_, plan_, layer),
                       layer_weights(model_, plan_, layer)));
  return layers_.back().second;
}

std::vector<Piece> StepWriter::pieces_of(std::uint32_t stage, std::uint32_t chunk) {
  std::vector<Piece> result;
  if (stage == 0 && chunk == 0) {
    result.push_back(add_piece(embedding_forward(model_, chip_, plan_), embedding_backward(model_, chip_, plan_),
                               embedding_weights(model_, plan_)));
  }
  const std::vector<Layer> layers = layers_of(model_, plan_, stage, chunk);
  for (std::size_t i = 0; i < layers.size(); ++i) {
    if (i > 0 && layers[i] == layers[i - 1]) {
      ++result.back().repeat;
    } else {
      result.push_back(layer_piece(layers[i]));
    }
  }
  if (chunk * plan_.pp + stage + 1 == pieces_) {
    result.push_back(add_piece(head_forward(model_, chip_, plan_), head_backward(model_, chip_, plan_),
                               head_weights(model_, plan_)));
  }
  return result;
}

RoleId StepWriter::role_of(std::uint32_t piece) const {
  PODIUM_CHECK(plan_.pp > 0);
  return RoleId(piece % plan_.pp);
}

TaskGraph StepWriter::write() && {
  const std::uint32_t ranks = plan_.tp * plan_.cp * plan_.dp;
  for (std::uint32_t stage = 0; stage < plan_.pp; ++stage) {
    graph_.add_role({"stage " + std::to_string(stage), stage * ranks, ranks});
  }
  for (const RoleId role : graph_.roles().ids()) {
    Stage stage{role.index(), role, {}, {}, {}};
    for (std::uint32_t chunk = 0; chunk < plan_.virtual_stages; ++chunk) {
      stage.chunks.push_back(pieces_of(stage.index, chunk));
    }
    for (const Pass& pass : pipeline_order(stage.index, plan_.pp, plan_.virtual_stages, micro_batches_)) {
      write_pass(stage, pass);
    }
    exchange_tied_embedding(stage);
    optimise(stage);
  }
  return std::move(graph_);
}

void StepWriter::write_pass(Stage& stage, const Pass& pass) {
  const std::vector<TaskId> received = receive(stage, pass);
  stage.last =
      pass.direction == Direction::forward ? run_forward(stage, pass, received) : run_backward(stage, pass, received);
  send(stage, pass, stage.last);
}

/// The message that micro-batch `m` makes piece `from` of the model send to its neighbour.
std::uint32_t message_tag(std::uint32_t m, std::uint32_t pieces, std::uint32_t from, Direction direction) {
  return 2 * (m * pieces + from) + (direction == Direction::forward ? 0 : 1);
}

std::vector<TaskId> StepWriter::receive(const Stage& stage, const Pass& pass) {
  const std::uint32_t piece = pass.chunk * plan_.pp + stage.index;
  const bool forward = pass.direction == Direction::forward;
  if (piece == (forward ? 0 : pieces_ - 1)) {
    return {};
  }
  const std::uint32_t from = forward ? piece - 1 : piece + 1;
  const ReceiveTask message{role_of(from), message_tag(pass.micro_batch, pieces_, from, pass.direction)};
  return {graph_.add(stage.role, receive_stream, graph_.add_label("pp"), message)};
}

void StepWriter::send(const Stage& stage, const Pass& pass, TaskId after) {
  const std::uint32_t piece = pass.chunk * plan_.pp + stage.index;
  const bool forward = pass.direction == Direction::forward;
  if (piece == (forward ? pieces_ - 1 : 0)) {
    return;
  }
  const std::uint32_t to = forward ? piece + 1 : piece - 1;
  const Bytes bytes = own_tokens(plan_) * model_.hidden * size_of(DataType::bf16);
  const SendTask message{role_of(to), message_tag(pass.micro_batch, pieces_, piece, pass.direction), bytes};
  graph_.add(stage.role, send_stream, graph_.add_label("pp"), message, std::span(&after, 1));
}

TaskId StepWriter::run_block(const Stage& stage, BlockId block, std::uint32_t repeat, Direction direction,
                             std::span<const TaskId> after) {
  const std::uint16_t label = graph_.add_label(direction == Direction::forward ? "forward" : "backward");
  return graph_.add(stage.role, compute_stream, label, BlockTask{block, repeat}, after);
}

TaskId StepWriter::run_forward(const Stage& stage, const Pass& pass, std::vector<TaskId> after) {
  const std::vector<Piece>& chunk = stage.chunks[pass.chunk];
  // sharded weights come one layer ahead within the blocks: only the first of all has to be waited for
  const bool gathers = pass.micro_batch == 0 && (plan_.shard_weights ? pass.chunk == 0 : plan_.shard_optimiser);
  TaskId last;
  for (const Piece& piece : chunk) {
    const bool one_by_one = gathers && !plan_.shard_weights;
    for (std::uint32_t i = 0; i < (one_by_one ? piece.repeat : 1); ++i) {
      if (gathers && (one_by_one || &piece == &chunk.front())) {
        const auto gathered =
            shard(stage, CollectiveKind::all_gather, piece.weights, gather_type(plan_.matrix_type), {});
        after.insert(after.end(), gathered.begin(), gathered.end());
      }
      last = run_block(stage, piece.forward, one_by_one ? 1 : piece.repeat, pass.direction, after);
      after.clear();
    }
  }
  return last;
}

TaskId StepWriter::run_backward(Stage& stage, const Pass& pass, std::vector<TaskId> after) {
  const std::vector<Piece>& chunk = stage.chunks[pass.chunk];
  // gradients of sharded weights are reduced one layer behind within the blocks: only the last of all is left
  const bool reduces = pass.micro_batch + 1 == micro_batches_ && (!plan_.shard_weights || pass.chunk == 0);
  const CollectiveKind kind =
      plan_.shard_weights || plan_.shard_optimiser ? CollectiveKind::reduce_scatter : CollectiveKind::all_reduce;
  TaskId last;
  for (auto piece = chunk.rbegin(); piece != chunk.rend(); ++piece) {
    const bool one_by_one = reduces && !plan_.shard_weights;
    for (std::uint32_t i = 0; i < (one_by_one ? piece->repeat : 1); ++i) {
      last = run_block(stage, piece->backward, one_by_one ? 1 : piece->repeat, pass.direction, after);
      after.clear();
      if (reduces && (one_by_one || &*piece == &chunk.front())) {
        const auto reduced = shard(stage, kind, piece->weights, plan_.gradient_type, std::span(&last, 1));
        stage.reductions.insert(stage.reductions.end(), reduced.begin(), reduced.end());
      }
    }
  }
  return last;
}

std::vector<TaskId> StepWriter::shard(const Stage& stage, CollectiveKind kind, const Weights& weights, DataType type,
                                      std::span<const TaskId> after) {
  std::vector<TaskId> result;
  for (const auto& [axis, count] : {std::pair{Axis::dp, weights.dense}, {Axis::expert_dp, weights.experts}}) {
    if (communicator(axis, plan_).size > 1 && count > 0) {
      result.push_back(
          add_collective(graph_, plan_, stage.role, shard_stream, axis, kind, count * size_of(type), after));
    }
  }
  return result;
}

/// Two stages hold an embedding that is input and output: each sends the other its sum of gradients.
void StepWriter::exchange_tied_embedding(Stage& stage) {
  const bool first = stage.index == 0;
  if (!model_.tied_embedding || plan_.pp == 1 || (!first && stage.index + 1 != plan_.pp)) {
    return;
  }
  const RoleId peer(first ? plan_.pp - 1 : 0);
  const std::uint32_t tag = message_tag(micro_batches_, pieces_, 0, Direction::forward);
  const Bytes bytes = head_share(model_, plan_.tp).weights() * size_of(plan_.gradient_type);
  const std::uint16_t label = graph_.add_label("pp");
  graph_.add(stage.role, send_stream, label, SendTask{peer, tag, bytes}, std::span(&stage.last, 1));
  stage.reductions.push_back(graph_.add(stage.role, receive_stream, label, ReceiveTask{peer, tag}));
}

void StepWriter::optimise(const Stage& stage) {
  const bool sharded = plan_.shard_weights || plan_.shard_optimiser;
  double weights = 0;
  for (const auto& chunk : stage.chunks) {
    for (const Piece& piece : chunk) {
      weights += piece.repeat * (piece.weights.dense / (sharded ? communicator(Axis::dp, plan_).size : 1) +
                                 piece.weights.experts / (sharded ? communicator(Axis::expert_dp, plan_).size : 1));
    }
  }
  const KernelListId kernels = graph_.add_kernels({adam(weights, plan_, operands(chip_, plan_.matrix_type))});
  graph_.add(stage.role, compute_stream, graph_.add_label("optimiser"), ComputeTask{kernels}, stage.reductions);
}

}  // namespace

TaskGraph training_step(const ModelSpec& model, const ChipSpec& chip, const TrainingPlan& plan) {
  check_plan(model, chip, plan);
  return StepWriter(model, chip, plan).write();
}

}  // namespace podium
