#pragma once

#include <map>
#include <string>
#include <vector>

#include "sim/config/config.h"
#include "sim/hardware/data_type.h"

namespace podium {

/// What a family of kernels achieves on a chip: fractions of the data sheet, and what one kernel costs before its first
/// byte moves. The two efficiencies and the start are all that the roofline model knows.
struct Achieved {
  double compute = 1;  ///< of the peak of the data type, at large sizes
  double memory = 1;   ///< of the memory bandwidth, when streaming
  Seconds start;       ///< fixed time of one kernel inside a replayed graph
};

/// Families of kernels with figures of their own in a chip's file.
enum class KernelFamily { gemm, grouped_gemm, attention_prefill, attention_decode, mla_prefill, mla_decode, memory };
std::string_view to_string(KernelFamily);
std::vector<KernelFamily> all_kernel_families();

/// One device as software sees it (a rank): an H100, a GB200 GPU, one die of an Ascend 910C. Immutable.
struct ChipSpec {
  std::string name;
  std::string description;
  std::map<DataType, FlopsPerSecond> matrix_peak;  ///< dense, by the type that is multiplied
  FlopsPerSecond vector_peak;                      ///< bf16 or fp16 on the vector units
  int matrix_cores = 0;                            ///< SMs, or AI cube cores
  int vector_cores = 0;                            ///< AI vector cores; 0 where the matrix cores do the vector work
  Bytes memory_size;
  BytesPerSecond memory_bandwidth;
  Bytes cache_size;  ///< last-level cache
  Bytes reserved;    ///< memory that driver, runtime and communication buffers take, whatever runs
  Watts power;       ///< board or package power limit, per device
  Watts idle_power;
  /// Products of 8-bit tensors with one scale each take operands in one layout only, so that training keeps a
  /// transposed copy of each for the gradient of the weights (Hopper).
  bool transposes_operands = false;
  Seconds graph_launch;  ///< host time to launch one captured graph (one serving step)
  std::map<KernelFamily, std::map<DataType, Achieved>> achieved;  ///< all families, each with all supported types
  std::string compute_model;                                      ///< name in the registry of compute models
  Location compute_model_where;
  std::vector<Figure> figures;

  /// Peak of a type, or of the type that it is multiplied as; InputError where the chip has neither.
  FlopsPerSecond peak(DataType) const;
  bool supports(DataType type) const { return matrix_peak.contains(multiplied_as(type)); }
  /// InputError where the chip does not support the type.
  const Achieved& achieves(KernelFamily, DataType) const;
};

/// Reads configs/chips/NAME.yaml (or a path); the format is in sim/hardware/README.md.
ChipSpec load_chip(std::string_view name, const std::map<std::string, std::string>& overrides = {},
                   const Location& where = {});
/// The chip that a document describes.
ChipSpec read_chip(const Document& document, std::string name);

}  // namespace podium
