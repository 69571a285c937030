#include "sim/network/packet_route.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "sim/core/mix.h"

namespace podium {

namespace {

constexpr double equal_loads = 1e-6;

/// A node of a route, with what the route's loads put into it and take out of it.
struct Junction {
  std::vector<std::uint32_t> in;
  std::vector<std::uint32_t> out;
  double load_in = 0;
  double load_out = 0;
};

class Compilation {
 public:
  Compilation(const Route& route, const Wiring& wiring) : route_(route), wiring_(wiring) {}

  PacketRoute run() {
    for (const LinkLoad& use : route_.links) {
      const auto leg = static_cast<std::uint32_t>(result_.legs.size());
      result_.legs.push_back({use.link, PacketRoute::none, 0, use.load, 0});
      const Wire& wire = wiring_.wires[use.link];
      Junction& from = junctions_[wire.from];
      from.out.push_back(leg);
      from.load_out += use.load;
      Junction& to = junctions_[wire.to];
      to.in.push_back(leg);
      to.load_in += use.load;
    }
    is_tree_ = std::any_of(junctions_.begin(), junctions_.end(),
                           [](const auto& item) { return copies(item.second) || gathers(item.second); });
    add_forks();
    if (is_tree_) {
      join_tree();
    } else {
      join_path();
    }
    count_hops();
    return std::move(result_);
  }

 private:
  static bool copies(const Junction& it) { return !it.in.empty() && it.load_out > it.load_in * (1 + equal_loads); }
  static bool gathers(const Junction& it) { return !it.out.empty() && it.load_in > it.load_out * (1 + equal_loads); }

  bool sends(const Junction& it) const {
    return is_tree_ ? !it.out.empty() && !copies(it) && !gathers(it) : it.in.empty();
  }
  bool receives(const Junction& it) const {
    return is_tree_ ? !it.in.empty() && !copies(it) && !gathers(it) : it.out.empty();
  }

  /// From the one sender and the one receiver: different, modulo a power of two, for neighbours that send by a shift or
  /// an exclusive or.
  std::uint64_t first_turn() const {
    std::vector<std::uint64_t> senders;
    std::vector<std::uint64_t> receivers;
    for (const auto& [node, it] : junctions_) {
      if (sends(it)) {
        senders.push_back(node.index());
      }
      if (receives(it)) {
        receivers.push_back(node.index());
      }
    }
    return (senders.size() == 1 ? senders.front() : 0) + (receivers.size() == 1 ? 2 * receivers.front() : 0);
  }

  void add_forks() {
    const std::uint64_t first = first_turn();
    for (const auto& [node, it] : junctions_) {
      if (it.out.empty()) {
        continue;
      }
      PacketRoute::Fork fork;
      fork.first = static_cast<std::uint32_t>(result_.ways.size());
      fork.count = static_cast<std::uint32_t>(it.out.size());
      // all senders of a tree begin alike, so that what is added up meets
      const std::uint64_t own = sends(it) ? 0 : mix(0, node.index()) % fork.count;
      fork.turn = static_cast<std::uint32_t>((first + own) % fork.count);
      const double weight = result_.legs[it.out.front()].weight;
      for (const std::uint32_t leg : it.out) {
        fork.even = fork.even && std::abs(result_.legs[leg].weight - weight) <= equal_loads * weight;
      }
      result_.ways.insert(result_.ways.end(), it.out.begin(), it.out.end());
      fork_of_[node] = static_cast<std::uint32_t>(result_.forks.size());
      result_.forks.push_back(fork);
    }
  }

  void join_path() {
    std::size_t ends = 0;
    for (const auto& [node, it] : junctions_) {
      if (it.in.empty()) {
        result_.sources.push_back(fork_of_[node]);
        result_.overhead = it.load_out;
      } else if (it.out.empty()) {
        ++ends;
      } else {
        for (const std::uint32_t leg : it.in) {
          result_.legs[leg].fork = fork_of_[node];
        }
      }
    }
    if (result_.sources.size() != 1 || ends != 1) {
      throw InputError("packets cannot take a route of " + std::to_string(result_.sources.size()) + " beginnings and " +
                       std::to_string(ends) + " ends: one of each is right, on real links that join");
    }
  }

