#include "sim/calibration/group_rows.h"

#include <fmt/format.h>

#include <algorithm>

namespace podium {
namespace {

constexpr std::string_view rank_names[] = {"ranks", "num_gpus", "num_workers", "num_ranks", "ep_size", "num_dies"};
constexpr std::string_view node_names[] = {"nodes", "num_nodes", "node_num"};
constexpr std::string_view per_node_names[] = {"devices_per_node", "ranks_per_node"};

constexpr double most = 1e6;

std::uint32_t count(const Column& column, const TableRow& row) {
  const double value = column.count(row);
  if (value > most) {
    column.fail(row, fmt::format("{} are more than {:g}", value, most));
  }
  return static_cast<std::uint32_t>(value);
}

bool has(const RowTable& table, std::span<const std::string_view> names) {
  return std::any_of(names.begin(), names.end(), [&](std::string_view name) {
    return std::count(table.columns.begin(), table.columns.end(), name) > 0;
  });
}

}  // namespace

GroupColumns::GroupColumns(const RowTable& table, const SystemSpec* system)
    : system_(system),
      ranks_(has(table, node_names) ? Column::optional(table, rank_names) : Column::required(table, rank_names)),
      nodes_(Column::optional(table, node_names)),
      per_node_(Column::optional(table, per_node_names)) {}

std::uint32_t GroupColumns::ranks(const TableRow& row) const {
  if (ranks_.has(row) || !nodes_.has(row)) {
    return count(ranks_, row);
  }
  if (!per_node_.has(row) && system_ == nullptr) {
    ranks_.fail(row, "is not given, nor are devices_per_node");
  }
  const double all = per_node_.has(row) ? count(per_node_, row) : static_cast<double>(system_->ranks_per_node());
  if (all * count(nodes_, row) > most) {
    nodes_.fail(row, fmt::format("{} nodes of {} ranks are more than {:g} ranks", count(nodes_, row), all, most));
  }
  return static_cast<std::uint32_t>(all) * count(nodes_, row);
}

GroupColumns::Group GroupColumns::group(const TableRow& row) const {
  Group group{ranks(row), 0};
  if (group.ranks < 2) {
    ranks_.fail(row, "1 rank has nobody to exchange with; 2 or more are right");
  }
  if (!nodes_.has(row) && !per_node_.has(row)) {
    return group;
  }
  const Column& told = nodes_.has(row) ? nodes_ : per_node_;
  const std::uint32_t per_node = per_node_.has(row) ? std::min(count(per_node_, row), group.ranks) : 0;
  const std::uint32_t nodes = nodes_.has(row) ? count(nodes_, row) : (group.ranks + per_node - 1) / per_node;
  if (group.ranks % nodes != 0 || (per_node > 0 && per_node * nodes != group.ranks)) {
    told.fail(row, per_node > 0 ? fmt::format("{} ranks are not {} on each of {} nodes", group.ranks, per_node, nodes)
                                : fmt::format("{} ranks are not as many on each of {} nodes", group.ranks, nodes));
  }
  // nodes of one domain share its planes: as many ranks as the domain has may call themselves a node
  const auto most = system_ == nullptr ? group.ranks : static_cast<std::uint32_t>(system_->ranks_per_domain());
  if (group.ranks / nodes > most) {
    told.fail(row, fmt::format("{} ranks on {}; one of {} has {}", group.ranks,
                               nodes == 1 ? "1 node" : fmt::format("{} nodes", nodes), system_->name, most));
  }
  group.ranks_per_domain = nodes > 1 ? group.ranks / nodes : 0;
  return group;
}

}  // namespace podium
