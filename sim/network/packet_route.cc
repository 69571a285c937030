#include "sim/network/packet_route.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <span>
#include <utility>

#include "sim/core/mix.h"

namespace podium {

namespace {

constexpr double equal_loads = 1e-6;

/// A node of a route: where its legs lie among those that end and that begin at each node, and their loads.
struct Junction {
  std::uint32_t first_in = 0, count_in = 0;
  std::uint32_t first_out = 0, count_out = 0;
  double load_in = 0;
  double load_out = 0;
};

/// A route is compiled for every transfer, and has few packets in an all-to-all: nodes are numbered, and all lists are
/// flat.
class Compilation {
 public:
  Compilation(const Route& route, const Wiring& wiring) : route_(route), wiring_(wiring) {}

  PacketRoute run() {
    number_nodes();
    list_legs();
    is_tree_ =
        std::any_of(junctions_.begin(), junctions_.end(), [](const Junction& it) { return copies(it) || gathers(it); });
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
  static bool copies(const Junction& it) { return it.count_in > 0 && it.load_out > it.load_in * (1 + equal_loads); }
  static bool gathers(const Junction& it) { return it.count_out > 0 && it.load_in > it.load_out * (1 + equal_loads); }

  bool sends(const Junction& it) const {
    return is_tree_ ? it.count_out > 0 && !copies(it) && !gathers(it) : it.count_in == 0;
  }
  bool receives(const Junction& it) const {
    return is_tree_ ? it.count_in > 0 && !copies(it) && !gathers(it) : it.count_out == 0;
  }

  std::span<const std::uint32_t> in(const Junction& it) const { return {into_.data() + it.first_in, it.count_in}; }

  void number_nodes() {
    for (const LinkLoad& use : route_.links) {
      const Wire& wire = wiring_.wires[use.link];
      nodes_.push_back(wire.from);
      nodes_.push_back(wire.to);
    }
    std::sort(nodes_.begin(), nodes_.end());
    nodes_.erase(std::unique(nodes_.begin(), nodes_.end()), nodes_.end());
    PODIUM_CHECK(nodes_.size() < PacketRoute::none && route_.links.size() < PacketRoute::none,
                 "a route has under 2^16 nodes and links");
    junctions_.resize(nodes_.size());
    const auto number_of = [this](NodeId node) {
      return static_cast<std::uint32_t>(std::lower_bound(nodes_.begin(), nodes_.end(), node) - nodes_.begin());
    };
    for (const LinkLoad& use : route_.links) {
      const Wire& wire = wiring_.wires[use.link];
      ends_.push_back({number_of(wire.from), number_of(wire.to)});
    }
  }

  /// All legs, those that begin at a node side by side, and lists of those that end at each, in the route's order.
  void list_legs() {
    for (std::size_t place = 0; place < ends_.size(); ++place) {
      const LinkLoad& use = route_.links[place];
      Junction& from = junctions_[ends_[place].from];
      from.load_out += use.load;
      ++from.count_out;
      Junction& to = junctions_[ends_[place].to];
      to.load_in += use.load;
      ++to.count_in;
    }
    std::uint32_t ins = 0, outs = 0;
    for (Junction& it : junctions_) {
      it.first_in = ins;
      it.first_out = outs;
      ins += std::exchange(it.count_in, 0);
      outs += std::exchange(it.count_out, 0);
    }
    into_.resize(ins);
    result_.legs.resize(outs);
    result_.loads.resize(outs);
    std::vector<Ends> ends(outs);
    for (std::size_t place = 0; place < ends_.size(); ++place) {
      Junction& from = junctions_[ends_[place].from];
      const std::uint32_t leg = from.first_out + from.count_out++;
      result_.legs[leg].link = route_.links[place].link;
      result_.loads[leg] = route_.links[place].load;
      ends[leg] = ends_[place];
      in_order_.push_back(leg);
      Junction& to = junctions_[ends_[place].to];
      into_[to.first_in + to.count_in++] = leg;
    }
    ends_ = std::move(ends);
  }

  /// The one sender and the one receiver; 0 where there are several.
  std::pair<std::uint64_t, std::uint64_t> ends() const {
    std::uint64_t sender = 0, receiver = 0;
    int senders = 0, receivers = 0;
    for (std::size_t node = 0; node < nodes_.size(); ++node) {
      if (sends(junctions_[node])) {
        sender = nodes_[node].index();
        ++senders;
      }
      if (receives(junctions_[node])) {
        receiver = nodes_[node].index();
        ++receivers;
      }
    }
    return {senders == 1 ? sender : 0, receivers == 1 ? receiver : 0};
  }

  void add_forks() {
    const auto [sender, receiver] = ends();
    result_.ends = mix(sender, receiver);
    // different, modulo a power of two, for neighbours that send by a shift or an exclusive or
    const std::uint64_t first = sender + 2 * receiver;
    fork_of_.resize(nodes_.size(), PacketRoute::none);
    for (std::size_t node = 0; node < nodes_.size(); ++node) {
      const Junction& it = junctions_[node];
      if (it.count_out == 0) {
        continue;
      }
      PacketRoute::Fork fork;
      fork.first = it.first_out;
      fork.count = static_cast<std::uint16_t>(it.count_out);
      // all senders of a tree begin alike, so that what is added up meets
      const std::uint64_t own = sends(it) ? 0 : mix(0, nodes_[node].index()) % fork.count;
      fork.turn = static_cast<std::uint16_t>((first + own) % fork.count);
      const double load = result_.loads[it.first_out];
      for (std::uint32_t leg = it.first_out; leg < it.first_out + it.count_out; ++leg) {
        fork.even = fork.even && std::abs(result_.loads[leg] - load) <= equal_loads * load;
      }
      all_even_ = all_even_ && fork.even;
      fork_of_[node] = static_cast<std::uint16_t>(result_.forks.size());
      result_.forks.push_back(fork);
    }
    result_.credits.resize(all_even_ ? 0 : result_.legs.size());
  }

  void join_path() {
    std::size_t ends = 0;
    for (std::size_t node = 0; node < nodes_.size(); ++node) {
      const Junction& it = junctions_[node];
      if (it.count_in == 0) {
        result_.sources.push_back(fork_of_[node]);
        result_.overhead = it.load_out;
      } else if (it.count_out == 0) {
        ++ends;
      } else {
        for (const std::uint32_t leg : in(it)) {
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
    std::map<std::uint32_t, double> loads;  // by node
    std::set<std::uint32_t> receivers;
    for (std::size_t node = 0; node < nodes_.size(); ++node) {
      const Junction& it = junctions_[node];
      if (!copies(it) && !gathers(it)) {
        continue;
      }
      PacketRoute::Fork& fork = result_.forks[fork_of_[node]];
      fork.act = copies(it) ? PacketRoute::Act::copy : PacketRoute::Act::gather;
      fork.gathers = static_cast<std::uint16_t>(it.count_in);
      for (const std::uint32_t leg : in(it)) {
        result_.legs[leg].fork = fork_of_[node];
        loads[ends_[leg].from] += result_.loads[leg];
        ++begun;
      }
      for (std::uint32_t leg = it.first_out; leg < it.first_out + it.count_out; ++leg) {
        receivers.insert(ends_[leg].to);
        ++begun;
      }
      check_tree_switch(it, fork);
    }
    if (begun != result_.legs.size()) {
      throw InputError("packets take trees over one tier of switches only, and this one has more");
    }
    for (const auto& [node, load] : loads) {
      if (!result_.forks[fork_of_[node]].even) {
        throw InputError("packets take trees over one tier of equal switches only");
      }
      result_.sources.push_back(fork_of_[node]);
      result_.overhead = load;
    }
    result_.receivers = static_cast<std::uint32_t>(receivers.size());
  }

  void check_tree_switch(const Junction& it, const PacketRoute::Fork& fork) const {
    const std::uint32_t trunk = fork.act == PacketRoute::Act::copy ? it.count_in : it.count_out;
    if (trunk != 1 || !fork.even) {
      throw InputError("packets take trees over one tier of equal switches only");
    }
  }

  /// Hops, and the latency that is left for the end, along the longest way. Legs are looked at again until nothing
  /// changes, which takes as many rounds as there are hops.
  void count_hops() {
    std::vector<Seconds> reached(result_.legs.size());
    std::vector<std::uint32_t> hops(result_.legs.size());
    Seconds longest;
    bool changes = true;
    for (std::size_t round = 0; changes; ++round) {
      if (round > result_.legs.size()) {
        throw InputError("packets cannot take a route that comes back to where it was");
      }
      changes = false;
      for (const std::uint32_t leg : in_order_) {
        const std::uint16_t at = result_.legs[leg].fork;
        if (at == PacketRoute::none) {
          longest = std::max(longest, reached[leg]);
          continue;
        }
        const Seconds latency = reached[leg] + wiring_.wires[result_.legs[leg].link].latency;
        const PacketRoute::Fork& fork = result_.forks[at];
        const std::uint32_t hop = hops[leg] + 1;
        for (std::uint32_t way = fork.first; way < fork.first + fork.count; ++way) {
          if (hops[way] < hop) {
            hops[way] = hop;
            reached[way] = latency;
            changes = true;
          }
        }
      }
    }
    result_.last_latency = std::max(Seconds(), route_.latency - longest);
  }

  const Route& route_;
  const Wiring& wiring_;
  struct Ends {
    std::uint32_t from = 0, to = 0;
  };
  std::vector<NodeId> nodes_;  ///< ascending; a node's place here is its number
  std::vector<Ends> ends_;     ///< of each link of the route, and then of each leg
  std::vector<Junction> junctions_;
  std::vector<std::uint32_t> in_order_;  ///< legs as the route has their links
  std::vector<std::uint32_t> into_;      ///< legs that end at each node
  std::vector<std::uint16_t> fork_of_;   ///< each node; none where nothing goes on
  bool all_even_ = true;
  bool is_tree_ = false;
  PacketRoute result_;
};

}  // namespace

PacketRoute make_packet_route(const Route& route, const Wiring& wiring) { return Compilation(route, wiring).run(); }

PacketRoute::Fork& PacketRoute::fork_before(std::uint32_t leg) {
  return *std::find_if(forks.begin(), forks.end(),
                       [leg](const Fork& fork) { return fork.first <= leg && leg < fork.first + fork.count; });
}

void PacketRoute::change_to(PacketRoute other) {
  const auto first_leg = static_cast<std::uint32_t>(legs.size());
  const std::size_t first_fork = forks.size();
  if (first_fork + other.forks.size() >= none) {
    throw RunError("a transfer changes its way too often");
  }
  const auto moved = [first_fork](std::uint16_t fork) {
    return fork == none ? none : static_cast<std::uint16_t>(fork + first_fork);
  };
  for (Leg& leg : other.legs) {
    leg.fork = moved(leg.fork);
  }
  for (Fork& fork : other.forks) {
    fork.first += first_leg;
  }
  for (std::uint16_t& source : other.sources) {
    source = moved(source);
  }
  credits.resize(legs.size());
  other.credits.resize(other.legs.size());
  legs.insert(legs.end(), other.legs.begin(), other.legs.end());
  forks.insert(forks.end(), other.forks.begin(), other.forks.end());
  loads.insert(loads.end(), other.loads.begin(), other.loads.end());
  credits.insert(credits.end(), other.credits.begin(), other.credits.end());
  sources = std::move(other.sources);
  overhead = other.overhead;
  last_latency = other.last_latency;
}

std::uint64_t mix(std::uint64_t a, std::uint64_t b) { return mix(a * 0x9e3779b97f4a7c15ULL + b); }

}  // namespace podium
