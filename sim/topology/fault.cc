#include "sim/topology/fault.h"

#include <algorithm>
#include <optional>
#include <set>
#include <tuple>

#include "sim/core/text.h"

namespace podium {
namespace {

/// "spine[3]" and "spine[0..15]": none where it is not written like that, or one of them is not there.
std::set<NodeId> find_numbered(const Topology& topology, const NodeNames& names, std::string_view text) {
  const std::size_t open = text.find('[');
  if (open == std::string_view::npos || text.back() != ']') {
    return {};
  }
  const std::string tier(text.substr(0, open));
  const auto range = parse_range(text.substr(open + 1, text.size() - open - 2));
  std::set<NodeId> found;
  for (std::uint32_t number = range ? range->first : 0; range && number <= range->second; ++number) {
    const auto in_tier = names.find(tier + std::to_string(number));
    const auto node = in_tier == names.end() ? names.find(std::to_string(number)) : in_tier;
    if (node == names.end() || topology.nodes[node->second].tier != tier) {
      return {};
    }
    found.insert(node->second);
  }
  return found;
}

std::set<NodeId> find_nodes(const Topology& topology, const NodeNames& names, std::string_view text) {
  const auto one = names.find(std::string(text));
  if (one != names.end()) {
    return {one->second};
  }
  std::set<NodeId> found = find_numbered(topology, names, text);
  if (!found.empty()) {
    return found;
  }
  for (const auto& [name, node] : names) {
    if (topology.nodes[node].tier == text) {
      found.insert(node);
    }
  }
  return found;
}

/// Links of a plane with one end among `a` and the other among `b`, or anywhere where there is no `b`.
std::vector<LinkId> links_at(const Topology& topology, std::uint32_t plane, const std::set<NodeId>& a,
                             const std::optional<std::set<NodeId>>& b) {
  const auto among = [&b](NodeId node) { return !b || b->contains(node); };
  std::vector<LinkId> found;
  for (const LinkId id : topology.links.ids()) {
    const Link& link = topology.links[id];
    if (link.plane == plane &&
        ((a.contains(link.from) && among(link.to)) || (a.contains(link.to) && among(link.from)))) {
      found.push_back(id);
    }
  }
  return found;
}

/// What of a switch decides whether it may stay in its bundle: bandwidth to and from each bundle next to it.
struct Neighbour {
  std::uint32_t bundle;
  std::uint32_t plane;
  bool leads_there;
  double bandwidth;
  auto key() const { return std::tie(bundle, plane, leads_there); }
  bool operator==(const Neighbour&) const = default;
};

std::vector<Neighbour> sum_up(std::vector<Neighbour> all) {
  // in one order, so that sums are the same bits
  std::sort(all.begin(), all.end(), [](const Neighbour& a, const Neighbour& b) {
    return std::tuple_cat(a.key(), std::tie(a.bandwidth)) < std::tuple_cat(b.key(), std::tie(b.bandwidth));
  });
  std::vector<Neighbour> sums;
  for (const Neighbour& it : all) {
    if (sums.empty() || sums.back().key() != it.key()) {
      sums.push_back(it);
    } else {
      sums.back().bandwidth += it.bandwidth;
    }
  }
  return sums;
}

/// By node: nothing for those that stand alone.
Table<NodeId, std::vector<Neighbour>> neighbours_of_bundled(const Topology& topology) {
  Table<NodeId, std::uint32_t> members(topology.nodes.size(), 0);
  for (const NetworkNode& node : topology.nodes) {
    ++members[NodeId(node.bundle)];
  }
  const auto bundled = [&](NodeId node) { return members[NodeId(topology.nodes[node].bundle)] > 1; };
  Table<NodeId, std::vector<Neighbour>> all(topology.nodes.size());
  for (const Link& link : topology.links) {
    const double bandwidth = link.bandwidth.value();
    if (bandwidth > 0 && bundled(link.from)) {
      all[link.from].push_back({topology.nodes[link.to].bundle, link.plane, true, bandwidth});
    }
    if (bandwidth > 0 && bundled(link.to)) {
      all[link.to].push_back({topology.nodes[link.from].bundle, link.plane, false, bandwidth});
    }
  }
  for (std::vector<Neighbour>& neighbours : all) {
    neighbours = sum_up(std::move(neighbours));
  }
  return all;
}

/// One round of the refinement. Whether a bundle was parted.
bool part_bundles(Topology& topology) {
  const Table<NodeId, std::vector<Neighbour>> neighbours = neighbours_of_bundled(topology);
  std::map<std::uint32_t, std::vector<NodeId>> parts;  // by old bundle: the first switch of each part
  bool parted = false;
  for (const NodeId id : topology.nodes.ids()) {
    std::vector<NodeId>& firsts = parts[topology.nodes[id].bundle];
    const auto alike =
        std::find_if(firsts.begin(), firsts.end(), [&](NodeId first) { return neighbours[first] == neighbours[id]; });
    const NodeId first = alike == firsts.end() ? id : *alike;
    if (alike == firsts.end()) {
      firsts.push_back(id);
    }
    parted = parted || topology.nodes[id].bundle != first.index();
    topology.nodes[id].bundle = first.index();
  }
  return parted;
}

/// What links share goes down with the last of them.
void degrade_shared(const Topology& whole, Topology& network) {
  for (std::size_t i = 0; i < whole.shared.size(); ++i) {
    double left = 0;
    for (const LinkId link : whole.shared[i].links) {
      const BytesPerSecond was = whole.links[link].bandwidth;
      left = std::max(left, was > BytesPerSecond(0) ? network.links[link].bandwidth / was : 0);
    }
    network.shared[i].capacity = whole.shared[i].capacity * left;
  }
}

/// Loads are told to 2^-36: of a link that keeps less they would be a guess.
constexpr double least_left = 1e-5;

}  // namespace

Fault parse_fault(std::string_view text, const Location& where) {
  const std::size_t at = text.find('@');
  const std::string_view what = text.substr(0, at);
  const std::size_t equals = what.find('=');
  Fault fault{std::string(what.substr(0, equals)), 0, Seconds(), where};
  if (at != std::string_view::npos) {
    fault.at = parse_quantity<Seconds>(text.substr(at + 1), where);
  }
  if (equals != std::string_view::npos) {
    fault.left = parse_number(what.substr(equals + 1), where);
  }
  if (fault.part.empty() || !(fault.left == 0 || (fault.left >= least_left && fault.left < 1)) ||
      !(fault.at >= Seconds())) {
    throw InputError(where, "'" + std::string(text) +
                                "' is no fault: PART[=LEFT][@TIME] is right, as leaf0-spine3=50%@2ms, where "
                                "nothing, or from 0.001 to under 100 % of the bandwidth is left, from a time that is "
                                "not negative on");
  }
  return fault;
}

NodeNames name_nodes(const Topology& topology, std::uint32_t plane) {
  Table<NodeId, std::uint8_t> is_linked(topology.nodes.size(), 0);
  for (const Link& link : topology.links) {
    if (link.plane == plane) {
      is_linked[link.from] = is_linked[link.to] = 1;
    }
  }
  NodeNames names;
  std::map<std::string, std::size_t> of_name, of_tier;
  for (const NodeId id : topology.nodes.ids()) {
    const std::string& name = topology.nodes[id].name;
    if (is_linked[id] != 0 && !name.empty()) {
      const std::size_t before = of_name[name]++;
      names.emplace(before > 0 ? name + "." + std::to_string(before) : name, id);
    }
  }
  for (const NodeId id : topology.nodes.ids()) {
    const NetworkNode& node = topology.nodes[id];
    if (is_linked[id] != 0) {
      const bool ranked = node.kind == NodeKind::accelerator;
      names.emplace(ranked ? std::to_string(id.index()) : node.tier + std::to_string(of_tier[node.tier]++), id);
    }
  }
  return names;
}

std::vector<LinkId> LinkFinder::find(std::string_view part, const Location& where) {
  const std::size_t colon = part.find(':');
  const std::string_view in_plane = colon == std::string_view::npos ? part : part.substr(colon + 1);
  std::vector<LinkId> found;
  for (std::uint32_t plane = 0; plane < topology_.planes.size(); ++plane) {
    if (colon == std::string_view::npos || topology_.planes[plane].name == part.substr(0, colon)) {
      const std::vector<LinkId> here = find_in(plane, in_plane);
      found.insert(found.end(), here.begin(), here.end());
    }
  }
  if (!found.empty()) {
    return found;
  }
  throw InputError(where, "'" + std::string(part) + "' is neither a link nor a node of " + topology_.name +
                              ", as leaf0-spine3, spine[0..3], or ub:L2[5] of plane ub; " + known_names());
}

const NodeNames& LinkFinder::names(std::uint32_t plane) {
  if (names_[plane].empty()) {
    names_[plane] = name_nodes(topology_, plane);
  }
  return names_[plane];
}

std::vector<LinkId> LinkFinder::find_in(std::uint32_t plane, std::string_view part) {
  const auto nodes = [&](std::string_view text) { return find_nodes(topology_, names(plane), text); };
  std::vector<LinkId> found = links_at(topology_, plane, nodes(part), std::nullopt);
  // a name may have a dash in it
  for (std::size_t dash = part.find('-'); found.empty() && dash != std::string_view::npos;
       dash = part.find('-', dash + 1)) {
    found = links_at(topology_, plane, nodes(part.substr(0, dash)), nodes(part.substr(dash + 1)));
  }
  return found;
}

std::string LinkFinder::known_names() {
  std::string text;
  for (std::uint32_t plane = 0; plane < topology_.planes.size(); ++plane) {
    std::map<std::string, std::size_t> tiers;
    std::set<NodeId> nodes;
    for (const auto& [name, node] : names(plane)) {
      tiers[topology_.nodes[node].tier] += nodes.insert(node).second ? 1 : 0;
    }
    text += (text.empty() ? "" : "; ") + topology_.planes[plane].name + " joins";
    for (const auto& [tier, count] : tiers) {
      text += " " + tier + "[0.." + std::to_string(count - 1) + "]";
    }
  }
  return text;
}

void split_bundles(Topology& topology) {
  while (part_bundles(topology)) {
  }
}

std::vector<NetworkState> apply_faults(Topology topology, std::vector<Fault> faults) {
  std::stable_sort(faults.begin(), faults.end(), [](const Fault& a, const Fault& b) { return a.at < b.at; });
  const Topology whole = topology;
  LinkFinder finder(whole);
  std::vector<NetworkState> states{{Seconds(), std::move(topology)}};
  for (auto fault = faults.begin(); fault != faults.end();) {
    if (fault->at > states.back().since) {
      states.push_back({fault->at, states.back().network});
    }
    Topology& network = states.back().network;
    for (; fault != faults.end() && fault->at <= states.back().since; ++fault) {
      for (const LinkId link : finder.find(fault->part, fault->where)) {
        network.links[link].bandwidth = whole.links[link].bandwidth * fault->left;
      }
    }
    degrade_shared(whole, network);
    split_bundles(network);
  }
  for (NetworkState& state : states) {
    for (const NodeId node : whole.nodes.ids()) {
      state.network.nodes[node].bundle = states.back().network.nodes[node].bundle;
    }
  }
  return states;
}

std::vector<LinkChange> find_changes(std::span<const NetworkState> states) {
  std::vector<LinkChange> changes;
  for (std::size_t i = 1; i < states.size(); ++i) {
    for (std::size_t link = 0; link < states[i].network.capacities(); ++link) {
      const BytesPerSecond capacity = states[i].network.capacity(LinkId(link));
      if (capacity != states[i - 1].network.capacity(LinkId(link))) {
        changes.push_back({states[i].since, LinkId(link), capacity});
      }
    }
  }
  return changes;
}

}  // namespace podium
