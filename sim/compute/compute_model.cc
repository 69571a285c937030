#include "sim/compute/compute_model.h"

#include <algorithm>
#include <map>

namespace podium {

std::string_view to_string(Bound bound) {
  switch (bound) {
    case Bound::compute:
      return "compute";
    case Bound::memory:
      return "memory";
    case Bound::launch:
      return "launch";
  }
  throw_bug("a bound has a name", __FILE__, __LINE__, {});
}

Cost in_sequence(std::span<const Cost> costs) {
  Cost sum;
  std::map<Bound, Seconds> bounds{{Bound::launch, Seconds()}};
  for (const Cost& cost : costs) {
    sum.time += cost.time;
    sum.launch += cost.launch;
    sum.flops += cost.flops;
    sum.bytes += cost.bytes;
    sum.from_memory += cost.from_memory;
    sum.from_cache += cost.from_cache;
    sum.extrapolated = sum.extrapolated || cost.extrapolated;
    bounds[cost.bound] += cost.time;
  }
  const auto shorter = [](const auto& one, const auto& other) { return one.second < other.second; };
  sum.bound = std::max_element(bounds.begin(), bounds.end(), shorter)->first;
  return sum;
}

std::unique_ptr<ComputeModel> compute_model_of(const ChipSpec& chip) {
  return ComputeModels::find(chip.compute_model, chip.compute_model_where)(chip);
}

KernelFamily family_of(const Kernel& kernel) {
  struct {
    KernelFamily operator()(const Gemm&) const { return KernelFamily::gemm; }
    KernelFamily operator()(const GroupedGemm&) const { return KernelFamily::grouped_gemm; }
    KernelFamily operator()(const Attention& attention) const {
      return attention.phase == AttentionPhase::prefill ? KernelFamily::attention_prefill
                                                        : KernelFamily::attention_decode;
    }
    KernelFamily operator()(const Mla& mla) const {
      return mla.phase == AttentionPhase::prefill ? KernelFamily::mla_prefill : KernelFamily::mla_decode;
    }
    KernelFamily operator()(const MemoryOp&) const { return KernelFamily::memory; }
  } family;
  return std::visit(family, kernel);
}

}  // namespace podium
