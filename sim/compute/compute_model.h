#pragma once

#include <memory>
#include <span>

#include "sim/compute/kernel.h"
#include "sim/core/registry.h"
#include "sim/hardware/chip.h"

namespace podium {

/// What kept a kernel from being faster.
enum class Bound { compute, memory, launch };
std::string_view to_string(Bound);

/// The part of a chip that a stream of kernels may use, where work is split between streams (an Ascend die's 24 cube
/// and 48 vector cores). Memory bandwidth is shared by all.
struct CoreShare {
  double matrix = 1;
  double vector = 1;

  friend bool operator==(const CoreShare&, const CoreShare&) = default;
};

/// Whose figures of a chip's file a kernel takes.
KernelFamily family_of(const Kernel&);

struct Cost {
  Seconds time;    ///< everything, launch included
  Seconds launch;  ///< the fixed part of `time`
  Flops flops;
  Bytes bytes;        ///< that the kernel needs, each tensor once
  Bytes from_memory;  ///< what moves between the memory and the last-level cache
  Bytes from_cache;   ///< what moves between that cache and the cores, tiles loaded again included
  Bound bound = Bound::launch;
  bool extrapolated = false;  ///< beyond what the model was made of
};

/// The cost of kernels one after another; its bound is the one that held for most of the time.
Cost in_sequence(std::span<const Cost>);

/// Time of one kernel on one chip. Contract:
///  - a pure function of its arguments;
///  - never faster than flops over the peak of the share's cores, or bytes over the memory bandwidth, but for bytes
///  that
///    stay in the last-level cache;
///  - never faster with fewer cores, never slower with more bandwidth;
///  - throws InputError for a data type that the chip lacks.
class ComputeModel {
 public:
  virtual ~ComputeModel() = default;
  virtual Cost cost(const Kernel&, const ChipSpec&, CoreShare) const = 0;
};

struct ComputeModelKind {
  static constexpr const char* what = "compute model";
  using Value = std::unique_ptr<ComputeModel> (*)(const ChipSpec&);
};
using ComputeModels = Registry<ComputeModelKind>;

/// The one that the chip's file names; InputError there where it is none.
std::unique_ptr<ComputeModel> compute_model_of(const ChipSpec&);

}  // namespace podium
