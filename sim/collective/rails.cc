// Rings and trees over units of ranks (nodes, supernodes) that are joined position by position, each position by a rail
// of its own: a lane for each rail, so that all rails carry as much and no message changes its rail.
#include <algorithm>
#include <map>

#include "sim/collective/binary_tree.h"

namespace podium {
namespace {

/// The units that the outermost tier joins (nodes, supernodes), and the positions of each. There are as many rails as
/// the smallest has positions.
struct Units {
  std::vector<std::uint32_t> first, size;
  std::uint32_t rails = 0;

  explicit Units(const GroupShape& shape) : size(shape.units) {
    if (!shape.tiers.empty()) {
      size.assign(shape.tiers.back().count, shape.tiers.back().stride);
    }
    for (std::uint32_t before = 0; const std::uint32_t here : size) {
      first.push_back(before);
      before += here;
    }
    rails = *std::min_element(size.begin(), size.end());
  }
  std::uint32_t count() const { return static_cast<std::uint32_t>(size.size()); }
  /// The i-th position of a unit, counted from one on, round and round.
  std::uint32_t position(std::uint32_t unit, std::uint32_t from, std::uint32_t i) const {
    return first[unit] + (from + i) % size[unit];
  }
};

bool has_units(const GroupShape& shape) { return shape.tiers.size() > 1 || shape.units.size() > 1; }

bool suits_trees(CollectiveKind kind, const GroupShape& shape) {
  return kind == CollectiveKind::all_reduce && has_units(shape);
}

bool suits_rings(CollectiveKind kind, const GroupShape& shape) {
  return (is_of_parts(kind) || is_whole(kind)) && has_units(shape);
}

/// The rail by which a ring comes to a unit: two take turns, as it leaves by another one than it came by; a third
/// closes the round of an odd number of units.
std::uint32_t rail_into(std::uint32_t unit, const Units& units) {
  const bool closes = unit + 1 == units.count() && units.count() % 2 == 1;
  return closes ? 2 : unit % 2;
}

/// The positions of one ring in its order: all of a unit, from the one on the rail by which it comes to the one on the
/// rail by which it leaves. Every other ring goes through units the other way round: where some neighbours have a
/// shorter way (the dies of a package), each rank sends by it as often as past it.
std::vector<std::uint32_t> ring_order(const Units& units, std::uint32_t lane) {
  std::vector<std::uint32_t> order;
  for (std::uint32_t unit = 0; unit < units.count(); ++unit) {
    const std::uint32_t enters = (lane + rail_into(unit, units)) % units.rails;
    const std::uint32_t leaves = (lane + rail_into((unit + 1) % units.count(), units)) % units.rails;
    for (std::uint32_t i = 0; i < units.size[unit]; ++i) {
      const std::uint32_t on = lane % 2 == 0 ? i : units.size[unit] - i;
      const std::uint32_t position = units.position(unit, enters, on);
      if (position != units.first[unit] + leaves) {
        order.push_back(position);
      }
    }
    order.push_back(units.first[unit] + leaves);
  }
  return order;
}

/// Each ring cut open at the root: a broadcast goes down it, chunks passed on as they arrive, and a reduction up.
Schedule chain_per_rail(CollectiveKind kind, const Units& units) {
  Schedule schedule;
  schedule.lanes = units.rails;
  std::vector<Step>& stage = schedule.stages.emplace_back();
  for (std::uint32_t lane = 0; lane < units.rails; ++lane) {
    std::vector<std::uint32_t> order = ring_order(units, lane);
    std::rotate(order.begin(), std::find(order.begin(), order.end(), 0), order.end());
    Step step{.pairing = Pairing::listed, .share = 1.0 / units.rails, .lane = lane};
    step.depth = static_cast<std::uint32_t>(order.size()) - 1;
    step.reduced = kind == CollectiveKind::reduce ? step.share : 0;
    for (std::size_t i = 1; i < order.size(); ++i) {
      const bool down = kind == CollectiveKind::broadcast;
      step.pairs.emplace_back(order[down ? i - 1 : i], order[down ? i : i - 1]);
    }
    stage.push_back(std::move(step));
  }
  return schedule;
}

/// A ring for each rail, as NCCL lays them over servers: it crosses a unit from position to position and goes to the
/// next by its rail. Bandwidth-optimal, in as many steps as there are ranks.
Schedule ring_per_rail(CollectiveKind kind, const GroupShape& shape) {
  const Units units(shape);
  if (is_whole(kind)) {
    return chain_per_rail(kind, units);
  }
  Schedule schedule;
  schedule.lanes = units.rails;
  const double part = 1.0 / shape.ranks / units.rails;
  std::vector<Step> scatter, gather;
  for (std::uint32_t lane = 0; lane < units.rails; ++lane) {
    Step step{.pairing = Pairing::listed, .share = part, .repeat = shape.ranks - 1, .lane = lane};
    const std::vector<std::uint32_t> order = ring_order(units, lane);
    for (std::size_t i = 0; i < order.size(); ++i) {
      step.pairs.emplace_back(order[i], order[(i + 1) % order.size()]);
    }
    gather.push_back(step);
    step.reduced = part;
    scatter.push_back(std::move(step));
  }
  if (kind != CollectiveKind::all_gather) {
    schedule.stages.push_back(std::move(scatter));
  }
  if (kind != CollectiveKind::reduce_scatter) {
    schedule.stages.push_back(std::move(gather));
  }
  return schedule;
}

using TreesBySize = std::map<std::uint32_t, BinaryTree>;

std::uint32_t highest(const TreesBySize& trees) {
  std::uint32_t height = 0;
  for (const auto& [size, tree] : trees) {
    height = std::max(height, tree.height);
  }
  return height;
}

/// A tree over all positions: `between` over the units' positions on a rail, each of which is the root of one of
/// `inside` over those of its unit.
BinaryTree tree_on_rail(const Units& units, std::uint32_t rail, const BinaryTree& between, const TreesBySize& inside) {
  BinaryTree tree{.up = {}, .height = between.height + highest(inside)};
  for (const auto& [child, parent] : between.up) {
    tree.up.emplace_back(units.first[child] + rail, units.first[parent] + rail);
  }
  for (std::uint32_t unit = 0; unit < units.count(); ++unit) {
    for (const auto& [child, parent] : inside.at(units.size[unit]).up) {
      tree.up.emplace_back(units.position(unit, rail, child), units.position(unit, rail, parent));
    }
  }
  return tree;
}

/// Two trees for each rail, as NCCL's from one server to another, half of the rail's bytes each.
Schedule trees_per_rail(CollectiveKind, const GroupShape& shape) {
  const Units units(shape);
  const BinaryTree between[] = {binary_tree(units.count(), false), binary_tree(units.count(), true)};
  TreesBySize inside;
  for (const std::uint32_t size : units.size) {
    if (!inside.contains(size)) {
      inside.emplace(size, binary_tree(size, false));
    }
  }
  Schedule schedule;
  schedule.lanes = 2 * units.rails;
  std::vector<Step>& stage = schedule.stages.emplace_back();
  for (std::uint32_t lane = 0; lane < schedule.lanes; ++lane) {
    add_up_and_down(tree_on_rail(units, lane / 2, between[lane % 2], inside), lane, 1.0 / schedule.lanes, stage);
  }
  share_reduced(stage, shape.ranks);
  return schedule;
}

const Algorithms::Entry rings{"ring_per_rail",
                              "a ring for each rail between nodes, through all ranks of each node",
                              {suits_rings, ring_per_rail}};
const Algorithms::Entry trees{"trees_per_rail",
                              "two trees for each rail between nodes, over all ranks of each node, pipelined",
                              {suits_trees, trees_per_rail}};

}  // namespace
}  // namespace podium
