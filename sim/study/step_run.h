#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "sim/study/port_use.h"
#include "sim/study/result.h"
#include "sim/system/critical_path.h"
#include "sim/system/timeline.h"

namespace podium {

/// How a step is executed.
struct StepOptions {
  std::string network = "flow";
  bool use_library = false;  ///< as the study says, whose steps they are
  Folding folding = Folding::exact;
  bool check_folding = false;  ///< every rank runs by itself, too: RunError where that differs
  /// Beside those that the step was planned with, as `parse_fault` and `parse_slow_chips` read them.
  std::vector<std::string> faults, slow;
  std::optional<double>
      packet_scale;                 ///< packets so many times as large as real ones; nothing: whoever runs it chooses
  std::size_t timeline_slices = 0;  ///< at most, of all steps together; 0: no timeline is kept
};

/// Whether the step runs on a network of packets.
bool has_packets(const StepOptions&);
/// Whether one of each class of equal messages is simulated.
bool folds(const StepOptions&);

/// A step on one network.
struct StepRun {
  Seconds time;
  Breakdown breakdown;
  Breakdown critical_path;               ///< of the chain of tasks that set `time`
  Seconds critical_path_loss;            ///< what work of the chain lost to what ran beside it
  std::vector<Elasticity> elasticities;  ///< of the same chain
  std::vector<PortTier> tiers;
  FoldingUse folding;
  std::uint64_t packet_hops = 0;  ///< that were simulated; a layer that comes again counts once
  double real_packet_hops = 0;    ///< that packets of their real size would make of the same bytes
  std::uint64_t signature = 0;
  std::vector<std::string> notes;
  Timeline timeline;  ///< where one was asked for
};

/// Whether the step runs on a machine with more faults or slow chips than it was planned for.
bool is_worse(const StepOptions&);

/// Executes a step, alone on the first ranks of its system. Switches and links are the real ones, on any network, so
/// that ports can be compared. Progress is told packet-hops that were done since it was told last.
StepRun execute(const PlannedStep&, const StepOptions&, const std::function<void(std::uint64_t)>& progress = {});

}  // namespace podium
