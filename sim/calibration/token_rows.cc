#include "sim/calibration/token_rows.h"

#include <algorithm>

#include "sim/collective/experts.h"
#include "sim/hardware/data_type.h"

namespace podium {
namespace {

constexpr std::string_view byte_names[] = {"bytes", "size", "message_size"};
constexpr std::string_view token_names[] = {"tokens_per_rank", "num_tokens", "tokens"};
constexpr std::string_view hidden_names[] = {"hidden", "hidden_size"};
constexpr std::string_view choice_names[] = {"topk", "num_topk"};
constexpr std::string_view type_names[] = {"dtype", "moe_dtype"};
constexpr std::string_view routing_names[] = {"routing"};
constexpr std::string_view expert_names[] = {"experts", "num_experts"};
constexpr std::string_view redundant_names[] = {"redundant_experts"};
constexpr std::string_view group_names[] = {"expert_groups"};
constexpr std::string_view chosen_names[] = {"groups_per_token"};

std::uint32_t count(const Column& column, const TableRow& row, std::uint32_t otherwise) {
  return column.has(row) ? static_cast<std::uint32_t>(std::min(column.count(row), 1e9)) : otherwise;
}

}  // namespace

TokenColumns::TokenColumns(const RowTable& table)
    : bytes_(Column::optional(table, byte_names)),
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
                             .slots = experts_.count(row) + count(redundant_, row, 0),
                             .groups = count(groups_, row, 1),
                             .groups_chosen = count(groups_chosen_, row, count(groups_, row, 1))};
  check_routing(routing, row.where);
  return routing;
}

double TokenColumns::copies(const TableRow& row, CollectiveKind kind, std::uint32_t ranks) const {
  const double choices = choices_.positive(row);
  return tokens_.positive(row) * (routing(row, kind) ? choices : std::min<double>(choices, ranks));
}

Bytes TokenColumns::bytes(const TableRow& row, CollectiveKind kind, std::uint32_t ranks) const {
  if (!is_expert_exchange(kind) || bytes_.has(row)) {
    return Bytes(bytes_.number(row));
  }
  const double copies = this->copies(row, kind, ranks), width = hidden_.positive(row);
  const DataType type = kind == CollectiveKind::combine ? DataType::bf16 : parse_data_type(type_.text(row), row.where);
  return copies * token_size(type, width);
}

}  // namespace podium
