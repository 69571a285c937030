#include "sim/compute/experts.h"

#include <fmt/format.h>

#include <algorithm>

namespace podium {
namespace {

constexpr ParameterEntry<ExpertFigures> expert_common_figures[] = {
    {"memory", &ExpertFigures::memory, 0.5, 0.98, Parameter::Unit::none},
    {"choice", &ExpertFigures::choice, 1e-9, 5e-6, Parameter::Unit::seconds, false},
    {"pair", &ExpertFigures::pair, 1e-12, 1e-8, Parameter::Unit::seconds, false},
};

constexpr ParameterEntry<ExpertType> expert_own_figures[] = {
    {"start", &ExpertType::start, 2e-6, 100e-6, Parameter::Unit::seconds},
    {"exposed", &ExpertType::exposed, 0.01, 1, Parameter::Unit::none, false},
    {"store_bandwidth", &ExpertType::store_bandwidth, 2e9, 5e12, Parameter::Unit::bytes_per_second, false},
    {"moving", &ExpertType::moving, 0.1, 10, Parameter::Unit::none, false},
    {"expert", &ExpertType::expert, 1e-10, 10e-6, Parameter::Unit::seconds, false},
    {"token", &ExpertType::token, 1e-11, 1e-6, Parameter::Unit::seconds, false},
    {"compute", &ExpertType::compute, 0.2, 1, Parameter::Unit::none, false},
    {"reread", &ExpertType::reread, 0.001, 1, Parameter::Unit::none, false},
};

/// The least tile with at least so many rows, or the largest; tiles are in order of their rows.
Tile padded_to(double rows, const std::vector<Tile>& tiles) {
  const auto found = std::find_if(tiles.begin(), tiles.end(), [rows](const Tile& tile) { return tile.rows >= rows; });
  return found == tiles.end() ? tiles.back() : *found;
}

/// The products' figures with what is different for experts.
TiledFigures products_of(const ExpertShare& share, TiledFigures figures, const ExpertFigures& experts,
                         const ExpertType& own) {
  TiledType product = figures.of(share.type);
  product.compute *= own.compute;
  product.sustained *= own.compute;
  product.burst *= own.compute;
  product.exposed = own.exposed > 0 ? own.exposed : product.exposed;
  product.store_bandwidth = own.store_bandwidth > 0 ? own.store_bandwidth : product.store_bandwidth;
  product.reread = own.reread;
  product.turned = !own.padded;
  product.tiles = own.tiles;
  if (own.padded) {
    product.tiles = {padded_to(share.tokens * share.choices / share.held, own.tiles)};
  }
  product.most_splits = 1;
  product.preparation = product.passes = product.row = 0;
  figures.start = 0;
  figures.memory = experts.memory;
  figures.types = {{share.type, product}};
  return figures;
}

}  // namespace

std::string name_of(const ExpertShare& share) {
  return fmt::format("{}{}", to_string(share.type), share.hasty ? "_hasty" : "");
}

Cost experts_cost(const ExpertShare& share, const ChipSpec& chip, const TiledFigures& products,
                  const ExpertFigures& figures) {
  const auto found = figures.types.find(name_of(share));
  if (found == figures.types.end()) {
    throw InputError(fmt::format("experts in {} were not measured with {}", name_of(share), figures.stack));
  }
  const ExpertType& own = found->second;
  const double up = share.inner * (share.gated ? 2 : 1);
  const double narrow = size_of(share.type).value(), wide = size_of(DataType::bf16).value();
  const double moved = share.rows * (share.hidden * (wide + narrow) + up * wide + share.inner * narrow) +
                       (share.rows + share.tokens) * share.hidden * wide;
  const double routing = share.choices * figures.choice + share.tokens * share.choices * figures.pair;
  const double start = own.start + routing + share.held * own.expert + share.tokens * own.token;
  const TiledFigures both = products_of(share, products, figures, own);
  const Seconds moving(own.moving * moved / (chip.memory_bandwidth.value() * figures.memory));
  Cost begin, move;
  begin.time = begin.launch = Seconds(start);
  move.time = moving;
  move.bytes = move.from_memory = move.from_cache = Bytes(moved);
  move.bound = Bound::memory;
  std::vector<Cost> costs{begin, move};
  for (const auto& [n, k] : {std::pair(up, share.hidden), std::pair(share.hidden, share.inner)}) {
    const GroupedGemm gemm{multiplied_as(share.type), share.held, share.rows, n, k, share.touched, share.spread};
    costs.push_back(tiled_cost(gemm, chip, both, {}, Conditions::running));
  }
  return in_sequence(costs);
}

Seconds experts_time(const ExpertShare& share, const ChipSpec& chip, const TiledFigures& products,
                     const ExpertFigures& figures) {
  return experts_cost(share, chip, products, figures).time;
}

std::vector<Parameter> parameters_of(ExpertFigures& figures) {
  std::vector<Parameter> all;
  add_parameters(all, expert_common_figures, "", figures);
  for (auto& [type, own] : figures.types) {
    add_parameters(all, expert_own_figures, fmt::format("types.{}.", type), own);
  }
  return all;
}

ExpertFigures read_experts(const Document& document) {
  const Node root = document.root();
  root.at("description").text();
  ExpertFigures figures;
  figures.stack = root.at("stack").text();
  read_parameters(expert_common_figures, root, figures);
  const Node types = root.at("types");
  for (const auto& [name, node] : types.entries()) {
    ExpertType& type = figures.types[name];
    type.tiles = read_tiles(node.at("tiles"));
    if (const auto padded = node.find("padded")) {
      type.padded = padded->flag();
    }
    read_parameters(expert_own_figures, node, type);
  }
  document.close();
  return figures;
}

std::optional<ExpertFigures> load_experts(std::string_view chip, std::string_view stack) {
  constexpr const char* folder = "configs/calibration/moe";
  const std::vector<std::string> files = list_files(folder);
  if (std::count(files.begin(), files.end(), chip) == 0) {
    return std::nullopt;
  }
  const Document document = Document::load(find_file(folder, chip));
  if (const auto same = document.root().find("same_as")) {
    document.root().at("description").text();
    const std::string other = same->text();
    document.close();
    return load_experts(other, stack);
  }
  ExpertFigures figures = read_experts(document);
  figures.chip = chip;
  return stack.empty() || figures.stack == stack ? std::optional(std::move(figures)) : std::nullopt;
}

}  // namespace podium
