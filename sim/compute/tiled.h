#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sim/compute/attention.h"
#include "sim/compute/compute_model.h"
#include "sim/compute/conditions.h"
#include "sim/compute/memory_bound.h"
#include "sim/compute/parameter.h"

namespace podium {

/// The part of C that one core computes at a time.
struct Tile {
  double rows = 0, columns = 0;
};

/// What the library of a stack does with products of one data type. Figures that are fitted are doubles in SI units,
/// since a fit moves them all alike.
struct TiledType {
  double compute = 1;          ///< of a core's peak, inside the loop over k, where its clock is not held back
  double sustained = 1;        ///< of the chip's peak, with all cores busy: what the power limit leaves in the long run
  double burst = 0;            ///< … and at first, before the limit takes hold; 0: the same
  double exposed = 0;          ///< share of the shorter of computing and reading memory that the longer does not hide
  double exposed_once = 0;     ///< the same where one row of tiles covers C, whose weights are streamed; 0: the same
  double store_bandwidth = 0;  ///< at which one core writes its finished tile
  double drain = 0;            ///< seconds a row of the last tile takes when nothing is left to hide behind
  double weights_resident = 0;  ///< share of the cache that holds weights since the measurement took them last
  double padded = 0;            ///< least seconds of 3 rows or more, but fewer than a step: a kernel before pads them
  double preparation = 0;       ///< seconds before the passes that quantise the activations
  double passes = 0;            ///< how often they move the activations, once in bf16 and once in the type
  double row = 0;               ///< seconds more for each row a core quantises
  double most_splits = 1;       ///< of the loop over k
  double reread = 0;   ///< share of the cache in which a product's weights wait for its next row of tiles, or are
                       ///< read from memory again; 0: they always wait
  bool turned = true;  ///< tiles may lie either way round
  std::vector<Tile> tiles;
};

/// Figures of the tiled model for one chip and one software stack, in SI units. Bandwidths other than the memory's are
/// of the die itself and so carry over to chips with the same die.
struct TiledFigures {
  std::string chip;                 ///< that was measured
  std::string stack;                ///< the software that was measured: "cublas", "tensorrt-llm"
  double start = 0;                 ///< fixed time of a kernel in a replayed graph
  double split_start = 0;           ///< what adding up a split loop over k takes beside moving the partial sums
  double memory = 1;                ///< of the data sheet's memory bandwidth
  double cache_bandwidth = 0;       ///< of the last-level cache to all cores, which load the operands of their tiles
  double sum_bandwidth = 1e18;      ///< at which partial sums are exchanged
  double activations_resident = 0;  ///< share of the last-level cache that still holds activations just written
  double settling = 1;              ///< seconds of a kernel after which the power limit has taken hold
  double in_turn = 1;               ///< sets of weights and outputs that the measurement took in turn
  double step = 0;  ///< rows and columns that a core computes at once, where the edge of C cuts tiles; 0: whole tiles
  std::map<DataType, TiledType> types;
  std::optional<AttentionFigures> attention, mla;  ///< where they were measured
  std::optional<MemoryFigures> memory_bound;       ///< the same
  std::shared_ptr<const TiledFigures> grouped;     ///< of the library's kernel for several experts, the same

  /// The figures of a type, or of the nearest one that was measured: of what it is multiplied as, of another type with
  /// as many bits, of bf16.
  const TiledType& of(DataType) const;
};

/// Time of one product by tiles. Each of a few tile shapes, either way round, and splits of the loop over k is tried,
/// as libraries do, and the fastest counts:
///
///     units   = tiles x splits;  waves = ceil(units / cores)
///     loop    = 2 rows columns k max(waves / (compute x peak of a core), units / (sustained x peak of the chip))
///               + waves x tile / store bandwidth
///     working = max(loop, waves (rows + columns) k / (cache bandwidth / cores))
///     time    = start + max(working, reading, reading and writing) + exposed x min(working, reading)
///               + drain of the last tile + exchange of partial sums
///
/// Where a power limit takes some time to hold the clock back, a product that takes T at the sustained rate has
///
///     share = sustained + (burst - sustained) (settling / T) (1 - exp(-T / settling))
///
/// of the peak: what a clock that decays from one to the other gives on average over T. A running chip has long
/// settled. `reading` and `writing` are what moves between memory and the last-level cache; of the operands only what
/// the cache no longer holds does.
Cost tiled_cost(const Gemm&, const ChipSpec&, const TiledFigures&, CoreShare, Conditions);

/// The same of the product of each expert. Skewed rows leave half a tile an expert unused.
Cost tiled_cost(const GroupedGemm&, const ChipSpec&, const TiledFigures&, CoreShare, Conditions);

/// All that a stack's rows determine, in the file's order.
std::vector<Parameter> parameters_of(TiledFigures&);
/// A list of pairs of counts: [[64, 128], [128, 128]].
std::vector<Tile> read_tiles(const Node& node);

/// Reads configs/calibration/<chip>-<stack>.yaml, or <chip>.yaml where no stack is named: the best
/// one known for the chip; a file with `same_as` names the chip whose figures it takes. InputError where there is none.
TiledFigures load_tiled(std::string_view chip, std::string_view stack = {});
/// The figures that a document describes.
TiledFigures read_tiled(const Document& document);
/// The model with figures and conditions other than those that its name in the registry stands for.
std::unique_ptr<ComputeModel> tiled_model(TiledFigures, Conditions);

}  // namespace podium
