#pragma once

#include <algorithm>
#include <vector>

#include "sim/compute/kernel.h"

namespace podium::test {

/// One kernel of each kind and phase in `type`, of the size of a layer times `scale`.
inline std::vector<Kernel> kernels(DataType type, double scale) {
  Attention attention;
  attention.type = type;
  attention.batch = 4 * scale;
  attention.query_heads = 32;
  attention.kv_heads = 8;
  attention.head_dim = 128;
  attention.query = 1;
  attention.context = 1024 * scale;
  Attention prefill = attention;
  prefill.phase = AttentionPhase::prefill;
  prefill.query = 256 * scale;
  Attention windowed = prefill;
  windowed.window = 100;
  Mla mla;
  mla.type = type;
  mla.batch = 4 * scale;
  mla.heads = 128;
  mla.query = 2;
  mla.context = 1024 * scale;
  Mla expanded = mla;
  expanded.phase = AttentionPhase::prefill;
  expanded.query = 256 * scale;
  return {Gemm{type, 64 * scale, 4096, 7168, 1},
          Gemm{type, 64 * scale, 512, 128, 128},
          GroupedGemm{type, 8, 100 * scale, 4096, 7168, 0},
          GroupedGemm{type, 8, 100 * scale, 4096, 7168, std::min(3.0, 100 * scale)},
          attention,
          prefill,
          windowed,
          mla,
          expanded,
          MemoryOp{"copy", Bytes(1e6 * scale), Bytes(5e5 * scale), Flops(0)},
          MemoryOp{"softmax", Bytes(1e6 * scale), Bytes(5e5 * scale), Flops(3e7 * scale)}};
}

}  // namespace podium::test
