#include "sim/collective/kept_turns.h"

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "sim/core/disjoint_sets.h"

namespace podium {
namespace {

/// Where the positions of a group go.
using Positions = std::vector<std::uint32_t>;
/// With what they have in common, which saves looking at each.
struct Renaming {
  Positions to;
  bool rotates = true;  ///< all go on by as many, modulo their count
  bool flips = true;    ///< all change the same bits, and their count is a power of two
  explicit Renaming(Positions positions) : to(std::move(positions)) {
    const auto n = static_cast<std::uint32_t>(to.size());
    flips = (n & (n - 1)) == 0;
    for (std::uint32_t i = 0; i < n && (rotates || flips); ++i) {
      rotates = rotates && to[i] == (i + to[0]) % n;
      flips = flips && to[i] == (i ^ to[0]);
    }
  }
};
constexpr std::size_t most_renamings = 8;  // different ones of one placement; more are no pattern but an accident

/// The ranks from the first that is in a group to behind the last.
std::pair<std::uint32_t, std::uint32_t> reach(const Placement& placement) {
  NodeId least = placement.groups.front().front(), most = least;
  for (const std::vector<NodeId>& group : placement.groups) {
    for (const NodeId node : group) {
      least = std::min(least, node);
      most = std::max(most, node);
    }
  }
  return {least.index(), most.index() + 1};
}

/// The groups of a placement by their nodes.
class Seats {
 public:
  explicit Seats(const Placement& placement) : placement_(placement) {
    const auto [begin, end] = reach(placement);
    begin_ = begin;
    seats_.resize(end - begin);
    for (std::uint32_t g = 0; g < placement.groups.size(); ++g) {
      for (std::uint32_t i = 0; i < placement.groups[g].size(); ++i) {
        Seat& seat = seats_[placement.groups[g][i].index() - begin_];
        are_disjoint_ = are_disjoint_ && seat.group == none;
        seat = {g, i};
      }
    }
    if (!are_disjoint_ && placement.groups.front().size() == 2) {
      pairs_ = placement.groups;
      std::sort(pairs_.begin(), pairs_.end());
    }
  }

  /// The different renamings of the groups' positions; false where a group does not go to a group.
  bool rename(const Turn& turn, std::vector<Renaming>& renamings) const {
    const auto to = [&](NodeId node) { return NodeId(turn.apply(node.index())); };
    if (!are_disjoint_) {
      return rename_pairs(turn, renamings);
    }
    Positions renaming;
    for (const std::vector<NodeId>& group : placement_.groups) {
      const std::uint32_t there = seat(to(group.front())).group;
      renaming.clear();
      for (const NodeId node : group) {
        const Seat there_is = seat(to(node));
        if (there == none || there_is.group != there) {
          return false;
        }
        renaming.push_back(there_is.position);
      }
      if (placement_.groups[there].size() != group.size()) {
        return false;
      }
      const auto same = [&](const Renaming& other) { return other.to == renaming; };
      if (std::find_if(renamings.rbegin(), renamings.rend(), same) == renamings.rend()) {
        renamings.emplace_back(renaming);
        if (renamings.size() > most_renamings) {
          return false;
        }
      }
    }
    return true;
  }

 private:
  static constexpr std::uint32_t none = UINT32_MAX;
  struct Seat {
    std::uint32_t group = none;
    std::uint32_t position = 0;
  };

  Seat seat(NodeId node) const {
    const std::size_t place = std::size_t{node.index()} - begin_;
    return node.index() >= begin_ && place < seats_.size() ? seats_[place] : Seat();
  }

  /// Pairs that share nodes, as those of a ring do.
  bool rename_pairs(const Turn& turn, std::vector<Renaming>& renamings) const {
    const auto to = [&](NodeId node) { return NodeId(turn.apply(node.index())); };
    renamings = {Renaming({0, 1})};
    const auto copies = [&](const std::vector<NodeId>& pair) {
      const auto [first, last] = std::equal_range(pairs_.begin(), pairs_.end(), pair);
      return last - first;
    };
    return !pairs_.empty() && std::all_of(pairs_.begin(), pairs_.end(), [&](const std::vector<NodeId>& pair) {
      return copies({to(pair[0]), to(pair[1])}) == copies(pair);
    });
  }

