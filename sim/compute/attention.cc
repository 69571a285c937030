#include "sim/compute/attention.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace podium {
namespace {

constexpr double block = 128;  // tokens of the context that a tile meets at a time
constexpr double page = 64;    // the same in decode

double fourth_power(double x) { return (x * x) * (x * x); }
/// The longer of two that hide behind each other, and a bit more where they are close.
double overlapped(double x, double y) { return std::sqrt(std::sqrt(fourth_power(x) + fourth_power(y))); }

/// What both kinds of attention have in common; counts of elements.
struct AttentionShape {
  Work work;
  DataType type, cache_type;
  double batch, heads, kv_heads, query, context;
  bool causal;
  double window;
  double longest;     ///< context
  double key, value;  ///< of a score, of a sum
  double cached;      ///< a token and KV head
  double prepared;    ///< of the new tokens, by what comes before
};

AttentionShape shape_of(const Attention& a) {
  return {work(a),
          a.type,
          a.cache_type,
          a.batch,
          a.query_heads,
          a.kv_heads,
          a.query,
          a.context,
          a.causal,
          a.window,
          std::max(a.longest, a.context),
          a.head_dim,
          a.head_dim,
          2 * a.head_dim,
          a.batch * a.query * (a.query_heads + 2 * a.kv_heads) * a.head_dim};
}

AttentionShape shape_of(const Mla& mla) {
  const bool absorbed = mla.phase == AttentionPhase::decode;
  const double key = (absorbed ? mla.latent : mla.nope) + mla.rope;
  const double value = absorbed ? mla.latent : mla.value;
  return {work(mla),
          mla.type,
          mla.cache_type,
          mla.batch,
          mla.heads,
          absorbed ? 1 : mla.heads,
          mla.query,
          mla.context,
          true,
          0,
          mla.context,
          key,
          value,
          absorbed ? key : key + value,
          mla.batch * mla.query * (mla.heads * key + mla.latent + mla.rope)};
}

/// The type that is multiplied: where a cache is narrower than 16 bits, its own if the library has kernels for it.
DataType computing_type(const AttentionShape& shape, const AttentionFigures& figures, const ChipSpec& chip) {
  const bool narrow = size_of(shape.cache_type) < std::min(size_of(shape.type), size_of(DataType::bf16));
  return narrow && figures.types.contains(shape.cache_type) && chip.supports(shape.cache_type) ? shape.cache_type
                                                                                               : shape.type;
}

const AttentionType& figures_of(const AttentionFigures& figures, DataType type) {
  const auto found = figures.types.find(type);
  if (found != figures.types.end()) {
    return found->second;
  }
  const auto same_size = std::find_if(figures.types.begin(), figures.types.end(),
                                      [type](const auto& other) { return size_of(other.first) == size_of(type); });
  return same_size == figures.types.end() ? figures.types.begin()->second : same_size->second;
}

/// The cores that work, and what one of them does in a second.
struct Cores {
  double count;
  double peak;  ///< flops of one
};

/// Blocks of the context that the tiles of one head meet: all of them, and the last tile, which meets most.
struct Blocks {
  double tiles, all, longest;
};

Blocks blocks_of(const AttentionShape& shape, double tile) {
  const double tiles = std::ceil(shape.query / tile);
  const double before = std::ceil(std::max(shape.context - shape.query, 0.0) / block);
  const double step = tile / block;
  Blocks blocks{tiles, tiles * before + step * tiles * (tiles + 1) / 2, before + step * tiles};
  if (!shape.causal) {
    blocks.longest = std::ceil(shape.context / block);
    blocks.all = tiles * blocks.longest;
  }
  if (shape.window > 0) {
    const double most = std::ceil(std::max(shape.window - 1, 0.0) / block) + std::max(step, 1.0);
    const double growing = std::min(std::floor(most / step), tiles);  // tiles that do not reach as far back as that
    const double seen = step * growing * (growing + 1) / 2 + (tiles - growing) * most;
    blocks.all = std::min(blocks.all, before > 0 || !shape.causal ? tiles * most : seen);
    blocks.longest = std::min(blocks.longest, most);
  }
  return blocks;
}

double prefill_on_cores(const AttentionShape& shape, const AttentionFigures& figures, const AttentionType& type,
                        Cores cores) {
  const Blocks blocks = blocks_of(shape, figures.tile);
  const double score = 2 * (shape.key + shape.value) / (type.compute * cores.peak) + type.softmax;
  const double met = figures.tile * block * score;
  const double heads = shape.batch * shape.heads;
  const double longest = blocks.longest * met + figures.tile_start;
  if (heads * blocks.tiles <= cores.count) {
    return longest;
  }
  const double all = heads * (blocks.all * met + blocks.tiles * figures.tile_start);
  return std::max(longest, all / cores.count + figures.tail * longest);
}

/// One way to spread the contexts: each KV head's, or each head's where heads go one by one, in so many parts.
struct Spread {
  double contexts;
  double start;  ///< of a part
  double token;  ///< seconds on a core
};

Spread spread_of(const AttentionShape& shape, const AttentionFigures& figures, const AttentionType& type, Cores cores) {
  const double grouped = shape.heads / shape.kv_heads, rows = grouped * shape.query;
  const double peak = type.decode_compute * cores.peak;
  if (grouped < figures.fewest_grouped || grouped > figures.most_grouped) {
    return {shape.batch * shape.heads, figures.head_start,
            shape.query * std::max(shape.cached * figures.head_element, 2 * (shape.key + shape.value) / peak)};
  }
  const double loading =
      figures.core_bandwidth > 0 ? shape.cached * size_of(shape.cache_type).value() / figures.core_bandwidth : 0;
  return {shape.batch * shape.kv_heads, type.sequence + type.row * rows * (shape.key + shape.value) / (2 * block),
          loading + 2 * (shape.key + shape.value) * rows / peak};
}

/// Rows of a group as the matrix units take them.
double padded_rows(double rows) {
  constexpr double fewest = 8;  // of a tensor core's smallest tile
  return std::max(fewest, std::exp2(std::ceil(std::log2(rows))));
}

/// Contexts as a library's own rule spreads them.
struct Rule {
  double contexts, parts;
  double at_once;    ///< parts of a core
  double start;      ///< of a part
  double token;      ///< seconds on a core
  double at_a_time;  ///< tokens
};

Rule rule_of(const AttentionShape& shape, const AttentionFigures& figures, const AttentionType& type, Cores cores) {
  const double grouped = shape.heads / shape.kv_heads;
  const double most_parts = std::max(1.0, std::floor(shape.longest / figures.part_tokens));
  const double contexts = shape.batch * shape.kv_heads, heads = shape.batch * shape.heads;
  const auto at_most = [&](double parts) { return std::max(1.0, std::min(most_parts, std::floor(parts))); };
  if (grouped >= figures.fewest_grouped && grouped <= figures.most_grouped &&
      contexts * most_parts >= type.grouped_from * cores.count) {
    const double rows = padded_rows(grouped * shape.query), elements = shape.key + shape.value;
    const double loading = type.loading > 0 ? shape.cached * size_of(shape.cache_type).value() / type.loading : 0;
    return {contexts,
            at_most(figures.part_waves * cores.count / contexts),
            1,
            type.sequence + (type.width * elements / 2 + type.row * rows * elements / 2) / block,
            loading + 2 * elements * rows / (type.decode_compute * cores.peak),
            page};
  }
  constexpr double fewest_parts = 4;  // of one head, that it is split for
  const bool splits = heads < cores.count && most_parts >= fewest_parts;
  return {heads,
          splits ? at_most(figures.heads_at_once * cores.count / heads) : 1,
          figures.heads_at_once,
          figures.head_start,
          shape.query * shape.cached * figures.head_element,
          1};
}

/// Where the library splits contexts by its own rule.
double ruled_time(const AttentionShape& shape, const AttentionFigures& figures, const AttentionType& type, Cores cores,
                  double memory) {
  const Rule rule = rule_of(shape, figures, type, cores);
  const double reach = shape.window > 0 ? shape.window + shape.query - 1 : shape.longest;
  const double size = shape.context / rule.parts, longest = shape.longest / rule.parts;
  const double waves = std::ceil(rule.contexts * rule.parts / (rule.at_once * cores.count));
  const auto met = [&](double tokens) {
    return std::ceil(std::min(tokens, reach) / rule.at_a_time) * rule.at_a_time * rule.token;
  };
  // a window that begins within a part takes part of it
  const double filled = std::min(1.0, (std::ceil(reach / size) + 1) / rule.parts);
  const double busy = waves * (filled * (rule.start + met(size)) + (1 - filled) * type.empty);
  const double rest = std::max({0.0, busy - rule.start, met(longest)});
  return rule.start + overlapped(rest, memory) + (rule.parts > 1 ? figures.split_start : 0);
}

/// The fastest split of the contexts.
double decode_time(const AttentionShape& shape, const AttentionFigures& figures, const AttentionType& type, Cores cores,
                   double memory) {
  const Spread spread = spread_of(shape, figures, type, cores);
  const double reach = shape.window > 0 ? shape.window + shape.query - 1 : shape.longest;
  const double seen = std::min(shape.context, reach), longest = std::min(shape.longest, reach);
  double best = std::numeric_limits<double>::infinity();
  for (const double parts : {1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128}) {
    if (parts > 1 && seen < parts * page) {
      break;
    }
    const auto part_of = [&](double context) {
      return spread.start + std::ceil(context / (parts * page)) * page * spread.token;
    };
    const double waves = std::ceil(spread.contexts * parts / cores.count);
    const double busy = std::max(waves * part_of(seen), part_of(longest));
    best = std::min(best, overlapped(busy, memory) + (parts > 1 ? figures.split_start : 0));
  }
  return best;
}

/// What comes from memory. A measurement that repeats one kernel finds in the last-level cache what fits there.
Bytes moved_bytes(const AttentionShape& shape, const ChipSpec& chip, const AttentionFigures& figures,
                  Conditions conditions) {
  const Bytes bytes = shape.work.read + shape.work.written;
  const double kept = conditions == Conditions::measured ? figures.resident * chip.cache_size.value() : 0;
  const double full = fourth_power(bytes.value());
  return full > 0 ? bytes * (full / (full + fourth_power(kept))) : Bytes();
}

/// What cores load from the last-level cache: each tile of new tokens meets its own part of the context again.
Bytes loaded_bytes(const AttentionShape& shape, AttentionPhase phase, const AttentionFigures& figures) {
  const Bytes bytes = shape.work.read + shape.work.written;
  if (phase == AttentionPhase::decode) {
    return bytes;
  }
  const double met = shape.batch * shape.heads * blocks_of(shape, figures.tile).all * block;
  return std::max(bytes, met * (shape.key + shape.value) * size_of(shape.cache_type));
}

Cost cost_of(const AttentionShape& shape, AttentionPhase phase, const ChipSpec& chip, const AttentionFigures& figures,
             CoreShare share, Conditions conditions) {
  PODIUM_CHECK(share.matrix > 0 && share.matrix <= 1, "a share of the cores is more than none and at most all");
  chip.peak(shape.type);  // which the chip must have
  const DataType computing = computing_type(shape, figures, chip);
  const AttentionType& type = figures_of(figures, computing);
  const Cores cores{std::max(1.0, std::floor(chip.matrix_cores * share.matrix)),
                    chip.peak(computing).value() / chip.matrix_cores};
  const Bytes moved_once = moved_bytes(shape, chip, figures, conditions);
  const double memory = (moved_once / (chip.memory_bandwidth * figures.memory)).value();
  const bool prefill = phase == AttentionPhase::prefill;
  const double start = prefill ? type.prefill_start : figures.decode_start;
  double busy = prefill                   ? overlapped(prefill_on_cores(shape, figures, type, cores), memory)
                : figures.part_tokens > 0 ? ruled_time(shape, figures, type, cores, memory)
                                          : decode_time(shape, figures, type, cores, memory);
  if (conditions == Conditions::measured && type.preparation > 0) {
    const Bytes moved = shape.prepared * (size_of(shape.type) + size_of(shape.cache_type));
    busy += (moved / (chip.memory_bandwidth * type.preparation)).value();
  }
  Cost result;
  result.launch = Seconds(start);
  result.time = Seconds(start + busy);
  result.flops = shape.work.flops;
  result.bytes = shape.work.read + shape.work.written;
  result.from_memory = moved_once;
  result.from_cache = loaded_bytes(shape, phase, figures);
  if (busy > start) {
    result.bound = memory > busy / 2 ? Bound::memory : Bound::compute;
  }
  return result;
}

}  // namespace

Cost attention_cost(const Attention& attention, const ChipSpec& chip, const AttentionFigures& figures, CoreShare share,
                    Conditions conditions) {
  return cost_of(shape_of(attention), attention.phase, chip, figures, share, conditions);
}

Cost attention_cost(const Mla& mla, const ChipSpec& chip, const AttentionFigures& figures, CoreShare share,
                    Conditions conditions) {
  return cost_of(shape_of(mla), mla.phase, chip, figures, share, conditions);
}

}  // namespace podium
