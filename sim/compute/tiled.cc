#include "sim/compute/tiled.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <utility>

namespace podium {
namespace {

double fourth_power(double x) { return (x * x) * (x * x); }
double fourth_root(double x) { return std::sqrt(std::sqrt(x)); }

/// The share of data that no longer lies in a cache of `capacity`, where `footprint` went through it since it was used:
/// all or nothing for a cache that forgets in order, softened by what else is in it.
double missing(double footprint, double capacity) {
  const double full = fourth_power(footprint);
  return full > 0 ? full / (full + fourth_power(capacity)) : 0;
}

/// What does not depend on the tile, in SI units.
struct Product {
  double m, n, k, batch, element;
  double cores;        ///< of the share
  double all_cores;    ///< of the chip: the cache's bandwidth and the clock are shared by all
  double core_peak;    ///< data sheet
  double from_memory;  ///< seconds
};

/// The fastest way found so far.
struct Way {
  double time = std::numeric_limits<double>::infinity();  ///< without start
  bool computing = true;
};

double core_rate(const Product& product, const TiledFigures& figures, const TiledType& type, double busy) {
  return product.core_peak * std::min(type.compute * (1 + figures.boost * (1 - busy)), 1.0);
}

/// Tries one tile and one split of the loop over k.
void try_tile(Way& best, const Product& product, const TiledFigures& figures, const TiledType& type, Tile tile,
              double tiles, double splits) {
  constexpr double step = 64;  // elements of k that a pipeline stage takes
  const double k = std::ceil(product.k / (splits * step)) * step;
  const double units = tiles * splits;
  const double waves = std::ceil(units / product.cores);
  const double area = tile.rows * tile.columns;
  const double rate = core_rate(product, figures, type, units / (waves * product.all_cores));
  const double loop = waves * (2 * area * k / rate + figures.ramp + 2 * area / figures.store_bandwidth);
  const double loaded = (std::min(tile.rows, product.m) + std::min(tile.columns, product.n)) * k * product.element;
  const double cache =
      waves * (tile.rows + tile.columns) * k * product.element * product.all_cores / figures.cache_bandwidth;
  const double core = waves * loaded / type.core_bandwidth;
  const double moving = fourth_power(product.from_memory);
  double time = fourth_root(fourth_power(loop) + moving + fourth_power(cache) + fourth_power(core));
  if (splits > 1) {
    // partial sums in fp32, written and read
    const double sums = splits * product.m * product.n * product.batch * 4 * 2;
    time += figures.split_start + sums / figures.sum_bandwidth;
  }
  if (time < best.time) {
    best = {time, product.from_memory < std::max({loop, cache, core})};
  }
}

Way best_way(const Product& product, const TiledFigures& figures, const TiledType& type) {
  constexpr double fewest = 128;  // elements of k that a split is worth
  Way best;
  for (const Tile& upright : type.tiles) {
    for (const Tile& tile : {upright, Tile{upright.columns, upright.rows}}) {
      const double tiles = product.batch * std::ceil(product.m / tile.rows) * std::ceil(product.n / tile.columns);
      try_tile(best, product, figures, type, tile, tiles, 1);
      for (const double splits : {2, 3, 4, 6, 8, 12, 16, 24}) {
        if (splits > type.most_splits || product.k < fewest * splits || tiles * splits > 4 * product.cores) {
          break;
        }
        try_tile(best, product, figures, type, tile, tiles, splits);
      }
    }
  }
  return best;
}

/// Bytes of a product that come from memory or go there.
double traffic(const Gemm& gemm, const ChipSpec& chip, const TiledFigures& figures, Conditions conditions) {
  const double element = size_of(gemm.type).value();
  const double activations = gemm.batch * gemm.m * gemm.k * element;
  const double weights = gemm.batch * gemm.n * gemm.k * element;
  Gemm product = gemm;
  product.type = multiplied_as(gemm.type);  // without its passes before
  const double results = work(product).written.value();
  const double kept = figures.resident * chip.cache_size.value();
  const double hot = activations * missing(activations + weights + results, kept);
  if (conditions == Conditions::running) {
    return hot + weights + results;
  }
  return hot + (weights + results) * missing(figures.in_turn * (weights + results) + activations, kept);
}

/// Passes that quantise the activations, in seconds.
double preparing(const Gemm& gemm, const ChipSpec& chip, const TiledFigures& figures, const TiledType& type,
                 double vector_cores) {
  const double rows = gemm.m * gemm.batch;
  // a stack that was measured without quantising moves the activations once for it
  const double passes = gemm.type == DataType::w8a8 ? std::max(type.passes, 1.0) : type.passes;
  const double bytes = passes * rows * gemm.k * (size_of(DataType::bf16) + size_of(gemm.type)).value();
  const double missed = missing(bytes, figures.resident * chip.cache_size.value());
  const double moved =
      missed / (chip.memory_bandwidth.value() * figures.memory) + (1 - missed) / figures.cache_bandwidth;
  return type.preparation + std::ceil(rows / vector_cores) * type.row + bytes * moved;
}

double share_of(int cores, double share) { return std::max(1.0, std::floor(cores * share)); }

/// Products by tiles; all other kernels by the roofline of the chip's file.
class Tiled final : public ComputeModel {
 public:
  Tiled(TiledFigures figures, Conditions conditions)
      : figures_(std::move(figures)), conditions_(conditions), others_(ComputeModels::find("roofline")(ChipSpec{})) {}

