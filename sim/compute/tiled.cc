#include "sim/compute/tiled.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <utility>

#include "sim/compute/carry_over.h"

namespace podium {
namespace {

/// The share of data that no longer lies in a cache of `capacity`, where `footprint` went through it since it was used:
/// all or nothing for a cache that forgets in order, softened by what else is in it.
double missing(double footprint, double capacity) {
  const auto fourth_power = [](double x) { return (x * x) * (x * x); };
  const double full = fourth_power(footprint);
  return full > 0 ? full / (full + fourth_power(capacity)) : 0;
}

/// What the products of a kernel have in common: `batch` of m x k by k x n.
struct TileShape {
  DataType type;
  double m, n, k, batch;
  double results;                      ///< bytes written
  RowSpread spread = RowSpread::even;  ///< m is a mean, of which each product may have more or less
};

/// What does not depend on the tile, in SI units.
struct Product {
  TileShape shape;
  double element;
  double cores;          ///< of the share
  double all_cores;      ///< of the chip: the cache's bandwidth and the power are shared by all
  double core_peak;      ///< data sheet
  double read, written;  ///< seconds at the memory
  double weights;        ///< of `read`
  bool settled;          ///< it has been busy for long
  double again;          ///< share of `weights` that each further row of tiles reads once more
};

/// The fastest way found so far.
struct Way {
  double time = std::numeric_limits<double>::infinity();  ///< without start
  bool computing = true;
  double loaded = 0;  ///< bytes, by all cores
};

/// Tiles that so many rows fill, give or take their root: the mean over a normal distribution.
double random_tiles(double m, double rows) {
  constexpr double many = 32, furthest = 6;  // tiles whose edges no longer count; deviations
  if (m > many * rows) {
    return m / rows + 0.5;
  }
  double tiles = 1;
  const int most = static_cast<int>((m + furthest * std::sqrt(m)) / rows);
  for (int whole = 1; whole <= most; ++whole) {
    tiles += std::erfc((whole * rows - m) / std::sqrt(2 * m)) / 2;
  }
  return tiles;
}

/// Tiles that the rows of C fill: of skewed products each leaves half a tile unused, or has one tile alone.
double row_tiles(const TileShape& shape, double rows) {
  switch (shape.spread) {
    case RowSpread::even:
      return shape.batch * std::ceil(shape.m / rows);
    case RowSpread::random:
      return shape.batch * random_tiles(shape.m, rows);
    case RowSpread::skewed:
      return shape.batch * std::max(1.0, shape.m / rows + 0.5);
  }
  PODIUM_CHECK(false, "a spread is one of three");
}

/// Seconds at the rate that the power limit leaves, of work that takes `at_peak` with the chip's whole peak.
double limited(double at_peak, bool settled, const TiledFigures& figures, const TiledType& type) {
  const double slow = at_peak / type.sustained;
  if (settled || type.burst <= type.sustained || slow <= 0) {
    return slow;
  }
  const double part = -std::expm1(-slow / figures.settling) * figures.settling / slow;
  return at_peak / (type.sustained + (type.burst - type.sustained) * part);
}

/// Tries one tile and one split of the loop over k.
void try_tile(Way& best, const Product& product, const TiledFigures& figures, const TiledType& type, Tile tile,
              double along, double tiles, double splits) {
  constexpr double stage = 64;  // elements of k that a pipeline stage takes
  const double k = std::ceil(product.shape.k / (splits * stage)) * stage;
  const double units = tiles * splits;
  const double waves = std::ceil(units / product.cores);
  const double area = tile.rows * tile.columns;
  const double at_peak = 2 * area * k / product.core_peak;  // of a tile on its core
  const double loop = std::max(waves * at_peak / type.compute,
                               limited(units * at_peak / product.all_cores, product.settled, figures, type)) +
                      waves * 2 * area / type.store_bandwidth;
  const double loading =
      waves * (tile.rows + tile.columns) * k * product.element * product.all_cores / figures.cache_bandwidth;
  const double working = std::max(loop, loading);
  const double exposed = along <= product.shape.batch && type.exposed_once > 0 ? type.exposed_once : type.exposed;
  double time = std::max(working, product.read + product.written) + exposed * std::min(working, product.read) +
                type.drain * tile.rows;
  if (splits > 1) {
    // partial sums in fp32, written and read
    const double sums = splits * product.shape.m * product.shape.n * product.shape.batch * 4 * 2;
    time += figures.split_start + sums / figures.sum_bandwidth;
  }
  if (time < best.time) {
    best = {time, product.read + product.written < working, units * (tile.rows + tile.columns) * k * product.element};
  }
}

/// A tile of which the edge of C leaves less, in steps of a core.
Tile cut(Tile tile, const TileShape& shape, double step) {
  if (step == 0) {
    return tile;
  }
  const auto rounded = [step](double x) { return std::ceil(x / step) * step; };
  return {std::min(tile.rows, rounded(shape.m)), std::min(tile.columns, rounded(shape.n))};
}

Way best_way(Product product, const TiledFigures& figures, const TiledType& type) {
  constexpr double fewest = 128;  // elements of k that a split is worth
  const double once = product.read;
  const TileShape& shape = product.shape;
  Way best;
  for (const Tile& upright : type.tiles) {
    for (const Tile& whole : {upright, type.turned ? Tile{upright.columns, upright.rows} : upright}) {
      const Tile tile = cut(whole, shape, figures.step);
      const double along = row_tiles(shape, shape.spread == RowSpread::even ? tile.rows : whole.rows),
                   tiles = along * std::ceil(shape.n / tile.columns);
      product.read = once + product.again * product.weights * (along / shape.batch - 1);
      try_tile(best, product, figures, type, tile, along, tiles, 1);
      for (const double splits : {2, 3, 4, 6, 8, 12, 16, 24}) {
        if (splits > type.most_splits || shape.k < fewest * splits || tiles * splits > 4 * product.cores) {
          break;
        }
        try_tile(best, product, figures, type, tile, along, tiles, splits);
      }
    }
  }
  return best;
}

/// Bytes that a product reads from memory and writes there.
struct Traffic {
  double read, written;
  double weights;  ///< of `read`
};

Traffic traffic(const TileShape& shape, const ChipSpec& chip, const TiledFigures& figures, const TiledType& type,
                Conditions conditions) {
  const double element = size_of(shape.type).value();
  const double activations = shape.batch * shape.m * shape.k * element;
  const double weights = shape.batch * shape.n * shape.k * element;
  const double cache = chip.cache_size.value();
  const double hot = activations * missing(activations + weights + shape.results, figures.activations_resident * cache);
  const double turn = figures.in_turn * (weights + shape.results) + activations;
  const double cold = conditions == Conditions::running ? 1 : missing(turn, type.weights_resident * cache);
  return {hot + weights * cold, shape.results * cold, weights * cold};
}

/// Passes that quantise the activations, in seconds.
double preparing(const TileShape& shape, const ChipSpec& chip, const TiledFigures& figures, const TiledType& type,
                 double vector_cores) {
  const double rows = shape.m * shape.batch;
  // a stack that was measured without quantising moves the activations once for it
  const double passes = shape.type == DataType::w8a8 ? std::max(type.passes, 1.0) : type.passes;
  const double bytes = passes * rows * shape.k * (size_of(DataType::bf16) + size_of(shape.type)).value();
  return type.preparation + std::ceil(rows / vector_cores) * type.row +
         bytes / (chip.memory_bandwidth.value() * figures.memory);
}

double reread_share(const TileShape& shape, const ChipSpec& chip, const TiledType& type) {
  const double weights = shape.n * shape.k * size_of(shape.type).value();
  return type.reread > 0 ? missing(weights, type.reread * chip.cache_size.value()) : 0;
}

double share_of(int cores, double share) { return std::max(1.0, std::floor(cores * share)); }

Cost cost_of(const TileShape& shape, const Work& needed, const ChipSpec& chip, const TiledFigures& figures,
             CoreShare share, Conditions conditions) {
  PODIUM_CHECK(share.matrix > 0 && share.matrix <= 1 && share.vector > 0 && share.vector <= 1,
               "a share of the cores is more than none and at most all");
  const TiledType& type = figures.of(shape.type);
  const double bandwidth = chip.memory_bandwidth.value() * figures.memory;
  const double cores = share_of(chip.matrix_cores, share.matrix);
  const Traffic moved = traffic(shape, chip, figures, type, conditions);
  const Product product{shape,
                        size_of(shape.type).value(),
                        cores,
                        static_cast<double>(chip.matrix_cores),
                        chip.peak(shape.type).value() / chip.matrix_cores,
                        moved.read / bandwidth,
                        moved.written / bandwidth,
                        moved.weights / bandwidth,
                        conditions == Conditions::running,
                        reread_share(shape, chip, type)};
  const Way way = best_way(product, figures, type);
  double busy = way.time;
  if (conditions == Conditions::measured && shape.m > 2 && shape.m < figures.step) {
    busy = std::max(busy, type.padded - figures.start);
  }
  if (shape.type == DataType::w8a8 || conditions == Conditions::measured) {
    const double vectors = chip.vector_cores > 0 ? share_of(chip.vector_cores, share.vector) : cores;
    busy += preparing(shape, chip, figures, type, vectors);
  }
  Cost result;
  result.launch = Seconds(figures.start);
  result.time = Seconds(figures.start + busy);
  result.flops = needed.flops;
  result.bytes = needed.read + needed.written;
  result.from_memory = Bytes(moved.read + moved.written) + needed.quantising;
  result.from_cache = Bytes(way.loaded + shape.results) + needed.quantising;
  if (busy > figures.start) {
    result.bound = way.computing ? Bound::compute : Bound::memory;
  }
  return result;
}

/// Bytes of C, without what passes before the product write.
template <class Gemms>
double results_of(Gemms gemm) {
  gemm.type = multiplied_as(gemm.type);
  return work(gemm).written.value();
}

/// Products and attention by tiles; all other kernels, and those that were not measured, by the roofline of the chip's
/// file.
class Tiled final : public ComputeModel {
 public:
  Tiled(TiledFigures figures, Conditions conditions)
      : figures_(std::move(figures)), conditions_(conditions), others_(ComputeModels::find("roofline")(ChipSpec{})) {}