  /// The switches in the middle copy or gather; what leads to them begins, what leads away from them ends.
  void join_tree() {
    std::size_t begun = 0;
    std::map<NodeId, double> loads;
    std::map<NodeId, std::uint32_t> receivers;
    for (const auto& [node, it] : junctions_) {
      if (!copies(it) && !gathers(it)) {
        continue;
      }
      PacketRoute::Fork& fork = result_.forks[fork_of_[node]];
      fork.act = copies(it) ? PacketRoute::Act::copy : PacketRoute::Act::gather;
      fork.gathers = static_cast<std::uint32_t>(it.in.size());
      for (const std::uint32_t leg : it.in) {
        result_.legs[leg].fork = fork_of_[node];
        loads[wiring_.wires[result_.legs[leg].link].from] += result_.legs[leg].weight;
        ++begun;
      }
      for (const std::uint32_t leg : it.out) {
        ++receivers[wiring_.wires[result_.legs[leg].link].to];
        ++begun;
      }
      check_tree_switch(it, fork);
    }
    if (begun != result_.legs.size()) {
      throw InputError("packets take trees over one tier of switches only, and this one has more");
    }
    for (const auto& [node, load] : loads) {
      result_.sources.push_back(fork_of_[node]);
      result_.overhead = load;
    }
    result_.receivers = static_cast<std::uint32_t>(receivers.size());
  }

  void check_tree_switch(const Junction& it, const PacketRoute::Fork& fork) const {
    const std::size_t trunk = fork.act == PacketRoute::Act::copy ? it.in.size() : it.out.size();
    if (trunk != 1 || !fork.even) {
      throw InputError("packets take trees over one tier of equal switches only");
    }
  }

  /// Hops, and the latency that is left for the end, along the longest way. Legs are looked at again until nothing
  /// changes, which takes as many rounds as there are hops.
  void count_hops() {
    std::vector<Seconds> reached(result_.legs.size());
    Seconds longest;
    bool changes = true;
    for (std::size_t round = 0; changes; ++round) {
      if (round > result_.legs.size()) {
        throw InputError("packets cannot take a route that comes back to where it was");
      }
      changes = false;
      for (std::size_t leg = 0; leg < result_.legs.size(); ++leg) {
        const std::uint32_t at = result_.legs[leg].fork;
        if (at == PacketRoute::none) {
          longest = std::max(longest, reached[leg]);
          continue;
        }
        const Seconds latency = reached[leg] + wiring_.wires[result_.legs[leg].link].latency;
        const PacketRoute::Fork& fork = result_.forks[at];
        for (std::uint32_t way = fork.first; way < fork.first + fork.count; ++way) {
          PacketRoute::Leg& next = result_.legs[result_.ways[way]];
          if (next.hop < result_.legs[leg].hop + 1) {
            next.hop = result_.legs[leg].hop + 1;
            reached[result_.ways[way]] = latency;
            changes = true;
          }
        }
      }
    }
    result_.last_latency = std::max(Seconds(), route_.latency - longest);
  }

  const Route& route_;
  const Wiring& wiring_;
  std::map<NodeId, Junction> junctions_;
  std::map<NodeId, std::uint32_t> fork_of_;
  bool is_tree_ = false;
  PacketRoute result_;
};

}  // namespace

PacketRoute make_packet_route(const Route& route, const Wiring& wiring) { return Compilation(route, wiring).run(); }

std::uint64_t mix(std::uint64_t a, std::uint64_t b) { return mix(a * 0x9e3779b97f4a7c15ULL + b); }

}  // namespace podium