  const Placement& placement_;
  bool are_disjoint_ = true;
  std::uint32_t begin_ = 0;
  std::vector<Seat> seats_;                 ///< from the first rank of the placement on
  std::vector<std::vector<NodeId>> pairs_;  ///< sorted, where they are not disjoint
};

/// Whether renamed positions send the same messages.
bool keeps(const Renaming& renaming, const Step& step) {
  const Positions& to = renaming.to;
  const auto n = static_cast<std::uint32_t>(to.size());
  const std::uint32_t size = step.size > 0 ? step.size : n;
  if (size == n && ((step.pairing == Pairing::shift && renaming.rotates) ||
                    (step.pairing == Pairing::exclusive_or && renaming.flips) || step.pairing == Pairing::all_others ||
                    in_switch(step.pairing))) {
    return true;
  }
  const auto digit = [&](std::uint32_t i) { return i / step.stride % size; };
  const auto with = [&](std::uint32_t i, std::uint32_t other) {
    return i + other * step.stride - digit(i) * step.stride;
  };
  const auto partner = [&](std::uint32_t i) -> std::optional<std::uint32_t> {
    const std::uint32_t other = step.pairing == Pairing::shift   ? (digit(i) + step.offset) % size
                                : step.pairing == Pairing::chain ? digit(i) + step.offset
                                                                 : digit(i) ^ step.offset;
    return other < size ? std::optional(with(i, other)) : std::nullopt;
  };
  if (step.pairing == Pairing::listed) {
    std::set<std::pair<std::uint32_t, std::uint32_t>> pairs(step.pairs.begin(), step.pairs.end());
    return pairs.size() == step.pairs.size() && std::all_of(pairs.begin(), pairs.end(), [&](const auto& pair) {
             return pairs.count({to[pair.first], to[pair.second]}) > 0;
           });
  }
  for (std::uint32_t i = 0; i < n; ++i) {
    if (step.pairing == Pairing::all_others || in_switch(step.pairing)) {
      // those that exchange with one another still do: a row goes to a row
      if (with(to[i], 0) != with(to[with(i, 0)], 0)) {
        return false;
      }
      continue;
    }
    const auto before = partner(i), after = partner(to[i]);
    if (before.has_value() != after.has_value() || (before && to[*before] != *after)) {
      return false;
    }
  }
  return true;
}

/// Spaces of a group's members and of its whole, where they are even; the reach of all groups.
void add_strides(const Placement& placement, std::set<std::uint32_t>& strides) {
  for (const std::vector<NodeId>& group : {placement.groups.front(), placement.groups.back()}) {
    for (std::size_t i = 1; i < group.size(); ++i) {
      const std::uint32_t space = group[i].index() - group[i - 1].index();
      if (group[i] > group[i - 1]) {
        strides.insert(space);
        if (i == 1) {
          strides.insert(space * static_cast<std::uint32_t>(group.size()));
        }
      }
      if (strides.size() > 64) {
        return;  // no order to be seen
      }
    }
  }
}

class Guesses {
 public:
  Guesses(const Symmetry& symmetry, const Patterns& patterns)
      : strides_(symmetry.strides().begin(), symmetry.strides().end()), odd_ranks_(symmetry.odd_ranks()) {
    ranges_.insert({0, symmetry.topology().accelerators});
    const Placement* last = nullptr;
    for (const Pattern& pattern : patterns.all) {
      has_xor_ = has_xor_ || pattern.step->pairing == Pairing::exclusive_or;
      if (pattern.placement != last) {
        last = pattern.placement;
        add_strides(*last, strides_);
        const auto range = reach(*last);
        ranges_.insert(range);
        strides_.insert(range.second - range.first);
      }
    }
  }

