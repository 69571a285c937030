#include "sim/collective/verify.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <span>

#include "sim/collective/bit_set.h"
#include "sim/collective/experts.h"

namespace podium {

namespace {

using Carried = std::pair<std::uint32_t, std::uint32_t>;

/// What a lane of a schedule does, one step after the other, repeats written out. A pipelined step passes on what it
/// brings: its messages go `hops` times, each carrying its bytes in one of them.
struct Move {
  double share = 0;
  bool reduces = false;
  std::uint32_t hops = 1;
  std::vector<Carried> messages;
};

std::vector<Move> moves_of(const Schedule& schedule, std::uint32_t lane) {
  std::vector<Move> moves;
  for (const std::vector<Step>& stage : schedule.stages) {
    std::vector<Move> once;
    for (const Step& step : stage) {
      if (step.lane == lane) {
        const bool reduces = step.reduced > 0 || step.pairing == Pairing::reduce_in_switch;
        Move& move = once.emplace_back(Move{step.share, reduces, in_switch(step.pairing) ? 1 : step.depth, {}});
        for_each_message(step, schedule.ranks,
                         [&](std::uint32_t from, std::uint32_t to) { move.messages.emplace_back(from, to); });
      }
    }
    for (std::uint32_t repeat = 0; repeat < stage.front().repeat; ++repeat) {
      moves.insert(moves.end(), once.begin(), once.end());
    }
  }
  return moves;
}

/// The same steps from the last to the first, each message the other way round.
std::vector<Move> backwards(std::vector<Move> moves) {
  std::reverse(moves.begin(), moves.end());
  for (Move& move : moves) {
    for (Carried& message : move.messages) {
      std::swap(message.first, message.second);
    }
  }
  return moves;
}

std::string text_of(const Carried& message) {
  return std::to_string(message.first) + " to " + std::to_string(message.second);
}

bool is_as_much(double carried, double expected) { return std::abs(carried - expected) <= 1e-9 * (1 + expected); }

std::string wrong_share(std::size_t step, const Carried& message, double carried, double expected) {
  return fmt::format("step {}: {} has {:g} parts to carry, its share is that of {:g}", step, text_of(message), carried,
                     expected);
}

/// Copies parts by the moves, `parts` of them a unit of share.
std::string spread(const std::vector<Move>& moves, double parts, std::vector<BitSet>& held) {
  for (std::size_t s = 0; s < moves.size(); ++s) {
    const Move& move = moves[s];
    std::vector<bool> is_done(move.messages.size());
    for (std::uint32_t hop = 0; hop < move.hops; ++hop) {
      const std::vector<BitSet> before = held;
      for (std::size_t m = 0; m < move.messages.size(); ++m) {
        const auto [from, to] = move.messages[m];
        const BitSet carried = before[from].without(before[to]);
        const std::size_t count = carried.count();
        if (count == 0 && (is_done[m] || hop + 1 < move.hops)) {
          continue;  // not reached yet, or passed on already
        }
        if (is_done[m] || !is_as_much(static_cast<double>(count), move.share * parts)) {
          return wrong_share(s, move.messages[m], static_cast<double>(count), is_done[m] ? 0 : move.share * parts);
        }
        if (held[to].meets(carried)) {
          return "step " + std::to_string(s) + ": rank " + std::to_string(to) + " gets a part twice";
        }
        held[to].add(carried);
        is_done[m] = true;
      }
    }
  }
  return {};
}

std::string all_hold(const std::vector<BitSet>& held, std::size_t parts) {
  for (std::size_t rank = 0; rank < held.size(); ++rank) {
    if (held[rank].count() != parts) {
      return "rank " + std::to_string(rank) + " ends with " + std::to_string(held[rank].count()) + " parts of " +
             std::to_string(parts);
    }
  }
  return {};
}

/// The owners begin with a part each, and all must end with all parts.
std::string check_gather(const std::vector<Move>& moves, const Schedule& schedule,
                         const std::vector<std::uint32_t>& owners) {
  std::vector<BitSet> held(schedule.ranks, BitSet(owners.size()));
  for (std::uint32_t part = 0; part < owners.size(); ++part) {
    held[owners[part]].set(part);
  }
  const std::string flaw = spread(moves, static_cast<double>(owners.size()) * schedule.lanes, held);
  return flaw.empty() ? all_hold(held, owners.size()) : flaw;
}

std::vector<std::uint32_t> everybody(const Schedule& schedule) {
  std::vector<std::uint32_t> all;
  for (std::uint32_t rank = 0; rank < schedule.ranks; ++rank) {
    all.push_back(rank);
  }
  return all;
}

/// Sums of contributions go whole from rank to rank.
std::string check_sums(const std::vector<Move>& moves, const Schedule& schedule) {
  std::vector<BitSet> sums(schedule.ranks, BitSet(schedule.ranks));
  for (std::uint32_t rank = 0; rank < schedule.ranks; ++rank) {
    sums[rank].set(rank);
  }
  for (std::size_t s = 0; s < moves.size(); ++s) {
    const std::vector<BitSet> before = sums;
    for (const Carried& message : moves[s].messages) {
      if (!is_as_much(moves[s].share * schedule.lanes, 1)) {
        return wrong_share(s, message, 1, moves[s].share * schedule.lanes);
      }
      if (moves[s].reduces && sums[message.second].meets(before[message.first])) {
        return "step " + std::to_string(s) + ": " + text_of(message) + " brings a contribution that is in already";
      }
      sums[message.second].add(before[message.first]);
    }
  }
  return all_hold(sums, schedule.ranks);
}

std::string check_all_reduce(const std::vector<Move>& moves, const Schedule& schedule) {
  const auto reduces = [](const Move& move) { return move.reduces; };
  const auto half = std::find_if_not(moves.begin(), moves.end(), reduces);
  if (std::any_of(half, moves.end(), reduces)) {
    return "a step reduces what is reduced already";
  }
  BitSet gives_all(schedule.ranks);
  for (auto move = moves.begin(); move != half; ++move) {
    for (const Carried& message : move->messages) {
      if (is_as_much(move->share * schedule.lanes, 1)) {
        gives_all.set(message.first);
      }
    }
  }
  std::vector<std::uint32_t> owners;
  for (std::uint32_t rank = 0; rank < schedule.ranks; ++rank) {
    if (!gives_all.has(rank)) {
      owners.push_back(rank);
    }
  }
  if (owners.empty()) {
    return check_sums(moves, schedule);
  }
  const std::string flaw = check_gather(backwards({moves.begin(), half}), schedule, owners);
  return flaw.empty() ? check_gather({half, moves.end()}, schedule, owners) : "adding up, backwards: " + flaw;
}

/// Who can be reached from whom by the moves from each on.
std::vector<std::vector<BitSet>> reach_of(const std::vector<Move>& moves, std::uint32_t ranks) {
  std::vector<std::vector<BitSet>> reach(moves.size() + 1, std::vector<BitSet>(ranks, BitSet(ranks)));
  for (std::uint32_t rank = 0; rank < ranks; ++rank) {
    reach.back()[rank].set(rank);
  }
  for (std::size_t s = moves.size(); s-- > 0;) {
    reach[s] = reach[s + 1];
    for (const auto& [from, to] : moves[s].messages) {
      reach[s][from].add(reach[s + 1][to]);
    }
  }
  return reach;
}

/// Which of the messages that leave a position takes what is for `destination`: the one that goes there; else, where it
/// cannot go later, the first from whose end it can go on. None: as many as there are.
std::size_t way_of(std::uint32_t destination, const std::vector<Carried>& leaving, bool can_wait,
                   const std::vector<BitSet>& reach_later) {
  const auto found = std::find_if(leaving.begin(), leaving.end(),
                                  [&](const Carried& message) { return message.second == destination; });
  if (found != leaving.end() || can_wait) {
    return static_cast<std::size_t>(found - leaving.begin());
  }
  return static_cast<std::size_t>(
      std::find_if(leaving.begin(), leaving.end(),
                   [&](const Carried& message) { return reach_later[message.second].has(destination); }) -
      leaving.begin());
}

/// What rank `from` has for rank `to`: of tokens, the copies for their experts there.
struct Part {
  std::uint32_t from = 0;
  std::uint32_t to = 0;
  auto operator<=>(const Part&) const = default;
};
using Parts = std::vector<Part>;

/// How much of an operation a message brings that takes these parts, in n-th parts of its bytes. Where tokens choose
/// experts, those of one rank go once for all parts that they are of.
double size_of(Parts parts, const Schedule& schedule) {
  if (!schedule.routing) {
    return static_cast<double>(parts.size());
  }
  std::sort(parts.begin(), parts.end());
  double size = 0;
  for (std::size_t i = 0; i < parts.size();) {
    const std::uint32_t from = parts[i].from;
    std::vector<std::uint32_t> positions;
    for (; i < parts.size() && parts[i].from == from; ++i) {
      positions.push_back(parts[i].to);
    }
    size += share_of(*schedule.routing, schedule.ranks, positions) * schedule.ranks;
  }
  return size;
}

/// What lies where: `parts[i]` are at rank i to begin with, and all must get to where they go.
std::string check_addressed(const std::vector<Move>& moves, const Schedule& schedule, std::vector<Parts> parts) {
  const std::uint32_t n = schedule.ranks;
  const std::vector<std::vector<BitSet>> reach = reach_of(moves, n);
  for (std::size_t s = 0; s < moves.size(); ++s) {
    std::vector<std::vector<Carried>> leaving(n);
    for (const Carried& message : moves[s].messages) {
      leaving[message.first].push_back(message);
    }
    std::vector<Parts> after(n);
    for (std::uint32_t from = 0; from < n; ++from) {
      std::vector<Parts> carried(leaving[from].size());
      for (const Part& part : parts[from]) {
        const std::size_t m = way_of(part.to, leaving[from], reach[s + 1][from].has(part.to), reach[s + 1]);
        (m == leaving[from].size() ? after[from] : carried[m]).push_back(part);
      }
      for (std::size_t m = 0; m < carried.size(); ++m) {
        const double size = size_of(carried[m], schedule), expected = moves[s].share * n * schedule.lanes;
        if (!is_as_much(size, expected)) {
          return wrong_share(s, leaving[from][m], size, expected);
        }
        Parts& there = after[leaving[from][m].second];
        there.insert(there.end(), carried[m].begin(), carried[m].end());
      }
    }
    parts = std::move(after);
  }
  for (std::uint32_t rank = 0; rank < n; ++rank) {
    for (const Part& part : parts[rank]) {
      if (part.to != rank) {
        return "a part for rank " + std::to_string(part.to) + " ends at rank " + std::to_string(rank);
      }
    }
  }
  return {};
}

/// Of one rank for all.
Parts parts_from(std::uint32_t from, const Schedule& schedule) {
  Parts parts;
  for (std::uint32_t to = 0; to < schedule.ranks; ++to) {
    parts.push_back({from, to});
  }
  return parts;
}

std::string check_exchange(const std::vector<Move>& moves, const Schedule& schedule) {
  std::vector<Parts> parts;
  for (std::uint32_t rank = 0; rank < schedule.ranks; ++rank) {
    parts.push_back(parts_from(rank, schedule));
  }
  return check_addressed(moves, schedule, std::move(parts));
}

std::string check_scatter(const std::vector<Move>& moves, const Schedule& schedule) {
  std::vector<Parts> parts(schedule.ranks);
  parts.front() = parts_from(0, schedule);
  return check_addressed(moves, schedule, std::move(parts));
}

/// Each rank's buffer comes to the next, round, in one message.
std::string check_shift(const std::vector<Move>& moves, const Schedule& schedule) {
  std::vector<double> got(schedule.ranks);
  for (std::size_t s = 0; s < moves.size(); ++s) {
    for (const auto& [from, to] : moves[s].messages) {
      if (to != (from + 1) % schedule.ranks) {
        return fmt::format("step {}: {} is not to the next", s, text_of({from, to}));
      }
      got[to] += moves[s].share;
    }
  }
  for (std::uint32_t rank = 0; rank < schedule.ranks; ++rank) {
    if (!is_as_much(got[rank], 1.0 / schedule.lanes)) {
      return fmt::format("rank {} ends with {:g} of what it should get", rank, got[rank] * schedule.lanes);
    }
  }
  return {};
}

std::string check_lane(CollectiveKind kind, const Schedule& schedule, std::uint32_t lane) {
  const std::vector<Move> moves = moves_of(schedule, lane);
  switch (kind) {
    case CollectiveKind::all_reduce:
      return check_all_reduce(moves, schedule);
    case CollectiveKind::all_gather:
      return check_gather(moves, schedule, everybody(schedule));
    case CollectiveKind::reduce_scatter:
      return check_gather(backwards(moves), schedule, everybody(schedule));
    case CollectiveKind::send:
      return schedule.ranks > 2 ? check_shift(moves, schedule) : check_gather(moves, schedule, {0});
    case CollectiveKind::broadcast:
      return check_gather(moves, schedule, {0});
    case CollectiveKind::reduce:
      return check_gather(backwards(moves), schedule, {0});
    case CollectiveKind::all_to_all:
    case CollectiveKind::dispatch:
      return check_exchange(moves, schedule);
    case CollectiveKind::combine:
      return check_exchange(schedule.routing ? backwards(moves) : moves, schedule);
    case CollectiveKind::scatter:
      return check_scatter(moves, schedule);
    case CollectiveKind::gather:
      return check_scatter(backwards(moves), schedule);
    case CollectiveKind::barrier: {
      std::vector<BitSet> heard(schedule.ranks, BitSet(schedule.ranks));
      for (std::uint32_t rank = 0; rank < schedule.ranks; ++rank) {
        heard[rank].set(rank);
      }
      for (const Move& move : moves) {
        const std::vector<BitSet> before = heard;
        for (const auto& [from, to] : move.messages) {
          heard[to].add(before[from]);
        }
        if (move.share > 0) {
          return "a barrier has no bytes to carry";
        }
      }
      return all_hold(heard, schedule.ranks);
    }
  }
  return {};
}

bool adds_up(CollectiveKind kind) {
  return kind == CollectiveKind::all_reduce || kind == CollectiveKind::reduce_scatter ||
         kind == CollectiveKind::combine || kind == CollectiveKind::reduce;
}

/// What the busiest rank adds up is what it is sent.
std::string check_reduced(CollectiveKind kind, const Schedule& schedule, const std::vector<Step>& stage) {
  double reduced = 0;
  for (const Step& step : stage) {
    reduced += step.reduced;
    if (step.reduced <= 0 && kind == CollectiveKind::reduce) {
      return "a step of a reduction adds nothing up";
    }
  }
  const double most = adds_up(kind) ? reduced_at_once(stage, schedule.ranks) : 0;
  return is_as_much(reduced, most)
             ? ""
             : fmt::format("a stage adds up {:g} of the bytes, of {:g} that come to a rank", reduced, most);
}

/// What can be seen of a schedule without following it.
std::string check_form(CollectiveKind kind, const Schedule& schedule) {
  for (const std::vector<Step>& stage : schedule.stages) {
    for (const Step& step : stage) {
      if (step.lane >= schedule.lanes || step.repeat != stage.front().repeat) {
        return "a step is of no lane, or repeated otherwise than its stage";
      }
      for (const auto& [from, to] : step.pairs) {
        if (from == to || std::max(from, to) >= schedule.ranks) {
          return text_of({from, to}) + " is no message among " + std::to_string(schedule.ranks) + " ranks";
        }
      }
    }
    if (std::string flaw = check_reduced(kind, schedule, stage); !flaw.empty()) {
      return flaw;
    }
  }
  return {};
}

}  // namespace

std::string flaw_of(CollectiveKind kind, const Schedule& schedule) {
  if (schedule.ranks < 2) {
    return schedule.stages.empty() ? "" : "a rank alone has nobody to exchange with";
  }
  std::string flaw = check_form(kind, schedule);
  for (std::uint32_t lane = 0; lane < schedule.lanes && flaw.empty(); ++lane) {
    flaw = check_lane(kind, schedule, lane);
    if (!flaw.empty() && schedule.lanes > 1) {
      flaw.insert(0, "lane " + std::to_string(lane) + ": ");
    }
  }
  return flaw;
}

}  // namespace podium
