#include <algorithm>
#include <utility>

#include "sim/topology/ways.h"

// Ways between two nodes that few ask for.

namespace podium {
namespace {

/// Lattices between switches that are remembered.
constexpr std::size_t most_between = 65536;

/// In components of as many slots a field costs more than some lattices: one more for each so many slots.
constexpr std::uint32_t large = 4096;
constexpr std::uint32_t slots_of_a_lattice = 256;

}  // namespace

bool Ways::is_seldom_asked(NodeId destination) {
  if (phases_ > 1 || size_[component(destination)] < large || field_of_[destination.index()] != none) {
    return false;
  }
  asked_.resize(topology_.nodes.size());
  return asked_[destination.index()]++ < size_[component(destination)] / slots_of_a_lattice;
}

// The two searches take whole levels in turn, the smaller one first. When they meet, the nodes of one level have been
// reached by both, and the shortest ways all go through these.
std::vector<NodeId> Ways::meet(Side& ahead, Side& behind) const {
  const NodeId from = ahead.reached.front(), to = behind.reached.front();
  std::vector<NodeId> met;
  while (met.empty() && ahead.level < ahead.reached.size() && behind.level < behind.reached.size()) {
    const bool forward = ahead.reached.size() - ahead.level <= behind.reached.size() - behind.level;
    Side& side = forward ? ahead : behind;
    const Side& other = forward ? behind : ahead;
    std::vector<LinkId>& taken = side.taken.emplace_back();
    const auto hops = static_cast<std::uint32_t>(side.taken.size());
    const std::size_t end = side.reached.size();
    for (std::size_t i = std::exchange(side.level, end); i < end; ++i) {
      for (const LinkId link : forward ? leaving(side.reached[i]) : entering(side.reached[i])) {
        const NodeId next = forward ? topology_.links[link].to : topology_.links[link].from;
        std::uint32_t& reached = side.hops[next.index()];
        if (reached == none && (forwards(next) || next == from || next == to)) {
          reached = hops;
          side.reached.push_back(next);
          if (other.hops[next.index()] != none) {
            met.push_back(next);
          }
        }
        if (reached == hops) {
          taken.push_back(link);
        }
      }
    }
  }
  return met;
}

Ways::Lattice Ways::find_lattice(NodeId from, NodeId to) {
  index_leaving();
  hops_from_.resize(topology_.nodes.size(), none);
  hops_to_.resize(topology_.nodes.size(), none);
  const bool have_one_link = leaving(from).size() == 1 && entering(to).size() == 1;
  const NodeId first = have_one_link ? topology_.links[leaving(from).front()].to : from;
  const NodeId last = have_one_link ? topology_.links[entering(to).front()].from : to;
  if (first == from || last == from || first == to || !forwards(first) || !forwards(last)) {
    return search_lattice(from, to);
  }
  Lattice lattice{{leaving(from).front()}};
  if (first != last) {
    if (between_.size() == most_between) {
      between_.clear();
    }
    const auto [known, is_new] = between_.try_emplace({first, last});
    if (is_new) {
      known->second = search_lattice(first, last);
    }
    if (known->second.empty()) {
      return {};
    }
    lattice.insert(lattice.end(), known->second.begin(), known->second.end());
  }
  lattice.push_back({entering(to).front()});
  return lattice;
}

Ways::Lattice Ways::search_lattice(NodeId from, NodeId to) {
  Side ahead{hops_from_, {from}, 0, {}}, behind{hops_to_, {to}, 0, {}};
  ahead.hops[from.index()] = 0;
  behind.hops[to.index()] = 0;
  const std::vector<NodeId> met = meet(ahead, behind);
  Lattice lattice;
  if (!met.empty()) {
    lattice = ahead.taken;
    lattice.insert(lattice.end(), behind.taken.rbegin(), behind.taken.rend());
    // of what the searches took only what leads to where they met
    for (const bool forward : {true, false}) {
      std::vector<NodeId> level = met;
      for (std::size_t i = 0; i < (forward ? ahead : behind).taken.size(); ++i) {
        std::vector<LinkId>& links = lattice[forward ? ahead.taken.size() - 1 - i : ahead.taken.size() + i];
        std::sort(level.begin(), level.end());
        links.erase(std::remove_if(links.begin(), links.end(),
                                   [&](LinkId link) {
                                     const NodeId near =
                                         forward ? topology_.links[link].to : topology_.links[link].from;
                                     return !std::binary_search(level.begin(), level.end(), near);
                                   }),
                    links.end());
        links.shrink_to_fit();  // many lattices are remembered
        level.clear();
        for (const LinkId link : links) {
          level.push_back(forward ? topology_.links[link].from : topology_.links[link].to);
        }
        std::sort(links.begin(), links.end(), [&](LinkId a, LinkId b) {
          return std::pair(topology_.links[a].from, a) < std::pair(topology_.links[b].from, b);
        });
      }
    }
  }
  for (const Side* side : {&ahead, &behind}) {
    for (const NodeId node : side->reached) {
      side->hops[node.index()] = none;
    }
  }
  return lattice;
}

}  // namespace podium