  /// Those of the longest range first, then of the least stride and the most values.
  std::vector<Turn> all() const {
    std::set<std::array<std::uint32_t, 4>> order;
    const std::vector<Space> spaces = all_spaces();
    for (const auto& [begin, end] : ranges_) {
      for (const auto& [low, high] : spaces) {
        if ((end - begin) % high == 0) {
          order.insert({~(end - begin), low, ~(high / low), begin});
          for (std::uint32_t half = low; has_xor_ && high / half % 2 == 0; half *= 2) {
            order.insert({~(end - begin), half, ~2U, begin});
          }
        }
      }
    }
    std::vector<Turn> turns;
    for (const auto& [length, stride, size, begin] : order) {
      Turn turn{begin, begin + ~length, stride, ~size};
      if (!takes_odd_to_odd(turn)) {
        turn.held = odd_values(turn);
      }
      if (turn.held.size() + 2 <= turn.size) {
        turns.push_back(std::move(turn));
      }
    }
    return turns;
  }

 private:
  using Space = std::pair<std::uint32_t, std::uint32_t>;  ///< of values next to each other, and of all

  std::vector<Space> all_spaces() const {
    std::vector<Space> spaces;
    for (const std::uint32_t low : strides_) {
      for (const std::uint32_t high : strides_) {
        if (low > 0 && high > low && high % low == 0) {
          spaces.emplace_back(low, high);
        }
      }
    }
    return spaces;
  }

  bool takes_odd_to_odd(const Turn& turn) const {
    return std::ranges::all_of(
        odd_ranks_, [&](std::uint32_t rank) { return std::ranges::binary_search(odd_ranks_, turn.apply(rank)); });
  }

  std::vector<std::uint32_t> odd_values(const Turn& turn) const {
    std::set<std::uint32_t> values;
    for (const std::uint32_t rank : odd_ranks_) {
      if (turn.begin <= rank && rank < turn.end) {
        values.insert(turn.digit(rank));
      }
    }
    return {values.begin(), values.end()};
  }

  std::set<std::uint32_t> strides_;
  const std::vector<std::uint32_t>& odd_ranks_;
  std::set<std::pair<std::uint32_t, std::uint32_t>> ranges_;
  bool has_xor_ = false;
};

/// A placement and what is sent on it.
struct OnPlacement {
  const Placement* placement;
  Seats seats;
  std::vector<const Step*> steps;
};

/// Of patterns whose ranks are all among the first so many; nothing where others are.
std::optional<std::vector<OnPlacement>> by_placement(const Patterns& patterns, std::uint32_t ranks) {
  std::vector<OnPlacement> all;
  std::map<const Placement*, std::size_t> places;
  for (const Pattern& pattern : patterns.all) {
    const auto [place, is_new] = places.try_emplace(pattern.placement, all.size());
    if (is_new) {
      if (reach(*pattern.placement).second > ranks) {
        return std::nullopt;
      }
      all.push_back({pattern.placement, Seats(*pattern.placement), {}});
    }
    all[place->second].steps.push_back(pattern.step);
  }
  return all;
}

bool keeps(const Turn& turn, const std::vector<OnPlacement>& all) {
  return std::ranges::all_of(all, [&](const OnPlacement& sent) {
    std::vector<Renaming> renamings;
    return sent.seats.rename(turn, renamings) && std::ranges::all_of(renamings, [&](const Renaming& renaming) {
             return std::ranges::all_of(sent.steps, [&](const Step* step) { return keeps(renaming, *step); });
           });
  });
}

bool keeps(const Turn& turn, const Table<NodeId, std::uint64_t>& colours) {
  for (std::uint32_t rank = turn.begin; rank < turn.end; ++rank) {
    if (colours[NodeId(rank)] != colours[NodeId(turn.apply(rank))]) {
      return false;
    }
  }
  return true;
}

/// The ranks of all placements in orbits of the turns so far: a turn that joins none of these brings nothing.
class Joined {
 public:
  explicit Joined(const std::vector<OnPlacement>& all) {
    for (const OnPlacement& sent : all) {
      for (const std::vector<NodeId>& group : sent.placement->groups) {
        for (const NodeId node : group) {
          ranks_.push_back(node.index());
        }
      }
    }
    std::sort(ranks_.begin(), ranks_.end());
    ranks_.erase(std::unique(ranks_.begin(), ranks_.end()), ranks_.end());
    roots_ = ranks_;
    sets_ = DisjointSets(ranks_.empty() ? 0 : ranks_.back() + 1);
  }

