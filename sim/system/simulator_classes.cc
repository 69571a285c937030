#include <algorithm>
#include <bit>
#include <numeric>

#include "sim/collective/rank_classes.h"
#include "sim/system/simulator_impl.h"

namespace podium {

/// Where ranks of a role are not alike: their classes. Networks of real links keep roles in step.
std::optional<ClassOf> Simulator::Impl::find_classes(const TaskGraph& graph, std::uint32_t shift, const Calls& calls,
                                                     const BlockRuns& blocks) {
  const auto single = [](const Role& role) { return role.count == 1; };
  if (Networks::find(options.network).needs_wires() ||
      std::all_of(graph.roles().begin(), graph.roles().end(), single)) {
    return std::nullopt;
  }
  if (options.folding == Folding::off) {
    ClassOf every;
    for (const Role& role : graph.roles()) {
      std::vector<std::uint64_t>& positions = every.at(every.push_back({}));
      positions.resize(role.count);
      std::iota(positions.begin(), positions.end(), std::uint64_t{0});
    }
    return every;
  }
  const auto uniform = [&](const Role& role) {
    for (std::uint32_t i = 1; i < role.count; ++i) {
      if (machine.slowdown(role.rank(i) + shift) != machine.slowdown(role.rank(0) + shift)) {
        return false;
      }
    }
    return true;
  };
  const auto in_step = [](const auto& block) { return block.second.classes.size() == 1; };
  const bool may_be_whole = std::all_of(graph.roles().begin(), graph.roles().end(), uniform) &&
                            std::all_of(blocks.begin(), blocks.end(), in_step);
  const auto is_whole = [&] { return may_be_whole && fabric(calls).groups_alike; };
  // with a fault, roles are hardly whole: to see that costs as much as to find the classes
  if (machine.allocation().faults.empty() && is_whole()) {
    return std::nullopt;
  }
  ClassOf classes = refine(graph, shift, calls, blocks);
  const auto is_one = [](const std::vector<std::uint64_t>& of) {
    return std::all_of(of.begin(), of.end(), [&](std::uint64_t colour) { return colour == of.front(); });
  };
  if (std::all_of(classes.begin(), classes.end(), is_one) && is_whole()) {
    return std::nullopt;
  }
  return classes;
}

/// From role, speed and what became of each rank in the blocks.
ClassOf Simulator::Impl::refine(const TaskGraph& graph, std::uint32_t shift, const Calls& calls,
                                const BlockRuns& blocks) {
  Colours initial(machine.network().nodes.size());
  const auto blend = [](std::uint64_t& colour, std::uint64_t value) {
    colour = (colour ^ value) * 0x9e3779b97f4a7c15ULL;
    colour ^= colour >> 29;
  };
  for (const RoleId id : graph.roles().ids()) {
    for (std::uint32_t i = 0; i < graph.roles()[id].count; ++i) {
      std::uint64_t& colour = initial[machine.node(graph.roles()[id].rank(i) + shift)];
      blend(colour, id.index() + 1);
      blend(colour, std::bit_cast<std::uint64_t>(machine.slowdown(graph.roles()[id].rank(i) + shift)));
    }
  }
  std::vector<Placement> joined;
  for (const auto& [key, execution] : blocks) {
    const Role& role = graph.roles()[key.second];
    for (std::size_t c = 0; c < execution.classes.size(); ++c) {
      for (const std::uint32_t position : execution.classes[c].positions) {
        blend(initial[machine.node(role.rank(position) + shift)], c + 1);
      }
    }
    joined.push_back(place(machine, joined_by(graph.blocks()[key.first.index()], role.count), shift + role.base));
  }
  std::vector<Groups> joined_groups;
  for (const Placement& placement : joined) {
    joined_groups.push_back(placement.groups);
  }
  const auto [known, is_new] = colours.try_emplace({calls.keys, {initial.begin(), initial.end()}, joined_groups});
  if (is_new) {
    known->second = refine_nodes(machine.network(), router, calls.operations, joined, initial);
  }
  ClassOf classes;
  for (const Role& role : graph.roles()) {
    std::vector<std::uint64_t>& of = classes.at(classes.push_back({}));
    for (std::uint32_t i = 0; i < role.count; ++i) {
      of.push_back(known->second[machine.node(role.rank(i) + shift)]);
    }
  }
  return classes;
}

}  // namespace podium
