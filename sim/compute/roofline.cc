#include <algorithm>

#include "sim/compute/compute_model.h"

namespace podium {
namespace {

/// The roofline (Williams, Waterman, Patterson 2009) with two efficiencies and a start:
///
///     time = start + quantising / (bandwidth * memory of the memory family)
///                  + max(flops / (peak * compute * cores), bytes / (bandwidth * memory))
///
/// where `cores` is the share of the matrix cores; a MemoryOp computes on the vector units, or on the matrix cores of a
/// chip whose cores do both. All bytes come from memory: what is still in the cache from the kernel before is, where it
/// fits, so little that the start covers it (activations of a decode step), and the rows that the efficiencies are
/// fitted to were measured with cold caches. What cores load again from the cache is not known either.
class Roofline final : public ComputeModel {
 public:
  Cost cost(const Kernel& kernel, const ChipSpec& chip, CoreShare share) const override {
    PODIUM_CHECK(share.matrix > 0 && share.matrix <= 1 && share.vector > 0 && share.vector <= 1,
                 "a share of the cores is more than none and at most all");
    const Work needed = work(kernel);
    const KernelFamily family = family_of(kernel);
    const Achieved& memory_op = figures_of_memory(chip);
    const bool on_vectors = family == KernelFamily::memory;
    const Achieved& achieved = on_vectors ? memory_op : chip.achieves(family, needed.type);
    const FlopsPerSecond peak = on_vectors ? chip.vector_peak : chip.peak(needed.type);
    const double cores = on_vectors && chip.vector_cores > 0 ? share.vector : share.matrix;

    const Bytes bytes = needed.read + needed.written;
    const Seconds quantising = needed.quantising / (chip.memory_bandwidth * memory_op.memory);
    const Seconds computing = needed.flops / (peak * (achieved.compute * cores));
    const Seconds moving = (bytes - needed.quantising) / (chip.memory_bandwidth * achieved.memory);

    Cost result;
    result.launch = achieved.start;
    result.flops = needed.flops;
    result.bytes = result.from_memory = result.from_cache = bytes;
    const Seconds busy = quantising + std::max(computing, moving);
    result.time = achieved.start + busy;
    if (busy > achieved.start) {
      result.bound = computing > quantising + moving ? Bound::compute : Bound::memory;
    }
    return result;
  }

 private:
  /// Memory-bound kernels have one set of figures: their bytes say what their type is.
  static const Achieved& figures_of_memory(const ChipSpec& chip) {
    return chip.achieves(KernelFamily::memory, chip.matrix_peak.begin()->first);
  }
};

const ComputeModels::Entry roofline_entry{
    "roofline", "data sheet, two efficiencies and a start for each family of kernels",
    [](const ChipSpec&) -> std::unique_ptr<ComputeModel> { return std::make_unique<Roofline>(); }};

}  // namespace
}  // namespace podium
