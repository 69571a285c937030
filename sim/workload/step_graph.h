#pragma once

#include <map>
#include <vector>

#include "sim/workload/layer_program.h"

/// Inside of inference: programs of layers become tasks on streams, and layers that come again become blocks.
namespace podium {

/// Streams of a step of inference.
inline constexpr std::uint16_t main_stream = 0, expert_stream = 1, transfer_stream = 2;

/// A stretch of a sequence that comes `repeat` times in a row: items [first, first + period x repeat).
struct Repetition {
  std::size_t first = 0, period = 1, repeat = 1;
  bool operator==(const Repetition&) const = default;
};
/// Splits a sequence of kinds into runs, front to back, each as long as a pattern of at most `longest` items allows.
std::vector<Repetition> find_repetitions(const std::vector<std::size_t>& kinds, std::size_t longest);

/// How two micro-batches share the rank.
enum class Weaving {
  none,         ///< there is one
  take_turns,   ///< one computes on all cores while the other communicates
  share_cores,  ///< one's attention runs beside the other's experts, each on its part of the cores
};

/// Adds programs to a graph of one role, each piece after the one before.
class ProgramWriter {
 public:
  using After = std::vector<TaskId>;

  ProgramWriter(TaskGraph& graph, const InferencePlan& plan);

  /// Returns what the next program has to wait for. Exchanges between experts run on the communication stream; those
  /// of tensor parallelism are kernels of the compute stream, as the libraries launch them.
  After add(const Program&, std::uint16_t stream, After after);
  After add_delay(const std::string& label, Seconds time, After after);
  After add_block(const std::string& label, BlockId block, std::uint32_t repeat, After after);
  /// Everything of a layer behind its attention.
  After add_behind_attention(const LayerProgram&, std::uint16_t stream, After after);

 private:
  TaskGraph& graph_;
  RoleId role_;
  std::map<Among, CommunicatorId> communicators_;
};

/// Adds layers to a step's graph, in order: `kinds` indexes `programs` (of one micro-batch).
ProgramWriter::After add_layers(TaskGraph&, ProgramWriter&, const InferencePlan&, Weaving,
                                const std::vector<LayerProgram>& programs, const std::vector<std::size_t>& kinds,
                                const std::string& label, ProgramWriter::After after);

}  // namespace podium
