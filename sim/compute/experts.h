#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "sim/compute/tiled.h"

namespace podium {

/// What one rank has to do of a layer's experts: permute the rows that reach it, multiply them by up and gate,
/// activate, multiply by down, and sum up. Counts may be means.
struct ExpertShare {
  DataType type = DataType::bf16;
  double tokens = 0;   ///< of the whole group, before routing
  double choices = 0;  ///< experts that each token chooses
  double hidden = 0;
  double inner = 0;    ///< width of an expert on this rank
  double held = 0;     ///< experts of this rank
  double rows = 0;     ///< that reach it
  double touched = 0;  ///< experts that they reach
  RowSpread spread = RowSpread::even;
  bool gated = true;   ///< up and gate, or up alone
  bool hasty = false;  ///< by the library's kernels for least latency, where it has some
};

/// What the library of a stack does with experts of one data type.
struct ExpertType {
  double start = 0;            ///< of all its kernels
  double exposed = 0;          ///< as in TiledType; 0: as of plain products
  double store_bandwidth = 0;  ///< the same
  /// How much longer rows take to be permuted, activated and summed up than their bytes, or how much of that is left
  /// where the products' kernels gather and activate.
  double moving = 1;
  double expert = 0;   ///< seconds for each expert held, touched or not
  double token = 0;    ///< seconds for each token of the whole group
  double compute = 1;  ///< of what plain products of the type reach
  double reread = 0;   ///< as in TiledType
  /// Rows are padded to the least tile that would hold an expert's if the whole group's rows reached this rank, as
  /// TensorRT-LLM's own kernels choose it; otherwise the fastest tile counts, either way round.
  bool padded = false;
  std::vector<Tile> tiles;
};

/// Figures for one chip and stack, in SI units; all else is as for its products (TiledFigures).
struct ExpertFigures {
  std::string chip, stack;  ///< that were measured
  double memory = 1;        ///< of the data sheet's memory bandwidth
  double choice = 0;        ///< seconds for each expert that a token chooses: the router sorts them one by one
  double pair = 0;          ///< seconds for each token and choice of the whole group, which every rank sorts
  std::map<std::string, ExpertType> types;  ///< "nvfp4"; its kernels for least latency: "nvfp4_hasty"
};

/// Under which name the figures of a share are.
std::string name_of(const ExpertShare&);

/// Start, routing and moving rows, then both products by tiles. InputError for a type that the stack was not measured
/// with.
Cost experts_cost(const ExpertShare&, const ChipSpec&, const TiledFigures& products, const ExpertFigures&);
/// The time of that.
Seconds experts_time(const ExpertShare&, const ChipSpec&, const TiledFigures& products, const ExpertFigures&);

std::vector<Parameter> parameters_of(ExpertFigures&);
ExpertFigures read_experts(const Document& document);
/// Reads configs/calibration/moe/<chip>.yaml; none where there is no such file, or one of another stack.
std::optional<ExpertFigures> load_experts(std::string_view chip, std::string_view stack = {});

}  // namespace podium
