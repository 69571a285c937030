#include "sim/compute/compute_model.h"

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
