#include "sim/calibration/token_rows.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "sim/collective/experts.h"
#include "sim/hardware/data_type.h"

namespace podium {
namespace {

constexpr std::string_view byte_names[] = {"bytes", "size", "message_size"};
// of ascend_a3_hccl.csv: what each rank has of the gathered, or gets of the sum that is scattered
constexpr std::string_view per_rank_names[] = {"bytes_per_rank", "bytes_per_rank_approx"};
constexpr std::string_view token_names[] = {"tokens_per_rank", "num_tokens", "num_token", "tokens"};
constexpr std::string_view hidden_names[] = {"hidden", "hidden_size"};
constexpr std::string_view choice_names[] = {"topk", "num_topk"};
constexpr std::string_view type_names[] = {"dtype", "moe_dtype"};
constexpr std::string_view routing_names[] = {"routing", "distribution"};
constexpr std::string_view expert_names[] = {"experts", "num_experts"};
constexpr std::string_view redundant_names[] = {"redundant_experts"};
constexpr std::string_view group_names[] = {"expert_groups"};
constexpr std::string_view chosen_names[] = {"groups_per_token"};

// of nccl-tests, beside those that tokens have
constexpr std::string_view other_types[] = {"uint8",  "int32",  "uint32", "int64",
                                            "uint64", "double", "f8e4m3", "f8e5m2"};

std::uint32_t count(const Column& column, const TableRow& row, std::uint32_t otherwise) {
  return column.has(row) ? static_cast<std::uint32_t>(std::min(column.count(row), 1e9)) : otherwise;
}

std::uint32_t groups(const Column& column, const Column& experts, const TableRow& row) {
  const std::uint32_t count = podium::count(column, row, 1);
  if (experts.whole(row) < count || std::fmod(experts.whole(row), count) != 0) {
    column.fail(row, fmt::format("{} experts do not lie in {} groups of equal size", experts.whole(row), count));
  }
  return count;
}

}  // namespace

TokenColumns::TokenColumns(const RowTable& table)
    : bytes_(Column::optional(table, byte_names)),
      per_rank_(Column::optional(table, per_rank_names)),
      tokens_(Column::optional(table, token_names)),
      hidden_(Column::optional(table, hidden_names)),
      choices_(Column::optional(table, choice_names)),
      type_(Column::optional(table, type_names)),
      routing_(Column::optional(table, routing_names)),
      experts_(Column::optional(table, expert_names)),
      redundant_(Column::optional(table, redundant_names)),
      groups_(Column::optional(table, group_names)),
      groups_chosen_(Column::optional(table, chosen_names)) {}

std::optional<TokenRouting> TokenColumns::routing(const TableRow& row, CollectiveKind kind) const {
  if (!is_expert_exchange(kind) || !routing_.has(row) || routing_.text(row) == "balanced") {
    return std::nullopt;
  }
  if (routing_.text(row) != "random") {
    routing_.fail(row, "is 'balanced' or 'random'");
  }
  const TokenRouting routing{.choices = static_cast<std::uint32_t>(std::min(choices_.count(row), 1e9)),
                             .slots = experts_.count(row) + (redundant_.has(row) ? redundant_.whole(row) : 0),
                             .groups = groups(groups_, experts_, row),
                             .groups_chosen = count(groups_chosen_, row, count(groups_, row, 1))};
  check_routing(routing, row.where);
  return routing;
}

double TokenColumns::copies(const TableRow& row, CollectiveKind kind, std::uint32_t ranks) const {
  const double choices = choices_.count(row);
  if (experts_.has(row) && choices > experts_.count(row)) {
    choices_.fail(row, fmt::format("a token cannot choose {} different experts of {}", choices, experts_.count(row)));
  }
  const std::optional<TokenRouting> routed = routing(row, kind);
  if (routed && routed->slots < ranks) {
    experts_.fail(row,
                  fmt::format("{:g} leave some of {} ranks without one, which is not modelled", routed->slots, ranks));
  }
  return tokens_.whole(row) * (routed ? choices : std::min<double>(choices, ranks));
}

Bytes TokenColumns::bytes_of_all(const TableRow& row, CollectiveKind kind, std::uint32_t ranks) const {
  if (bytes_.has(row) && per_rank_.has(row)) {
    per_rank_.fail(row, "the bytes of all are given already, and one of the two would be right");
  }
  if (!per_rank_.has(row)) {
    return Bytes(bytes_.whole(row));
  }
  const bool is_shared_out = kind == CollectiveKind::all_gather || kind == CollectiveKind::reduce_scatter ||
                             kind == CollectiveKind::gather || kind == CollectiveKind::scatter;
  return Bytes(per_rank_.whole(row) * (is_shared_out ? ranks : 1));
}

/// A type that nobody knows is a slip of the pen, whether or not it counts.
void TokenColumns::check(const TableRow& row, CollectiveKind kind) const {
  const std::string_view type = type_.text(row);
  if (!type.empty() &&
      (is_expert_exchange(kind) || std::count(std::begin(other_types), std::end(other_types), type) == 0)) {
    parse_data_type(type, row.where);
  }
}

Bytes TokenColumns::bytes(const TableRow& row, CollectiveKind kind, std::uint32_t ranks, Results results) const {
  check(row, kind);
  if (kind == CollectiveKind::barrier) {
    return Bytes();
  }
  if (!is_expert_exchange(kind) || bytes_.has(row)) {
    return bytes_of_all(row, kind, ranks);
  }
  const bool in_bf16 = kind == CollectiveKind::combine && results == Results::bf16;
  if (!in_bf16 && !type_.has(row)) {
    type_.fail(row, "is not given: the type of the tokens that are sent");
  }
  const double copies = this->copies(row, kind, ranks), width = hidden_.count(row);
  return copies * token_size(in_bf16 ? DataType::bf16 : parse_data_type(type_.text(row), row.where), width);
}

}  // namespace podium
