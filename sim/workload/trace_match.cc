#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <tuple>

#include "sim/workload/trace.h"

namespace podium {
namespace {

/// A node of a trace.
struct Spot {
  std::uint32_t program = 0, node = 0;
};

class Matcher {
 public:
  explicit Matcher(const Trace& trace) : trace_(trace), match_(trace.programs.size()) {}

  TraceMatch match() {
    for (std::uint32_t p = 0; p < trace_.programs.size(); ++p) {
      const auto& nodes = trace_.programs[p].nodes;
      match_[p].resize(nodes.size());
      for (std::uint32_t i = 0; i < nodes.size(); ++i) {
        take({p, i});
      }
    }
    match_messages();
    check_collectives();
    return std::move(match_);
  }

 private:
  using Channel = std::tuple<std::uint32_t, std::uint32_t, std::int64_t>;  ///< from, to, tag
  struct Ends {
    std::vector<Spot> sends, receives;
  };

  const TraceProgram& program(Spot spot) const { return trace_.programs[spot.program]; }
  const TraceNode& node(Spot spot) const { return program(spot).nodes[spot.node]; }
  std::string place(Spot spot) const { return trace_.place(program(spot), node(spot)); }

  void take(Spot spot) {
    const TraceNode& n = node(spot);
    const std::uint32_t rank = program(spot).base;
    if (n.operation == TraceOperation::send || n.operation == TraceOperation::receive) {
      if (n.peer >= trace_.ranks()) {
        throw InputError(place(spot) + ": its peer, rank " + std::to_string(n.peer) + ", is not among the " +
                         std::to_string(trace_.ranks()) + " ranks of the trace");
      }
      if (n.operation == TraceOperation::send) {
        channels_[{rank, n.peer, n.tag}].sends.push_back(spot);
      } else {
        channels_[{n.peer, rank, n.tag}].receives.push_back(spot);
      }
    } else if (n.operation == TraceOperation::collective) {
      auto& calls = collectives_[n.group][spot.program];
      match_[spot.program][spot.node] = static_cast<std::uint32_t>(calls.size());
      calls.push_back(spot);
    }
  }

  void match_messages() {
    std::map<std::pair<std::uint32_t, std::uint32_t>, std::uint32_t> numbers;
    for (const auto& [channel, ends] : channels_) {
      const auto& [from, to, tag] = channel;
      const std::size_t both = std::min(ends.sends.size(), ends.receives.size());
      if (ends.sends.size() > both) {
        throw InputError(place(ends.sends[both]) + ": it sends to rank " + std::to_string(to) + " with tag " +
                         std::to_string(tag) + ", which has no receive for it" + before(both));
      }
      if (ends.receives.size() > both) {
        throw InputError(place(ends.receives[both]) + ": it waits for a message of rank " + std::to_string(from) +
                         " with tag " + std::to_string(tag) + ", which has no send for it" + before(both));
      }
      for (std::size_t i = 0; i < both; ++i) {
        const Spot send = ends.sends[i], receive = ends.receives[i];
        if (node(receive).bytes > Bytes() && node(receive).bytes != node(send).bytes) {
          throw InputError(place(receive) + ": it receives " +
                           std::to_string(static_cast<std::uint64_t>(node(receive).bytes.value())) + " bytes, and " +
                           place(send) + " sends " +
                           std::to_string(static_cast<std::uint64_t>(node(send).bytes.value())));
        }
        const std::uint32_t number = numbers[{from, to}]++;
        match_[send.program][send.node] = number;
        match_[receive.program][receive.node] = number;
      }
    }
  }

  /// The programs of a group's ranks; all where they are not listed. `call` is one of its calls.
  std::vector<std::uint32_t> members(const TraceGroup& group, Spot call) const {
    std::vector<std::uint32_t> result;
    if (group.members != TraceGroup::Members::listed) {
      for (std::uint32_t p = 0; p < trace_.programs.size(); ++p) {
        result.push_back(p);
      }
      return result;
    }
    for (const std::uint32_t rank : group.ranks) {
      const auto found = std::find_if(trace_.programs.begin(), trace_.programs.end(), [rank](const TraceProgram& p) {
        return rank >= p.base && rank < p.base + p.count;
      });
      if (found == trace_.programs.end()) {
        throw InputError(place(call) + ": its group '" + group.name + "' has rank " + std::to_string(rank) +
                         ", which the trace of " + std::to_string(trace_.ranks()) + " ranks does not have");
      }
      result.push_back(static_cast<std::uint32_t>(found - trace_.programs.begin()));
    }
    return result;
  }

  void check_collectives() const {
    for (const auto& [group_index, by_program] : collectives_) {
      const TraceGroup& group = trace_.groups[group_index];
      const std::vector<std::uint32_t> ranks = members(group, by_program.begin()->second.front());
      const auto calls_of = [&, &all = by_program](std::uint32_t p) -> const std::vector<Spot>& {
        static const std::vector<Spot> none;
        const auto found = all.find(p);
        return found == all.end() ? none : found->second;
      };
      const std::uint32_t longest = *std::max_element(ranks.begin(), ranks.end(), [&](auto a, auto b) {
        return std::pair(calls_of(a).size(), b) < std::pair(calls_of(b).size(), a);
      });
      for (const std::uint32_t other : ranks) {
        check_equal(group, calls_of(longest), calls_of(other), other);
      }
    }
  }

  void check_equal(const TraceGroup& group, const std::vector<Spot>& calls, const std::vector<Spot>& others,
                   std::uint32_t other) const {
    for (std::size_t i = 0; i < calls.size(); ++i) {
      const std::string who = "collective " + std::to_string(i + 1) + " of group '" + group.name + "'";
      if (i >= others.size()) {
        throw InputError(place(calls[i]) + ": it is " + who + " and waits for rank " +
                         std::to_string(trace_.programs[other].base) + " (" + trace_.programs[other].file +
                         "), which takes part in " + std::to_string(others.size()));
      }
      const TraceNode &a = node(calls[i]), &b = node(others[i]);
      if (a.kind != b.kind || a.bytes != b.bytes || !same_entry(trace_.exchanges, a.exchange, b.exchange)) {
        throw InputError(place(others[i]) + ": as " + who + " it is " + call(b) + ", and " + place(calls[i]) + " is " +
                         call(a));
      }
    }
  }

  static std::string before(std::size_t matched) {
    return matched == 0 ? std::string() : ": the " + std::to_string(matched) + " before it are matched";
  }

  std::string call(const TraceNode& n) const {
    std::string text = std::string(to_string(n.kind)) + " of " +
                       std::to_string(static_cast<std::uint64_t>(n.bytes.value())) +
                       (is_gathered(n.kind) ? " bytes in all" : " bytes");
    if (n.exchange != TraceNode::none) {
      const TraceExchange& exchange = trace_.exchanges[n.exchange];
      const TokenRouting routing = exchange.routing.value_or(TokenRouting());
      text += fmt::format(" (imbalance {}, {} of {} experts, {} shared, in {} of {} groups)", exchange.imbalance,
                          routing.choices, routing.slots, routing.shared, routing.groups_chosen, routing.groups);
    }
    return text;
  }

  const Trace& trace_;
  TraceMatch match_;
  std::map<Channel, Ends> channels_;
  std::map<std::uint32_t, std::map<std::uint32_t, std::vector<Spot>>> collectives_;  ///< by group and program
};

}  // namespace

TraceMatch match_ranks(const Trace& trace) { return Matcher(trace).match(); }

}  // namespace podium
