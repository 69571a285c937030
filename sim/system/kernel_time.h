#pragma once

#include <span>
#include <vector>

#include "sim/compute/compute_model.h"

namespace podium {

/// A kernel list on one stream, worked out: its time, and how much of it each bound explains (launch + compute + memory
/// = time).
struct KernelTime {
  Seconds time, launch, compute, memory;
  Seconds streaming;                            ///< of `time`, what the memory is busy, behind computing too
  Flops flops;                                  ///< of one rank
  Bytes bytes;                                  ///< of one rank
  std::vector<KernelFamily> extrapolated = {};  ///< of kernels beyond what the model was made of
};

/// Alone on the chip; kernels are launched `launch_speed` times as fast as the model says. A pure function.
KernelTime time_of(std::span<const Kernel>, const ComputeModel&, const ChipSpec&, CoreShare, double launch_speed = 1);

}  // namespace podium