  Cost cost(const Kernel& kernel, const ChipSpec& chip, CoreShare share) const override {
    if (const auto* gemm = std::get_if<Gemm>(&kernel)) {
      return tiled_cost(*gemm, chip, figures_, share, conditions_);
    }
    if (const auto* grouped = std::get_if<GroupedGemm>(&kernel);
        grouped != nullptr && figures_.grouped && grouped->sum == Bytes()) {
      return tiled_cost(*grouped, chip, *figures_.grouped, share, conditions_);
    }
    if (const auto* attention = std::get_if<Attention>(&kernel); attention != nullptr && figures_.attention) {
      return attention_cost(*attention, chip, *figures_.attention, share, conditions_);
    }
    if (const auto* mla = std::get_if<Mla>(&kernel); mla != nullptr && figures_.mla) {
      return attention_cost(*mla, chip, *figures_.mla, share, conditions_);
    }
    if (const auto* memory = std::get_if<MemoryOp>(&kernel); memory != nullptr && figures_.memory_bound) {
      return memory_cost(*memory, chip, *figures_.memory_bound, share, conditions_);
    }
    return others_->cost(kernel, chip, share);
  }

 private:
  TiledFigures figures_;
  Conditions conditions_;
  std::unique_ptr<ComputeModel> others_;
};

}  // namespace

Cost tiled_cost(const Gemm& gemm, const ChipSpec& chip, const TiledFigures& figures, CoreShare share,
                Conditions conditions) {
  const TileShape shape{gemm.type, gemm.m, gemm.n, gemm.k, gemm.batch, results_of(gemm)};
  return cost_of(shape, work(gemm), chip, figures, share, conditions);
}

Cost tiled_cost(const GroupedGemm& gemm, const ChipSpec& chip, const TiledFigures& figures, CoreShare share,
                Conditions conditions) {
  PODIUM_CHECK(gemm.sum == Bytes(), "gradients of the weights of experts are not products by tiles");
  const double touched = touched_experts(gemm);
  const double rows = touched > 0 ? gemm.rows / touched : 0;
  const TileShape shape{gemm.type, rows, gemm.n, gemm.k, touched, results_of(gemm), gemm.spread};
  return cost_of(shape, work(gemm), chip, figures, share, conditions);
}

std::unique_ptr<ComputeModel> tiled_model(TiledFigures figures, Conditions conditions) {
  return std::make_unique<Tiled>(std::move(figures), conditions);
}

namespace {

const ComputeModels::Entry tiled_entry{
    "tiled",
    "products and attention by tiles, waves and cache, from configs/calibration; other kernels as the roofline",
    [](const ChipSpec& chip) { return tiled_model(load_tiled_for(chip), Conditions::running); }};

}  // namespace
}  // namespace podium
