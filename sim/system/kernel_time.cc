#include "sim/system/kernel_time.h"

#include <algorithm>

namespace podium {

KernelTime time_of(std::span<const Kernel> kernels, const ComputeModel& model, const ChipSpec& chip, CoreShare cores,
                   double launch_speed) {
  KernelTime sum;
  for (const Kernel& kernel : kernels) {
    const Cost cost = model.cost(kernel, chip, cores);
    if (cost.extrapolated) {
      sum.extrapolated.push_back(family_of(kernel));
    }
    const Seconds busy = cost.time - cost.launch;
    const Seconds launch = cost.launch / launch_speed;
    sum.time += cost.time - (cost.launch - launch);
    sum.launch += launch;
    (cost.bound == Bound::memory ? sum.memory : sum.compute) += busy;
    sum.streaming += cost.bound == Bound::memory ? busy : std::min(busy, cost.bytes / chip.memory_bandwidth);
    sum.flops += cost.flops;
    sum.bytes += cost.bytes;
  }
  return sum;
}

}  // namespace podium