  /// Looks at one rank of each orbit: turns of one kind take all ranks of an orbit alike.
  bool would_join(const Turn& turn) {
    return std::any_of(roots_.begin(), roots_.end(), [&](std::uint32_t rank) {
      const std::uint32_t to = turn.apply(rank);
      return to < sets_.size() && sets_.first(to) != rank;
    });
  }
  void join(const Turn& turn) {
    for (const std::uint32_t rank : ranks_) {
      sets_.join(rank, turn.apply(rank));
    }
    roots_.erase(
        std::remove_if(roots_.begin(), roots_.end(), [&](std::uint32_t rank) { return sets_.first(rank) != rank; }),
        roots_.end());
  }

 private:
  std::vector<std::uint32_t> ranks_;
  std::vector<std::uint32_t> roots_;  ///< the first of each orbit
  DisjointSets sets_{0};
};

/// Of the planes that the patterns' messages may take. Nothing where the router knows of none.
Symmetry* symmetry_of(const Patterns& patterns, Router& router) {
  std::uint32_t planes = 0;
  for (const Pattern& pattern : patterns.all) {
    planes = std::max(planes, pattern.plane ? *pattern.plane + 1 : 0);
    if (in_switch(pattern.step->pairing)) {
      planes = std::max(planes, router.planes_of_trees());
    }
  }
  for (const Placement* placement : placements_of(patterns)) {
    for (const std::vector<NodeId>& group : placement->groups) {
      planes = std::max(planes, router.planes_joining(group));
    }
  }
  return planes > 0 ? router.symmetry(planes) : nullptr;
}

std::vector<Turn> kept_turns(Symmetry& symmetry, const Patterns& patterns,
                             const Table<NodeId, std::uint64_t>* colours) {
  const std::optional<std::vector<OnPlacement>> sent = by_placement(patterns, symmetry.topology().accelerators);
  if (!sent) {
    return {};  // turns are of ranks
  }
  std::vector<Turn> kept;
  Joined joined(*sent);
  for (const Turn& turn : Guesses(symmetry, patterns).all()) {
    // the network remembers what it answered
    if (joined.would_join(turn) && (colours == nullptr || keeps(turn, *colours)) && symmetry.find(turn) != nullptr &&
        keeps(turn, *sent)) {
      joined.join(turn);
      kept.push_back(turn);
    }
  }
  return kept;
}

}  // namespace

NetworkOrbits* orbits_of(const Patterns& patterns, Router& router, const Table<NodeId, std::uint64_t>* colours) {
  Symmetry* symmetry = symmetry_of(patterns, router);
  const std::vector<Turn> turns = symmetry != nullptr ? kept_turns(*symmetry, patterns, colours) : std::vector<Turn>();
  return turns.empty() ? nullptr : &symmetry->orbits(turns);
}

std::vector<const std::vector<NodeId>*> different_groups(const Placement& placement, std::optional<std::uint32_t> plane,
                                                         Router& router) {
  const Step in_order{.pairing = Pairing::chain};  // which only groups that keep their order send alike
  const Step tree{.pairing = Pairing::multicast};
  const Patterns patterns{{{&placement, plane, &in_order}, {&placement, plane, &tree}}, {}};
  const NetworkOrbits* orbits = placement.groups.size() > 1 ? orbits_of(patterns, router) : nullptr;
  // of the groups that go into each other one has the first node of an orbit
  const auto leads = [&](NodeId node) { return orbits == nullptr || orbits->is_first(node); };
  std::vector<const std::vector<NodeId>*> groups;
  for (const std::vector<NodeId>& group : placement.groups) {
    if (std::any_of(group.begin(), group.end(), leads)) {
      groups.push_back(&group);
    }
  }
  return groups;
}

}  // namespace podium