  Cost cost(const Kernel& kernel, const ChipSpec& chip, CoreShare share) const override {
    const Gemm* gemm = std::get_if<Gemm>(&kernel);
    return gemm != nullptr ? tiled_cost(*gemm, chip, figures_, share, conditions_) : others_->cost(kernel, chip, share);
  }

 private:
  TiledFigures figures_;
  Conditions conditions_;
  std::unique_ptr<ComputeModel> others_;
};

}  // namespace

Cost tiled_cost(const Gemm& gemm, const ChipSpec& chip, const TiledFigures& figures, CoreShare share,
                Conditions conditions) {
  PODIUM_CHECK(share.matrix > 0 && share.matrix <= 1 && share.vector > 0 && share.vector <= 1,
               "a share of the cores is more than none and at most all");
  const Work needed = work(gemm);
  const double peak = chip.peak(gemm.type).value();
  const TiledType& type = figures.of(gemm.type);
  const double bandwidth = chip.memory_bandwidth.value() * figures.memory;
  const double cores = share_of(chip.matrix_cores, share.matrix);
  const Product product{gemm.m,
                        gemm.n,
                        gemm.k,
                        gemm.batch,
                        size_of(gemm.type).value(),
                        cores,
                        static_cast<double>(chip.matrix_cores),
                        peak / chip.matrix_cores,
                        traffic(gemm, chip, figures, conditions) / bandwidth};
  const Way way = best_way(product, figures, type);
  double busy = way.time;
  if (gemm.type == DataType::w8a8 || conditions == Conditions::measured) {
    busy +=
        preparing(gemm, chip, figures, type, chip.vector_cores > 0 ? share_of(chip.vector_cores, share.vector) : cores);
  }
  Cost result;
  result.launch = Seconds(figures.start);
  result.time = Seconds(figures.start + busy);
  result.flops = needed.flops;
  result.bytes = needed.read + needed.written;
  if (busy > figures.start) {
    result.bound = way.computing ? Bound::compute : Bound::memory;
  }
  return result;
}

std::unique_ptr<ComputeModel> tiled_model(TiledFigures figures, Conditions conditions) {
  return std::make_unique<Tiled>(std::move(figures), conditions);
}

namespace {

const ComputeModels::Entry entry{
    "tiled", "products by tiles, waves and cache, from configs/calibration; other kernels as the roofline",
    [](const ChipSpec& chip) { return tiled_model(load_tiled(chip.name), Conditions::running); }};

}  // namespace
}  // namespace podium
